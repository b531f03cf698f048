/* The service over a simulated network: whole conversations in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/service.h"
#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "runtime/buf.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#define SERVER "192.0.2.1"
#define H      "Host: a\r\n"

/* A service with a handler that answers by the target:
 *   /big        a body of BIG bytes, lent
 *   /later      not now: see answer_later
 *   /close      ends the connection
 *   /304 /204   a status without a body
 *   /wide       more fields than a head may have
 *   /stop       closes the service, then answers
 *   others      the target and the request's body, as text */
#define BIG ((size_t)3 << 20)

struct place {
    struct sim_net *net;
    struct stack *host, *visitors;
    struct http_service *service;
    uint64_t body_limit;
    int lent, released;
    struct http_exchange *later[64];
    size_t later_count;
    struct buf log;         /* a line for each record */
    bool closed;            /* http_service_close has called back */
    uint64_t blocks, bytes; /* in use before */
    uint32_t timers;
    char text[64][256]; /* bodies of text answers; reused */
    size_t texts;
};
static struct place here;
static uint8_t big[BIG];
static struct slice common; /* fields of every answer */
static void (*pages)(void *owner, uint16_t status,
                     struct http_reply *into); /* error_page, or not */

static void on_closed(void *owner)
{
    ((struct place *)owner)->closed = true;
}

static void release(void *arg)
{
    (void)arg;
    here.released++;
}

static struct loan lend(void)
{
    here.lent++;
    return (struct loan){release, NULL};
}

static void answer_text(struct http_exchange *x, uint16_t status, const char *text)
{
    struct http_reply reply = {
        .status = status,
        .fields = SLICE("X-Test: yes\r\n"),
        .body = slice_text(text),
        .loan = lend(),
    };
    http_answer(x, &reply);
}

static void answer_special(struct http_exchange *x, struct slice target)
{
    struct http_reply reply = {.status = 200, .body = SLICE("special"), .loan = lend()};
    if (slice_is(target, "/big"))
        reply.body = slice_of(big, BIG);
    else if (slice_is(target, "/close"))
        reply.close = true;
    else if (slice_is(target, "/wide"))
        reply.fields = slice_of(big, HTTP_REPLY_FIELDS_MAX + 1);
    else if (slice_is(target, "/stop"))
        http_service_close(here.service, 10, on_closed);
    else if (slice_is(target, "/304"))
        reply.status = 304;
    else if (slice_is(target, "/204"))
        reply.status = 204;
    http_answer(x, &reply);
}

static void on_request(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body)
{
    assert_ptr_equal(owner, &here);
    if (slice_is(request->path, "/later")) {
        assert_true(here.later_count < 64);
        here.later[here.later_count++] = x;
    } else if (slice_starts(request->path, SLICE("/text")) || body.len > 0 ||
               request->method == HTTP_POST) {
        char *text = here.text[here.texts++ % 64];
        snprintf(text, sizeof here.text[0], "%.*s %.*s:%.*s", SLICE_ARG(request->method_text),
                 SLICE_ARG(request->target), SLICE_ARG(body));
        answer_text(x, 200, text);
    } else {
        answer_special(x, request->path);
    }
}

static uint64_t body_limit(void *owner, const struct http_request *request)
{
    (void)request;
    return ((struct place *)owner)->body_limit;
}

static void on_record(void *owner, const struct http_record *r)
{
    (void)owner;
    buf_printf(&here.log, "%.*s %.*s %u %llu %.*s|%.*s\n", SLICE_ARG(r->method),
               SLICE_ARG(r->target), r->status, (unsigned long long)r->sent, SLICE_ARG(r->referrer),
               SLICE_ARG(r->agent));
}

static const struct http_handler handler = {
    .body_limit = body_limit,
    .on_request = on_request,
    .on_record = on_record,
};

static void open_with(const struct http_limits *limits)
{
    memset(&here, 0, sizeof here);
    sim_reset(1);
    sim_clock_set_wall(INT64_C(784111777) * (int64_t)CLOCK_SEC);
    here.blocks = memory_stats().blocks;
    here.bytes = memory_stats().bytes;
    here.timers = loop_timers();
    here.net = sim_net_open(1);
    here.host = sim_net_host(here.net, SERVER);
    here.visitors = sim_net_host(here.net, "192.0.2.2");
    here.body_limit = 1000;
    buf_init(&here.log, SIZE_MAX);
    struct endpoint local = {.port = 80};
    struct http_handler with = handler;
    with.error_page = pages;
    with.fields = common;
    assert_int_equal(http_service_open(here.host, local, limits, &with, &here, &here.service), OK);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 31 >> 3);
}

