/* A store that lives long: a thousand updates, forced or not, and what is given back. */
#include "lib/store/history.h"
#include "lib/store/store.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILES   300
#define UPDATES 1000

/* A site of one folder, as its author has it. */
struct site {
    struct oid blob[FILES];
    struct buf tree; /* of the last commit */
    struct oid tree_id;
    struct oid commit;
    unsigned version;
    unsigned touched; /* how many files are edited, one after the other */
};

static struct site site;
static struct store *s;

static int before(void **state)
{
    blocks_before(state);
    s = store_open(OID_SHA1, NULL);
    buf_init(&site.tree, 1 << 20);
    site.version = 0;
    site.touched = FILES;
    return 0;
}

static int after(void **state)
{
    store_close(s);
    buf_deinit(&site.tree);
    return blocks_after(state);
}

static struct oid id_of(enum git_type type, struct slice content)
{
    struct oid id;
    assert_true(git_object_id(OID_SHA1, type, content, &id));
    return id;
}

static void text_of(struct buf *b, unsigned file, unsigned version)
{
    for (unsigned i = 0; i < 20; i++)
        buf_printf(b, "file %u, version %u, line %u: some text\n", file, version, i * version);
}

static void put_tree(struct buf *b)
{
    for (unsigned i = 0; i < FILES; i++) {
        buf_printf(b, "100644 article-%04u", i);
        buf_byte(b, 0);
        buf_put(b, slice_of(site.blob[i].bytes, 20));
    }
}

static void put_commit(struct buf *b, const struct oid *parent)
{
    char hex[OID_HEX_MAX];
    oid_to_hex(OID_SHA1, &site.tree_id, hex);
    buf_printf(b, "tree %s\n", hex);
    if (parent != NULL) {
        oid_to_hex(OID_SHA1, parent, hex);
        buf_printf(b, "parent %s\n", hex);
    }
    buf_printf(b, "author A <a> %u +0000\ncommitter C <c> %u +0000\n\nversion %u\n",
               1000 + site.version, 1000 + site.version, site.version);
}

/* The tree as a delta of the last one: what is the same before and after one entry's id. */
static void put_tree_delta(struct buf *b, unsigned file)
{
    uint32_t entry = (uint32_t)(site.tree.len / FILES);
    uint32_t at = entry * (file + 1) - 20;
    delta_start(b, site.tree.len, site.tree.len);
    delta_copy(b, 0, at);
    delta_insert(b, slice_of(site.blob[file].bytes, 20));
    if (at + 20 < site.tree.len)
        delta_copy(b, at + 20, (uint32_t)site.tree.len - at - 20);
}

static void take(struct buf *pack)
{
    struct buf line;
    buf_init(&line, 512);
    pack_finish(pack, OID_SHA1);
    if (pack_feed(s, buf_slice(pack), 0, &line) != OK)
        fail_msg("%.*s", SLICE_ARG(buf_slice(&line)));
    buf_deinit(&line);
    buf_deinit(pack);
}

static void finish_commit(struct buf *pack, const struct oid *parent)
{
    struct buf commit;
    buf_init(&commit, 1 << 20);
    put_commit(&commit, parent);
    site.commit = id_of(GIT_COMMIT, buf_slice(&commit));
    pack_object(pack, GIT_COMMIT, buf_slice(&commit));
    buf_deinit(&commit);
    take(pack);
}

static void first_push(void)
{
    struct buf pack;
    struct buf text;
    buf_init(&pack, 64 << 20);
    buf_init(&text, 1 << 20);
    pack_start(&pack, FILES + 2);
    for (unsigned i = 0; i < FILES; i++) {
        buf_clear(&text);
        text_of(&text, i, 0);
        site.blob[i] = id_of(GIT_BLOB, buf_slice(&text));
        pack_object(&pack, GIT_BLOB, buf_slice(&text));
    }
    buf_clear(&site.tree);
    put_tree(&site.tree);
    site.tree_id = id_of(GIT_TREE, buf_slice(&site.tree));
    pack_object(&pack, GIT_TREE, buf_slice(&site.tree));
    finish_commit(&pack, NULL);
    buf_deinit(&text);
}

