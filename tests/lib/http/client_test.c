/* Responses as a client reads them: every framing, every cut, every limit; and requests written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/client.h"
#include "tests/support/blocks.h"

static char got[4096];

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    size_t used = strlen(got);
    va_list args;
    va_start(args, format);
    vsnprintf(got + used, sizeof(got) - used, format, args);
    va_end(args);
}

/* One response in pieces of n bytes, then the end of the connection: "STATUS k|c body END". */
static const char *read_as(struct slice text, size_t n, bool head_method)
{
    struct http_client c;
    struct http_client_event event;
    enum err e = ERR_AGAIN;
    bool ended = false;
    got[0] = '\0';
    http_client_init(&c);
    http_client_expect(&c, head_method);
    while (!ended && text.len > 0 && e == ERR_AGAIN) {
        struct slice piece = slice_take(text, n);
        text = slice_drop(text, piece.len);
        while (!ended && (e = http_client_next(&c, &piece, &event)) == OK) {
            if (event.what == HTTP_CLIENT_HEAD)
                add("%u %c ", c.response.status, c.response.keep_alive ? 'k' : 'c');
            else if (event.what == HTTP_CLIENT_BODY)
                add("%.*s", SLICE_ARG(event.bytes));
            else
                add(" END");
            ended = event.what == HTTP_CLIENT_END;
        }
    }
    if (!ended && e == ERR_AGAIN) {
        struct slice none = {NULL, 0};
        e = http_client_eof(&c);
        if (!e && http_client_next(&c, &none, &event) == OK && event.what == HTTP_CLIENT_END)
            add(" EOF");
    }
    if (!ended && e)
        add("!%s", err_text(e));
    http_client_deinit(&c);
    return got;
}

#define expect(text, wanted)                                             \
    do {                                                                 \
        for (size_t n = 1; n <= sizeof(text); n++)                       \
            assert_string_equal(read_as(SLICE(text), n, false), wanted); \
    } while (0)

static void framings(void **state)
{
    (void)state;
    expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 k hello END");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 k  END");
    expect("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", "200 k hi END");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n"
           "T: v\r\n\r\n",
           "200 k abcde END");
    expect("HTTP/1.1 200 OK\r\n\r\nto the end", "200 c to the end EOF");
    expect("HTTP/1.0 200 OK\r\n\r\n", "200 c  EOF");
    expect("HTTP/1.1 204 No Content\r\n\r\n", "204 k  END");
    expect("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 k  END");
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
           "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
           "404 k x END");
    expect("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "200 k x END");
}

static void persistence(void **state)
{
    (void)state;
    expect("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200 c x END");
    expect("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\nx", "200 c x END");
    expect("HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n"
           "Content-Length: 1\r\n\r\nx",
           "200 c x END");
    expect("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 c x END");
    expect("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
           "200 k x END");
    expect(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        "\r\n",
        "200 c x END");
}

static void lengths(void **state)
{
    (void)state;
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx", "200 k x END");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nxy", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nx", "!malformed");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", "!malformed");
}

static void malformed(void **state)
{
    (void)state;
    expect("\r\n", "!malformed");
    expect("hello\r\n\r\n", "!malformed");
    expect("HTTP/1.1 abc\r\n\r\n", "!malformed");
    expect("HTTP/1.1 20\r\n\r\n", "!malformed");
    expect("HTTP/1.1 2000\r\n\r\n", "!malformed");
    expect("HTTP/1.1 099\r\n\r\n", "!malformed");
    expect("HTTP/1.1 600\r\n\r\n", "!malformed");
    expect("HTTP/1.1 101 Switching\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\n: empty\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nname : space\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nname: a\rb\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nname: \x01\r\n\r\n", "!malformed");
    expect("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!malformed");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "200 k !malformed");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx", "200 k x!malformed");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "200 k !malformed");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "200 k !malformed");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           "!malformed");
}

static const char *reason(enum err e)
{
    static char text[64];
    snprintf(text, sizeof(text), "!%s", err_text(e));
    return text;
}

static void unsupported(void **state)
{
    (void)state;
    expect("HTTP/2 200\r\n\r\n", reason(ERR_UNSUPPORTED));
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", reason(ERR_UNSUPPORTED));
}

static void cut_short(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    static const char chunks[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        "\r\n";
    (void)state;
    for (size_t n = 1; n < sizeof(text) - 1; n++)
        assert_non_null(strstr(read_as(slice_of(text, n), 3, false), err_text(ERR_RESET)));
    for (size_t n = 1; n < sizeof(chunks) - 1; n++)
        assert_non_null(strstr(read_as(slice_of(chunks, n), 3, false), err_text(ERR_RESET)));
    assert_string_equal(read_as(slice_of(text, 0), 1, false), reason(ERR_CLOSED));
}

static void head_requests(void **state)
{
    (void)state;
    assert_string_equal(read_as(SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), 7, true),
                        "200 k  END");
    assert_string_equal(read_as(SLICE("HTTP/1.1 200 OK\r\n\r\n"), 7, true), "200 c  END");
}

