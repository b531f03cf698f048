/* Ends: both at once, one half first, TIME-WAIT and what comes back, orphans and their bounds. */
#include "tests/lib/tcp/pair.h"

static struct session s;

static struct end *client(void)
{
    return &s.pair.ends[0];
}

static struct end *server(void)
{
    return &s.pair.ends[1];
}

static enum tcp_state state_of(const struct side *side)
{
    struct tcp_info info;
    tcp_info(side->flow, &info);
    return info.state;
}

static bool nothing_left(void *arg)
{
    (void)arg;
    return tcp_usage(client()->tcp).connections == 0 && tcp_usage(server()->tcp).connections == 0;
}

static uint64_t went(struct end *e, enum tcp_state from, enum tcp_state to)
{
    return tcp_transitions(e->tcp, from, to);
}

static void test_both_at_once(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    side_close(&s.client);
    side_close(&s.server);
    assert_true(pair_run(&s.pair, nothing_left, NULL, CLOCK_SEC));
    assert_int_equal(went(client(), TCP_FIN_WAIT_1, TCP_CLOSING), 1);
    assert_int_equal(went(server(), TCP_CLOSING, TCP_TIME_WAIT), 1);
    assert_int_equal(tcp_usage(client()->tcp).time_wait + tcp_usage(server()->tcp).time_wait, 2);
    session_end(&s);
}

/* One half ends, the other goes on for long; what was finished refuses writes. */
static void test_half_close(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    assert_int_equal(flow_write(s.client.flow, SLICE("question")), OK);
    tcp_finish(s.client.flow);
    assert_int_equal(flow_write(s.client.flow, SLICE("more")), ERR_CLOSED);
    assert_int_equal(flow_room(s.client.flow), 0);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(s.server.eof && s.server.length == 8);
    assert_int_equal(state_of(&s.client), TCP_FIN_WAIT_2);
    pair_run(&s.pair, NULL, NULL, 10 * TCP_FIN_WAIT_NS); /* its owner still waits: no bound */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(flow_write(s.server.flow, SLICE("answer")), OK);
        pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    }
    assert_int_equal(s.client.length, 60);
    flow_pause(s.client.flow, true);
    s.client.pause = true;
    assert_int_equal(flow_write(s.server.flow, SLICE("last")), OK);
    tcp_finish(s.server.flow);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_false(s.server.ended || s.client.eof);
    side_close(&s.server);
    pair_run(&s.pair, NULL, NULL, 2 * TCP_TIME_WAIT_NS); /* what was not taken waits */
    s.client.pause = false;
    flow_pause(s.client.flow, false);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(s.client.eof && s.client.length == 64);
    side_close(&s.client);
    assert_true(pair_run(&s.pair, nothing_left, NULL, CLOCK_SEC));
    session_end(&s);
}

/* An owner who half-closed, waited, and leaves: from then on the other end's silence has a bound. */
static void test_half_close_and_leave(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    tcp_finish(s.client.flow);
    pair_run(&s.pair, NULL, NULL, 10 * TCP_FIN_WAIT_NS);
    assert_int_equal(state_of(&s.client), TCP_FIN_WAIT_2);
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, TCP_FIN_WAIT_NS - CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 1);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    assert_int_equal(counted(client(), TCP_ORPHANS_TIMED_OUT), 1);
    session_end(&s);
}