/* One file anew, in a pack as a remote makes it: thin, the tree a delta of the one before. */
static void push(const struct oid *parent)
{
    struct buf pack;
    struct buf text;
    struct buf delta;
    unsigned file = site.version * 7 % site.touched;
    struct oid old_tree = site.tree_id;
    site.version++;
    buf_init(&pack, 1 << 20);
    buf_init(&text, 1 << 20);
    buf_init(&delta, 1 << 20);
    pack_start(&pack, 3);
    text_of(&text, file, site.version);
    site.blob[file] = id_of(GIT_BLOB, buf_slice(&text));
    pack_object(&pack, GIT_BLOB, buf_slice(&text));
    put_tree_delta(&delta, file);
    buf_clear(&site.tree);
    put_tree(&site.tree);
    site.tree_id = id_of(GIT_TREE, buf_slice(&site.tree));
    pack_ref_delta(&pack, OID_SHA1, &old_tree, buf_slice(&delta));
    finish_commit(&pack, parent);
    buf_deinit(&text);
    buf_deinit(&delta);
}

static void assert_read(void)
{
    struct store_object o;
    struct oid tree;
    assert_int_equal(store_commit_tree(s, &site.commit, &tree), OK);
    assert_true(oid_equal(&tree, &site.tree_id));
    assert_int_equal(store_read(s, &tree, &o), OK);
    assert_true(slice_equal(o.content, buf_slice(&site.tree)));
    store_release(&o);
    for (unsigned i = 0; i < FILES; i += 17) {
        assert_int_equal(store_read(s, &site.blob[i], &o), OK);
        struct oid id = id_of(o.type, o.content);
        assert_true(oid_equal(&id, &site.blob[i]));
        store_release(&o);
    }
}

static void assert_readable(void)
{
    struct oid missing;
    assert_int_equal(store_check(s, &site.commit, NULL, &missing), OK);
    assert_read();
}

/* Memory in use but for the cache, which has a limit of its own. */
static uint64_t bytes_held(void)
{
    return memory_stats().bytes - store_stats(s).cached_bytes;
}

/* Amended and pushed with force, again and again: what was before is no one's. */
static void forced_updates_leave_nothing(void **state)
{
    (void)state;
    first_push();
    assert_readable();
    site.touched = 3;
    struct oid root = site.commit;
    store_compact(s, &site.commit);
    uint64_t bytes = bytes_held();
    uint64_t packed = store_stats(s).pack_bytes;
    for (unsigned i = 0; i < UPDATES; i++) {
        push(&root);
        assert_readable();
        store_compact(s, &site.commit);
        /* Never far above what it was: what the latest few updates brought. */
        assert_true(store_stats(s).pack_bytes < packed + packed / 4);
    }
    assert_true(store_stats(s).objects < 2 * FILES);
    if (bytes_held() > bytes + bytes / 4)
        fail_msg("%llu bytes, before %llu", (unsigned long long)bytes_held(),
                 (unsigned long long)bytes);
    assert_true(store_has(s, &root));
}

/* Pushed in good order: everything stays, and no tree lies below a thousand others. */
static void ordinary_updates_keep_all(void **state)
{
    (void)state;
    first_push();
    struct oid first = site.commit;
    struct oid first_tree = site.tree_id;
    struct history h;
    assert_int_equal(history_walk(s, &site.commit, NULL, &h), OK);
    for (unsigned i = 0; i < UPDATES; i++) {
        struct oid parent = site.commit;
        struct history next;
        push(&parent);
        assert_readable();
        assert_int_equal(history_walk(s, &site.commit, &h, &next), OK);
        assert_true(next.walked <= 2);
        history_release(&h);
        h = next;
        store_compact(s, &site.commit);
    }
    assert_int_equal(store_stats(s).objects, FILES + 2 + 3 * UPDATES);
    assert_true(store_has(s, &first) && store_has(s, &first_tree));
    uint64_t inflated = store_stats(s).inflated;
    struct store_object o;
    assert_int_equal(store_read(s, &first_tree, &o), OK);
    store_release(&o);
    assert_true(store_stats(s).inflated - inflated <= STORE_DELTA_DEPTH_KEPT + 1);
    struct history all;
    assert_int_equal(history_walk(s, &site.commit, NULL, &all), OK);
    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(all.files[i].created, h.files[i].created);
        assert_int_equal(all.files[i].changed, h.files[i].changed);
    }
    history_release(&all);
    history_release(&h);
}

