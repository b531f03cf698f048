/* What a walk over the history bears: trees of trees, notes, long paths, work, and odd trees. */
#include "lib/store/history.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A tree of `count` names, each of which is the same object. */
static struct oid put_tree(struct buf *pack, unsigned count, const char *mode, const char *name,
                           const struct oid *each)
{
    struct buf tree;
    struct oid id;
    buf_init(&tree, 1 << 20);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&tree, "%s %s%c", mode, name, 'a' + i);
        buf_byte(&tree, 0);
        buf_put(&tree, slice_of(each->bytes, 20));
    }
    assert_true(git_object_id(OID_SHA1, GIT_TREE, buf_slice(&tree), &id));
    pack_object(pack, GIT_TREE, buf_slice(&tree));
    buf_deinit(&tree);
    return id;
}

/* A tree of so many submodules, which are nobody's files. */
static struct oid put_submodules(struct buf *pack, unsigned count)
{
    struct buf tree;
    struct oid id;
    buf_init(&tree, 1 << 20);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&tree, "160000 %04u", i);
        buf_byte(&tree, 0);
        buf_put(&tree, SLICE("01234567890123456789"));
    }
    assert_true(git_object_id(OID_SHA1, GIT_TREE, buf_slice(&tree), &id));
    pack_object(pack, GIT_TREE, buf_slice(&tree));
    buf_deinit(&tree);
    return id;
}

static void put_commit(struct buf *pack, const struct oid *tree, struct oid *commit)
{
    char hex[OID_HEX_MAX];
    struct buf text;
    buf_init(&text, 1 << 20);
    oid_to_hex(OID_SHA1, tree, hex);
    buf_printf(&text, "tree %s\nauthor A <a> 1 +0000\ncommitter C <c> 1 +0000\n\n", hex);
    assert_true(git_object_id(OID_SHA1, GIT_COMMIT, buf_slice(&text), commit));
    pack_object(pack, GIT_COMMIT, buf_slice(&text));
    pack_finish(pack, OID_SHA1);
    buf_deinit(&text);
}

static struct store *take(struct buf *pack, const struct store_limits *limits)
{
    struct store *s = store_open(OID_SHA1, limits);
    assert_int_equal(pack_feed(s, buf_slice(pack), 0, NULL), OK);
    buf_deinit(pack);
    return s;
}

/* Takes in `levels` such trees, one in the other, with a commit. */
static struct store *take_tower(unsigned levels, unsigned count, const char *name,
                                struct oid *commit)
{
    struct buf pack;
    struct oid at;
    buf_init(&pack, 1 << 20);
    pack_start(&pack, levels + 2);
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, SLICE("x"), &at));
    for (unsigned i = 0; i < levels; i++)
        at = put_tree(&pack, count, i == 0 ? "100644" : "40000", name, &at);
    put_commit(&pack, &at, commit);
    return take(&pack, NULL);
}

/* Twelve trees of eight names: 64 Gi paths. The check sees each tree once; the walk gives up. */
static void more_paths_than_permitted(void **state)
{
    (void)state;
    struct oid commit;
    struct oid missing;
    struct history h;
    struct store *s = take_tower(12, 8, "", &commit);
    assert_int_equal(store_check(s, &commit, NULL, &missing), OK);
    assert_int_equal(history_walk(s, &commit, NULL, &h), ERR_LIMIT);
    store_close(s);
    s = take_tower(4, 8, "", &commit);
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    assert_int_equal(h.count, 8 * 8 * 8 * 8);
    history_release(&h);
    store_close(s);
}

/* Merges of many paths, each with a set of its own. */
static void more_notes_than_permitted(void **state)
{
    (void)state;
    struct oid first;
    struct oid tree;
    struct history h;
    struct buf pack;
    struct buf text;
    char hex[3][OID_HEX_MAX];
    struct store *s = take_tower(6, 8, "", &first); /* 256 Ki paths: 32 KiB a set */
    unsigned merges = (unsigned)(HISTORY_SETS_MAX / (32 << 10));
    struct oid last = first;
    assert_int_equal(store_commit_tree(s, &first, &tree), OK);
    oid_to_hex(OID_SHA1, &tree, hex[0]);
    oid_to_hex(OID_SHA1, &first, hex[1]);
    buf_init(&pack, 16 << 20);
    buf_init(&text, 1 << 20);
    pack_start(&pack, merges);
    for (unsigned i = 0; i < merges; i++) {
        oid_to_hex(OID_SHA1, &last, hex[2]);
        buf_clear(&text);
        buf_printf(
            &text,
            "tree %s\nparent %s\nparent %s\nauthor A <a> 1 +0000\ncommitter C <c> %u +0000\n\n",
            hex[0], hex[2], hex[1], i + 10);
        assert_true(git_object_id(OID_SHA1, GIT_COMMIT, buf_slice(&text), &last));
        pack_object(&pack, GIT_COMMIT, buf_slice(&text));
    }
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, NULL), OK);
    assert_int_equal(history_walk(s, &last, NULL, &h), ERR_LIMIT);
    store_close(s);
    buf_deinit(&pack);
    buf_deinit(&text);
}

