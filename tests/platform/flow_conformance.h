/*
 * What signatures/flow.h and signatures/stack.h promise, as tests that run over any implementation:
 * included by one test file for each, which defines the place of flow_side.h.
 */
#ifndef TESTS_PLATFORM_FLOW_CONFORMANCE_H
#define TESTS_PLATFORM_FLOW_CONFORMANCE_H

#include "tests/platform/flow_side.h"
#include "tests/platform/stack_conformance.h"

/* --- the tests --- */

static void test_echo(void **state)
{
    (void)state;
    struct pair p = {.server.echo = true};
    pair_open(&p);
    struct endpoint peer = flow_peer(p.client.flow);
    struct address expected = place_address();
    assert_memory_equal(&peer.address, &expected, sizeof expected);
    assert_int_equal(peer.port, place_port(p.listener));
    assert_int_equal(side_write(&p.client, SLICE("hello")), OK);
    assert_int_equal(side_write(&p.client, SLICE(", world")), OK);
    await_bytes(&p.client, 12);
    assert_memory_equal(p.client.received, "hello, world", 12);
    side_close(&p.client);
    await_eof(&p.server);
    assert_int_equal(p.server.ends, 0);
    pair_close(&p);
}

static void test_nothing_is_also_written(void **state)
{
    (void)state;
    unsigned outstanding = 1;
    struct lent lent = {.outstanding = &outstanding};
    struct pair p = {0};
    pair_open(&p);
    assert_int_equal(side_write(&p.client, slice_of(NULL, 0)), OK);
    assert_int_equal(side_lend(&p.client, slice_of(NULL, 0), (struct loan){on_release, &lent}), OK);
    assert_int_equal(side_lend(&p.client, slice_of("x", 0), (struct loan){0}), OK);
    assert_int_equal(side_write(&p.client, SLICE("end")), OK);
    await_bytes(&p.server, 3);
    assert_int_equal(p.server.length, 3);
    assert_true(place_run(is_zero, &outstanding));
    pair_close(&p);
}