/* Back to an old commit, whose tree is the base of trees that go. */
static void back_to_the_first_commit(void **state)
{
    (void)state;
    first_push();
    struct site first = site;
    buf_init(&first.tree, 1 << 20);
    buf_put(&first.tree, buf_slice(&site.tree));
    for (unsigned i = 0; i < 200; i++) {
        struct oid parent = site.commit;
        push(&parent);
    }
    buf_deinit(&site.tree);
    site = first;
    for (unsigned i = 0; i < 50; i++)
        store_compact(s, &site.commit);
    assert_int_equal(store_stats(s).objects, FILES + 2);
    assert_readable();
    push(&first.commit);
    assert_readable();
}

/* What a reader holds stays as it is when the store gives it back. */
static void readers_keep_what_they_hold(void **state)
{
    (void)state;
    first_push();
    struct oid root = site.commit;
    push(&root);
    struct store_object o;
    struct oid held = site.blob[0];
    assert_int_equal(store_read(s, &held, &o), OK);
    for (unsigned i = 0; i < 400; i++) {
        push(&root);
        store_compact(s, &site.commit);
    }
    assert_false(store_has(s, &held));
    struct oid id = id_of(o.type, o.content);
    assert_true(oid_equal(&id, &held));
    store_release(&o);
}

/* Of much that nobody reaches any more, given back in short turns. How many there were, up to `most`. */
static unsigned compact_in_turns(uint32_t turn_bytes, unsigned most)
{
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    unsigned turns = 1;
    limits.turn_bytes = turn_bytes;
    limits.cache_bytes = 0;
    store_close(s);
    s = store_open(OID_SHA1, &limits);
    site.version = 0;
    first_push();
    for (unsigned i = 0; i < 150; i++)
        push(NULL);
    while (turns < most && store_compact(s, &site.commit) == ERR_AGAIN) {
        assert_read();
        turns++;
    }
    return turns;
}

/* All is there between any two turns, and after it was given up, or something else begun, after any of them. */
static void chunks_are_emptied_in_turns(void **state)
{
    (void)state;
    assert_int_equal(compact_in_turns(0, UINT32_MAX), 1);
    uint64_t packed = store_stats(s).pack_bytes;
    uint32_t objects = store_stats(s).objects;
    assert_in_range(objects, FILES + 2, FILES + 2 + 2 * 150);
    unsigned turns = compact_in_turns(5000, UINT32_MAX);
    assert_int_equal(store_stats(s).objects, objects);
    assert_int_equal(store_stats(s).pack_bytes, packed);
    assert_true(turns > packed / 10000); /* to find what is alive takes a few */
    for (unsigned most = 1; most < turns; most += 5) {
        assert_int_equal(compact_in_turns(5000, most), most);
        if (most % 2)
            store_give_up(s);
        else
            push(NULL);
        assert_read();
        assert_true(store_stats(s).pack_bytes >= packed);
        while (store_compact(s, &site.commit) == ERR_AGAIN)
            assert_read();
        assert_read();
    }
}

#define LARGE 10 /* pairs of a file that stays and one that goes, of which one pair fits a chunk */

/* A commit of all files, or of every other one. */
static void push_large(struct buf *pack, const struct oid *blobs, unsigned step)
{
    buf_clear(&site.tree);
    for (unsigned i = 0; i < 2 * LARGE; i += step) {
        buf_printf(&site.tree, "100644 large-%04u", i);
        buf_byte(&site.tree, 0);
        buf_put(&site.tree, slice_of(blobs[i].bytes, 20));
    }
    site.tree_id = id_of(GIT_TREE, buf_slice(&site.tree));
    pack_object(pack, GIT_TREE, buf_slice(&site.tree));
    finish_commit(pack, NULL);
}