/* Both ends open at once: one connection comes of it. */
static void test_simultaneous_open(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    struct endpoint a = {client()->address, 7, 0}, b = {server()->address, 8, 0};
    struct tcp_connection *one, *two;
    assert_int_equal(tcp_connect_from(client()->tcp, a, b, side_on_answer, &s.client, &one), OK);
    assert_int_equal(tcp_connect_from(server()->tcp, b, a, side_on_answer, &s.server, &two), OK);
    assert_true(pair_run(&s.pair, is_connected, &s, 5 * CLOCK_SEC));
    assert_int_equal(counted(client(), TCP_SIMULTANEOUS), 1);
    assert_int_equal(state_of(&s.client), TCP_ESTABLISHED);
    assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
    assert_int_equal(flow_write(s.server.flow, SLICE("you")), OK);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(s.server.length == 5 && s.client.length == 3);
    struct tcp_info info;
    tcp_info(s.client.flow, &info);
    assert_true(info.stamps && info.sack && info.scaled);
    assert_int_equal(tcp_connect_from(client()->tcp, a, b, side_on_answer, &s.client, &one),
                     ERR_EXISTS);
    session_end(&s);
}

static bool drop_last_ack(struct pair *p, struct end *from, struct wire_packet *w)
{
    bool drop = from == client() && p->arg && !(w->segment.flags & TCP_FIN);
    if (drop)
        p->arg = NULL;
    return !drop;
}

/* The acknowledgement of the peer's end is lost: it is given again from TIME-WAIT. */
static void test_last_acknowledgement_is_lost(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    s.pair.filter = drop_last_ack;
    s.pair.arg = &s;
    side_close(&s.server);
    pair_run(&s.pair, NULL, NULL, 25 * CLOCK_MS);
    assert_int_equal(tcp_usage(server()->tcp).connections, 1);
    assert_true(pair_run(&s.pair, nothing_left, NULL, 2 * CLOCK_SEC));
    assert_null(s.pair.arg);
    assert_int_equal(counted(server(), TCP_ENDED), 1);
    assert_true(counted(client(), TCP_DROP_TIME_WAIT) >= 1);
    session_end(&s);
}

/* The same pair of endpoints again, at once: the one in TIME-WAIT gives way to what is surely new. */
static void test_recycle(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    struct endpoint a = {client()->address, 4000, 0}, b = {server()->address, 80, 0};
    struct tcp_connection *c;
    for (int i = 0; i < 50; i++) {
        s.client.flow = s.server.flow = NULL;
        s.client.closed = s.server.closed = s.client.eof = s.server.eof = false;
        s.client.length = s.server.length = 0;
        assert_int_equal(tcp_connect_from(client()->tcp, a, b, side_on_answer, &s.client, &c), OK);
        assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
        assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
        pair_run(&s.pair, NULL, NULL, 15 * CLOCK_MS);
        assert_int_equal(s.server.length, 5);
        side_close(&s.server); /* the server waits */
        pair_run(&s.pair, NULL, NULL, 15 * CLOCK_MS);
        side_close(&s.client);
        assert_true(pair_run(&s.pair, nothing_left, NULL, CLOCK_SEC));
        assert_int_equal(tcp_usage(server()->tcp).time_wait, 1);
    }
    assert_int_equal(counted(server(), TCP_TIME_WAITS_RECYCLED), 49);
    session_end(&s);
}

/* An old SYN, or a reset, does not disturb TIME-WAIT. */
static void test_time_wait_is_not_disturbed(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    uint16_t port = flow_peer(s.server.flow).port;
    side_close(&s.server);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(tcp_usage(server()->tcp).time_wait, 1);
    struct tcp_segment m = {.source = port, .destination = 80, .flags = TCP_RST};
    pair_inject(&s.pair, client()->address, server()->address, &m, slice_of(NULL, 0));
    m.flags = TCP_SYN;
    m.stamped = true; /* of the remote past */
    pair_inject(&s.pair, client()->address, server()->address, &m, slice_of(NULL, 0));
    m.stamp = 1u << 31;
    pair_inject(&s.pair, client()->address, server()->address, &m, slice_of(NULL, 0));
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(tcp_usage(server()->tcp).time_wait == 1 ||
                counted(server(), TCP_TIME_WAITS_RECYCLED) == 1);
    assert_true(counted(server(), TCP_DROP_TIME_WAIT) >= 2);
    session_end(&s);
}

