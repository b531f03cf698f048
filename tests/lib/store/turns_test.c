/*
 * Long work in turns: the same answers however short the turns are, none of them long whatever a pack
 * holds, and nothing left over when the work is given up after any of them.
 */
#include "lib/git/pack.h"
#include "lib/store/history.h"
#include "lib/store/store.h"
#include "signatures/memory.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct slice pack;
static struct oid head;

static int repository(void **state)
{
    (void)state;
    repo_make("one", "sha1");
    repo_pack("one", "pack", "main\n", "--no-reuse-delta");
    pack = file_read("pack");
    head = repo_commit("one", OID_SHA1, "main");
    return 0;
}

static struct store *open_with(uint32_t turn_bytes)
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.turn_bytes = turn_bytes;
    limits.cache_bytes = 20000;
    return store_open(OID_SHA1, &limits);
}

/* Everything that is done in turns, one after the other. */
struct course {
    struct store *s;
    struct store_pack *p;
    struct history h;
    unsigned stage;
    enum err err;
};

static bool turn(struct course *c)
{
    enum err e = OK;
    if (c->stage == 0)
        e = store_pack_feed(c->p, store_pack_progress(c->p).bytes ? slice_of(NULL, 0) : pack);
    else if (c->stage == 1 && (e = store_pack_end(c->p, NULL)) != ERR_AGAIN)
        c->p = NULL;
    else if (c->stage == 2)
        e = store_check(c->s, &head, NULL, NULL);
    else if (c->stage == 3)
        e = history_walk(c->s, &head, NULL, &c->h);
    else if (c->stage == 4)
        e = store_compact(c->s, &head);
    if (e == OK)
        c->stage++;
    c->err = e;
    return e == ERR_AGAIN || (e == OK && c->stage < 5);
}

/* As far as it goes in so many turns. */
static unsigned run(struct course *c, uint32_t turn_bytes, unsigned patience)
{
    unsigned turns = 1;
    *c = (struct course){.s = open_with(turn_bytes)};
    assert_non_null(c->s);
    assert_int_equal(store_pack_begin(c->s, &c->p), OK);
    while (turns < patience && turn(c))
        turns++;
    return turns;
}

static void give_up(struct course *c)
{
    if (c->p)
        store_pack_drop(c->p);
    history_release(&c->h);
    store_close(c->s);
}

static void same(const struct course *a, const struct course *b)
{
    assert_int_equal(a->err, OK);
    assert_int_equal(store_stats(a->s).objects, store_stats(b->s).objects);
    assert_int_equal(store_stats(a->s).pack_bytes, store_stats(b->s).pack_bytes);
    assert_int_equal(a->h.count, b->h.count);
    assert_true(oid_equal(&a->h.root, &b->h.root));
    for (size_t i = 0; i < a->h.count; i++) {
        assert_true(slice_equal(a->h.files[i].path, b->h.files[i].path));
        assert_int_equal(a->h.files[i].created, b->h.files[i].created);
        assert_int_equal(a->h.files[i].changed, b->h.files[i].changed);
    }
}

static void turns_of_any_length(void **state)
{
    static const uint32_t lengths[] = {1, 1000, 30000, 1 << 20};
    struct course whole, cut;
    (void)state;
    assert_int_equal(run(&whole, 0, UINT32_MAX), 5);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        unsigned turns = run(&cut, lengths[i], UINT32_MAX);
        assert_true(turns > (i < 2 ? 100u : 5u));
        same(&cut, &whole);
        give_up(&cut);
    }
    give_up(&whole);
}

static void given_up_after_any_turn(void **state)
{
    struct course c;
    (void)state;
    unsigned turns = run(&c, 1000, UINT32_MAX);
    give_up(&c);
    for (unsigned patience = 1; patience < turns; patience += 1 + turns / 200) {
        run(&c, 1000, patience);
        give_up(&c);
        assert_int_equal(memory_stats().blocks, blocks);
    }
}

/* What is begun anew after it was given up, begins anew. */
static void other_work_in_between(void **state)
{
    struct course c;
    (void)state;
    run(&c, 0, 3); /* the pack is taken in */
    store_close(c.s);
    c.s = open_with(1);
    assert_int_equal(pack_feed(c.s, pack, 5000, NULL), OK);
    assert_int_equal(store_check(c.s, &head, NULL, NULL), ERR_AGAIN);
    assert_int_equal(history_walk(c.s, &head, NULL, &c.h), ERR_AGAIN);
    store_give_up(c.s);
    assert_int_equal(history_walk(c.s, &head, NULL, &c.h), ERR_AGAIN);
    assert_int_equal(pack_feed(c.s, pack, 5000, NULL), OK); /* forgets the walk */
    enum err e;
    while ((e = store_check(c.s, &head, NULL, NULL)) == ERR_AGAIN)
        ;
    assert_int_equal(e, OK);
    store_close(c.s);
}

