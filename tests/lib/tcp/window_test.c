/* Flow control and pace: windows that close, probes, small segments, acknowledgements put off, cork,
 * Nagle, keep-alive, the user timeout. */
#include "lib/tcp/internal.h"
#include "lib/tcp/tune.h"
#include "tests/lib/tcp/pair.h"

static struct session s;

/* What was seen on the wire. */
static struct {
    unsigned data, small, acks; /* packets from the client with data, with less than a segment */
    uint32_t largest;
    bool over;       /* data beyond what the server had offered */
    unsigned crumbs; /* times that the edge of its window moved by less than a segment */
} seen;
static seq_t edge;
static bool edge_known;

static bool watch(struct pair *p, struct end *from, struct wire_packet *w)
{
    if (from == &p->ends[0] && w->payload.len) {
        seen.data++;
        seen.small += w->payload.len < 1448;
        seen.largest = w->payload.len > seen.largest ? (uint32_t)w->payload.len : seen.largest;
        if (edge_known && seq_after(w->segment.seq + w->segment.length, edge))
            seen.over = true;
    } else if (from == &p->ends[1]) {
        seen.acks += w->payload.len == 0;
        seq_t to = w->segment.ack + ((uint32_t)w->segment.window << tune_scale(TUNE_RECEIVE_MAX));
        uint32_t rounding = 1u << tune_scale(TUNE_RECEIVE_MAX), moved = to - edge;
        if (edge_known && seq_after(to, edge) && moved > rounding && moved < 1448 - rounding)
            seen.crumbs++;
        if (!(w->segment.flags & TCP_SYN) && (!edge_known || seq_after(to, edge)))
            edge = to;
        edge_known |= !(w->segment.flags & TCP_SYN);
    }
    return true;
}

static void start(uint32_t offloads)
{
    session_start(&s, 1, offloads);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    memset(&seen, 0, sizeof seen);
    edge_known = false;
    s.pair.filter = watch;
}

static struct end *client(void)
{
    return &s.pair.ends[0];
}

static void pause_server(bool paused)
{
    s.server.pause = paused;
    flow_pause(s.server.flow, paused);
}

static bool is_all_there(void *arg)
{
    (void)arg;
    return s.server.checked == s.client.total;
}

/* A reader that stops is sent no more than it has room for, is asked again and again whether it reads,
 * and gets the rest when it does. */
static void test_zero_window(void **state)
{
    struct tcp_info info;
    (void)state;
    start(0);
    s.server.check = true;
    s.client.total = 3000000;
    pause_server(true);
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, 5 * CLOCK_SEC);
    tcp_info(s.server.flow, &info);
    assert_in_range(info.ready, 60000, 66000);
    assert_true(info.receive_window < 1448);
    uint64_t probes = counted(client(), TCP_ZERO_PROBES);
    pair_run(&s.pair, NULL, NULL, 600 * CLOCK_SEC); /* for ever, where need be */
    assert_false(s.client.ended);
    assert_in_range(counted(client(), TCP_ZERO_PROBES) - probes, 9, 30);
    assert_int_equal(s.server.checked, 0);
    pause_server(false);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 30 * CLOCK_SEC));
    assert_false(seen.over);
    session_end(&s);
}

static bool drop_updates(struct pair *p, struct end *from, struct wire_packet *w)
{
    watch(p, from, w);
    return from == &p->ends[0] || w->segment.window < 10 || p->arg;
}

/* The news that the window is open again is lost: the probe finds out. */
static void test_lost_window_update(void **state)
{
    (void)state;
    start(0);
    s.server.check = true;
    s.client.total = 300000;
    pause_server(true);
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, 5 * CLOCK_SEC);
    s.pair.filter = drop_updates;
    pause_server(false);
    pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    assert_in_range(s.server.checked, 60000, 66000);
    s.pair.arg = &s;
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    session_end(&s);
}

