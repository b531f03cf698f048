/* The calendar against the C library's, and the texts of dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/date/http.h"
#include "lib/date/text.h"
#include "runtime/date.h"

#define NOVEMBER_1994 INT64_C(784111777)  /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW           INT64_C(1795402800) /* in November 2026 */

static void check_civil(int64_t seconds)
{
    struct date_civil c = date_civil(seconds);
    time_t t = (time_t)seconds;
    struct tm tm;
    int64_t back;
    assert_non_null(gmtime_r(&t, &tm));
    assert_int_equal(c.year, tm.tm_year + 1900);
    assert_int_equal(c.month, tm.tm_mon + 1);
    assert_int_equal(c.day, tm.tm_mday);
    assert_int_equal(c.hour, tm.tm_hour);
    assert_int_equal(c.minute, tm.tm_min);
    assert_int_equal(c.second, tm.tm_sec);
    assert_int_equal(c.weekday, tm.tm_wday);
    assert_true(date_seconds(&c, &back));
    assert_true(back == seconds);
}

/* Every day of all years, and the seconds around midnight. */
static void test_every_day(void **state)
{
    (void)state;
    for (int64_t day = DATE_SECONDS_MIN; day < DATE_SECONDS_MAX; day += 86400) {
        check_civil(day);
        check_civil(day + 86399);
    }
}

static void test_every_second(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 86400; s++) {
        check_civil(s);
        check_civil(s - 86400);
    }
}

static void test_clamped(void **state)
{
    (void)state;
    struct date_civil first = date_civil(INT64_MIN), last = date_civil(INT64_MAX);
    assert_int_equal(first.year, 0);
    assert_int_equal(first.month, 1);
    assert_int_equal(last.year, 9999);
    assert_int_equal(last.second, 59);
}

static void test_no_such_date(void **state)
{
    (void)state;
    static const struct date_civil bad[] = {
        {.year = 10000, .month = 1, .day = 1},
        {.year = 2000, .month = 0, .day = 1},
        {.year = 2000, .month = 13, .day = 1},
        {.year = 2000, .month = 1, .day = 0},
        {.year = 2000, .month = 1, .day = 32},
        {.year = 2000, .month = 2, .day = 30},
        {.year = 1900, .month = 2, .day = 29},
        {.year = 2001, .month = 2, .day = 29},
        {.year = 2000, .month = 4, .day = 31},
        {.year = 2000, .month = 1, .day = 1, .hour = 24},
        {.year = 2000, .month = 1, .day = 1, .minute = 60},
        {.year = 2000, .month = 1, .day = 1, .second = 61},
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(date_seconds(&bad[i], &seconds));
    struct date_civil leap = {
        .year = 2016, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 60};
    assert_true(date_seconds(&leap, &seconds));
    assert_true(seconds == INT64_C(1483228800));
}

static void test_http_format(void **state)
{
    (void)state;
    char text[DATE_HTTP_LEN + 1];
    date_http_format(NOVEMBER_1994, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    date_http_format(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    date_http_format(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    date_http_format(INT64_MIN, text);
    assert_string_equal(text, "Sat, 01 Jan 0000 00:00:00 GMT");
}

static void test_http_there_and_back(void **state)
{
    (void)state;
    for (int64_t s = DATE_SECONDS_MIN; s < DATE_SECONDS_MAX; s += 86400 * 13 + 12345) {
        char text[DATE_HTTP_LEN + 1];
        int64_t back;
        date_http_format(s, text);
        assert_true(date_http_parse(slice_text(text), NOW, &back));
        assert_true(back == s);
    }
}

static void test_http_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", NOVEMBER_1994},
        {"Sunday, 06-Nov-94 08:49:37 GMT", NOVEMBER_1994},
        {"Sun Nov  6 08:49:37 1994", NOVEMBER_1994},
        {"Sun Nov 06 08:49:37 1994", NOVEMBER_1994},
        {"Wed Nov 16 08:49:37 1994", NOVEMBER_1994 + 10 * 86400},
        {"Mon, 06 Nov 1994 08:49:37 GMT", NOVEMBER_1994}, /* the name of the day is not compared */
        {"Monday, 23-Nov-26 00:00:00 GMT", INT64_C(1795392000)},
        {"Monday, 01-Jan-76 00:00:00 GMT", INT64_C(3345062400)}, /* 50 years on: 2076 */
        {"Monday, 01-Jan-77 00:00:00 GMT", INT64_C(220924800)},  /* 1977 */
        {"Monday, 01-Jan-00 00:00:00 GMT", INT64_C(946684800)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds;
        assert_true(date_http_parse(slice_text(cases[i].text), NOW, &seconds));
        assert_true(seconds == cases[i].seconds);
    }
}

static void test_http_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun,",
        "Sun ",
        "784111777",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=1",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 30 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(date_http_parse(slice_text(bad[i]), NOW, &seconds));
    const char *good = "Sunday, 06-Nov-94 08:49:37 GMT";
    for (size_t len = 0; len < strlen(good); len++)
        assert_false(date_http_parse(slice_of(good, len), NOW, &seconds));
}

static void test_text(void **state)
{
    (void)state;
    char stamp[DATE_RFC3339_LEN + 1], day[DATE_DAY_LEN + 1];
    date_rfc3339_format(NOVEMBER_1994, stamp);
    assert_string_equal(stamp, "1994-11-06T08:49:37Z");
    date_rfc3339_format(INT64_MIN, stamp);
    assert_string_equal(stamp, "0000-01-01T00:00:00Z");
    date_rfc3339_format(INT64_MAX, stamp);
    assert_string_equal(stamp, "9999-12-31T23:59:59Z");
    date_day_format(NOVEMBER_1994, day);
    assert_string_equal(day, "1994-11-06");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),   cmocka_unit_test(test_every_second),
        cmocka_unit_test(test_clamped),     cmocka_unit_test(test_no_such_date),
        cmocka_unit_test(test_http_format), cmocka_unit_test(test_http_there_and_back),
        cmocka_unit_test(test_http_parse),  cmocka_unit_test(test_http_refused),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