static bool cut_off(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    (void)from;
    (void)w;
    return false;
}

/* Who has closed does not wait for ever: for a peer that is gone, for one that takes nothing, for one
 * that never ends. */
static void test_patience_after_close(void **state)
{
    (void)state;
    session_start(&s, 1, 0); /* gone */
    assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
    s.pair.filter = cut_off;
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, TCP_CLOSE_NS - CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).orphans, 1);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    assert_int_equal(tcp_usage(client()->tcp).orphans, 0);
    assert_int_equal(counted(client(), TCP_ORPHANS_TIMED_OUT), 1);
    session_end(&s);

    session_start(&s, 1, 0); /* takes nothing, and says so whenever it is asked */
    s.server.pause = true;
    flow_pause(s.server.flow, true);
    s.client.total = 1000000;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, 5 * CLOCK_SEC);
    s.client.total = 0;
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, TCP_CLOSE_NS + 5 * CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    assert_true(s.server.ended);
    assert_int_equal(s.server.why, ERR_RESET);
    session_end(&s);

    session_start(&s, 1, 0); /* never ends */
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, TCP_FIN_WAIT_NS - CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 1);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    session_end(&s);
}

/* What comes after the close is acknowledged and forgotten, up to a bound. */
static void test_drain(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    s.server.total = 1000000;
    side_feed(&s.server);
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_false(s.server.ended); /* it could send all of it */
    assert_int_equal(flow_queued(s.server.flow), 0);
    s.server.total = 100000000;
    side_feed(&s.server);
    pair_run(&s.pair, NULL, NULL, 10 * CLOCK_SEC);
    assert_true(s.server.ended && s.server.why == ERR_RESET);
    assert_true(s.server.pattern_sent < 3 * (uint64_t)TCP_DRAIN_MAX);
    session_end(&s);
}

static struct side many[2][10];
static unsigned accepted;

static void on_accept_many(void *owner, struct flow *flow)
{
    (void)owner;
    side_on_accept(&many[1][accepted++], flow);
}

/* Beyond their number, one that is closed is reset at once. */
static void test_orphans_are_bounded(void **state)
{
    struct tcp_limits limits = {.orphans = 3};
    struct endpoint here = {ADDRESS_ANY, 80, 0};
    (void)state;
    s = (struct session){.client = {.why = OK}};
    pair_open(&s.pair, 1, &limits, 0);
    struct endpoint there = {server()->address, 80, 0};
    assert_int_equal(tcp_listen(server()->tcp, here, on_accept_many, NULL, &s.listener), OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            tcp_connect(client()->tcp, there, side_on_answer, &many[0][i], &s.connecting), OK);
    pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    assert_int_equal(accepted, 10);
    for (int i = 0; i < 10; i++)
        side_close(&many[0][i]);
    pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    assert_int_equal(tcp_usage(client()->tcp).orphans, 3);
    assert_int_equal(tcp_usage(client()->tcp).connections, 3);
    assert_int_equal(counted(client(), TCP_ORPHANS_SHED), 7);
    for (int i = 0; i < 10; i++)
        side_close(&many[1][i]);
    assert_true(pair_run(&s.pair, nothing_left, NULL, CLOCK_SEC));
    session_end(&s);
}

static void test_abort(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    assert_int_equal(flow_write(s.client.flow, SLICE("never sent")), OK);
    s.client.closed = true;
    flow_abort(s.client.flow);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(s.server.ended && s.server.why == ERR_RESET && s.server.length == 0);
    assert_int_equal(flow_write(s.server.flow, SLICE("x")), ERR_RESET);
    assert_int_equal(flow_room(s.server.flow), 0);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    session_end(&s);
}

