/* A service in a simulated network, with a handler that answers by the target, and its visitors. */
#ifndef TESTS_LIB_HTTP_SERVICE_PLACE_H
#define TESTS_LIB_HTTP_SERVICE_PLACE_H

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
#define DATE   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

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

static inline void on_closed(void *owner)
{
    ((struct place *)owner)->closed = true;
}

static inline void release(void *arg)
{
    (void)arg;
    here.released++;
}

static inline struct loan lend(void)
{
    here.lent++;
    return (struct loan){release, NULL};
}

static inline void answer_text(struct http_exchange *x, uint16_t status, const char *text)
{
    struct http_reply reply = {
        .status = status,
        .fields = SLICE("X-Test: yes\r\n"),
        .body = slice_text(text),
        .loan = lend(),
    };
    http_answer(x, &reply);
}

static inline void answer_special(struct http_exchange *x, struct slice target)
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

static inline void on_request(void *owner, struct http_exchange *x,
                              const struct http_request *request, struct slice body)
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

static inline uint64_t body_limit(void *owner, const struct http_request *request)
{
    (void)request;
    return ((struct place *)owner)->body_limit;
}

static inline void on_record(void *owner, const struct http_record *r)
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

static inline void open_with(const struct http_limits *limits)
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

static inline void open_place(void)
{
    open_with(NULL);
}

static inline void run_for(uint64_t ns)
{
    sim_run(NULL, NULL, clock_monotonic() + ns);
}

/* Ends all, and looks that nothing is left behind. */
static inline void close_place(void)
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

static inline struct sim_client *visit(void)
{
    return sim_client_open(here.visitors, SERVER, 80);
}

static inline const struct http_counters *counters(void)
{
    return http_service_counters(here.service);
}

static inline void expect_text(const struct sim_client *c, const char *text)
{
    struct slice got = sim_client_received(c);
    char *copy = calloc(1, got.len + 1);
    if (got.len > 0)
        memcpy(copy, got.ptr, got.len);
    assert_string_equal(copy, text);
    free(copy);
}

#endif
