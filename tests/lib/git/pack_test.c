/* Headers of packs and of their entries, and deltas. */
#include "lib/git/delta.h"
#include "lib/git/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static enum err entry(struct slice bytes, struct git_pack_entry *e)
{
    return git_pack_entry(OID_SHA1, bytes, e);
}

static void pack_headers(void **state)
{
    (void)state;
    uint32_t objects;
    assert_int_equal(git_pack_header(SLICE("PACK\0\0\0\2\1\2\3\4"), &objects), OK);
    assert_int_equal(objects, 0x01020304);
    assert_int_equal(git_pack_header(SLICE("PACK\0\0\0\3\0\0\0\0"), &objects), OK);
    assert_int_equal(git_pack_header(SLICE("PACK\0\0\0\1\0\0\0\0"), &objects), ERR_UNSUPPORTED);
    assert_int_equal(git_pack_header(SLICE("KCAP\0\0\0\2\0\0\0\0"), &objects), ERR_MALFORMED);
    assert_int_equal(git_pack_header(SLICE("PACK\0\0\0\2\0\0\0"), &objects), ERR_MALFORMED);
}

static void sizes(void **state)
{
    (void)state;
    struct git_pack_entry e;
    assert_int_equal(entry(SLICE("\x3f"), &e), OK);
    assert_int_equal(e.type, GIT_BLOB);
    assert_int_equal(e.size, 15);
    assert_int_equal(e.header, 1);
    assert_int_equal(entry(SLICE("\x9f\x01rest"), &e), OK);
    assert_int_equal(e.type, GIT_COMMIT);
    assert_int_equal(e.size, 31);
    assert_int_equal(e.header, 2);
    assert_int_equal(entry(SLICE("\xaf\xff\xff\xff\xff\xff\xff\xff\xff\x0f"), &e), OK);
    assert_true(e.size == UINT64_MAX);
    assert_int_equal(entry(SLICE("\xaf\xff\xff\xff\xff\xff\xff\xff\xff\x1f"), &e), ERR_MALFORMED);
    assert_int_equal(entry(SLICE("\xaf\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), &e),
                     ERR_MALFORMED);
    assert_int_equal(entry(SLICE(""), &e), ERR_AGAIN);
    assert_int_equal(entry(SLICE("\xaf\xff"), &e), ERR_AGAIN);
}

static void bases(void **state)
{
    (void)state;
    struct git_pack_entry e;
    assert_int_equal(entry(SLICE("\x61\x7f"), &e), OK);
    assert_int_equal(e.type, GIT_OFS_DELTA);
    assert_int_equal(e.back, 127);
    assert_int_equal(entry(SLICE("\x61\x80\x00"), &e), OK);
    assert_int_equal(e.back, 128);
    assert_int_equal(entry(SLICE("\x61\xff\x7f"), &e), OK);
    assert_int_equal(e.back, 16511);
    assert_int_equal(e.header, 3);
    assert_int_equal(entry(SLICE("\x61\x00"), &e), ERR_MALFORMED); /* on itself */
    assert_int_equal(entry(SLICE("\x61\x81"), &e), ERR_AGAIN);
    assert_int_equal(entry(SLICE("\x61\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), &e),
                     ERR_MALFORMED);
    assert_int_equal(entry(SLICE("\x71"
                                 "01234567890123456789z"),
                           &e),
                     OK);
    assert_int_equal(e.type, GIT_REF_DELTA);
    assert_true(slice_is(e.base, "01234567890123456789"));
    assert_int_equal(e.header, 21);
    assert_int_equal(entry(SLICE("\x71"
                                 "0123456789012345678"),
                           &e),
                     ERR_AGAIN);
    assert_int_equal(entry(SLICE("\x01"), &e), ERR_MALFORMED);
    assert_int_equal(entry(SLICE("\x51"), &e), ERR_MALFORMED);
}

static enum err apply(struct slice delta, const char *want)
{
    char into[32] = {0};
    size_t size = strlen(want);
    enum err e = git_delta_apply(SLICE("0123456789"), delta, (uint8_t *)into, size);
    if (e == OK)
        assert_string_equal(into, want);
    return e;
}

static void deltas(void **state)
{
    (void)state;
    assert_int_equal(apply(SLICE("\x0a\x03\x91\x02\x03"), "234"), OK);
    assert_int_equal(apply(SLICE("\x0a\x05\x91\x08\x02\x03xyz"), "89xyz"), OK);
    assert_int_equal(apply(SLICE("\x0a\x02\x01x\x90\x01"), "x0"), OK);
    assert_int_equal(apply(SLICE("\x0a\x00"), ""), OK);
    assert_int_equal(apply(SLICE("\x0a\x03\x91\x08\x03"), "89?"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x03\x90\x04"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x03\x90\x02"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0b\x03\x90\x03"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x04\x90\x03"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x03\x00"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x03\x03xy"), "xyz"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a\x03\x9f\x00\x00"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE("\x0a"), "012"), ERR_MALFORMED);
    assert_int_equal(apply(SLICE(""), "012"), ERR_MALFORMED);
}

/* No size in a copy means 64 KiB; all bytes of offset and size are used. */
static void large_copies(void **state)
{
    (void)state;
    static uint8_t base[0x1020304 + 0x10203];
    static uint8_t into[0x10203];
    for (size_t i = 0; i < sizeof(base); i++)
        base[i] = (uint8_t)(i * 31 + (i >> 8));
    struct slice from = slice_of(base, sizeof(base));
    assert_int_equal(
        git_delta_apply(from, SLICE("\x87\x8a\x8c\x08\x80\x80\x04\x80"), into, 0x10000), OK);
    assert_memory_equal(into, base, 0x10000);
    assert_int_equal(git_delta_apply(from,
                                     SLICE("\x87\x8a\x8c\x08\x83\x84\x04"
                                           "\xff\x04\x03\x02\x01\x03\x02\x01"),
                                     into, 0x10203),
                     OK);
    assert_memory_equal(into, base + 0x1020304, 0x10203);
}

static void sizes_of_deltas(void **state)
{
    (void)state;
    uint64_t base;
    uint64_t result;
    assert_int_equal(git_delta_sizes(SLICE("\x80\x01\x05rest"), &base, &result), OK);
    assert_int_equal(base, 128);
    assert_int_equal(result, 5);
    assert_int_equal(git_delta_sizes(SLICE("\x05"), &base, &result), ERR_MALFORMED);
    assert_int_equal(
        git_delta_sizes(SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01"), &base, &result),
        ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_headers), cmocka_unit_test(sizes),
        cmocka_unit_test(bases),        cmocka_unit_test(deltas),
        cmocka_unit_test(large_copies), cmocka_unit_test(sizes_of_deltas),
    };
    return cmocka_run_group_tests_name("git packs", tests, NULL, NULL);
}