/* A reader that takes little at a time does not make the sender send little at a time. */
static void test_silly_window(void **state)
{
    (void)state;
    start(0);
    s.server.check = true;
    s.client.total = 1000000;
    side_feed(&s.client);
    for (int i = 0; i < 20000 && !is_all_there(NULL); i++) {
        pause_server(i % 10 != 0);
        pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    }
    assert_true(is_all_there(NULL));
    assert_true(seen.small < seen.data / 50 + 5);
    assert_false(seen.over);
    session_end(&s);
}

/* Nor does a sender of small segments move the window's edge by each of them. */
static void test_no_crumbs(void **state)
{
    (void)state;
    start(0);
    s.server.check = true;
    for (unsigned i = 1; i <= 100; i++) {
        s.client.total = i * 1448; /* first of all the size of a segment is known */
        s.client.total -= i > 1 ? (i - 1) * 1048 : 0;
        side_feed(&s.client);
        pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    }
    assert_true(is_all_there(NULL));
    assert_int_equal(seen.crumbs, 0);
    session_end(&s);
}

static bool narrow(struct pair *p, struct end *from, struct wire_packet *w)
{
    uint8_t *window = (uint8_t *)(uintptr_t)w->whole.ptr + 14;
    watch(p, from, w);
    if (from == &p->ends[1]) {
        window[0] = 0; /* 512 bytes, of 64 KiB that it once was */
        window[1] = 2;
    }
    return true;
}

/* Nor does a sender use what is left of a window crumb by crumb (RFC 9293, 3.8.6.2.1): after some time
 * only, and one each time. */
static void test_a_narrow_window(void **state)
{
    (void)state;
    start(0);
    s.pair.filter = narrow;
    assert_int_equal(flow_write(s.server.flow, SLICE("news of it")), OK);
    pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    s.server.check = true;
    s.client.total = 100000;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, TCP_PERSIST_MIN - 10 * CLOCK_MS);
    assert_int_equal(seen.data, 0);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_in_range(seen.data, 5, 2 * CLOCK_SEC / TCP_PERSIST_MIN); /* again and again */
    assert_int_equal(seen.largest, 512);
    s.pair.filter = watch;
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    session_end(&s);
}

/* Every second full segment is acknowledged, each of the first ones; a last one within the delay. */
static void test_delayed_acknowledgement(void **state)
{
    (void)state;
    start(0);
    s.server.check = true;
    s.client.total = 1448;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, s.pair.delay + CLOCK_MS);
    assert_int_equal(seen.acks, 1); /* at once: a slow start waits for it */
    s.client.total = (uint64_t)1448 * 2 * TCP_QUICK_ACKS;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    memset(&seen, 0, sizeof seen);
    s.client.total += 1448;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, s.pair.delay + 30 * CLOCK_MS);
    assert_int_equal(seen.acks, 0);
    pair_run(&s.pair, NULL, NULL, 15 * CLOCK_MS);
    assert_int_equal(seen.acks, 1);
    s.client.total += 2 * 1448;
    side_feed(&s.client);
    pair_run(&s.pair, NULL, NULL, s.pair.delay + CLOCK_MS);
    assert_int_equal(seen.acks, 2);
    session_end(&s);
}

static void test_cork(void **state)
{
    (void)state;
    start(0);
    tcp_cork(s.client.flow, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(flow_write(s.client.flow, SLICE("0123456789")), OK);
        pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    }
    assert_int_equal(seen.data, 0);
    tcp_cork(s.client.flow, false);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    assert_int_equal(seen.data, 1);
    assert_int_equal(seen.largest, 100);
    tcp_cork(s.client.flow, true); /* forgotten */
    assert_int_equal(flow_write(s.client.flow, SLICE("0123456789")), OK);
    pair_run(&s.pair, NULL, NULL, TCP_CORK_NS - CLOCK_MS);
    assert_int_equal(seen.data, 1);
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_MS);
    assert_int_equal(seen.data, 2);
    session_end(&s);
}

