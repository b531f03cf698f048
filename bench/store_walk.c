/*
 * What follows a fetch: `store_walk PACK COMMIT [PREVIOUS]` takes a pack in and prints milliseconds
 * for the check that a commit is whole, for the history of all its paths, for the same on from what
 * is known of an earlier commit, and for the check then.
 */
#include "lib/store/history.h"
#include "lib/store/store.h"
#include "signatures/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store *load(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct store *s = store_open(OID_SHA1, NULL);
    struct store_pack *p;
    static uint8_t piece[64 << 10];
    size_t n;
    if (f == NULL || s == NULL || store_pack_begin(s, &p) != OK)
        return NULL;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        store_pack_feed(p, slice_of(piece, n));
    fclose(f);
    return store_pack_end(p, NULL) == OK ? s : NULL;
}

static uint64_t started;

static void start(void)
{
    started = clock_monotonic();
}

static void report(const char *what, enum err e, uint32_t walked)
{
    double ms = (double)(clock_monotonic() - started) / 1e6;
    printf("%-24s %8.2f ms  (%u commits) %s\n", what, ms, walked, e == OK ? "" : err_text(e));
}

static void walk(const char *what, struct store *s, const struct oid *commit,
                 const struct history *previous, struct history *into)
{
    start();
    enum err e = history_walk(s, commit, previous, into);
    report(what, e, into->walked);
}

static void check(const char *what, struct store *s, const struct oid *commit)
{
    struct oid missing;
    start();
    report(what, store_check(s, commit, NULL, &missing), 0);
}

int main(int argc, char **argv)
{
    struct store *s = argc > 2 ? load(argv[1]) : NULL;
    struct oid commit;
    struct oid previous;
    struct history all = {.count = 0};
    struct history old = {.count = 0};
    struct history on = {.count = 0};
    if (s == NULL || !oid_from_hex(OID_SHA1, slice_text(argv[2]), &commit) ||
        !oid_from_hex(OID_SHA1, slice_text(argv[argc > 3 ? 3 : 2]), &previous)) {
        fprintf(stderr, "usage: store_walk PACK COMMIT [PREVIOUS]\n");
        return 2;
    }
    check("check, previous", s, &previous);
    check("check, the rest", s, &commit);
    walk("history, previous", s, &previous, NULL, &old);
    walk("history, all", s, &commit, NULL, &all);
    walk("history, on", s, &commit, &old, &on);
    printf("%zu files\n", all.count);
    history_release(&all);
    history_release(&old);
    history_release(&on);
    store_close(s);
    return 0;
}
