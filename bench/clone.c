/*
 * A full clone into memory, as an image does it: `clone URL` fetches, checks every id and that the
 * commit's history is whole, and prints one line of "name value" pairs. Compare with
 * `git clone --bare` from the same daemon.
 */
#include "lib/git/fetch.h"
#include "lib/store/store.h"
#include "platform/process/stack.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#include <stdio.h>

struct clone {
    struct store *store;
    struct store_pack *pack;
    struct oid commit;
    enum err why;
};

static enum err on_head(void *owner, const struct git_head *head)
{
    struct clone *c = owner;
    c->commit = head->commit;
    c->store = store_open(head->kind, NULL);
    return c->store ? store_pack_begin(c->store, &c->pack) : ERR_MEMORY;
}

static enum err on_pack(void *owner, struct slice bytes)
{
    struct clone *c = owner;
    return store_pack_feed(c->pack, bytes);
}

static void on_progress(void *owner, struct slice line)
{
    (void)owner;
    (void)line;
}

static void on_done(void *owner, enum err why, struct slice line)
{
    struct clone *c = owner;
    struct oid missing;
    c->why = why;
    if (why != OK)
        fprintf(stderr, "%.*s\n", SLICE_ARG(line));
    else
        c->why = store_pack_end(c->pack, NULL);
    if (c->why == OK)
        c->why = store_check(c->store, &c->commit, NULL, &missing);
    loop_stop(0);
}

/* Peak resident kilobytes, as the host counts them: the whole process, its code as well. */
static unsigned long resident_peak(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f) && sscanf(line, "VmHWM: %lu", &kib) != 1)
        continue;
    if (f)
        fclose(f);
    return kib;
}

int main(int argc, char **argv)
{
    static const struct git_fetch_events events = {on_head, on_pack, on_progress, on_done};
    struct clone c = {0};
    struct git_fetch *fetch;
    struct buf error;
    buf_init(&error, GIT_ERROR_MAX);
    if (argc != 2) {
        fprintf(stderr, "usage: clone URL\n");
        return 2;
    }
    uint64_t began = clock_monotonic();
    struct git_remote remote = {.url = slice_text(argv[1])};
    enum err e =
        git_fetch_open(process_stack(), &remote, NULL, 0, OID_SHA1, &events, &c, &fetch, &error);
    if (e == OK) {
        loop_run();
        e = c.why;
    }
    double ms = (double)(clock_monotonic() - began) / 1e6;
    if (e != OK) {
        fprintf(stderr, "clone: %s %.*s\n", err_text(e), SLICE_ARG(buf_slice(&error)));
        return 1;
    }
    struct store_stats stats = store_stats(c.store);
    struct memory_stats memory = memory_stats();
    printf("ms %.1f objects %u pack %llu bytes %llu peak %llu resident %lu\n", ms, stats.objects,
           (unsigned long long)stats.pack_bytes, (unsigned long long)memory.bytes,
           (unsigned long long)memory.peak, resident_peak());
    store_close(c.store);
    buf_deinit(&error);
    return 0;
}
