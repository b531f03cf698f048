/* Slices and readers: splitting, searching, numbers; nothing looks outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/reader.h"
#include "runtime/slice.h"

/* A copy in a block that is just as large, so that the sanitizer sees every byte beyond. */
static struct slice exact(const char *text, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    return slice_of(copy, len);
}

static void drop(struct slice s)
{
    free((void *)(uintptr_t)s.ptr);
}

static void test_compare(void **state)
{
    (void)state;
    assert_int_equal(slice_compare(SLICE("abc"), SLICE("abc")), 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_int_equal(slice_compare(slice_of(NULL, 0), SLICE("")), 0);
    assert_true(slice_compare(slice_of(NULL, 0), SLICE("a")) < 0);
    assert_true(slice_equal_nocase(SLICE("Content-Length"), SLICE("cONTENT-lENGTH")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{"))); /* they differ by the same bit */
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("ab")));
    assert_true(slice_equal_secret(SLICE("s3cret"), SLICE("s3cret")));
    assert_false(slice_equal_secret(SLICE("s3cret"), SLICE("s3creT")));
    assert_false(slice_equal_secret(SLICE("s3cret"), SLICE("s3cre")));
    assert_true(slice_equal_secret(slice_of(NULL, 0), slice_of(NULL, 0)));
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")) && slice_ends(SLICE("abc"), SLICE("bc")));
    assert_true(slice_starts(SLICE("abc"), SLICE("")) && slice_ends(SLICE("abc"), SLICE("")));
    assert_false(slice_starts(SLICE("a"), SLICE("ab")) || slice_ends(SLICE("b"), SLICE("ab")));
}

static void test_take_and_drop_clamp(void **state)
{
    (void)state;
    struct slice s = SLICE("abc");
    assert_int_equal(slice_take(s, SIZE_MAX).len, 3);
    assert_int_equal(slice_drop(s, SIZE_MAX).len, 0);
    assert_ptr_equal(slice_drop(s, 99).ptr, s.ptr + 3);
    assert_int_equal(slice_drop(slice_of(NULL, 0), 1).len, 0);
    assert_int_equal(slice_text(NULL).len, 0);
}

/* Against the simplest possible search. */
static size_t naive_search(struct slice s, struct slice what)
{
    for (size_t i = 0; i + what.len <= s.len; i++)
        if (what.len == 0 || memcmp(s.ptr + i, what.ptr, what.len) == 0)
            return i;
    return s.len;
}

static void test_search(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 3);
    for (int i = 0; i < 50000; i++) {
        char text[24], what[4];
        size_t n = (size_t)sim_random_range(&r, 0, sizeof text);
        size_t m = (size_t)sim_random_range(&r, 0, sizeof what);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)('a' + sim_random_range(&r, 0, 1));
        for (size_t k = 0; k < m; k++)
            what[k] = (char)('a' + sim_random_range(&r, 0, 1));
        struct slice s = exact(text, n), w = exact(what, m);
        assert_int_equal(slice_search(s, w), naive_search(s, w));
        drop(s);
        drop(w);
    }
    assert_int_equal(slice_search(SLICE("ab"), SLICE("abc")), 2);
    assert_int_equal(slice_search(slice_of(NULL, 0), SLICE("a")), 0);
    assert_int_equal(slice_find(slice_of(NULL, 0), 'a'), 0);
}

static void test_cut(void **state)
{
    (void)state;
    struct slice before, after, s = SLICE("name=value=x");
    assert_true(slice_cut(s, '=', &before, &after));
    assert_true(slice_is(before, "name") && slice_is(after, "value=x"));
    assert_true(slice_cut(s, '=', &s, &after)); /* into its own source */
    assert_true(slice_is(s, "name") && slice_is(after, "value=x"));
    assert_false(slice_cut(s, '=', &before, &after));
    assert_true(slice_is(before, "name") && after.len == 0);
    assert_true(slice_cut(SLICE("="), '=', &before, &after));
    assert_true(before.len == 0 && after.len == 0);
    assert_false(slice_cut(slice_of(NULL, 0), '=', &before, &after));
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(slice_is(slice_trim(SLICE(" \t\r\n a b \n")), "a b"));
    assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
    assert_int_equal(slice_trim(slice_of(NULL, 0)).len, 0);
    assert_int_equal(slice_trim(SLICE("\v")).len, 1);
}

