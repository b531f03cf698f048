/*
 * The server core: what it understands, what it refuses, and that it makes no difference how the
 * bytes are cut.
 */
#include "tests/lib/http/server_run.h"

static void expect(struct run *r, const char *expected)
{
    buf_byte(&r->trace, 0);
    assert_string_equal((const char *)r->trace.ptr, expected);
}

/* step: bytes of each piece but the first. */
static void check_cut(struct slice in, size_t first, size_t step, const char *expected)
{
    struct run r;
    run_init(&r);
    feed(&r, slice_take(in, first));
    for (in = slice_drop(in, first); in.len > 0; in = slice_drop(in, step))
        feed(&r, slice_take(in, step));
    expect(&r, expected);
    run_deinit(&r);
}

static void check(struct slice in, const char *expected)
{
    uint64_t blocks = memory_stats().blocks;
    for (size_t first = 0; first <= in.len && first < 2000; first++)
        check_cut(in, first, in.len + 1, expected);
    for (size_t step = 1; step <= 3; step++)
        check_cut(in, step, step, expected);
    assert_int_equal(memory_stats().blocks, blocks);
}

static const struct {
    const char *in, *trace;
} understood[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
     "GET path=/ query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET /a/b?c=d&e HTTP/1.1\r\nhOST:a:80 \t\r\nX:\r\n\r\n",
     "GET path=/a/b query=c=d&e for=a:80 1.1 keep fields=2 [hOST|a:80] [X|] body=\n"},
    {"GET /?? HTTP/1.1\r\n" H "\r\n",
     "GET path=/ query=? for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET //x HTTP/1.1\r\n" H "\r\n",
     "GET path=//x query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n",
     "GET path=/ query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET / HTTP/1.0\r\n\r\n", "GET path=/ query= for= 1.0 close fields=0 body=\n"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     "GET path=/ query= for= 1.0 keep fields=1 [Connection|Keep-Alive] body=\n"},
    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
     "GET path=/ query= for= 1.0 close fields=1 [Connection|keep-alive, close] body=\n"},
    {"GET / HTTP/1.7\r\n" H "Connection: x, ,Close\r\n\r\n",
     "GET path=/ query= for=a 1.1 close fields=2 [Host|a] [Connection|x, ,Close] body=\n"},
    {"GET / HTTP/1.1\r\n" H "Connection: closed\r\nconnection: e\r\n\r\n",
     "GET path=/ query= for=a 1.1 keep fields=3 [Host|a] [Connection|closed] [connection|e] "
     "body=\n"},
    {"GET http://b:8080/c?d HTTP/1.1\r\n" H "\r\n",
     "GET path=/c query=d for=b:8080 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET HTTPS://b HTTP/1.1\r\n" H "\r\n",
     "GET path=/ query= for=b 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET http://b?d HTTP/1.1\r\n" H "\r\n",
     "GET path=/ query=d for=b 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET http://[2001:db8::1]:81/ HTTP/1.0\r\n\r\n",
     "GET path=/ query= for=[2001:db8::1]:81 1.0 close fields=0 body=\n"},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n",
     "OPTIONS path=* query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"OPTIONS http://b HTTP/1.1\r\n" H "\r\n",
     "OPTIONS path=* query= for=b 1.1 keep fields=1 [Host|a] body=\n"},
    {"BREW-IT!#$%&'*+.^_`|~09 / HTTP/1.1\r\n" H "\r\n",
     "BREW-IT!#$%&'*+.^_`|~09 path=/ query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET /\"<>\\^`{|}~[] HTTP/1.1\r\n" H "\r\n",
     "GET path=/\"<>\\^`{|}~[] query= for=a 1.1 keep fields=1 [Host|a] body=\n"},
    {"GET / HTTP/1.1\r\n" H "X: \xC3\xA4 \t b\xFF\r\n\r\n",
     "GET path=/ query= for=a 1.1 keep fields=2 [Host|a] [X|\xC3\xA4 \t b\xFF] body=\n"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
     "POST path=/ query= for=a 1.1 keep fields=2 [Host|a] [Content-Length|5] body=hello\n"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
     "POST path=/ query= for=a 1.1 keep fields=2 [Host|a] [Content-Length|0] body=\n"},
    {"POST / HTTP/1.0\r\nContent-Length: 002\r\n\r\nhi",
     "POST path=/ query= for= 1.0 close fields=1 [Content-Length|002] body=hi\n"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     "POST path=/ query= for=a 1.1 keep fields=2 [Host|a] [Transfer-Encoding|chunked] "
     "body=hello\n"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
     "POST path=/ query= for=a 1.1 keep fields=2 [Host|a] [Transfer-Encoding|Chunked] body=\n"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
     "3;a=b;c=\"d e\"\r\nhel\r\n00A;\r\nlo, world!\r\n000\r\nTrailer: x\r\nY:\r\n\r\n",
     "POST path=/ query= for=a 1.1 keep fields=2 [Host|a] [Transfer-Encoding|chunked] "
     "body=hello, world!\n"},
};

