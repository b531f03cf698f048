/* Packs of stock git, taken in whole, in pieces, thin, cut off and broken. */
#include "lib/store/store.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int repositories(void **state)
{
    (void)state;
    repo_make("one", "sha1");
    repo_make("two", "sha256");
    return 0;
}

static const char *name_of(enum oid_kind kind)
{
    return kind == OID_SHA1 ? "one" : "two";
}

/* Every object that git lists is there, with git's type and bytes that hash to its id. */
static void compare_with_git(struct store *s, const char *repo)
{
    char path[256];
    char type[16];
    char hex[OID_HEX_MAX];
    size_t size;
    unsigned count = 0;
    enum oid_kind kind = store_kind(s);
    shell("git -C %s.git cat-file --batch-all-objects --batch-check > objects", repo);
    snprintf(path, sizeof(path), "%s/objects", scratch());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fscanf(f, "%64s %15s %zu", hex, type, &size) == 3) {
        struct oid id;
        struct oid again;
        struct store_object o;
        assert_true(oid_from_hex(kind, slice_text(hex), &id));
        assert_int_equal(store_read(s, &id, &o), OK);
        assert_string_equal(git_type_name(o.type), type);
        assert_int_equal(o.content.len, size);
        assert_true(git_object_id(kind, o.type, o.content, &again));
        assert_true(oid_equal(&id, &again));
        store_release(&o);
        count++;
    }
    fclose(f);
    assert_int_equal(store_stats(s).objects, count);
}

static void take_in(enum oid_kind kind, const char *options, size_t most)
{
    repo_pack(name_of(kind), "pack", "main\nv1\n", options);
    struct slice pack = file_read("pack");
    struct store *s = store_open(kind, NULL);
    assert_int_equal(pack_feed(s, pack, most, NULL), OK);
    compare_with_git(s, name_of(kind));
    struct oid head = repo_commit(name_of(kind), kind, "main");
    struct oid missing;
    assert_int_equal(store_check(s, &head, NULL, &missing), OK);
    store_close(s);
    file_free(pack);
}

static void every_object_is_read_as_git_has_it(void **state)
{
    (void)state;
    take_in(OID_SHA1, "--delta-base-offset", 0);
    take_in(OID_SHA256, "--delta-base-offset", 0);
}

static void ref_deltas(void **state)
{
    (void)state;
    take_in(OID_SHA1, "", 1000);
    take_in(OID_SHA256, "", 1000);
}

static void no_deltas_and_stored_blocks(void **state)
{
    (void)state;
    take_in(OID_SHA1, "--depth=0", 64 << 10);
    take_in(OID_SHA1, "--compression=0 --no-reuse-object", 64 << 10);
}

static void pieces_of_any_size(void **state)
{
    (void)state;
    take_in(OID_SHA1, "--delta-base-offset", 1);
    take_in(OID_SHA1, "--delta-base-offset", 7);
    take_in(OID_SHA1, "--delta-base-offset", 3000);
    take_in(OID_SHA256, "--delta-base-offset", 100);
}

/* A cache without room: every delta waits for the end, every base is made anew. */
static void without_a_cache(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.cache_bytes = 0;
    static const char *const options[] = {"--delta-base-offset", ""};
    for (unsigned i = 0; i < 2; i++) {
        repo_pack("one", "pack", "main\nv1\n", options[i]);
        struct slice pack = file_read("pack");
        struct store *s = store_open(OID_SHA1, &limits);
        assert_int_equal(pack_feed(s, pack, 5000, NULL), OK);
        compare_with_git(s, "one");
        store_close(s);
        file_free(pack);
    }
}

static void progress_is_told(void **state)
{
    (void)state;
    repo_pack("one", "pack", "main\nv1\n", "");
    struct slice pack = file_read("pack");
    struct store *s = store_open(OID_SHA1, NULL);
    struct store_pack *p;
    assert_int_equal(store_pack_begin(s, &p), OK);
    assert_int_equal(store_pack_progress(p).objects, 0);
    assert_int_equal(store_pack_feed(p, slice_take(pack, pack.len / 2)), OK);
    struct store_progress half = store_pack_progress(p);
    assert_int_equal(half.bytes, pack.len / 2);
    assert_true(half.objects > 0 && half.received > 0 && half.received < half.objects);
    assert_int_equal(store_pack_feed(p, slice_drop(pack, pack.len / 2)), OK);
    assert_int_equal(store_pack_progress(p).bytes, pack.len);
    struct store_pack *second;
    assert_int_equal(store_pack_begin(s, &second), ERR_FULL);
    assert_int_equal(store_pack_end(p, NULL), OK);
    assert_int_equal(store_stats(s).objects, half.objects);
    store_close(s);
    file_free(pack);
}