/* Bytes that tell their position, n of them from at on: made once. */
static const uint8_t *pattern(size_t at, size_t n)
{
    static uint8_t all[6u << 20];
    if (!all[1])
        for (size_t i = 0; i < sizeof all; i++)
            all[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    assert_true(at <= sizeof all && n <= sizeof all - at);
    return all + at;
}

struct sender {
    struct side *side;
    size_t sent, total;
    unsigned outstanding, refused, seed;
};

static unsigned sender_random(struct sender *s)
{
    s->seed = s->seed * 1103515245u + 12345u;
    return s->seed >> 8;
}

/* Lends every third run; stops when there is no room. */
static bool send_run(struct sender *s)
{
    unsigned r = sender_random(s);
    size_t n = r % 8 == 0 ? sender_random(s) % 40000 : sender_random(s) % 700;
    if (n > s->total - s->sent)
        n = s->total - s->sent;
    struct lent *l = calloc(1, sizeof *l);
    uint8_t *bytes = malloc(n + 1);
    memcpy(bytes, pattern(s->sent, n), n);
    bool lend = r % 3 == 0;
    *l = (struct lent){.block = bytes, .outstanding = &s->outstanding, .own = true};
    enum err e = lend ? side_lend(s->side, slice_of(bytes, n), (struct loan){on_release, l})
                      : side_write(s->side, slice_of(bytes, n));
    if (lend && e == OK)
        s->outstanding++;
    else
        free(bytes);
    if (!lend || e)
        free(l);
    if (e) {
        assert_int_equal(e, ERR_AGAIN);
        s->refused++;
        return false;
    }
    s->sent += n;
    return s->sent < s->total;
}

static bool all_sent(void *arg)
{
    struct sender *s = arg;
    while (s->sent < s->total && send_run(s))
        ;
    return s->sent == s->total;
}

static void check_pattern(const struct side *s, size_t length)
{
    assert_int_equal(s->length, length);
    const uint8_t *sent = pattern(0, length);
    if (length == 0 || memcmp(s->received, sent, length) == 0)
        return;
    size_t at = 0;
    while (s->received[at] == sent[at])
        at++;
    fail_msg("%s: byte %zu differs", s->label, at);
}

#ifndef PLACE_STREAM
#define PLACE_STREAM ((size_t)6 << 20)
#endif

static void stream(size_t total, bool slow_reader)
{
    struct pair p = {0};
    pair_open(&p);
    if (slow_reader)
        side_pause(&p.server, true);
    struct sender s = {.side = &p.client, .total = total, .seed = 7};
    if (slow_reader) {
        while (s.sent < s.total && send_run(&s))
            ;
        place_settle();
        assert_int_equal(p.server.length, 0);
        side_pause(&p.server, false);
    }
    assert_true(place_run(all_sent, &s));
    await_bytes(&p.server, total);
    check_pattern(&p.server, total);
    assert_true(place_run(is_zero, &s.outstanding));
    assert_true(s.refused == 0 || p.client.rooms > 0);
    assert_true(p.client.rooms <= s.refused);
    pair_close(&p);
}

static void test_stream(void **state)
{
    (void)state;
    stream(PLACE_STREAM, false);
}

static void test_stream_to_slow_reader(void **state)
{
    (void)state;
    stream(PLACE_STREAM, true);
}

/* A reader that never reads: the writer is stopped, and told nothing until there is room again. */
static void test_back_pressure(void **state)
{
    (void)state;
    static const uint8_t block[16 * 1024];
    struct pair p = {0};
    pair_open(&p);
    side_pause(&p.server, true);
    size_t sent = 0, stalls = 0;
    while (stalls < 20) {
        enum err e = side_write(&p.client, slice_of(block, sizeof block));
        if (e == OK) {
            sent += sizeof block;
            stalls = 0;
            assert_true(sent < (size_t)64 << 20);
            continue;
        }
        assert_int_equal(e, ERR_AGAIN);
        place_settle();
        stalls++;
    }
    unsigned rooms = p.client.rooms;
    place_settle();
    assert_int_equal(p.client.rooms, rooms);
    assert_int_equal(p.server.length, 0);
    side_pause(&p.server, false);
    await_bytes(&p.server, sent);
    place_settle();
    assert_int_equal(p.client.rooms, rooms + 1);
    pair_close(&p);
}

static void test_write_is_whole_or_nothing(void **state)
{
    (void)state;
    struct pair p = {0};
    pair_open(&p);
    size_t most = flow_room(p.client.flow);
    uint8_t *bytes = calloc(1, most + 1);
    assert_int_equal(side_write(&p.client, slice_of(bytes, most + 1)), ERR_LIMIT);
    assert_int_equal(side_write(&p.client, slice_of(bytes, most)), OK);
    assert_int_equal(flow_room(p.client.flow), 0);
    assert_int_equal(flow_queued(p.client.flow), most);
    assert_int_equal(side_write(&p.client, slice_of(bytes, 1)), ERR_AGAIN);
    assert_int_equal(side_lend(&p.client, slice_of(bytes, 1), (struct loan){0}), ERR_AGAIN);
    await_bytes(&p.server, most);
    assert_true(place_run(is_not_zero, &p.client.rooms));
    place_settle(); /* what has arrived may not be acknowledged yet */
    assert_int_equal(p.client.rooms, 1);
    assert_int_equal(p.server.length, most);
    assert_int_equal(flow_queued(p.client.flow), 0);
    free(bytes);
    pair_close(&p);
}

/* A loan is taken whatever its length. */
static void test_large_loan(void **state)
{
    (void)state;
    unsigned outstanding = 1;
    size_t n = 5u << 20;
    struct lent lent = {.block = malloc(n), .outstanding = &outstanding};
    memcpy(lent.block, pattern(0, n), n);
    struct pair p = {0};
    pair_open(&p);
    assert_int_equal(
        side_lend(&p.client, slice_of(lent.block, n), (struct loan){on_release, &lent}), OK);
    side_close(&p.client); /* and closing does not cut it off */
    await_bytes(&p.server, n);
    check_pattern(&p.server, n);
    await_eof(&p.server);
    assert_true(place_run(is_zero, &outstanding));
    pair_close(&p);
}

static void test_close_sends_what_was_queued(void **state)
{
    (void)state;
    struct pair p = {0};
    pair_open(&p);
    size_t n = flow_room(p.server.flow);
    uint8_t *bytes = malloc(n);
    memcpy(bytes, pattern(0, n), n);
    assert_int_equal(side_write(&p.server, slice_of(bytes, n)), OK);
    side_close(&p.server);
    free(bytes);
    await_eof(&p.client);
    check_pattern(&p.client, n);
    assert_int_equal(p.client.ends, 0);
    pair_close(&p);
}

/* Who answers and closes while the other still sends: the answer must not be lost. */
static void test_close_while_peer_sends(void **state)
{
    (void)state;
    static const uint8_t block[32 * 1024];
    struct pair p = {0};
    pair_open(&p);
    for (int i = 0; i < 2; i++)
        assert_int_equal(side_write(&p.client, slice_of(block, sizeof block)), OK);
    await_bytes(&p.server, 1);
    side_pause(&p.server, true); /* it wants no more of that */
    assert_int_equal(side_write(&p.server, SLICE("enough")), OK);
    side_close(&p.server);
    for (int i = 0; i < 3 && !p.client.eof; i++) {
        if (flow_room(p.client.flow) >= sizeof block)
            assert_int_equal(side_write(&p.client, slice_of(block, sizeof block)), OK);
        loop_round(clock_monotonic() + CLOCK_MS);
    }
    await_bytes(&p.client, 6);
    assert_memory_equal(p.client.received, "enough", 6);
    await_eof(&p.client);
    pair_close(&p);
}

static void test_abort_resets(void **state)
{
    (void)state;
    unsigned outstanding = 1;
    struct lent lent = {.block = malloc(100), .outstanding = &outstanding};
    struct pair p = {0};
    pair_open(&p);
    assert_int_equal(
        side_lend(&p.server, slice_of(lent.block, 100), (struct loan){on_release, &lent}), OK);
    side_abort(&p.server);
    await_end(&p.client);
    assert_int_equal(p.client.why, ERR_RESET);
    assert_int_equal(lent.released, 1);
    /* The stream is over: every write gives the same reason, and takes nothing. */
    struct lent not = {.outstanding = &outstanding};
    assert_int_equal(side_write(&p.client, SLICE("x")), ERR_RESET);
    assert_int_equal(side_lend(&p.client, SLICE("x"), (struct loan){on_release, &not }), ERR_RESET);
    assert_int_equal(flow_room(p.client.flow), 0);
    place_settle();
    assert_int_equal(not .released, 0);
    pair_close(&p);
}

static void test_reset_releases_loans_of_peer(void **state)
{
    (void)state;
    unsigned outstanding = 0;
    struct pair p = {0};
    pair_open(&p);
    side_pause(&p.server, true);
    struct lent lent[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        size_t n = (size_t)8 << 20; /* more than kernels hold */
        lent[i] = (struct lent){.block = calloc(1, n), .outstanding = &outstanding};
        enum err e =
            side_lend(&p.client, slice_of(lent[i].block, n), (struct loan){on_release, &lent[i]});
        if (e) {
            free(lent[i].block);
            continue;
        }
        outstanding++;
    }
    place_settle();
    assert_int_not_equal(outstanding, 0);
    side_abort(&p.server);
    await_end(&p.client);
    assert_true(place_run(is_zero, &outstanding));
    pair_close(&p);
}

static void test_pause(void **state)
{
    (void)state;
    struct pair p = {0};
    pair_open(&p);
    side_pause(&p.server, true);
    assert_int_equal(side_write(&p.client, SLICE("abc")), OK);
    place_settle();
    assert_int_equal(p.server.length, 0);
    side_pause(&p.server, false);
    side_pause(&p.server, true);
    place_settle();
    assert_int_equal(p.server.length, 0);
    side_pause(&p.server, false);
    await_bytes(&p.server, 3);
    pair_close(&p);
}

static void test_close_inside_of_handlers(void **state)
{
    (void)state;
    struct pair p = {.server.close_on_data = true, .client.close_on_eof = true};
    pair_open(&p);
    assert_int_equal(side_write(&p.client, SLICE("a")), OK);
    await_eof(&p.client);
    pair_close(&p);

    struct pair q = {.server.abort_on_data = true};
    pair_open(&q);
    assert_int_equal(side_write(&q.client, SLICE("a")), OK);
    await_end(&q.client);
    assert_int_equal(q.client.why, ERR_RESET);
    pair_close(&q);
}

static void abort_at_once(struct pair *p, struct flow *f)
{
    (void)f;
    side_abort(&p->server);
}

static void close_at_once(struct pair *p, struct flow *f)
{
    (void)f;
    side_close(&p->server);
}

static void greet_and_close(struct pair *p, struct flow *f)
{
    p->server.flow = f;
    assert_int_equal(side_write(&p->server, SLICE("hello")), OK);
    side_close(&p->server);
}

static void test_refuse_at_accept(void **state)
{
    (void)state;
    struct pair p = {.on_accept = abort_at_once};
    pair_listen(&p);
    pair_connect(&p);
    assert_true(place_run(pair_stands, &p));
    if (p.client.connect_why == OK) { /* else the reset came before the answer */
        await_end(&p.client);
        assert_int_equal(p.client.why, ERR_RESET);
    }
    pair_close(&p);

    struct pair q = {.on_accept = close_at_once};
    pair_open(&q);
    await_eof(&q.client);
    pair_close(&q);

    struct pair r = {.on_accept = greet_and_close};
    pair_open(&r);
    await_eof(&r.client);
    assert_int_equal(r.client.length, 5);
    pair_close(&r);
}

static void leave(struct pair *p, struct flow *f)
{
    p->server.flow = f;
}

static void test_owner_comes_late(void **state)
{
    (void)state;
    struct pair p = {.on_accept = leave};
    pair_open(&p);
    assert_int_equal(side_write(&p.client, SLICE("early")), OK);
    place_settle();
    side_own(&p.server, p.server.flow, &side_events);
    assert_int_equal(p.server.length, 0);
    await_bytes(&p.server, 5);
    pair_close(&p);

    /* The stream ended before there was an owner: he is told when he comes. */
    struct pair q = {.on_accept = leave};
    pair_open(&q);
    side_abort(&q.client);
    place_settle();
    side_own(&q.server, q.server.flow, &side_events);
    assert_int_equal(q.server.ends, 0);
    await_end(&q.server);
    assert_int_equal(q.server.why, ERR_RESET);
    pair_close(&q);
}

static void test_without_on_eof(void **state)
{
    (void)state;
    struct pair p = {.server_events = &side_events_no_eof};
    pair_open(&p);
    assert_int_equal(side_write(&p.client, SLICE("bye")), OK);
    side_close(&p.client);
    await_end(&p.server);
    assert_int_equal(p.server.why, ERR_CLOSED);
    assert_int_equal(p.server.length, 3);
    assert_int_equal(side_write(&p.server, SLICE("x")), ERR_CLOSED);
    pair_close(&p);
}

#define FLOW_CONFORMANCE_TESTS(setup, teardown)                                              \
    cmocka_unit_test_setup_teardown(test_echo, setup, teardown),                             \
        cmocka_unit_test_setup_teardown(test_nothing_is_also_written, setup, teardown),      \
        cmocka_unit_test_setup_teardown(test_stream, setup, teardown),                       \
        cmocka_unit_test_setup_teardown(test_stream_to_slow_reader, setup, teardown),        \
        cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),                \
        cmocka_unit_test_setup_teardown(test_write_is_whole_or_nothing, setup, teardown),    \
        cmocka_unit_test_setup_teardown(test_large_loan, setup, teardown),                   \
        cmocka_unit_test_setup_teardown(test_close_sends_what_was_queued, setup, teardown),  \
        cmocka_unit_test_setup_teardown(test_close_while_peer_sends, setup, teardown),       \
        cmocka_unit_test_setup_teardown(test_abort_resets, setup, teardown),                 \
        cmocka_unit_test_setup_teardown(test_reset_releases_loans_of_peer, setup, teardown), \
        cmocka_unit_test_setup_teardown(test_pause, setup, teardown),                        \
        cmocka_unit_test_setup_teardown(test_close_inside_of_handlers, setup, teardown),     \
        cmocka_unit_test_setup_teardown(test_refuse_at_accept, setup, teardown),             \
        cmocka_unit_test_setup_teardown(test_owner_comes_late, setup, teardown),             \
        cmocka_unit_test_setup_teardown(test_without_on_eof, setup, teardown),               \
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),                      \
        cmocka_unit_test_setup_teardown(test_cancel_connect, setup, teardown),               \
        cmocka_unit_test_setup_teardown(test_resolve, setup, teardown),                      \
        cmocka_unit_test_setup_teardown(test_cancel_resolve, setup, teardown),               \
        cmocka_unit_test_setup_teardown(test_many, setup, teardown)

#endif