static void test_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof understood / sizeof *understood; i++)
        check(slice_text(understood[i].in), understood[i].trace);
}

/* All of them behind each other, twice, on one connection; but those that are only good as first. */
static void test_pipelined(void **state)
{
    (void)state;
    struct buf in, trace;
    buf_init(&in, SIZE_MAX);
    buf_init(&trace, SIZE_MAX);
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < sizeof understood / sizeof *understood; i++) {
            buf_text(&in, understood[i].in);
            buf_text(&trace, understood[i].trace);
        }
    buf_byte(&trace, 0);
    check(buf_slice(&in), (const char *)trace.ptr);
    buf_deinit(&in);
    buf_deinit(&trace);
}

#define BEHIND "GET /smuggled HTTP/1.1\r\n" H "\r\n"

static const struct {
    uint16_t status;
    const char *in;
} refused[] = {
    /* line ends */
    {400, "GET / HTTP/1.1\nHost: a\n\n"},
    {400, GET "Host: a\n\r\n"},
    {400, GET H "X: a\rb\r\n\r\n"},
    {400, GET H "X: a\r\r\n\r\n"},
    {400, GET H "X: a\r\n\n"},
    {400, GET H "X: a\n\n" BEHIND},
    {400, GET H "\n" BEHIND},
    {400, GET H "\r\r\n" BEHIND},
    {400, "\nGET / HTTP/1.1\r\n" H "\r\n"},
    {400, "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"},
    {400, "\rGET / HTTP/1.1\r\n" H "\r\n"},
    /* request lines */
    {400, " GET / HTTP/1.1\r\n" H "\r\n"},
    {400, "GET  / HTTP/1.1\r\n" H "\r\n"},
    {400, "GET\t/ HTTP/1.1\r\n" H "\r\n"},
    {400, "GET /  HTTP/1.1\r\n" H "\r\n"},
    {400, "GET / HTTP/1.1 \r\n" H "\r\n"},
    {400, "GET /\r\n" H "\r\n"},
    {400, "GET / a HTTP/1.1\r\n" H "\r\n"},
    {400, "GET /\xC3\xA4 HTTP/1.1\r\n" H "\r\n"},
    {400, "GET /\x01 HTTP/1.1\r\n" H "\r\n"},
    {400, "GET /\x7F HTTP/1.1\r\n" H "\r\n"},
    {400, "GET /a#b HTTP/1.1\r\n" H "\r\n"},
    {400, "G(T / HTTP/1.1\r\n" H "\r\n"},
    {400, "GET / http/1.1\r\n" H "\r\n"},
    {400, "GET / HTTP/1,1\r\n" H "\r\n"},
    {400, "GET / HTTP/11.1\r\n" H "\r\n"},
    {400, "GET / HTTP/1.11\r\n" H "\r\n"},
    {400, "GET / HTTP/a.1\r\n" H "\r\n"},
    {400, "GET / HTTP/1.1.1\r\n" H "\r\n"},
    {505, "GET / HTTP/0.9\r\n" H "\r\n"},
    {505, "GET / HTTP/2.0\r\n" H "\r\n"},
    {505, "GET / HTTP/9.9\r\n" H "\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {400, "\x16\x03\x01\x02\x01\x01\xFC\x03\x03 hello in TLS\r\n"},
    {501, "A-METHOD-THAT-IS-LONGER-THAN-32-B / HTTP/1.1\r\n" H "\r\n"},
    /* targets */
    {400, "GET * HTTP/1.1\r\n" H "\r\n"},
    {400, "GET a HTTP/1.1\r\n" H "\r\n"},
    {400, "GET a:80 HTTP/1.1\r\n" H "\r\n"},
    {400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"},
    {400, "GET http:///a HTTP/1.1\r\n" H "\r\n"},
    {400, "GET http://u@a/ HTTP/1.1\r\n" H "\r\n"},
    {400, "GET http://a:b/ HTTP/1.1\r\n" H "\r\n"},
    {400, "GET http: HTTP/1.1\r\n" H "\r\n"},
    {400, "OPTIONS ** HTTP/1.1\r\n" H "\r\n"},
    {501, "CONNECT a:80 HTTP/1.1\r\n" H "\r\n"},
    /* field lines */
    {400, GET H " X: folded\r\n\r\n"},
    {400, GET H "X: a\r\n folded\r\n\r\n"},
    {400, GET H "X: a\r\n\tfolded\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {400, GET H "X : a\r\n\r\n"},
    {400, GET H "X\t: a\r\n\r\n"},
    {400, GET H ": a\r\n\r\n"},
    {400, GET H "X\r\n\r\n"},
    {400, GET H "X=a\r\n\r\n"},
    {400, GET H "X(: a\r\n\r\n"},
    {400, GET H "\xC3\xA4: a\r\n\r\n"},
    {400, GET H "X: a\x01\r\n\r\n"},
    {400, GET H "X: a\x0B\r\n\r\n"},
    {400, GET H "X: a long one, with\x7F in it\r\n\r\n"},
    /* Host */
    {400, GET "\r\n"},
    {400, GET H H "\r\n"},
    {400, GET "Host: a\r\nhost: b\r\n\r\n"},
    {400, GET "Host:\r\n\r\n"},
    {400, GET "Host: a b\r\n\r\n"},
    {400, GET "Host: a/b\r\n\r\n"},
    {400, GET "Host: a@b\r\n\r\n"},
    {400, GET "Host: a:80:80\r\n\r\n"},
    {400, GET "Host: a:65536\r\n\r\n"},
    {400, GET "Host: a:+1\r\n\r\n"},
    {400, GET "Host: :80\r\n\r\n"},
    {400, GET "Host: [::1\r\n\r\n"},
    {400, GET "Host: [::1]a\r\n\r\n"},
    {400, GET "Host: []\r\n\r\n"},
    {400, "GET / HTTP/1.0\r\n" H H "\r\n"},
    /* lengths */
    {400, POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na" BEHIND},
    {400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
    {400, POST "Content-Length: 1, 1\r\n\r\na"},
    {400, POST "Content-Length: +1\r\n\r\na"},
    {400, POST "Content-Length: -1\r\n\r\na"},
    {400, POST "Content-Length: 0x1\r\n\r\na"},
    {400, POST "Content-Length: 1 1\r\n\r\na"},
    {400, POST "Content-Length: 1.0\r\n\r\na"},
    {400, POST "Content-Length:\r\n\r\n"},
    {413, POST "Content-Length: 9223372036854775808\r\n\r\n"},
    {413, POST "Content-Length: 18446744073709551617\r\n\r\na"},
    /* codings */
    {400, POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" BEHIND},
    {400, POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n" BEHIND},
    {400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: identity\r\n\r\n"},
    {400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding:\r\n\r\n"},
    {400, POST "Transfer-Encoding:\x0B"
               "chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
    {501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {417, POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na"},
    /* chunks */
    {400, CODED "\r\n\r\n"},
    {400, CODED "+1\r\na\r\n0\r\n\r\n"},
    {400, CODED "-1\r\na\r\n0\r\n\r\n"},
    {400, CODED "0x1\r\na\r\n0\r\n\r\n"},
    {400, CODED " 1\r\na\r\n0\r\n\r\n"},
    {400, CODED "1 \r\na\r\n0\r\n\r\n"},
    {400, CODED "1 ;a\r\na\r\n0\r\n\r\n"},
    {400, CODED "g\r\na\r\n0\r\n\r\n"},
    {400, CODED ";a\r\n"},
    {400, CODED "1\na\r\n0\r\n\r\n"},
    {400, CODED "1\r\nab\r\n0\r\n\r\n"},
    {400, CODED "1\r\na\n0\r\n\r\n"},
    {400, CODED "1\r\na0\r\n\r\n"},
    {400, CODED "1\r\na\r0\r\n\r\n"},
    {400, CODED "1;a\nb\r\na\r\n0\r\n\r\n"},
    {400, CODED "1;a\rb\r\na\r\n0\r\n\r\n"},
    {400, CODED "1;\x01\r\na\r\n0\r\n\r\n"},
    {400, CODED "1000000000000000\r\na"},
    {400, CODED "0000000000000001\r\na"},
    {400, CODED "FFFFFFFFFFFFFFFFF\r\na"},
    {400, CODED "0\r\n\n"},
    {400, CODED "0\r\n\ra"},
    {400, CODED "0\r\n folded: a\r\n\r\n"},
    {400, CODED "0\r\n: a\r\n\r\n"},
    {400, CODED "0\r\nX\r\n\r\n"},
    {400, CODED "0\r\nX : a\r\n\r\n"},
    {400, CODED "0\r\nX: a\n\r\n"},
};

static void check_refused(struct slice in, uint16_t status)
{
    char expected[16];
    snprintf(expected, sizeof expected, "%u\n", status);
    check(in, expected);
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        check_refused(slice_text(refused[i].in), refused[i].status);
    }
}

/* A NUL anywhere in a head is refused. */
static void test_nul(void **state)
{
    (void)state;
    static const char good[] =
        "GET /abcdefgh HTTP/1.1\r\nHost: a\r\nX: a longer value here\r\n\r\n";
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] = 0;
        check_refused(slice_of(bad, sizeof good - 1), 400);
    }
}

/* Every byte value at the start, the middle and the end of a target and of a value, at all
 * alignments to words. */
static void test_every_byte(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 20; at++) {
            char target[64] = "GET /aaaaaaaaaaaaaaaaaaaaa HTTP/1.0\r\n\r\n";
            char value[64] = "GET / HTTP/1.0\r\nX: aaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
            target[5 + at] = (char)byte;
            value[19 + at] = (char)byte;
            struct run r;
            run_init(&r);
            feed(&r, slice_of(target, strlen("GET /aaaaaaaaaaaaaaaaaaaaa HTTP/1.0\r\n\r\n")));
            assert_int_equal(!r.bad, byte > 0x20 && byte < 0x7F && byte != '#');
            run_deinit(&r);
            run_init(&r);
            feed(&r, slice_of(value, strlen("GET / HTTP/1.0\r\nX: aaaaaaaaaaaaaaaaaaaaa\r\n\r\n")));
            assert_int_equal(!r.bad, (byte >= 0x20 && byte != 0x7F) || byte == '\t');
            run_deinit(&r);
        }
    }
}

/* --- other promises --- */

static void test_no_copy(void **state)
{
    (void)state;
    struct run r;
    run_init(&r);
    static const char in[] =
        "GET /a HTTP/1.1\r\n" H "\r\nPOST /b HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi";
    struct slice bytes = slice_text(in), piece;
    uint64_t blocks = memory_stats().blocks;
    assert_int_equal(http_server_feed(&r.core, &bytes, &r.request, &piece), HTTP_EVENT_COMPLETE);
    assert_ptr_equal(r.request.target.ptr, in + 4);
    assert_int_equal(http_server_feed(&r.core, &bytes, &r.request, &piece), HTTP_EVENT_HEAD);
    assert_int_equal(r.request.content_length, 2);
    assert_int_equal(http_server_feed(&r.core, &bytes, &r.request, &piece), HTTP_EVENT_BODY);
    assert_ptr_equal(piece.ptr, in + strlen(in) - 2);
    assert_int_equal(http_server_feed(&r.core, &bytes, &r.request, &piece), HTTP_EVENT_COMPLETE);
    assert_false(http_server_busy(&r.core));
    assert_int_equal(http_server_feed(&r.core, &bytes, &r.request, &piece), HTTP_EVENT_NEED);
    assert_int_equal(memory_stats().blocks, blocks);
    run_deinit(&r);
}

static void test_forget(void **state)
{
    (void)state;
    struct run r;
    run_init(&r);
    uint64_t blocks = memory_stats().blocks;
    struct slice one = SLICE("GET / HT"), two = SLICE("TP/1.0\r\n\r\n"), piece;
    assert_int_equal(http_server_feed(&r.core, &one, &r.request, &piece), HTTP_EVENT_NEED);
    assert_true(http_server_busy(&r.core));
    http_server_forget(&r.core); /* not now */
    assert_int_equal(http_server_feed(&r.core, &two, &r.request, &piece), HTTP_EVENT_COMPLETE);
    assert_true(slice_is(r.request.path, "/"));
    http_server_forget(&r.core);
    assert_int_equal(memory_stats().blocks, blocks);
    run_deinit(&r);
}

static void test_fields(void **state)
{
    (void)state;
    struct run r;
    run_init(&r);
    struct slice in = SLICE("GET / HTTP/1.1\r\n" H "Accept: x\r\nX: 1\r\naccept: y\r\n\r\n"), piece;
    http_server_feed(&r.core, &in, &r.request, &piece);
    assert_true(slice_is(*http_field(&r.request, SLICE("ACCEPT")), "x"));
    assert_true(slice_is(*http_field(&r.request, SLICE("x")), "1"));
    assert_null(http_field(&r.request, SLICE("y")));
    assert_null(http_field(&r.request, SLICE("")));
    uint32_t at = 0;
    assert_true(slice_is(*http_field_next(&r.request, SLICE("Accept"), &at), "x"));
    assert_true(slice_is(*http_field_next(&r.request, SLICE("Accept"), &at), "y"));
    assert_null(http_field_next(&r.request, SLICE("Accept"), &at));
    run_deinit(&r);
}

static void test_expect(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool expect;
    } cases[] = {
        {POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true},
        {POST "Content-Length: 1\r\n\r\n", false},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", false},
    };
    for (size_t i = 0; i < 3; i++) {
        struct run r;
        run_init(&r);
        struct slice in = slice_text(cases[i].in), piece;
        assert_int_equal(http_server_feed(&r.core, &in, &r.request, &piece), HTTP_EVENT_HEAD);
        assert_int_equal(r.request.expect_continue, cases[i].expect);
        run_deinit(&r);
    }
}

static void test_stays_bad(void **state)
{
    (void)state;
    struct run r;
    run_init(&r);
    struct slice in = SLICE("\x01"), more = SLICE(BEHIND), piece;
    assert_int_equal(http_server_feed(&r.core, &in, &r.request, &piece), HTTP_EVENT_BAD);
    assert_int_equal(http_server_feed(&r.core, &more, &r.request, &piece), HTTP_EVENT_BAD);
    assert_int_equal(http_server_status(&r.core), 400);
    run_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_understood), cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_nul),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_no_copy),
        cmocka_unit_test(test_forget),     cmocka_unit_test(test_fields),
        cmocka_unit_test(test_expect),     cmocka_unit_test(test_stays_bad),
    };
    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}