static void test_nagle(void **state)
{
    (void)state;
    start(0);
    for (int on = 0; on < 2; on++) {
        memset(&seen, 0, sizeof seen);
        tcp_nagle(s.client.flow, on);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(flow_write(s.client.flow, SLICE("0123456789")), OK);
            pair_run(&s.pair, NULL, NULL, CLOCK_MS);
        }
        pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
        /* a loss probe may say the last once more, while its acknowledgement is put off */
        assert_in_range(seen.data, on ? 2 : 10, on ? 2 : 11);
    }
    assert_int_equal(s.server.length, 200);
    session_end(&s);
}

static bool cut_off(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    (void)from;
    (void)w;
    return false;
}

static void test_keep_alive(void **state)
{
    (void)state;
    start(0);
    tcp_keep_alive(s.client.flow, 60 * CLOCK_SEC, 10 * CLOCK_SEC, 5);
    pair_run(&s.pair, NULL, NULL, 3600 * CLOCK_SEC);
    assert_false(s.client.ended);
    assert_in_range(counted(client(), TCP_KEEP_PROBES), 50, 61);
    uint64_t probes = counted(client(), TCP_KEEP_PROBES);
    s.pair.filter = cut_off;
    pair_run(&s.pair, NULL, NULL, 125 * CLOCK_SEC);
    assert_true(s.client.ended);
    assert_int_equal(s.client.why, ERR_TIMEOUT);
    assert_int_equal(counted(client(), TCP_KEEP_PROBES) - probes, 5);
    session_end(&s);
}

static void test_user_timeout(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        uint64_t ns = own ? 7 * CLOCK_SEC : TCP_USER_TIMEOUT_NS;
        start(0);
        if (own)
            tcp_user_timeout(s.client.flow, ns);
        pair_run(&s.pair, NULL, NULL, 1000 * CLOCK_SEC); /* idle: nothing to lose patience over */
        s.pair.filter = cut_off;
        assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
        pair_run(&s.pair, NULL, NULL, ns - CLOCK_MS);
        assert_false(s.client.ended);
        pair_run(&s.pair, NULL, NULL, 2 * CLOCK_MS);
        assert_true(s.client.ended);
        assert_int_equal(s.client.why, ERR_TIMEOUT);
        assert_int_equal(flow_write(s.client.flow, SLICE("hello")), ERR_TIMEOUT);
        session_end(&s);
    }
}

/* The receive window grows with the path, up to its limit. */
static void test_window_grows(void **state)
{
    struct tcp_info info;
    (void)state;
    start(NET_SEGMENTS_V4);
    s.pair.delay = 50 * CLOCK_MS;
    s.server.check = true;
    s.client.total = 100000000;
    side_feed(&s.client);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    tcp_info(s.server.flow, &info);
    assert_true(info.receive_window > (4u << 20));
    assert_true(info.receive_window <= TUNE_RECEIVE_MAX);
    assert_false(seen.over);
    session_end(&s);
}

/* The card takes nothing for a while: nothing is lost, and nothing spins. */
static void test_card_is_full(void **state)
{
    (void)state;
    start(0);
    s.server.check = true;
    s.client.total = 200000;
    for (int i = 0; i < 400 && !is_all_there(NULL); i++) {
        client()->full = i % 2 == 0;
        if (i == 0)
            side_feed(&s.client);
        if (!client()->full)
            tcp_room(client()->tcp, s.pair.now);
        pair_run(&s.pair, NULL, NULL, 7 * CLOCK_MS);
    }
    assert_true(is_all_there(NULL));
    assert_true(counted(client(), TCP_CARD_FULL) > 0);
    session_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_window),
        cmocka_unit_test(test_lost_window_update),
        cmocka_unit_test(test_silly_window),
        cmocka_unit_test(test_no_crumbs),
        cmocka_unit_test(test_a_narrow_window),
        cmocka_unit_test(test_delayed_acknowledgement),
        cmocka_unit_test(test_cork),
        cmocka_unit_test(test_nagle),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_window_grows),
        cmocka_unit_test(test_card_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
