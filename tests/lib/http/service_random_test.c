/*
 * The service among visitors who do anything: send in pieces, stop reading, leave, cut; with a
 * handler that answers now or later, in any order. From a seed, in virtual time.
 *
 * Whatever happens: each visitor reads a beginning of the answers to its requests, in order; every
 * loan comes back; nothing is left.
 */
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

#define SERVER   "192.0.2.1"
#define VISITORS 12
#define STEPS    400
#define SEEDS    60
#define BODY_MAX 200000 /* more than a flow has room for */

struct visitor {
    struct sim_client *client;
    size_t asked;
    unsigned lengths[5 * STEPS]; /* of the answers that it should get */
    bool slow;                   /* is not reading */
};

struct place {
    struct sim_random random;
    struct sim_net *net;
    struct stack *host, *homes[2];
    struct http_service *service;
    struct visitor visitors[VISITORS];
    struct http_exchange *later[VISITORS];
    size_t later_bytes[VISITORS]; /* of the answer */
    size_t later_count;
    int lent, released;
    unsigned answered;
    bool closed;
};
static struct place here;
static uint8_t bytes[BODY_MAX];

static uint64_t draw(uint64_t low, uint64_t high)
{
    return sim_random_range(&here.random, low, high);
}

static void release(void *arg)
{
    (void)arg;
    here.released++;
}

static void answer(struct http_exchange *x, size_t length)
{
    struct http_reply reply = {
        .status = 200,
        .body = slice_of(bytes, length),
        .loan = {release, NULL},
    };
    here.lent++;
    here.answered++;
    http_answer(x, &reply);
}

/* The target says how long the answer is, in decimal. */
static void on_request(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body)
{
    uint64_t length = 0;
    (void)owner;
    assert_true(slice_decimal(slice_drop(request->path, 1), BODY_MAX, &length));
    for (size_t i = 0; i < body.len; i++)
        assert_int_equal(body.ptr[i], 'b');
    if (here.later_count < VISITORS && draw(0, 2) == 0) {
        here.later[here.later_count] = x;
        here.later_bytes[here.later_count++] = (size_t)length;
    } else {
        answer(x, (size_t)length);
    }
}

static uint64_t body_limit(void *owner, const struct http_request *request)
{
    (void)owner;
    (void)request;
    return 5000;
}

static void on_record(void *owner, const struct http_record *r)
{
    (void)owner;
    assert_true(r->method.len > 0 && r->target.len > 0 && r->status >= 200);
}

static void answer_one_of_those(void)
{
    if (here.later_count == 0)
        return;
    size_t i = (size_t)draw(0, here.later_count - 1);
    struct http_exchange *x = here.later[i];
    size_t length = here.later_bytes[i];
    here.later_count--;
    here.later[i] = here.later[here.later_count];
    here.later_bytes[i] = here.later_bytes[here.later_count];
    answer(x, length);
}

/* --- visitors --- */

static void arrive(struct visitor *v)
{
    static const enum sim_cut cuts[] = {SIM_CUT_RESET, SIM_CUT_EOF, SIM_CUT_SILENCE};
    struct stack *home = here.homes[draw(0, 1)];
    struct sim_link link = {
        .latency_max = draw(0, 50) * CLOCK_MS,
        .split = (enum sim_split)draw(0, 1),
    };
    if (draw(0, 3) == 0) {
        link.cut = cuts[draw(0, 2)];
        link.cut_after = draw(1, 20000);
    }
    sim_net_link(here.net, home, here.host, link);
    v->client = sim_client_open(home, SERVER, 80);
    v->slow = false;
    v->asked = 0;
}

static void put_request(struct buf *b, unsigned length)
{
    size_t body = draw(0, 2) == 0 ? (size_t)draw(0, 4000) : 0;
    bool coded = draw(0, 1) == 0;
    buf_printf(b, "%s /%u HTTP/1.1\r\nHost: a\r\n", body ? "POST" : "GET", length);
    if (body && coded)
        buf_printf(b, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body);
    else if (body)
        buf_printf(b, "Content-Length: %zu\r\n\r\n", body);
    else
        buf_text(b, "\r\n");
    for (size_t i = 0; i < body; i++)
        buf_byte(b, 'b');
    if (body && coded)
        buf_text(b, "\r\n0\r\n\r\n");
}