static void open_place(void)
{
    open_with(NULL);
}

static void run_for(uint64_t ns)
{
    sim_run(NULL, NULL, clock_monotonic() + ns);
}

/* Ends all, and looks that nothing is left behind. */
static void close_place(void)
{
    if (!here.closed)
        http_service_close(here.service, 0, on_closed);
    run_for(60 * CLOCK_SEC);
    assert_true(here.closed);
    assert_int_equal(sim_net_close(here.net), 0);
    assert_int_equal(here.lent, here.released);
    buf_deinit(&here.log);
    assert_int_equal(memory_stats().blocks, here.blocks);
    assert_int_equal(loop_timers(), here.timers);
}

static struct sim_client *visit(void)
{
    return sim_client_open(here.visitors, SERVER, 80);
}

static const struct http_counters *counters(void)
{
    return http_service_counters(here.service);
}

static void expect_text(const struct sim_client *c, const char *text)
{
    struct slice got = sim_client_received(c);
    char *copy = calloc(1, got.len + 1);
    if (got.len > 0)
        memcpy(copy, got.ptr, got.len);
    assert_string_equal(copy, text);
    free(copy);
}

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define OK_OF(length, body) \
    "HTTP/1.1 200 OK\r\n" DATE "Content-Length: " #length "\r\nX-Test: yes\r\n\r\n" body

/* One request, its answer to the last byte. */
static void check_exactly(const char *request, const char *answer, bool stays)
{
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, request);
    run_for(CLOCK_MS);
    expect_text(c, answer);
    assert_int_equal(sim_client_over(c), !stays);
    sim_client_close(c);
    close_place();
}

static void test_answers(void **state)
{
    (void)state;
    check_exactly("GET /text HTTP/1.1\r\n" H "\r\n", OK_OF(10, "GET /text:"), true);
    check_exactly("HEAD /text HTTP/1.1\r\n" H "\r\n", OK_OF(11, ""), true);
    check_exactly("GET /text HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: close\r\n\r\nGET /text:",
                  false);
    check_exactly("GET /text HTTP/1.0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: close\r\n\r\nGET /text:",
                  false);
    check_exactly("GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "Connection: keep-alive\r\n\r\nGET /text:",
                  true);
    check_exactly("GET /304 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 304 Not Modified\r\n" DATE "\r\n",
                  true);
    check_exactly("GET /204 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 204 No Content\r\n" DATE "\r\n",
                  true);
    check_exactly(
        "GET /close HTTP/1.1\r\n" H "\r\n",
        "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 7\r\nConnection: close\r\n\r\nspecial", false);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *in, *line;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"\x16\x03\x01\x02", "HTTP/1.1 400 Bad Request\r\n"},
        {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n"},
        {"POST / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_place();
        struct sim_client *c = visit();
        sim_client_text(c, cases[i].in);
        run_for(CLOCK_MS);
        assert_true(slice_starts(sim_client_received(c), slice_text(cases[i].line)));
        assert_true(slice_search(sim_client_received(c), SLICE("\r\nConnection: close\r\n")) <
                    sim_client_received(c).len);
        assert_true(sim_client_over(c));
        assert_int_equal(counters()->malformed, 1);
        sim_client_close(c);
        close_place();
    }
}

static void error_page(void *owner, uint16_t status, struct http_reply *into)
{
    (void)owner;
    (void)status;
    into->fields = SLICE("X-Page: mine\r\n");
    into->body = SLICE("sorry");
}

static void test_error_page(void **state)
{
    (void)state;
    pages = error_page;
    check_exactly("GET / HTTP/1.1\r\n\r\n",
                  "HTTP/1.1 400 Bad Request\r\n" DATE "Content-Length: 5\r\nX-Page: mine\r\n"
                  "Connection: close\r\n\r\nsorry",
                  false);
    pages = NULL;
}