/* The address goes away: its connections end, half-open ones and those that wait as well. */
static void test_forget_address(void **state)
{
    (void)state;
    session_start(&s, 1, 0);
    tcp_forget_address(client()->tcp, server()->address);
    assert_false(s.client.ended);
    tcp_forget_address(client()->tcp, client()->address);
    assert_false(s.client.ended); /* not from inside of the call */
    pair_run(&s.pair, NULL, NULL, 0);
    assert_true(s.client.ended && s.client.why == ERR_UNREACHABLE);
    session_end(&s);
}

static unsigned released;
static void on_release(void *arg)
{
    (void)arg;
    released++;
}

/* Loans come back once each: acknowledged and off the card; or the connection gone. */
static void test_loans(void **state)
{
    static uint8_t page[100000];
    struct loan loan = {on_release, NULL};
    (void)state;
    session_start(&s, 1, NET_SEGMENTS_V4);
    s.pair.ends[0].lag = 3;
    released = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(flow_lend(s.client.flow, slice_of(page, sizeof page), loan),
                         i == 0 ? OK : ERR_AGAIN);
    assert_int_equal(flow_queued(s.client.flow), sizeof page);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(s.server.length, sizeof page);
    assert_int_equal(flow_queued(s.client.flow), 0);
    assert_int_equal(released, 0); /* the card is not done */
    s.pair.ends[0].lag = 0;
    pair_run(&s.pair, NULL, NULL, 20 * CLOCK_MS);
    assert_int_equal(released, 1);
    assert_int_equal(flow_lend(s.client.flow, slice_of(page, sizeof page), loan), OK);
    s.pair.ends[0].lag = 1000;
    pair_run(&s.pair, NULL, NULL, 5 * CLOCK_MS);
    s.client.closed = true;
    flow_abort(s.client.flow);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(released, 1);
    assert_int_equal(tcp_usage(client()->tcp).connections, 0);
    s.pair.ends[0].lag = 0;
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(released, 2);
    session_end(&s);
}

static bool is_ended(void *arg)
{
    (void)arg;
    return s.server.eof;
}

/* As many small segments as one hand-over to the card can have: the end goes behind them, by itself. */
static void test_end_behind_a_full_hand_over(void **state)
{
    static uint8_t page[SENT_UNITS_MAX * 536];
    struct tcp_info info;
    (void)state;
    session_open(&s, 1, NET_SEGMENTS_V4);
    s.pair.ends[0].mtu = s.pair.ends[1].mtu = 536 + TCP_STAMPS_SIZE + 40;
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    tcp_info(s.client.flow, &info);
    assert_int_equal(info.send_mss, 536);
    for (int i = 0; i < 8; i++) { /* until the window takes all of a page at once */
        assert_int_equal(flow_lend(s.client.flow, slice_of(page, sizeof page), (struct loan){0}),
                         OK);
        pair_run(&s.pair, NULL, NULL, 150 * CLOCK_MS);
    }
    tcp_info(s.client.flow, &info);
    assert_true(info.window >= sizeof page && info.outstanding == 0);
    uint64_t packets = client()->packets;
    assert_int_equal(flow_lend(s.client.flow, slice_of(page, sizeof page), (struct loan){0}), OK);
    side_close(&s.client);
    assert_true(pair_run(&s.pair, is_ended, NULL, CLOCK_SEC));
    assert_int_equal(s.server.length, 9 * sizeof page);
    assert_int_equal(client()->packets - packets, 2);
    assert_int_equal(tcp_recovery_counters(client()->tcp)->full, 0);
    side_close(&s.server);
    assert_true(pair_run(&s.pair, nothing_left, NULL, CLOCK_SEC));
    session_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_at_once),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_end_behind_a_full_hand_over),
        cmocka_unit_test(test_half_close_and_leave),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_last_acknowledgement_is_lost),
        cmocka_unit_test(test_recycle),
        cmocka_unit_test(test_time_wait_is_not_disturbed),
        cmocka_unit_test(test_patience_after_close),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_orphans_are_bounded),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_forget_address),
        cmocka_unit_test(test_loans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
