/* Bundles of stock git, and headers that are none. */
#include "lib/git/bundle.h"
#include "lib/store/store.h"
#include "signatures/memory.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct oid main_of(const struct git_bundle *b, unsigned *count)
{
    struct slice rest = b->refs;
    struct git_bundle_ref ref;
    struct oid found = {{0}};
    *count = 0;
    while (git_bundle_next(b->kind, &rest, &ref)) {
        if (slice_is(ref.name, "refs/heads/main"))
            found = ref.oid;
        ++*count;
    }
    return found;
}

static void take_in(const char *format, enum oid_kind kind)
{
    repo_make(format, format);
    shell("git -C %s.git symbolic-ref HEAD refs/heads/main", format);
    shell("git -C %s.git bundle create -q ../bundle --all HEAD", format);
    struct slice bytes = file_read("bundle");
    struct git_bundle b;
    unsigned refs;
    assert_int_equal(git_bundle_parse(bytes, &b), OK);
    assert_int_equal(b.kind, kind);
    struct oid main = main_of(&b, &refs);
    struct oid head = repo_commit(format, kind, "main");
    assert_true(oid_equal(&main, &head));
    assert_int_equal(refs, 3);
    struct store *s = store_open(b.kind, NULL);
    struct oid missing;
    assert_int_equal(pack_feed(s, b.pack, 0, NULL), OK);
    assert_int_equal(store_check(s, &main, NULL, &missing), OK);
    store_close(s);
    file_free(bytes);
}

static void bundles_of_git(void **state)
{
    (void)state;
    uint64_t blocks = memory_stats().blocks;
    take_in("sha1", OID_SHA1);
    take_in("sha256", OID_SHA256);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void bundles_that_build_on_something(void **state)
{
    (void)state;
    struct git_bundle b;
    repo_make("part", "sha1");
    shell("git -C part.git bundle create -q ../bundle main~3..main");
    struct slice bytes = file_read("bundle");
    assert_int_equal(git_bundle_parse(bytes, &b), ERR_UNSUPPORTED);
    file_free(bytes);
}

#define HEX "0123456789012345678901234567890123456789"

static void headers(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        enum err want;
    } cases[] = {
        {SLICE_INIT("# v2 git bundle\n" HEX " a\n\nPACK"), OK},
        {SLICE_INIT("# v2 git bundle\n\nPACK"), OK},
        {SLICE_INIT("# v3 git bundle\n@object-format=sha1\n" HEX " a\n\n"), OK},
        {SLICE_INIT("# v3 git bundle\n@filter=blob:none\n" HEX " a\n\n"), ERR_UNSUPPORTED},
        {SLICE_INIT("# v3 git bundle\n@object-format=sha256\n" HEX " a\n\n"), ERR_MALFORMED},
        {SLICE_INIT("# v4 git bundle\n\n"), ERR_UNSUPPORTED},
        {SLICE_INIT("# v2 git bundle"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n" HEX " a\n"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n" HEX " a"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n" HEX "\n\n"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n" HEX " \n\n"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\nx" HEX " a\n\n"), ERR_MALFORMED},
        {SLICE_INIT("# v2 git bundle\n-" HEX " a\n\n"), ERR_UNSUPPORTED},
        {SLICE_INIT("# v3 git bundle\n@object-format"), ERR_MALFORMED},
        {SLICE_INIT("PACK"), ERR_MALFORMED},
        {SLICE_INIT(""), ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct git_bundle b;
        assert_int_equal(git_bundle_parse(cases[i].bytes, &b), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundles_of_git),
        cmocka_unit_test(bundles_that_build_on_something),
        cmocka_unit_test(headers),
    };
    return cmocka_run_group_tests_name("git bundles", tests, NULL, NULL);
}