static void test_common_fields(void **state)
{
    (void)state;
    common = SLICE("X-Always: a\r\n");
    check_exactly("GET /text HTTP/1.1\r\n" H "\r\n\n",
                  "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 10\r\nX-Test: yes\r\n"
                  "X-Always: a\r\n\r\nGET /text:"
                  "HTTP/1.1 400 Bad Request\r\n" DATE "Content-Length: 17\r\n"
                  "Content-Type: text/plain\r\nX-Always: a\r\nConnection: close\r\n\r\n"
                  "400 Bad Request\r\n",
                  false);
    common = (struct slice){NULL, 0};
}

/* What is told of requests that the handler never saw. */
static void test_refusals_are_recorded(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit(), *d = visit();
    sim_client_text(c, "POST /p HTTP/1.1\r\n" H "User-Agent: u\r\nContent-Length: 5000\r\n\r\n");
    run_for(CLOCK_MS);
    sim_client_text(d, "\n");
    run_for(CLOCK_MS);
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "POST /p 413 23 |u\n- - 400 17 |\n");
    assert_int_equal(counters()->responses_4xx, 2);
    assert_int_equal(counters()->requests, 0);
    sim_client_close(c);
    sim_client_close(d);
    close_place();
}

/* A head that would be too long is not sent in part: the connection ends. */
static void test_wide(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /wide HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "");
    assert_true(sim_client_over(c));
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "GET /wide 500 0 |\n");
    sim_client_close(c);
    close_place();
}

/* --- bodies --- */

static void test_bodies(void **state)
{
    (void)state;
    static const char post[] = "POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                               "POST /q HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
                               "POST /r HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n";
    static const char answers[] =
        OK_OF(13, "POST /p:hello") OK_OF(14, "POST /q:abcdef") OK_OF(8, "POST /r:");
    static const enum sim_split splits[] = {SIM_SPLIT_NOT, SIM_SPLIT_BYTES, SIM_SPLIT_RANDOM};
    for (size_t i = 0; i < 3; i++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.split = splits[i]});
        struct sim_client *c = visit();
        sim_client_text(c, post);
        run_for(CLOCK_MS);
        expect_text(c, answers);
        sim_client_close(c);
        close_place();
    }
}

static void test_body_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        open_place();
        here.body_limit = 5;
        struct sim_client *c = visit();
        sim_client_text(c,
                        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        run_for(CLOCK_MS);
        sim_client_text(c, more ? "3\r\ndef\r\n0\r\n\r\n" : "2\r\nde\r\n0\r\n\r\n");
        run_for(CLOCK_MS);
        assert_true(slice_starts(sim_client_received(c),
                                 more ? SLICE("HTTP/1.1 413 ") : SLICE("HTTP/1.1 200 ")));
        sim_client_close(c);
        close_place();
    }
}

/* Bodies that never end: at some point the next one is refused, and the others go on. */
static void test_bodies_together(void **state)
{
    (void)state;
    enum { CLIENTS = 34 };
    struct sim_client *clients[CLIENTS];
    unsigned refused = 0;
    open_place();
    here.body_limit = BIG;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = visit();
        sim_client_text(clients[i], "POST /p HTTP/1.1\r\n" H "Content-Length: 2097153\r\n\r\n");
        for (size_t sent = 0; sent < (size_t)2 << 20; sent += 1 << 16) {
            sim_client_send(clients[i], slice_of(big, 1 << 16));
            run_for(CLOCK_MS);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++)
        refused += slice_starts(sim_client_received(clients[i]), SLICE("HTTP/1.1 503 "));
    assert_int_equal(refused, CLIENTS - (HTTP_BODIES_MAX >> 21));
    assert_int_equal(http_service_counters(here.service)->bodies_refused, refused);
    sim_client_abort(clients[0]);
    run_for(CLOCK_MS);
    struct sim_client *late = visit();
    sim_client_text(late, "POST /p HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
    for (size_t i = 0; i < 10; i++) {
        sim_client_send(late, slice_of(big, 100));
        run_for(CLOCK_MS);
    }
    assert_true(slice_starts(sim_client_received(late), SLICE("HTTP/1.1 200 ")));
    for (size_t i = 0; i < CLIENTS; i++)
        sim_client_close(clients[i]);
    sim_client_close(late);
    close_place();
}

static void test_continue(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c,
                    "POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_client_forget(c);
    sim_client_text(c, "hi");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(10, "POST /p:hi"));
    sim_client_close(c);
    close_place();
    /* Who sends at once needs no telling; who may not is not told to go on. */
    check_exactly("POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
                  OK_OF(10, "POST /p:hi"), true);
}