/* What is left lies close together, whatever its size. */
static void no_room_is_left_between(void **state)
{
    struct oid blobs[2 * LARGE];
    struct buf pack, content;
    (void)state;
    buf_init(&pack, 64 << 20);
    buf_init(&content, 1 << 20);
    pack_start(&pack, 2 * LARGE + 2);
    for (unsigned i = 0; i < 2 * LARGE; i++) {
        buf_clear(&content);
        for (unsigned n = 0; n < (i % 2 ? 30000u : 70000u); n++)
            buf_printf(&content, "%02u %06u\n", i, n);
        blobs[i] = id_of(GIT_BLOB, buf_slice(&content));
        pack_object(&pack, GIT_BLOB, buf_slice(&content));
    }
    buf_deinit(&content);
    push_large(&pack, blobs, 1);
    assert_int_equal(store_compact(s, &site.commit), OK);
    buf_init(&pack, 1 << 20);
    pack_start(&pack, 2);
    site.version++;
    push_large(&pack, blobs, 2);
    assert_int_equal(store_compact(s, &site.commit), OK);
    assert_int_equal(store_stats(s).objects, LARGE + 2);
    assert_true(memory_stats().bytes < store_stats(s).pack_bytes + (256 << 10));
}

static void nothing_happens_without_memory(void **state)
{
    (void)state;
    first_push();
    struct oid root = site.commit;
    for (unsigned i = 0; i < 150; i++)
        push(&root);
    for (unsigned n = 1; n < 60; n++) {
        push(&root);
        sim_memory_fail_nth(n);
        store_compact(s, &site.commit);
        sim_memory_fail_nth(0);
        assert_readable();
    }
}

/* While a pack comes in, nothing moves. */
static void not_while_receiving(void **state)
{
    (void)state;
    first_push();
    struct store_pack *p;
    assert_int_equal(store_pack_begin(s, &p), OK);
    uint32_t objects = store_stats(s).objects;
    for (unsigned i = 0; i < 100; i++)
        store_compact(s, &site.commit);
    assert_int_equal(store_stats(s).objects, objects);
    store_pack_drop(p);
    assert_readable();
}

static void paths_lead_to_entries(void **state)
{
    (void)state;
    struct git_entry e;
    first_push();
    assert_int_equal(store_path(s, &site.commit, SLICE(""), &e), OK);
    assert_int_equal(e.mode, GIT_MODE_TREE);
    assert_true(oid_equal(&e.oid, &site.tree_id));
    assert_int_equal(store_path(s, &site.commit, SLICE("article-0007"), &e), OK);
    assert_true(oid_equal(&e.oid, &site.blob[7]));
    assert_int_equal(store_path(s, &site.commit, SLICE("article"), &e), ERR_NOT_FOUND);
    assert_int_equal(store_path(s, &site.commit, SLICE("article-0007/x"), &e), ERR_NOT_FOUND);
    assert_int_equal(store_path(s, &site.commit, SLICE("/article-0007"), &e), ERR_NOT_FOUND);
    assert_int_equal(store_path(s, &site.tree_id, SLICE(""), &e), ERR_MALFORMED);
    struct oid nothing = {{0}};
    assert_int_equal(store_path(s, &nothing, SLICE(""), &e), ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)
    const struct CMUnitTest tests[] = {
        TEST(forced_updates_leave_nothing), TEST(ordinary_updates_keep_all),
        TEST(back_to_the_first_commit),     TEST(readers_keep_what_they_hold),
        TEST(no_room_is_left_between),      TEST(nothing_happens_without_memory),
        TEST(not_while_receiving),          TEST(paths_lead_to_entries),
        TEST(chunks_are_emptied_in_turns),
    };
    return cmocka_run_group_tests_name("store updates", tests, NULL, NULL);
}