static void a_path_longer_than_permitted(void **state)
{
    (void)state;
    static char name[1001];
    struct oid commit;
    struct history h;
    memset(name, 'n', 1000);
    struct store *s = take_tower(4, 1, name, &commit);
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    history_release(&h);
    store_close(s);
    s = take_tower(5, 1, name, &commit);
    assert_int_equal(history_walk(s, &commit, NULL, &h), ERR_LIMIT);
    store_close(s);
}

/* A folder too deep is one thing, and has its dates. */
static void a_folder_deeper_than_permitted(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 4; more++) {
        struct oid commit;
        struct history h;
        struct store *s = take_tower(STORE_PATH_DEPTH_MAX + 1 + more, 1, "d", &commit);
        assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
        assert_int_equal(h.count, 1);
        assert_int_equal(h.files[0].mode, more ? GIT_MODE_TREE : GIT_MODE_FILE);
        assert_int_equal(h.files[0].path.len, (STORE_PATH_DEPTH_MAX + 1) * 3 - !more);
        assert_true(slice_ends(h.files[0].path, more ? SLICE("da/da/") : SLICE("da/da")));
        assert_int_equal(h.files[0].created, 1);
        assert_int_equal(h.files[0].changed, 1);
        history_release(&h);
        store_close(s);
    }
}

/* Names twice, or out of order: no tree of a writer's. */
static void trees_out_of_order(void **state)
{
    (void)state;
    static const char entries[] = "100644 b\0"
                                  "01234567890123456789"
                                  "100644 a\0"
                                  "01234567890123456789";
    struct buf pack;
    struct oid tree, commit;
    struct history h;
    struct slice content = slice_of(entries, sizeof(entries) - 1);
    buf_init(&pack, 1 << 20);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_TREE, content);
    assert_true(git_object_id(OID_SHA1, GIT_TREE, content, &tree));
    put_commit(&pack, &tree, &commit);
    struct store *s = take(&pack, NULL);
    assert_int_equal(history_walk(s, &commit, NULL, &h), ERR_MALFORMED);
    store_close(s);
}

/* No file at all, in 32 Ki folders of many submodules each: nothing but trees to be read. */
static void more_trees_than_permitted(void **state)
{
    (void)state;
    for (unsigned large = 0; large < 2; large++) {
        struct buf pack;
        struct oid commit;
        struct history h;
        buf_init(&pack, 1 << 20);
        pack_start(&pack, 7);
        struct oid at = put_submodules(&pack, large ? 300 : 3);
        for (unsigned i = 0; i < 5; i++)
            at = put_tree(&pack, 8, "40000", "", &at);
        put_commit(&pack, &at, &commit);
        struct store *s = take(&pack, NULL);
        assert_int_equal(history_walk(s, &commit, NULL, &h), large ? ERR_LIMIT : OK);
        history_release(&h);
        store_close(s);
    }
}

/* Every comparison of trees is work, and all of it together has a limit. */
static void more_work_than_permitted(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    struct buf pack;
    struct oid commit;
    struct history h;
    limits.walk_bytes = 500;
    buf_init(&pack, 1 << 20);
    pack_start(&pack, 3);
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    assert_true(git_object_id(OID_SHA1, GIT_BLOB, SLICE("x"), &commit));
    commit = put_tree(&pack, 20, "100644", "file", &commit);
    put_commit(&pack, &commit, &commit);
    struct store *s = take(&pack, &limits);
    assert_int_equal(history_walk(s, &commit, NULL, &h), ERR_LIMIT);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_paths_than_permitted, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(more_notes_than_permitted, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(a_path_longer_than_permitted, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(a_folder_deeper_than_permitted, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(more_trees_than_permitted, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(more_work_than_permitted, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(trees_out_of_order, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("store history limits", tests, NULL, NULL);
}