/* --- order, back-pressure --- */

static void test_pipeline(void **state)
{
    (void)state;
    open_place();
    struct buf in, out;
    buf_init(&in, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    for (int i = 100; i < 164; i++) {
        buf_printf(&in, "GET /text/%d HTTP/1.1\r\n" H "\r\n", i);
        buf_printf(&out, OK_OF(14, "GET /text/%d:"), i);
    }
    buf_byte(&out, 0);
    struct sim_client *c = visit();
    sim_client_send(c, buf_slice(&in));
    run_for(CLOCK_MS);
    expect_text(c, (const char *)out.ptr);
    assert_int_equal(counters()->requests, 64);
    buf_deinit(&in);
    buf_deinit(&out);
    sim_client_close(c);
    close_place();
}

/* Answers that come later hold back those behind them, whatever order the handler chooses. */
static void test_later(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /text/1 HTTP/1.1\r\n" H "\r\n"
                       "GET /later HTTP/1.1\r\n" H "Referer: r\r\nUser-Agent: u\r\n\r\n"
                       "GET /later HTTP/1.1\r\n" H "\r\n"
                       "GET /text/4 HTTP/1.1\r\n" H "\r\nGET /te");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(12, "GET /text/1:"));
    assert_int_equal(here.later_count, 1);
    sim_client_text(c, "xt/5 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    sim_client_forget(c);
    answer_text(here.later[0], 404, "none");
    assert_int_equal(here.later_count, 1); /* the next is not handed out from within our call */
    run_for(CLOCK_MS);
    assert_int_equal(here.later_count, 2);
    expect_text(c,
                "HTTP/1.1 404 Not Found\r\n" DATE "Content-Length: 4\r\nX-Test: yes\r\n\r\nnone");
    sim_client_forget(c);
    answer_text(here.later[1], 200, "two");
    run_for(CLOCK_MS);
    expect_text(c, OK_OF(3, "two") OK_OF(12, "GET /text/4:") OK_OF(12, "GET /text/5:"));
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr,
                        "GET /text/1 200 12 |\nGET /later 404 4 r|u\nGET /later 200 3 |\n"
                        "GET /text/4 200 12 |\nGET /text/5 200 12 |\n");
    sim_client_close(c);
    close_place();
}

static void test_big(void **state)
{
    (void)state;
    static const enum sim_split splits[] = {SIM_SPLIT_NOT, SIM_SPLIT_RANDOM};
    for (size_t i = 0; i < 2; i++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.split = splits[i],
                                                  .latency_min = CLOCK_MS,
                                                  .latency_max = 2 * CLOCK_MS});
        struct sim_client *c = visit();
        for (int n = 0; n < 5; n++)
            sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_SEC);
        struct slice got = sim_client_received(c);
        for (int n = 0; n < 5; n++) {
            size_t head = slice_search(got, SLICE("\r\n\r\n")) + 4;
            got = slice_drop(got, head);
            assert_true(got.len >= BIG);
            assert_memory_equal(got.ptr, big, BIG);
            got = slice_drop(got, BIG);
        }
        assert_int_equal(got.len, 0);
        assert_int_equal(counters()->body_bytes, 5 * BIG);
        sim_client_close(c);
        close_place();
    }
}

/* While the answers are not taken, requests are not read; each is answered in the end. */
static void test_back_pressure(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    for (int n = 0; n < 20; n++)
        sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_SEC);
    assert_true(here.lent <= 2);
    sim_client_pause(c, false);
    run_for(CLOCK_SEC);
    assert_int_equal(here.lent, 20);
    assert_int_equal(counters()->responses_2xx, 20);
    sim_client_close(c);
    close_place();
}

/* --- ends --- */