/* --- packs that make work ---------------------------------------------------------------------- */

#define BASE  ((size_t)100 << 10)
#define LARGE ((size_t)1 << 20)
#define MANY  60
#define TURN  ((uint32_t)4 << 20)

static uint64_t longest; /* bytes inflated in one call */

static enum err measured(struct store *s, enum err (*call)(struct store_pack *, struct slice),
                         struct store_pack *p, struct slice bytes)
{
    uint64_t began = store_stats(s).inflated_bytes;
    enum err e = call(p, bytes);
    uint64_t now = store_stats(s).inflated_bytes;
    longest = now - began > longest ? now - began : longest;
    return e;
}

static enum err end(struct store_pack *p, struct slice unused)
{
    (void)unused;
    return store_pack_end(p, NULL);
}

/* Many objects of a MiB in a few bytes: deltas of one base, which comes first or last. */
static void make_work(struct buf *b, bool base_first)
{
    static uint8_t zeros[BASE];
    struct slice base = slice_of(zeros, BASE);
    struct oid id;
    struct buf delta;
    buf_init(&delta, 1 << 20);
    buf_init(b, 8 << 20);
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, base, &id));
    pack_start(b, MANY + 1);
    if (base_first)
        pack_object(b, GIT_BLOB, base);
    for (size_t i = 0; i < MANY; i++) {
        buf_clear(&delta);
        delta_start(&delta, BASE, LARGE + i);
        for (size_t left = LARGE + i, n; left > 0; left -= n) {
            n = left < BASE ? left : BASE;
            n = n < 0xffff ? n : 0xffff;
            delta_copy(&delta, 0, (uint32_t)n);
        }
        pack_ref_delta(b, OID_SHA1, &id, buf_slice(&delta));
    }
    if (!base_first)
        pack_object(b, GIT_BLOB, base);
    pack_finish(b, OID_SHA1);
    buf_deinit(&delta);
}

static void no_turn_is_long(void **state)
{
    (void)state;
    for (unsigned base_first = 0; base_first < 2; base_first++) {
        struct buf bytes;
        struct store *s = open_with(TURN);
        struct store_pack *p;
        unsigned turns = 1;
        longest = 0;
        make_work(&bytes, base_first);
        assert_int_equal(store_pack_begin(s, &p), OK);
        enum err e = measured(s, store_pack_feed, p, buf_slice(&bytes));
        for (; e == ERR_AGAIN; turns++)
            e = measured(s, store_pack_feed, p, slice_of(NULL, 0));
        assert_int_equal(e, OK);
        while ((e = measured(s, end, p, slice_of(NULL, 0))) == ERR_AGAIN)
            turns++;
        assert_int_equal(e, OK);
        assert_int_equal(store_stats(s).objects, MANY + 1);
        assert_true(turns >= MANY * LARGE / TURN / 2);
        assert_true(longest < TURN + 3 * LARGE);
        store_close(s);
        buf_deinit(&bytes);
    }
}

/* A small object upon much larger ones is made whole when it is kept: reading it is cheap then. */
static void little_that_builds_on_much(void **state)
{
    static uint8_t much[(size_t)20 << 20];
    struct slice base = slice_of(much, sizeof(much));
    struct buf bytes, delta;
    struct oid id, small;
    struct store_object o;
    (void)state;
    struct store *s = open_with(0);
    buf_init(&bytes, (size_t)64 << 20);
    buf_init(&delta, 1000);
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, base, &id));
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, slice_take(base, 100), &small));
    delta_start(&delta, sizeof(much), 100);
    delta_copy(&delta, 0, 100);
    pack_start(&bytes, 2);
    pack_object(&bytes, GIT_BLOB, base);
    pack_ref_delta(&bytes, OID_SHA1, &id, buf_slice(&delta));
    pack_finish(&bytes, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&bytes), 0, NULL), OK);
    uint64_t began = store_stats(s).inflated_bytes;
    assert_int_equal(store_read(s, &small, &o), OK);
    assert_true(slice_equal(o.content, slice_take(base, 100)));
    assert_true(store_stats(s).inflated_bytes - began <= 100);
    store_release(&o);
    store_close(s);
    buf_deinit(&bytes);
    buf_deinit(&delta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(turns_of_any_length, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(given_up_after_any_turn, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(other_work_in_between, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(no_turn_is_long, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(little_that_builds_on_much, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("store in turns", tests, repository, NULL);
}
