/* The access log's line: its fields, and that no client can forge one. */
#include "apps/canopy/accesslog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const struct http_record *record, const char *expected)
{
    struct buf line;
    buf_init(&line, 1 << 16);
    access_log_line(&line, record);
    buf_byte(&line, 0);
    assert_int_equal(line.err, OK);
    assert_string_equal((const char *)line.ptr, expected);
    buf_deinit(&line);
}

static struct http_record record_of(const char *target, const char *referrer, const char *agent)
{
    return (struct http_record){
        .wall = INT64_C(1764000000123456789),
        .took = 1234567,
        .client = {.address = address_v4(192, 0, 2, 7), .port = 4242},
        .method = SLICE("GET"),
        .target = slice_text(target),
        .referrer = slice_text(referrer),
        .agent = slice_text(agent),
        .sent = 14302,
        .status = 200,
    };
}

static void a_line_has_every_field(void **state)
{
    (void)state;
    struct http_record r = record_of("/Posts?a=1", "https://example.org/", "curl/8.5.0 (x)");
    check(&r, "2025-11-24T16:00:00.123Z 192.0.2.7 GET /Posts?a=1 200 14302 1.234 "
              "\"https://example.org/\" \"curl/8.5.0 (x)\"");
}

static void what_is_missing_is_a_dash(void **state)
{
    (void)state;
    struct http_record r = record_of("", "", "");
    r.method = (struct slice){NULL, 0};
    r.status = 400;
    check(&r, "2025-11-24T16:00:00.123Z 192.0.2.7 - - 400 14302 1.234 \"-\" \"-\"");
}

static void what_a_client_chose_is_escaped(void **state)
{
    (void)state;
    struct http_record r = record_of("/a\nb \"c\\\x7f\xc3\xa9", "\x1b[31m", "a\"b\r\n");
    check(&r, "2025-11-24T16:00:00.123Z 192.0.2.7 GET /a\\x0ab\\x20\\x22c\\x5c\\x7f\\xc3\\xa9 200 "
              "14302 1.234 \"\\x1b[31m\" \"a\\x22b\\x0d\\x0a\"");
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    static char target[5000];
    for (size_t i = 0; i < sizeof(target) - 1; i++)
        target[i] = 'a';
    struct http_record r = record_of(target, "", "");
    struct buf line;
    buf_init(&line, 1 << 16);
    access_log_line(&line, &r);
    assert_true(line.len < 1200);
    buf_deinit(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_every_field),
        cmocka_unit_test(what_is_missing_is_a_dash),
        cmocka_unit_test(what_a_client_chose_is_escaped),
        cmocka_unit_test(a_long_text_is_cut),
    };
    return cmocka_run_group_tests_name("canopy: access log", tests, NULL, NULL);
}