static void test_eof(void **state)
{
    (void)state;
    open_place();
    /* Behind its requests a client may say that it has no more: it gets its answers. */
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "\r\nGET /text/2 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    sim_client_finish(c);
    run_for(CLOCK_MS);
    answer_text(here.later[0], 200, "one");
    run_for(CLOCK_MS);
    assert_int_equal(counters()->responses_2xx, 2);
    assert_int_equal(counters()->open, 0);
    sim_client_close(c);
    close_place();
}

static void test_gone(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "User-Agent: u\r\n\r\n");
    run_for(CLOCK_MS);
    sim_client_abort(c);
    run_for(CLOCK_MS);
    assert_int_equal(counters()->open, 1); /* until the handler has answered */
    answer_text(here.later[0], 200, "too late");
    assert_int_equal(here.released, 1);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->lost, 1);
    buf_byte(&here.log, 0);
    assert_string_equal((const char *)here.log.ptr, "GET /later 200 0 |u\n");
    sim_client_close(c);
    close_place();
}

/* Gone while an answer waits for room. */
static void test_gone_waiting(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    for (int n = 0; n < 3; n++)
        sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    assert_int_equal(here.lent, 2);
    sim_client_abort(c);
    run_for(CLOCK_MS);
    assert_int_equal(here.released, 2);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->lost, 1);
    sim_client_close(c);
    close_place();
}

/* The connection is cut after every number of bytes. */
static void test_cut(void **state)
{
    (void)state;
    static const enum sim_cut cuts[] = {SIM_CUT_RESET, SIM_CUT_EOF, SIM_CUT_SILENCE};
    for (uint64_t at = 1; at < 200; at++) {
        open_place();
        sim_net_links(here.net, (struct sim_link){.cut = cuts[at % 3], .cut_after = at});
        struct sim_client *c = visit();
        sim_client_text(c, "POST /text HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
                           "GET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_SEC);
        sim_client_close(c);
        run_for(300 * CLOCK_SEC);
        assert_int_equal(counters()->open, 0);
        close_place();
    }
}

/* --- deadlines --- */

static const struct http_limits quick = {
    .connections = 4,
    .head_seconds = 5,
    .body_seconds = 7,
    .idle_seconds = 20,
    .send_seconds = 10,
    .requests = 3,
};

/* Sends a byte every second; returns after how many seconds it was over. */
static unsigned drip(struct sim_client *c, const char *text)
{
    unsigned seconds = 0;
    while (!sim_client_over(c) && seconds < 100) {
        if (*text)
            sim_client_send(c, slice_of(text++, 1));
        run_for(CLOCK_SEC);
        seconds++;
    }
    return seconds;
}

static void test_slow_head(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    assert_in_range(drip(c, "GET /text HTTP/1.1\r\nHost: abcdefghijklmnopq\r\n\r\n"), 5, 6);
    assert_true(slice_starts(sim_client_received(c), SLICE("HTTP/1.1 408 Request Timeout\r\n")));
    assert_int_equal(counters()->timeouts, 1);
    sim_client_close(c);
    close_place();
}

static void test_slow_body(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_text(c, "POST /text HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\n");
    assert_in_range(drip(c, "01234567890123456789"), 7, 8);
    assert_true(slice_starts(sim_client_received(c), SLICE("HTTP/1.1 408 Request Timeout\r\n")));
    sim_client_close(c);
    close_place();
}

/* Idle: told nothing, from the start and between requests. */
static void test_idle(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    assert_in_range(drip(c, ""), 20, 21);
    assert_int_equal(sim_client_received(c).len, 0);
    sim_client_close(c);
    c = visit();
    run_for(15 * CLOCK_SEC);
    sim_client_text(c, "GET /text HTTP/1.1\r\n" H "\r\n");
    run_for(15 * CLOCK_SEC);
    assert_false(sim_client_over(c));
    assert_in_range(drip(c, ""), 5, 6);
    assert_int_equal(counters()->timeouts, 0); /* that is no fault */
    sim_client_close(c);
    close_place();
}

/* A client that reads nothing goes after one to two send_seconds; one that reads slowly stays. */
static void test_slow_reader(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_pause(c, true);
    sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(9 * CLOCK_SEC);
    assert_int_equal(counters()->open, 1);
    run_for(12 * CLOCK_SEC);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->timeouts, 1);
    assert_int_equal(here.released, 1);
    sim_client_close(c);
    c = visit();
    sim_client_text(c, "GET /big HTTP/1.1\r\n" H "\r\n");
    while (sim_client_received(c).len < BIG) { /* a piece every nine seconds */
        sim_client_pause(c, false);
        size_t before = sim_client_received(c).len;
        while (sim_client_received(c).len == before)
            loop_round(clock_monotonic() + CLOCK_SEC);
        sim_client_pause(c, true);
        run_for(9 * CLOCK_SEC);
        assert_int_equal(counters()->open, 1);
    }
    assert_true(clock_monotonic() > 300 * CLOCK_SEC);
    assert_int_equal(counters()->timeouts, 1);
    sim_client_close(c);
    close_place();
}