static void ask(struct visitor *v)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    for (uint64_t n = draw(1, 5); n > 0; n--) {
        unsigned length = (unsigned)(draw(0, 9) ? draw(0, 3000) : draw(0, BODY_MAX));
        put_request(&b, length);
        v->lengths[v->asked++] = length;
    }
    sim_client_send(v->client, buf_slice(&b));
    buf_deinit(&b);
}

/* The answers that have arrived, the last of them perhaps in part. */
static void check(struct visitor *v)
{
    struct slice got = sim_client_received(v->client), digits, rest;
    for (size_t i = 0; got.len > 0; i++) {
        size_t length_at = slice_search(got, SLICE("Content-Length: ")) + 16;
        size_t head = slice_search(got, SLICE("\r\n\r\n")) + 4;
        if (head > got.len || slice_starts(got, SLICE("HTTP/1.1 408 ")))
            return; /* cut off; or it stalled in the middle of a request */
        uint64_t length = 0;
        assert_true(slice_starts(got, SLICE("HTTP/1.1 200 OK\r\nDate: ")));
        slice_cut(slice_drop(got, length_at), '\r', &digits, &rest);
        assert_true(slice_decimal(digits, BODY_MAX, &length));
        assert_true(i < v->asked);
        assert_int_equal(length, v->lengths[i]);
        got = slice_drop(got, head);
        struct slice body = slice_take(got, (size_t)length);
        assert_true(slice_equal(body, slice_of(bytes, body.len)));
        got = slice_drop(got, body.len);
    }
}

static void leave(struct visitor *v)
{
    check(v);
    if (draw(0, 2) == 0 && !sim_client_over(v->client))
        sim_client_abort(v->client);
    sim_client_close(v->client);
    v->client = NULL;
}

static void step(void)
{
    struct visitor *v = &here.visitors[draw(0, VISITORS - 1)];
    uint64_t what = draw(0, 99);
    if (what < 25)
        answer_one_of_those();
    else if (v->client == NULL)
        arrive(v);
    else if (sim_client_over(v->client) || what < 30)
        leave(v);
    else if (what < 80)
        ask(v);
    else
        sim_client_pause(v->client, v->slow = !v->slow);
    uint64_t wait = draw(0, 19) ? draw(0, 20) * CLOCK_MS : draw(0, 20) * CLOCK_SEC;
    sim_run(NULL, NULL, clock_monotonic() + wait);
}

static void on_closed(void *owner)
{
    (void)owner;
    here.closed = true;
}

static unsigned live_through(uint64_t seed)
{
    static const struct http_limits limits = {
        .connections = VISITORS - 4,
        .head_seconds = 5,
        .body_seconds = 7,
        .idle_seconds = 15,
        .send_seconds = 6,
        .requests = 30,
    };
    static const struct http_handler handler = {body_limit, on_request, on_record, NULL, {NULL, 0}};
    uint64_t blocks = memory_stats().blocks;
    memset(&here, 0, sizeof here);
    sim_reset(seed);
    sim_random_seed(&here.random, seed);
    here.net = sim_net_open(seed);
    here.host = sim_net_host(here.net, SERVER);
    here.homes[0] = sim_net_host(here.net, "192.0.2.2");
    here.homes[1] = sim_net_host(here.net, "192.0.2.3");
    struct endpoint local = {.port = 80};
    assert_int_equal(http_service_open(here.host, local, &limits, &handler, NULL, &here.service),
                     OK);
    for (int i = 0; i < STEPS; i++)
        step();
    http_service_close(here.service, 3, on_closed);
    while (here.later_count > 0)
        answer_one_of_those();
    sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_SEC);
    while (here.later_count > 0) { /* those that were behind the others */
        answer_one_of_those();
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    }
    assert_true(here.closed);
    for (int i = 0; i < VISITORS; i++)
        if (here.visitors[i].client != NULL)
            leave(&here.visitors[i]);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    assert_int_equal(sim_net_close(here.net), 0);
    assert_int_equal(here.lent, here.released);
    assert_int_equal(memory_stats().blocks, blocks);
    assert_int_equal(loop_timers(), 0);
    return here.answered;
}

static void test_any_life(void **state)
{
    (void)state;
    unsigned answered = 0;
    for (size_t i = 0; i < BODY_MAX; i++)
        bytes[i] = (uint8_t)('a' + i % 26);
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        answered += live_through(seed);
    assert_true(answered > 50 * SEEDS); /* it was not all trouble */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_life)};
    return cmocka_run_group_tests_name("http service, at random", tests, NULL, NULL);
}
