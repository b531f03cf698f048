/* Which form answers: codings, preconditions, ranges, as the tables of RFC 9110 have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/choose.h"
#include "lib/http/server.h"

#define MODIFIED INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW      INT64_C(1795402800)
#define BEFORE   "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACTLY  "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER    "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_resource resource = {
    .etag = SLICE_INIT("\"plain\""),
    .gzip_etag = SLICE_INIT("\"gzip\""),
    .modified = MODIFIED,
    .length = 1000,
    .ranges = true,
};

/* fields: lines with their CRLF. */
static struct http_choice choose_as(const char *method, const char *fields,
                                    const struct http_resource *of)
{
    static struct http_request request;
    struct http_server core;
    char head[4096];
    int n = snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    struct slice in = slice_of(head, (size_t)n), body;
    http_server_init(&core);
    assert_int_equal(http_server_feed(&core, &in, &request, &body), HTTP_EVENT_COMPLETE);
    struct http_choice choice = http_choose(&request, of, NOW);
    http_server_deinit(&core);
    return choice;
}

static void test_preconditions(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *fields;
    } cases[] = {
        {200, ""},
        {200, "If-Match: \"plain\"\r\n"},
        {200, "If-Match: *\r\n"},
        {200, "If-Match: \"x\", \"plain\"\r\n"},
        {200, "If-Match: \"x\"\r\nIf-Match: \"plain\"\r\n"},
        {412, "If-Match: \"x\"\r\n"},
        {412, "If-Match: W/\"plain\"\r\n"}, /* strong comparison */
        {412, "If-Match: plain\r\n"},
        {412, "If-Match:\r\n"},
        {412, "If-Match: \"gzip\"\r\n"}, /* not the form that is chosen */
        {200, "If-Unmodified-Since: " EXACTLY "\r\n"},
        {200, "If-Unmodified-Since: " AFTER "\r\n"},
        {412, "If-Unmodified-Since: " BEFORE "\r\n"},
        {200, "If-Unmodified-Since: yesterday\r\n"},
        {200, "If-Match: \"plain\"\r\nIf-Unmodified-Since: " BEFORE "\r\n"}, /* not looked at */
        {304, "If-None-Match: \"plain\"\r\n"},
        {304, "If-None-Match: W/\"plain\"\r\n"}, /* weak comparison */
        {304, "If-None-Match: *\r\n"},
        {304, "If-None-Match: \"x\",W/\"y\" , \"plain\"\r\n"},
        {304, "If-None-Match: , ,\"x\",,\"plain\"\r\n"},
        {304, "If-None-Match: \"x\"\r\nIf-None-Match: \"plain\"\r\n"},
        {200, "If-None-Match: \"x\"\r\n"},
        {200, "If-None-Match: plain\r\n"},
        {200, "If-None-Match: \"plain\r\n"},
        {200, "If-None-Match: \"a, \"plain\"\r\n"}, /* malformed: read no further */
        {200, "If-None-Match: w/\"plain\"\r\n"},
        {200, "If-None-Match:\r\n"},
        {304, "If-Modified-Since: " EXACTLY "\r\n"},
        {304, "If-Modified-Since: " AFTER "\r\n"},
        {304, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n"},
        {304, "If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n"},
        {200, "If-Modified-Since: " BEFORE "\r\n"},
        {200, "If-Modified-Since: 784111777\r\n"},
        {200, "If-None-Match: \"x\"\r\nIf-Modified-Since: " AFTER "\r\n"}, /* the tag decides */
        {304, "If-None-Match: \"plain\"\r\nIf-Modified-Since: " BEFORE "\r\n"},
        {412, "If-Match: \"x\"\r\nIf-None-Match: \"plain\"\r\n"}, /* that comes first */
        {304, "If-Match: \"plain\"\r\nIf-None-Match: \"plain\"\r\n"},
        {412, "If-Unmodified-Since: " BEFORE "\r\nIf-Modified-Since: " AFTER "\r\n"},
        {304, "If-None-Match: \"plain\"\r\nRange: bytes=0-1\r\n"},
        {412, "If-Match: \"x\"\r\nRange: bytes=0-1\r\n"},
        {304, "Accept-Encoding: gzip\r\nIf-None-Match: \"gzip\"\r\n"},
        {200, "Accept-Encoding: gzip\r\nIf-None-Match: \"plain\"\r\n"},
        {200, "If-None-Match: \"gzip\"\r\n"},
        /* No list, and twice: neither is looked at. */
        {200, "If-Modified-Since: " AFTER "\r\nIf-Modified-Since: " AFTER "\r\n"},
        {200, "If-Modified-Since: " AFTER "\r\nX: y\r\nif-modified-since: " BEFORE "\r\n"},
        {200, "If-Unmodified-Since: " BEFORE "\r\nIf-Unmodified-Since: " BEFORE "\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_choice get = choose_as("GET", cases[i].fields, &resource);
        struct http_choice head = choose_as("HEAD", cases[i].fields, &resource);
        if (get.status != cases[i].status)
            print_error("%s", cases[i].fields);
        assert_int_equal(get.status, cases[i].status);
        assert_int_equal(head.status, cases[i].status);
    }
}

/* Where it is not known when it changed, dates decide nothing. */
static void test_no_date(void **state)
{
    (void)state;
    struct http_resource undated = resource;
    undated.modified = 0;
    assert_int_equal(choose_as("GET", "If-Modified-Since: " AFTER "\r\n", &undated).status, 200);
    assert_int_equal(choose_as("GET", "If-Unmodified-Since: " BEFORE "\r\n", &undated).status, 200);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        uint64_t first, length;
        const char *range;
    } cases[] = {
        {206, 0, 1, "bytes=0-0"},
        {206, 0, 1000, "bytes=0-"},
        {206, 0, 1000, "bytes=0-999"},
        {206, 999, 1, "bytes=999-"},
        {206, 999, 1, "bytes=999-5000"},
        {206, 10, 11, "Bytes=10-20"},
        {206, 10, 11, "bytes= 10-20"},
        {206, 10, 990, "bytes=10-18446744073709551615"},
        {206, 10, 990, "bytes=10-99999999999999999999999"},
        {206, 990, 10, "bytes=-10"},
        {206, 0, 1000, "bytes=-1000"},
        {206, 0, 1000, "bytes=-5000"},
        {206, 0, 1000, "bytes=-99999999999999999999999"},
        {416, 0, 1000, "bytes=1000-"},
        {416, 0, 1000, "bytes=1000-2000"},
        {416, 0, 1000, "bytes=18446744073709551615-"},
        {416, 0, 1000, "bytes=99999999999999999999999-"},
        {416, 0, 1000, "bytes=-0"},
        {200, 0, 1000, "bytes=0-0,2-2"},
        {200, 0, 1000, "bytes=0-0, -1"},
        {200, 0, 1000, "bytes=20-10"},
        {200, 0, 1000, "bytes=-"},
        {200, 0, 1000, "bytes="},
        {200, 0, 1000, "bytes"},
        {200, 0, 1000, "bytes=a-b"},
        {200, 0, 1000, "bytes=1-2-3"},
        {200, 0, 1000, "bytes=+1-2"},
        {200, 0, 1000, "bytes=0x1-2"},
        {200, 0, 1000, "bytes=1 -2"},
        {200, 0, 1000, "bytes=--1"},
        {200, 0, 1000, "lines=0-1"},
        {200, 0, 1000, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char field[128];
        snprintf(field, sizeof field, "Range: %s\r\nAccept-Encoding: gzip\r\n", cases[i].range);
        struct http_choice c = choose_as("GET", field, &resource);
        if (c.status != cases[i].status)
            print_error("%s", field);
        assert_int_equal(c.status, cases[i].status);
        assert_int_equal(c.first, cases[i].first);
        assert_int_equal(c.length, cases[i].length);
        assert_false(c.gzip);
    }
}

static void test_ranges_of_nothing(void **state)
{
    (void)state;
    struct http_resource empty = resource;
    empty.length = 0;
    assert_int_equal(choose_as("GET", "Range: bytes=0-\r\n", &empty).status, 416);
    assert_int_equal(choose_as("GET", "Range: bytes=0-0\r\n", &empty).status, 416);
    assert_int_equal(choose_as("GET", "Range: bytes=-0\r\n", &empty).status, 416);
    assert_int_equal(choose_as("GET", "Range: bytes=-1\r\n", &empty).status, 200);
}

static void test_range_not_for_all(void **state)
{
    (void)state;
    struct http_resource none = resource;
    none.ranges = false;
    const char *fields = "Range: bytes=0-1\r\nAccept-Encoding: gzip\r\n";
    struct http_choice c = choose_as("GET", fields, &none);
    assert_int_equal(c.status, 200);
    assert_true(c.gzip);
    c = choose_as("HEAD", fields, &resource); /* RFC 9110, 14.2: for GET only */
    assert_int_equal(c.status, 200);
    assert_true(c.gzip);
}

/* Of two ranges neither is served: the whole is, as it is for a list of them. */
static void test_two_ranges(void **state)
{
    (void)state;
    const char *const fields[] = {
        "Range: bytes=0-1\r\nRange: bytes=0-1\r\n",
        "Range: bytes=0-1\r\nX: y\r\nRANGE: bytes=5000-\r\n",
        "Range: bytes=5000-\r\nRange: bytes=0-1\r\nIf-Range: \"plain\"\r\n",
        "Range: bytes=0-1\r\nIf-Range: \"plain\"\r\nIf-Range: \"plain\"\r\n",
        "Range: bytes=0-1\r\nIf-Range: \"plain\"\r\nIf-Range: \"x\"\r\n"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct http_choice c = choose_as("GET", fields[i], &resource);
        assert_int_equal(c.status, 200);
        assert_int_equal(c.length, 1000);
    }
    const char *two = "Range: bytes=0-1\r\nRange: bytes=2-3\r\nAccept-Encoding: gzip\r\n";
    assert_true(choose_as("GET", two, &resource).gzip);
}

static void test_if_range(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *condition;
    } cases[] = {
        {206, "\"plain\""},
        {200, "\"x\""},
        {200, "W/\"plain\""},
        {200, "\"gzip\""},
        {200, "*"},
        {200, EXACTLY}, /* two versions may bear one date: it is no strong validator */
        {200, BEFORE},
        {200, AFTER},
        {200, "yesterday"},
        {200, "\"plain"},
        {200, ""},
        {200, "Sun Nov  6 08:49:37 1994"},
        {200, "\"plain\", \"x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char field[128];
        snprintf(field, sizeof field, "If-Range: %s\r\nRange: bytes=0-1\r\n", cases[i].condition);
        assert_int_equal(choose_as("GET", field, &resource).status, cases[i].status);
        /* Without a range it says nothing. */
        snprintf(field, sizeof field, "If-Range: %s\r\n", cases[i].condition);
        assert_int_equal(choose_as("GET", field, &resource).status, 200);
    }
    /* A part that cannot be is none of what has changed since. */
    assert_int_equal(
        choose_as("GET", "If-Range: \"x\"\r\nRange: bytes=5000-\r\n", &resource).status, 200);
}

static void test_codings(void **state)
{
    (void)state;
    static const struct {
        bool gzip;
        const char *accept;
    } cases[] = {
        {true, "gzip"},
        {true, "GZip"},
        {true, "x-gzip"},
        {true, "gzip, deflate, br"},
        {true, "br;q=1.0, gzip;q=0.8, *;q=0.1"},
        {true, "*"},
        {true, "*;q=0.001"},
        {true, "gzip;q=0.5"},
        {true, "gzip ; q=0.5"},
        {true, "gzip;Q=1.000"},
        {true, "gzip;q=1, identity;q=1"},
        {true, "gzip, identity;q=0"},
        {true, "identity;q=0.5, *;q=0.5"},
        {true, "*;q=0, gzip"},
        {true, "deflate\r\nAccept-Encoding: gzip"},
        {false, ""},
        {false, "identity"},
        {false, "br, deflate"},
        {false, "gzip;q=0"},
        {false, "gzip;q=0.000, *"},
        {false, "gzip;q=0.5, identity;q=0.6"},
        {false, "gzip;q=0.5, identity"},
        {false, "*;q=0"},
        {false, "gzip;q=2"},
        {false, "gzip;q=1.001"},
        {false, "gzip;q=0.0001"},
        {false, "gzip;q=-1"},
        {false, "gzip;q="},
        {false, "gzip;q"},
        {false, "gzip;level=9"},
        {false, "gzipped"},
        {false, "gzi"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char field[128];
        snprintf(field, sizeof field, "Accept-Encoding: %s\r\n", cases[i].accept);
        struct http_choice c = choose_as("GET", field, &resource);
        if (c.gzip != cases[i].gzip)
            print_error("%s", field);
        assert_int_equal(c.gzip, cases[i].gzip);
        assert_int_equal(c.status, 200);
    }
    assert_false(choose_as("GET", "", &resource).gzip);
    struct http_resource plain = resource;
    plain.gzip_etag = (struct slice){NULL, 0};
    assert_false(choose_as("GET", "Accept-Encoding: gzip\r\n", &plain).gzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preconditions),
        cmocka_unit_test(test_no_date),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_ranges_of_nothing),
        cmocka_unit_test(test_range_not_for_all),
        cmocka_unit_test(test_two_ranges),
        cmocka_unit_test(test_if_range),
        cmocka_unit_test(test_codings),
    };
    return cmocka_run_group_tests_name("http choose", tests, NULL, NULL);
}