/* A handler may take its time. */
static void test_slow_handler(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    sim_client_text(c, "GET /later HTTP/1.1\r\n" H "\r\n");
    run_for(500 * CLOCK_SEC);
    assert_int_equal(counters()->open, 1);
    answer_text(here.later[0], 200, "done");
    run_for(CLOCK_SEC);
    assert_true(slice_ends(sim_client_received(c), SLICE("done")));
    sim_client_close(c);
    close_place();
}

static void test_requests_limit(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c = visit();
    for (int i = 0; i < 5; i++)
        sim_client_text(c, "GET /204 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    expect_text(c, "HTTP/1.1 204 No Content\r\n" DATE "\r\nHTTP/1.1 204 No Content\r\n" DATE
                   "\r\nHTTP/1.1 204 No Content\r\n" DATE "Connection: close\r\n\r\n");
    assert_true(sim_client_over(c));
    sim_client_close(c);
    close_place();
}

/* --- many --- */

static void test_shed(void **state)
{
    (void)state;
    open_with(&quick);
    struct sim_client *c[6];
    for (int i = 0; i < 4; i++) {
        c[i] = visit();
        run_for(CLOCK_MS);
    }
    sim_client_text(c[0], "GET /204 HTTP/1.1\r\n" H "\r\n"); /* now 1 is the longest idle */
    run_for(CLOCK_MS);
    c[4] = visit();
    run_for(CLOCK_MS);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sim_client_over(c[i]), i == 1);
    assert_int_equal(counters()->shed, 1);
    assert_int_equal(counters()->open, 4);
    /* Nobody idle: the new one is refused. */
    sim_client_text(c[0], "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(c[2], "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(c[3], "GE");
    sim_client_pause(c[4], true);
    sim_client_text(c[4], "GET /big HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    c[5] = visit();
    run_for(CLOCK_MS);
    assert_true(sim_client_over(c[5]));
    assert_int_equal(counters()->refused, 1);
    assert_int_equal(counters()->open, 4);
    answer_text(here.later[0], 200, "a");
    answer_text(here.later[1], 200, "b");
    for (int i = 0; i < 6; i++)
        sim_client_close(c[i]);
    close_place();
}

#define MANY 10000

static void test_many(void **state)
{
    (void)state;
    open_place();
    static struct sim_client *c[MANY];
    for (int i = 0; i < MANY; i++)
        c[i] = visit();
    run_for(CLOCK_MS);
    uint64_t bytes = memory_stats().bytes - here.bytes;
    assert_int_equal(counters()->open, MANY);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            sim_client_text(c[i], "GET /text HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_MS);
    }
    assert_int_equal(counters()->responses_2xx, 3 * MANY);
    buf_deinit(&here.log);
    assert_in_range(memory_stats().bytes - here.bytes, 0,
                    bytes + 65536); /* idle ones hold nothing */
    assert_in_range(bytes / MANY, 0, 600);
    run_for(70 * CLOCK_SEC);
    assert_int_equal(counters()->open, 0);
    assert_int_equal(counters()->peak, MANY);
    for (int i = 0; i < MANY; i++)
        sim_client_close(c[i]);
    close_place();
}

/* --- closing the service --- */

static void test_close(void **state)
{
    (void)state;
    open_place();
    struct sim_client *idle = visit(), *waiting = visit(), *half = visit();
    sim_client_text(waiting, "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(half, "GET /text HTTP/1.1\r\n");
    run_for(CLOCK_MS);
    http_service_close(here.service, 60, on_closed);
    run_for(CLOCK_MS);
    assert_true(sim_client_over(idle));
    assert_false(sim_client_over(waiting));
    assert_false(here.closed);
    struct sim_client *late = visit();
    run_for(CLOCK_MS);
    assert_true(sim_client_over(late));
    sim_client_text(half, H "\r\n");
    answer_text(here.later[0], 200, "done");
    run_for(CLOCK_MS);
    assert_true(
        slice_ends(sim_client_received(half), SLICE("Connection: close\r\n\r\nGET /text:")));
    assert_true(slice_ends(sim_client_received(waiting), SLICE("Connection: close\r\n\r\ndone")));
    assert_true(here.closed);
    sim_client_close(idle);
    sim_client_close(waiting);
    sim_client_close(half);
    sim_client_close(late);
    close_place();
}

/* What is not done when the time is over is cut off; but a handler's answer is waited for. */
static void test_close_patience(void **state)
{
    (void)state;
    open_place();
    struct sim_client *waiting = visit(), *half = visit();
    sim_client_text(waiting, "GET /later HTTP/1.1\r\n" H "\r\n");
    sim_client_text(half, "GET /text HTTP/1.1\r\n");
    run_for(CLOCK_MS);
    http_service_close(here.service, 5, on_closed);
    run_for(6 * CLOCK_SEC);
    assert_true(sim_client_over(waiting));
    assert_true(sim_client_over(half));
    assert_false(here.closed);
    answer_text(here.later[0], 200, "done");
    assert_true(here.closed);
    sim_client_close(waiting);
    sim_client_close(half);
    close_place();
}

static void test_close_at_once(void **state)
{
    (void)state;
    open_place();
    http_service_close(here.service, 5, on_closed);
    assert_true(here.closed);
    close_place();
}

/* Closed by a handler, with requests behind the one that it is about to answer. */
static void test_close_inside(void **state)
{
    (void)state;
    open_place();
    struct sim_client *c = visit(), *idle = visit();
    run_for(CLOCK_MS);
    sim_client_text(c, "GET /stop HTTP/1.1\r\n" H "\r\nGET /204 HTTP/1.1\r\n" H "\r\n");
    run_for(CLOCK_MS);
    assert_true(here.closed);
    assert_true(sim_client_over(idle));
    assert_true(slice_ends(sim_client_received(c), SLICE("Connection: close\r\n\r\nspecial")));
    sim_client_close(c);
    sim_client_close(idle);
    close_place();
}

static void test_taken(void **state)
{
    (void)state;
    open_place();
    struct http_service *second = NULL;
    struct endpoint local = {.port = 80};
    assert_int_equal(http_service_open(here.host, local, NULL, &handler, &here, &second),
                     ERR_EXISTS);
    close_place();
}

/* --- without memory --- */

static void test_out_of_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 40; nth++) {
        open_place();
        sim_memory_fail_nth(nth);
        struct sim_client *c = visit(), *d = visit();
        sim_client_text(c, "GET /la");
        run_for(CLOCK_MS);
        sim_client_text(c, "ter HTTP/1.1\r\n" H "\r\nGET /text HTTP/1.1\r\n" H "\r\n");
        sim_client_pause(d, true);
        sim_client_text(d,
                        "POST /big HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        run_for(CLOCK_MS);
        sim_client_text(d, "0\r\n\r\nGET /big HTTP/1.1\r\n" H "\r\nGET /big HTTP/1.1\r\n" H "\r\n");
        run_for(CLOCK_MS);
        if (here.later_count > 0)
            answer_text(here.later[0], 200, "later");
        run_for(CLOCK_MS);
        sim_memory_fail_nth(0);
        sim_client_close(c);
        sim_client_close(d);
        close_place();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_error_page),
        cmocka_unit_test(test_common_fields),
        cmocka_unit_test(test_refusals_are_recorded),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_close_inside),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_bodies_together),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_big),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_eof),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_gone_waiting),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_slow_handler),
        cmocka_unit_test(test_requests_limit),
        cmocka_unit_test(test_shed),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_patience),
        cmocka_unit_test(test_close_at_once),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("http service", tests, NULL, NULL);
}