static void test_lines(void **state)
{
    (void)state;
    struct slice line, rest = SLICE("one\r\n\ntwo\r\r\nthree\r");
    assert_true(slice_line(&rest, &line) && slice_is(line, "one"));
    assert_true(slice_line(&rest, &line) && line.len == 0);
    assert_true(slice_line(&rest, &line) && slice_is(line, "two\r"));
    assert_true(slice_line(&rest, &line) &&
                slice_is(line, "three\r")); /* a CR alone ends nothing */
    assert_false(slice_line(&rest, &line));
    rest = SLICE("x\n"); /* the end after a line end is not a line */
    assert_true(slice_line(&rest, &line));
    assert_false(slice_line(&rest, &line));
}

static void test_numbers(void **state)
{
    uint64_t v = 42;
    (void)state;
    assert_true(slice_decimal(SLICE("0"), UINT64_MAX, &v) && v == 0);
    assert_true(slice_decimal(SLICE("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(slice_decimal(SLICE("00000000000000000000000007"), 9, &v) && v == 7);
    assert_true(slice_decimal(SLICE("255"), 255, &v) && v == 255);
    v = 42;
    assert_false(slice_decimal(SLICE("18446744073709551616"), UINT64_MAX, &v));
    assert_false(slice_decimal(SLICE("99999999999999999999999999"), UINT64_MAX, &v));
    assert_false(slice_decimal(SLICE("256"), 255, &v));
    assert_false(slice_decimal(SLICE("1"), 0, &v));
    assert_false(slice_decimal(SLICE(""), 9, &v) || slice_decimal(SLICE("-1"), 9, &v));
    assert_false(slice_decimal(SLICE("+1"), 9, &v) || slice_decimal(SLICE(" 1"), 9, &v));
    assert_false(slice_decimal(SLICE("1a"), 99, &v) || slice_decimal(SLICE("1\0"), 99, &v));
    assert_int_equal(v, 42); /* untouched by failures */
    assert_true(slice_hex(SLICE("fFfFfFfFfFfFfFfF"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_false(slice_hex(SLICE("10000000000000000"), UINT64_MAX, &v));
    assert_false(slice_hex(SLICE("0x1"), 99, &v) || slice_hex(SLICE("g"), 99, &v));
    for (uint64_t max = 0; max < 40; max++) {
        for (uint64_t n = 0; n < 60; n++) {
            char text[3] = {(char)('0' + n / 10), (char)('0' + n % 10), 0};
            assert_int_equal(slice_decimal(slice_text(text), max, &v), n <= max);
        }
    }
}

static void test_reader(void **state)
{
    (void)state;
    struct slice s = exact("\x01\x02\x03\x04\x05\x06\x07\x08\x09", 9);
    struct reader r = reader_of(s);
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_be16(&r), 0x0203);
    assert_int_equal(read_be32(&r), 0x04050607);
    assert_int_equal(read_be32(&r), 0); /* only two are left: latched, and nothing is taken */
    assert_true(r.bad);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(read_bytes(&r, 0).len, 0);
    r = reader_of(s);
    assert_int_equal(read_big_endian(&r, 8), 0x0102030405060708);
    assert_false(r.bad);
    r = reader_of(s);
    assert_int_equal(read_le16(&r), 0x0201);
    assert_int_equal(read_le32(&r), 0x06050403);
    assert_int_equal(read_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.bad);
    drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare), cmocka_unit_test(test_take_and_drop_clamp),
        cmocka_unit_test(test_search),  cmocka_unit_test(test_cut),
        cmocka_unit_test(test_trim),    cmocka_unit_test(test_lines),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_reader),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