static void folded_fields(void **state)
{
    struct slice in = SLICE("HTTP/1.1 200 OK\r\nA: one\r\n  two\r\nB:\r\n\tx \r\n\r\n");
    struct http_client c;
    struct http_client_event event;
    (void)state;
    http_client_init(&c);
    http_client_expect(&c, false);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    assert_int_equal(c.response.field_count, 2);
    assert_true(slice_is(*http_response_field(&c.response, SLICE("a")), "one    two"));
    assert_true(slice_is(*http_response_field(&c.response, SLICE("b")), "x"));
    assert_null(http_response_field(&c.response, SLICE("c")));
    http_client_deinit(&c);
}

/* What comes after a response is left alone; without a request, bytes are an error. */
static void one_after_the_other(void **state)
{
    struct slice in =
        SLICE("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 201 Next\r\n\r\n");
    struct http_client c;
    struct http_client_event event;
    (void)state;
    http_client_init(&c);
    http_client_expect(&c, false);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    assert_int_equal(event.what, HTTP_CLIENT_BODY);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    assert_int_equal(event.what, HTTP_CLIENT_END);
    assert_int_equal(in.len, 21);
    http_client_expect(&c, false);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    assert_int_equal(c.response.status, 201);
    assert_int_equal(http_client_eof(&c), OK);
    assert_int_equal(http_client_next(&c, &in, &event), OK);
    in = SLICE("more");
    assert_int_equal(http_client_next(&c, &in, &event), ERR_MALFORMED);
    http_client_deinit(&c);
}

/* Feeds a text again and again until the answer is not ERR_AGAIN. */
static enum err flood(const char *start, const char *again, size_t most)
{
    struct http_client c;
    struct http_client_event event;
    struct slice in = slice_text(start);
    enum err e;
    http_client_init(&c);
    http_client_expect(&c, false);
    while ((e = http_client_next(&c, &in, &event)) == OK)
        ;
    for (size_t fed = 0; fed < most && e == ERR_AGAIN; fed += strlen(again)) {
        in = slice_text(again);
        while ((e = http_client_next(&c, &in, &event)) == OK)
            ;
    }
    http_client_deinit(&c);
    return e;
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(flood("HTTP/1.1 200 OK\r\n", "a", HTTP_CLIENT_HEAD_MAX), ERR_LIMIT);
    assert_int_equal(flood("HTTP/1.1 200 OK\r\n", "a: b\r\n", HTTP_CLIENT_HEAD_MAX), ERR_LIMIT);
    assert_int_equal(flood("", "HTTP/1.1 100 Continue\r\n\r\n", 4096), ERR_LIMIT);
    assert_int_equal(flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", ";x", 1 << 16),
                     ERR_MALFORMED);
    assert_int_equal(
        flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n", 1 << 20),
        ERR_MALFORMED);
}

static void too_many_fields(void **state)
{
    static char text[HTTP_FIELDS_MAX * 8 + 64];
    (void)state;
    strcpy(text, "HTTP/1.1 200 OK\r\n");
    for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
        strcat(text, "a: b\r\n");
    size_t fits = strlen(text);
    strcat(text, "\r\n");
    assert_string_equal(read_as(slice_text(text), 100, false), "200 c  EOF");
    text[fits] = '\0';
    strcat(text, "a: b\r\n\r\n");
    assert_string_equal(read_as(slice_text(text), 100, false), reason(ERR_LIMIT));
}

static void writing(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1024);
    http_client_put_request(&b, "GET", SLICE("/a?b"), SLICE("h:81"));
    http_client_put_field(&b, "Accept", SLICE("*/*"));
    http_client_put_end(&b);
    assert_true(slice_is(buf_slice(&b), "GET /a?b HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\n\r\n"));
    buf_deinit(&b);
}

static void nothing_is_smuggled(void **state)
{
    static const char *const bad[] = {"", "/a b", "/a\r\nX: y", "/a\n"};
    struct buf b;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_init(&b, 1024);
        http_client_put_request(&b, "GET", slice_text(bad[i]), SLICE("h"));
        assert_int_equal(b.err, ERR_ARGUMENT);
        buf_deinit(&b);
    }
    buf_init(&b, 1024);
    http_client_put_field(&b, "A", SLICE("b\r\nC: d"));
    assert_int_equal(b.err, ERR_ARGUMENT);
    buf_deinit(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, blocks_before, blocks_after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(framings),
        TEST(persistence),
        TEST(lengths),
        TEST(malformed),
        TEST(unsupported),
        TEST(cut_short),
        TEST(head_requests),
        TEST(folded_fields),
        TEST(limits),
        TEST(one_after_the_other),
        TEST(too_many_fields),
        TEST(writing),
        TEST(nothing_is_smuggled),
    };
    return cmocka_run_group_tests_name("http/client", tests, NULL, NULL);
}
