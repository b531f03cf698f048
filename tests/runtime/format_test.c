/* The formatter against the C library's, over random conversions, and by hand where they differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>

#include "platform/sim/sim.h"
#include "runtime/format.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

static struct sim_random random_state;

static size_t pick(size_t count)
{
    return (size_t)sim_random_range(&random_state, 0, count - 1);
}

/* "%-08.3ll": everything but the letter. */
static void random_spec(char *into, const char *flags, bool precision, const char *length)
{
    *into++ = '%';
    for (const char *f = flags; *f; f++)
        if (pick(3) == 0)
            *into++ = *f;
    if (pick(2))
        into += sprintf(into, "%zu", pick(40) + 1);
    if (precision && pick(2)) {
        *into++ = '.';
        if (pick(4))
            into += sprintf(into, "%zu", pick(30));
    }
    strcpy(into, length);
}

static const unsigned long long integers[] = {0,
                                              1,
                                              9,
                                              10,
                                              15,
                                              16,
                                              99,
                                              127,
                                              128,
                                              255,
                                              256,
                                              32767,
                                              32768,
                                              65535,
                                              65536,
                                              INT_MAX,
                                              1ull + INT_MAX,
                                              UINT_MAX,
                                              1ull + UINT_MAX,
                                              LLONG_MAX,
                                              1ull + LLONG_MAX,
                                              ULLONG_MAX};

static void compare(const char *format, unsigned long long value)
{
    char expected[256], actual[256];
    memset(actual, '#', sizeof actual);
    int length = snprintf(expected, sizeof expected, format, value, value);
    size_t ours = format_text(actual, sizeof actual, format, value, value);
    if (strcmp(expected, actual) != 0 || ours != (size_t)length)
        fail_msg("'%s' of %llx: '%s', but the C library says '%s'", format, value, actual,
                 expected);
}

static void test_integers(void **state)
{
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "j", "t"};
    static const char letters[] = "diuxX";
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char format[64] = "<";
        char letter[3] = {letters[pick(5)], '>', 0};
        const char *flags = letter[0] == 'd' || letter[0] == 'i' ? "-0+ "
                            : letter[0] == 'u'                   ? "-0"
                                                                 : "-0#";
        random_spec(format + 1, flags, true, lengths[pick(8)]);
        strcat(format, letter);
        compare(format, pick(2) ? integers[pick(sizeof integers / sizeof *integers)]
                                : sim_random_next(&random_state) >> pick(64));
    }
}

static void test_strings(void **state)
{
    static const char *const texts[] = {"", "a", "hello", "a longer text, with blanks"};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char format[64] = "<";
        random_spec(format + 1, "-", true, "s>");
        compare(format, (uintptr_t)texts[pick(4)]);
    }
}

static void test_pointers_and_characters(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char format[64];
        random_spec(format, "-", false, "c");
        compare(format, pick(127) + 1);
        random_spec(format, "-", false, "p");
        compare(format, pick(4) ? sim_random_next(&random_state) : 0);
    }
}

static void test_width_and_precision_from_arguments(void **state)
{
    char expected[64], actual[64];
    (void)state;
    for (int width = -20; width <= 20; width++) {
        for (int precision = -3; precision <= 8; precision++) {
            snprintf(expected, sizeof expected, "[%*.*s|%*.*d]", width, precision, "abcdef", width,
                     precision, -1234);
            format_text(actual, sizeof actual, "[%*.*s|%*.*d]", width, precision, "abcdef", width,
                        precision, -1234);
            assert_string_equal(actual, expected);
        }
    }
}

/* A slice is not terminated: the formatter must not look beyond. */
static void test_slices_are_not_overread(void **state)
{
    (void)state;
    char actual[16];
    char *exact = malloc(4);
    memcpy(exact, "abcd", 4);
    assert_int_equal(format_text(actual, sizeof actual, "%.*s", 4, exact), 4);
    assert_string_equal(actual, "abcd");
    free(exact);
    assert_int_equal(format_text(actual, sizeof actual, "%.*s", 0, (const char *)NULL), 0);
    assert_string_equal(actual, "");
}

static void test_null_and_unknown(void **state)
{
    char actual[64];
    (void)state;
    format_text(actual, sizeof actual, "%s %10s|", (const char *)NULL, (const char *)NULL);
    assert_string_equal(actual, "(null)     (null)|");
    format_text(actual, sizeof actual, "%y %-5Q 100%% %d", 7);
    assert_string_equal(actual, "%y %-5Q 100% 7");
    format_text(actual, sizeof actual, "end %");
    assert_string_equal(actual, "end %");
    format_text(actual, sizeof actual, "end %-5l");
    assert_string_equal(actual, "end %-5l");
}

static void test_too_little_room(void **state)
{
    (void)state;
    for (size_t size = 0; size < 12; size++) {
        char *actual = malloc(size ? size : 1);
        char expected[16];
        actual[0] = '#';
        assert_int_equal(format_text(size ? actual : NULL, size, "%s%d", "abcd", 12345), 9);
        snprintf(expected, size ? size : 1, "abcd12345");
        if (size)
            assert_string_equal(actual, expected);
        free(actual);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_pointers_and_characters),
        cmocka_unit_test(test_width_and_precision_from_arguments),
        cmocka_unit_test(test_slices_are_not_overread),
        cmocka_unit_test(test_null_and_unknown),
        cmocka_unit_test(test_too_little_room),
    };
    sim_random_seed(&random_state, 1);
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