/* Until its end a pack's objects are not there, though they are known. */
static void nothing_is_seen_before_the_end(void **state)
{
    (void)state;
    repo_pack("one", "pack", "main\nv1\n", "");
    struct slice pack = file_read("pack");
    struct oid head = repo_commit("one", OID_SHA1, "main");
    struct store *s = store_open(OID_SHA1, NULL);
    struct store_pack *p;
    assert_int_equal(store_pack_begin(s, &p), OK);
    assert_int_equal(store_pack_feed(p, pack), OK);
    assert_false(store_has(s, &head));
    store_pack_drop(p);
    assert_int_equal(store_stats(s).objects, 0);
    assert_int_equal(store_stats(s).pack_bytes, 0);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    assert_true(store_has(s, &head));
    assert_int_equal(store_pack_begin(s, &p), OK);
    store_close(s); /* drops it */
    file_free(pack);
}

static void thin_packs(enum oid_kind kind, const char *options)
{
    const char *repo = name_of(kind);
    repo_pack(repo, "old", "main~5\n", options);
    char thin_options[64];
    snprintf(thin_options, sizeof(thin_options), "--thin %s", options);
    repo_pack(repo, "new", "main\nv1\n^main~5\n", thin_options);
    struct slice old = file_read("old");
    struct slice new = file_read("new");
    struct oid head = repo_commit(repo, kind, "main");
    struct oid missing;

    struct buf line;
    buf_init(&line, 512);
    struct store *s = store_open(kind, NULL);
    assert_int_equal(pack_feed(s, new, 0, &line), ERR_NOT_FOUND);
    assert_true(slice_search(buf_slice(&line), SLICE("base is not there")) < line.len);
    assert_int_equal(store_stats(s).objects, 0);
    assert_int_equal(pack_feed(s, old, 0, NULL), OK);
    assert_int_equal(store_check(s, &head, NULL, &missing), ERR_NOT_FOUND);
    assert_true(oid_equal(&missing, &head));
    assert_int_equal(pack_feed(s, new, 500, NULL), OK);
    compare_with_git(s, repo);
    assert_int_equal(store_check(s, &head, NULL, &missing), OK);
    store_close(s);
    buf_deinit(&line);
    file_free(old);
    file_free(new);
}

static void thin_packs_build_on_the_store(void **state)
{
    (void)state;
    thin_packs(OID_SHA1, "");
    thin_packs(OID_SHA1, "--delta-base-offset");
    thin_packs(OID_SHA256, "");
}

static void what_is_there_may_come_again(void **state)
{
    (void)state;
    repo_pack("one", "pack", "main\nv1\n", "");
    struct slice pack = file_read("pack");
    struct store *s = store_open(OID_SHA1, NULL);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    char hex[OID_HEX_MAX];
    struct oid head = repo_commit("one", OID_SHA1, "main");
    oid_to_hex(OID_SHA1, &head, hex);
    assert_true(store_has(s, &head));
    assert_int_equal(store_stats(s).packs, 2);
    store_close(s);
    file_free(pack);
}

static void small_pack(const char *options)
{
    repo_pack("one", "small", "main\n^main~2\n", options);
}

static void a_pack_that_is_cut_off_leaves_no_trace(void **state)
{
    (void)state;
    small_pack("");
    struct slice pack = file_read("small");
    struct store *s = store_open(OID_SHA1, NULL);
    uint64_t bytes = 0;
    for (size_t n = 0; n < pack.len; n++) {
        struct buf line;
        buf_init(&line, 512);
        enum err e = pack_feed(s, slice_take(pack, n), 0, &line);
        assert_true(e == ERR_MALFORMED);
        assert_true(line.len > 0);
        buf_deinit(&line);
        assert_int_equal(store_stats(s).objects, 0);
        if (n == 1)
            bytes = memory_stats().bytes;
    }
    assert_true(memory_stats().bytes < bytes + (64 << 10));
    assert_int_equal(store_stats(s).refused, pack.len);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    store_close(s);
    file_free(pack);
}

static void bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    small_pack("");
    struct slice pack = file_read("small");
    struct buf more;
    buf_init(&more, 1 << 20);
    buf_put(&more, pack);
    buf_byte(&more, 0);
    struct store *s = store_open(OID_SHA1, NULL);
    assert_int_equal(pack_feed(s, buf_slice(&more), 0, NULL), ERR_MALFORMED);
    assert_int_equal(pack_feed(s, buf_slice(&more), 1, NULL), ERR_MALFORMED);
    store_close(s);
    buf_deinit(&more);
    file_free(pack);
}

static void rehash(struct buf *pack)
{
    pack->len -= 20;
    pack_finish(pack, OID_SHA1);
}

/* With the old checksum a broken pack is never taken. With a new one, it may be another pack; but
 * what an id names is what it named blocks_before. */
