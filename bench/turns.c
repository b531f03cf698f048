/*
 * How long a server is away from its connections while it takes a repository in: `turns PACK COMMIT` does all
 * that canopy does after a fetch, in the turns that canopy does it in, and prints for each kind of work how many
 * turns it took, milliseconds for all of them, and for the longest.
 */
#include "apps/canopy/content.h"
#include "signatures/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE  (64u << 10)
#define ROUNDS 3

struct course {
    struct slice pack; /* what is not fed yet */
    struct oid commit;
    struct store *store;
    struct store_pack *receiving;
    struct history history;
    struct site_build *build;
    struct site *site;
};

/* Where a turn was too short for a piece, the next ones go on with it, and the remote waits. */
static enum err feed(struct course *c)
{
    enum err e = store_pack_feed(c->receiving, SLICE(""));
    if (e != OK || c->pack.len == 0)
        return e;
    struct slice piece = slice_take(c->pack, PIECE);
    c->pack = slice_drop(c->pack, piece.len);
    e = store_pack_feed(c->receiving, piece);
    return e == OK ? ERR_AGAIN : e;
}

static enum err end(struct course *c)
{
    return store_pack_end(c->receiving, NULL);
}

static enum err check(struct course *c)
{
    return store_check(c->store, &c->commit, NULL, NULL);
}

static enum err date(struct course *c)
{
    return history_walk(c->store, &c->commit, NULL, &c->history);
}

static enum err build(struct course *c)
{
    static const struct site_options options = {.raw_html = true, .secret = {1, 2}};
    enum err e = OK;
    if (!c->build)
        e = site_build_begin(c->store, &c->history, NULL, &options, &c->build);
    if (e == OK)
        e = site_build_step(c->build, CONTENT_BUILD_STEP);
    if (e != ERR_AGAIN)
        c->site = site_build_end(c->build);
    return e;
}

static enum err finish(struct course *c)
{
    return site_finish(c->site, CONTENT_FINISH_STEP);
}

static enum err compact(struct course *c)
{
    return store_compact(c->store, &c->commit);
}

static const struct {
    const char *name;
    enum err (*turn)(struct course *c);
} works[] = {
    {"feeding the pack", feed}, {"its deltas", end}, {"whether it is whole", check},
    {"dates of files", date},   {"pages", build},    {"their other forms", finish},
    {"compacting", compact},
};

#define WORKS (sizeof works / sizeof works[0])

struct times {
    unsigned turns;
    double all, longest;
};

static enum err measure(struct course *c, enum err (*turn)(struct course *c), struct times *t)
{
    enum err e;
    *t = (struct times){0};
    do {
        uint64_t start = clock_monotonic();
        e = turn(c);
        double ms = (double)(clock_monotonic() - start) / 1e6;
        t->turns++;
        t->all += ms;
        t->longest = ms > t->longest ? ms : t->longest;
    } while (e == ERR_AGAIN);
    return e;
}

/* Of each work the round in which the longest turn was shortest: what else runs on the machine makes it longer. */
static enum err run(struct slice pack, const struct oid *commit, struct times best[WORKS])
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct course c = {.pack = pack, .commit = *commit};
    struct times t;
    limits.turn_bytes = CONTENT_TURN_BYTES;
    c.store = store_open(OID_SHA1, &limits);
    enum err e = c.store ? store_pack_begin(c.store, &c.receiving) : ERR_MEMORY;
    for (size_t i = 0; i < WORKS && e == OK; i++) {
        e = measure(&c, works[i].turn, &t);
        if (best[i].turns == 0 || t.longest < best[i].longest)
            best[i] = t;
    }
    site_free(c.site);
    history_release(&c.history);
    if (c.store)
        store_close(c.store);
    return e;
}

static struct slice read_file(const char *path)
{
    static uint8_t bytes[512u << 20];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        fclose(f);
    return slice_of(bytes, n);
}

int main(int argc, char **argv)
{
    struct slice pack = argc > 2 ? read_file(argv[1]) : SLICE("");
    struct times best[WORKS] = {0};
    struct oid commit;
    enum err e = OK;
    if (pack.len == 0 || !oid_from_hex(OID_SHA1, slice_text(argv[2]), &commit)) {
        fprintf(stderr, "usage: turns PACK COMMIT\n");
        return 2;
    }
    for (int i = 0; i < ROUNDS && e == OK; i++)
        e = run(pack, &commit, best);
    for (size_t i = 0; i < WORKS && e == OK; i++)
        printf("%-20s %6u turns %10.1f ms %8.2f ms the longest\n", works[i].name, best[i].turns,
               best[i].all, best[i].longest);
    if (e != OK)
        fprintf(stderr, "%s\n", err_text(e));
    return e != OK;
}