static void a_bit_flipped_anywhere_is_noticed(void **state)
{
    (void)state;
    small_pack("--delta-base-offset");
    struct slice pack = file_read("small");
    struct store *s = store_open(OID_SHA1, NULL);
    for (size_t i = 0; i < pack.len * 8; i += i < 400 ? 1 : 3) {
        struct buf broken;
        buf_init(&broken, 1 << 20);
        buf_put(&broken, pack);
        broken.ptr[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(pack_feed(s, buf_slice(&broken), 0, NULL), OK);
        assert_int_equal(store_stats(s).objects, 0);
        if (i / 8 < pack.len - 20) {
            rehash(&broken);
            struct store *other = store_open(OID_SHA1, NULL);
            pack_feed(other, buf_slice(&broken), 0, NULL);
            store_close(other);
        }
        buf_deinit(&broken);
    }
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    store_close(s);
    file_free(pack);
}

static void a_tag_leads_to_its_commit(void **state)
{
    (void)state;
    repo_pack("one", "pack", "main\nv1\n", "");
    struct slice pack = file_read("pack");
    struct store *s = store_open(OID_SHA1, NULL);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    struct oid id = repo_commit("one", OID_SHA1, "v1"),
               commit = repo_commit("one", OID_SHA1, "v1^{commit}");
    struct oid tree = repo_commit("one", OID_SHA1, "v1^{tree}"), before = tree;
    assert_false(oid_equal(&id, &commit));
    assert_int_equal(store_peel(s, &id), OK);
    assert_true(oid_equal(&id, &commit));
    assert_int_equal(store_peel(s, &id), OK);
    assert_true(oid_equal(&id, &commit));
    assert_int_equal(store_peel(s, &tree), OK);
    assert_true(oid_equal(&tree, &before));
    assert_int_equal(store_peel(s, &(struct oid){{1}}), ERR_NOT_FOUND);
    store_close(s);
    file_free(pack);
}

/* Every request for memory refused once, both in a store that is empty and in one that a thin pack
 * builds on: an error, no trace, and the same pack is taken afterwards. */
static void without_memory(void **state)
{
    (void)state;
    repo_pack("one", "old", "main~5\n", "");
    repo_pack("one", "new", "main\n^main~5\n", "--thin");
    struct slice old = file_read("old");
    struct slice new = file_read("new");
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.cache_bytes = 0;
    for (unsigned round = 0; round < 2; round++) {
        struct store *s = store_open(OID_SHA1, round == 0 ? NULL : &limits);
        assert_int_equal(pack_feed(s, old, 0, NULL), OK);
        uint32_t objects = store_stats(s).objects;
        enum err e = ERR_MEMORY;
        for (unsigned n = 1; e != OK; n++) {
            sim_memory_fail_nth(n);
            e = pack_feed(s, new, 0, NULL);
            sim_memory_fail_nth(0);
            assert_true(e == OK || e == ERR_MEMORY);
            assert_true(e == OK || store_stats(s).objects == objects);
        }
        struct oid head = repo_commit("one", OID_SHA1, "main");
        struct oid missing;
        assert_int_equal(store_check(s, &head, NULL, &missing), OK);
        store_close(s);
    }
    file_free(old);
    file_free(new);
}

static void opening_and_reading_without_memory(void **state)
{
    (void)state;
    repo_pack("one", "pack", "main\nv1\n", "");
    struct slice pack = file_read("pack");
    for (unsigned n = 1; n <= 3; n++) {
        sim_memory_fail_nth(n);
        assert_null(store_open(OID_SHA1, NULL));
    }
    sim_memory_fail_nth(0);
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.cache_bytes = 0;
    struct store *s = store_open(OID_SHA1, &limits);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    struct oid head = repo_commit("one", OID_SHA1, "main^{tree}");
    struct store_object o;
    enum err e = ERR_MEMORY;
    for (unsigned n = 1; e != OK; n++) {
        sim_memory_fail_nth(n);
        e = store_read(s, &head, &o);
        sim_memory_fail_nth(0);
        assert_true(e == OK || e == ERR_MEMORY);
    }
    store_release(&o);
    struct oid commit = repo_commit("one", OID_SHA1, "main");
    struct oid missing;
    e = ERR_MEMORY;
    for (unsigned n = 1; e != OK; n++) {
        sim_memory_fail_nth(n);
        e = store_check(s, &commit, NULL, &missing);
        sim_memory_fail_nth(0);
        assert_true(e == OK || e == ERR_MEMORY);
    }
    store_close(s);
    file_free(pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_object_is_read_as_git_has_it, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(ref_deltas, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(no_deltas_and_stored_blocks, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(pieces_of_any_size, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(without_a_cache, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(progress_is_told, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(nothing_is_seen_before_the_end, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(thin_packs_build_on_the_store, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(what_is_there_may_come_again, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(a_pack_that_is_cut_off_leaves_no_trace, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(bytes_after_the_end_are_refused, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(a_bit_flipped_anywhere_is_noticed, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(a_tag_leads_to_its_commit, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(without_memory, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(opening_and_reading_without_memory, blocks_before,
                                        blocks_after),
    };
    return cmocka_run_group_tests_name("store packs", tests, repositories, NULL);
}
