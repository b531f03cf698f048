/* Listeners, half-open connections and their bound, cookies beyond it. */
#include "tests/lib/tcp/pair.h"

static struct session s;

static struct end *server(void)
{
    return &s.pair.ends[1];
}

static struct endpoint local(struct address a, uint16_t port)
{
    return (struct endpoint){a, port, 0};
}

static void test_endpoints(void **state)
{
    struct tcp_listener *l[4];
    struct tcp *t;
    (void)state;
    session_open(&s, 1, 0);
    t = server()->tcp;
    struct address mine = server()->address;
    assert_int_equal(tcp_listen(t, local(ADDRESS_ANY, 80), side_on_accept, NULL, &l[0]),
                     ERR_EXISTS);
    assert_int_equal(tcp_listen(t, local(mine, 80), side_on_accept, NULL, &l[0]), ERR_EXISTS);
    assert_int_equal(tcp_listen(t, local(mine, 81), side_on_accept, NULL, &l[0]), OK);
    assert_int_equal(tcp_listen(t, local(ADDRESS_ANY, 81), side_on_accept, NULL, &l[1]),
                     ERR_EXISTS);
    assert_int_equal(tcp_listen(t, local(address_v4(0, 0, 0, 0), 81), side_on_accept, NULL, &l[1]),
                     ERR_EXISTS);
    assert_int_equal(tcp_listen(t, local(ADDRESS_ANY, 0), side_on_accept, NULL, &l[1]), OK);
    assert_int_equal(tcp_listen(t, local(ADDRESS_ANY, 0), side_on_accept, NULL, &l[2]), OK);
    assert_int_not_equal(tcp_listener_local(l[1]).port, tcp_listener_local(l[2]).port);
    assert_int_equal(tcp_usage(t).listeners, 4);
    for (int i = 0; i < 3; i++)
        tcp_unlisten(t, l[i]);
    session_end(&s);
}

static void test_limit_of_listeners(void **state)
{
    static struct tcp_listener *l[TCP_LISTENERS_MAX];
    unsigned n = 0;
    (void)state;
    session_open(&s, 1, 0);
    while (tcp_listen(server()->tcp, local(ADDRESS_ANY, 0), side_on_accept, NULL, &l[n]) == OK)
        n++;
    assert_int_equal(n, TCP_LISTENERS_MAX - 1);
    while (n > 0)
        tcp_unlisten(server()->tcp, l[--n]);
    session_end(&s);
}

static void test_refused(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    struct endpoint remote = {server()->address, 81, 0};
    assert_int_equal(
        tcp_connect(s.pair.ends[0].tcp, remote, side_on_answer, &s.client, &s.connecting), OK);
    assert_int_equal(s.client.answers, 0);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(s.client.answers, 1);
    assert_int_equal(s.client.why, ERR_REFUSED);
    assert_int_equal(tcp_usage(s.pair.ends[0].tcp).connections, 0);
    session_end(&s);
}

static bool drop_all(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    (void)from;
    (void)w;
    return false;
}

static void test_nobody_answers(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    s.pair.filter = drop_all;
    session_connect(&s);
    pair_run(&s.pair, NULL, NULL, TCP_CONNECT_NS - CLOCK_SEC);
    assert_int_equal(s.client.answers, 0);
    assert_int_equal(s.pair.ends[0].packets, 6); /* at 0, 1, 3, 7, 15, 31 s */
    pair_run(&s.pair, NULL, NULL, 2 * CLOCK_SEC);
    assert_int_equal(s.client.answers, 1);
    assert_int_equal(s.client.why, ERR_TIMEOUT);
    session_end(&s);
}

static void test_cancel(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    session_connect(&s);
    tcp_cancel(s.pair.ends[0].tcp, s.connecting);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    session_connect(&s);
    pair_run(&s.pair, NULL, NULL, 5 * CLOCK_MS);
    tcp_cancel(s.pair.ends[0].tcp, s.connecting);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(s.client.answers, 0);
    assert_int_equal(tcp_usage(s.pair.ends[0].tcp).connections, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0); /* a reset answered its SYN and ACK */
    session_end(&s);
}

/* The first answer to a SYN is lost, and the acknowledgement of the second. */
static unsigned dropped;
static bool drop_some(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    bool syn_ack = from == server() && w->segment.flags & TCP_SYN;
    bool ack = from != server() && !(w->segment.flags & TCP_SYN) && w->payload.len == 0;
    if ((syn_ack && dropped == 0) || (ack && dropped == 1)) {
        dropped++;
        return false;
    }
    return true;
}

static void test_lost_handshake(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    dropped = 0;
    s.pair.filter = drop_some;
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, 10 * CLOCK_SEC));
    assert_int_equal(dropped, 2);
    assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(s.server.length, 5);
    session_end(&s);
}

static struct tcp_segment syn_from(uint32_t i, struct address *from)
{
    *from = address_v4(192, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
    return (struct tcp_segment){.source = (uint16_t)(1024 + i % 60000),
                                .destination = 80,
                                .flags = TCP_SYN,
                                .seq = i * 7919,
                                .window = 65535,
                                .mss = 1460};
}

static void flood(uint32_t count, uint32_t first)
{
    for (uint32_t i = 0; i < count; i++) {
        struct address from;
        struct tcp_segment m = syn_from(first + i, &from);
        pair_inject(&s.pair, from, server()->address, &m, slice_of(NULL, 0));
        pair_run(&s.pair, NULL, NULL, 20 * CLOCK_US); /* 50,000 a second */
    }
}

static void finish_client(void)
{
    side_close(&s.client);
    side_close(&s.server);
    side_free(&s.client);
    side_free(&s.server);
    s.client = s.server = (struct side){.flow = NULL};
}

/* The half-open table stays within its bound, and a real client is served whatever comes, with all that
 * it offers: scale, SACK, ECN, by its timestamps. */
static void test_flood(void **state)
{
    struct tcp_info info;
    (void)state;
    session_open(&s, 1, 0);
    flood(6000, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, TCP_HALF_OPEN_MAX);
    assert_int_equal(counted(server(), TCP_COOKIES_SENT), 6000 - TCP_HALF_OPEN_MAX);
    for (uint32_t round = 0; round < 20; round++) {
        flood(500, 10000 + round * 500);
        session_connect(&s);
        flood(2000, 50000 + round * 2000); /* 40 ms */
        assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
        tcp_info(s.server.flow, &info);
        assert_true(info.stamps && info.sack && info.scaled && info.ecn);
        assert_in_range(info.send_mss, 1400, 1448);
        assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
        pair_run(&s.pair, NULL, NULL, 15 * CLOCK_MS);
        assert_int_equal(s.server.length, 5);
        finish_client();
    }
    assert_int_equal(counted(server(), TCP_COOKIES_ACCEPTED), 20);
    assert_int_equal(tcp_usage(server()->tcp).half_open, TCP_HALF_OPEN_MAX);
    pair_run(&s.pair, NULL, NULL, 100 * CLOCK_SEC); /* and then they go away */
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0);
    assert_true(counted(server(), TCP_HALF_OPEN_TIMED_OUT) >= TCP_HALF_OPEN_MAX);
    session_end(&s);
}

/* Cookies are taken only while some may be out, and only the right ones. */
static void test_guessed_cookies(void **state)
{
    struct tcp_segment m = {.source = 9, .destination = 80, .flags = TCP_ACK, .window = 100};
    struct address from = address_v4(192, 0, 2, 1);
    (void)state;
    session_open(&s, 1, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        m.ack = i * 4294967u;
        pair_inject(&s.pair, from, server()->address, &m, slice_of(NULL, 0));
        pair_run(&s.pair, NULL, NULL, 0);
    }
    assert_int_equal(counted(server(), TCP_COOKIES_WRONG), 0); /* not even looked at */
    flood(TCP_HALF_OPEN_MAX + 10, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        m.ack = i * 4294967u;
        pair_inject(&s.pair, from, server()->address, &m, slice_of(NULL, 0));
        pair_run(&s.pair, NULL, NULL, 0);
    }
    assert_int_equal(counted(server(), TCP_COOKIES_WRONG), 1000);
    assert_int_equal(tcp_usage(server()->tcp).connections, 0);
    session_end(&s);
}

/* Those that are half open go with their listener. */
static void test_unlisten(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    flood(100, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 100);
    tcp_unlisten(server()->tcp, s.listener);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0);
    assert_int_equal(
        tcp_listen(server()->tcp, local(ADDRESS_ANY, 80), side_on_accept, &s.server, &s.listener),
        OK);
    session_end(&s);
}

/* A reset ends a half-open connection at the very number only; another SYN gets the same answer. */
static void test_half_open_is_believed_little(void **state)
{
    struct address from;
    (void)state;
    session_open(&s, 1, 0);
    struct tcp_segment m = syn_from(1, &from);
    struct slice none = {NULL, 0};
    pair_inject(&s.pair, from, server()->address, &m, none);
    pair_run(&s.pair, NULL, NULL, 0);
    m.flags = TCP_RST;
    m.seq += 2;
    pair_inject(&s.pair, from, server()->address, &m, none);
    m.seq -= 2;
    pair_inject(&s.pair, from, server()->address, &m, none);
    pair_run(&s.pair, NULL, NULL, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 1);
    m.flags = TCP_ACK; /* a wrong acknowledgement: a reset, and it stays */
    m.seq += 1;
    m.ack = 12345;
    pair_inject(&s.pair, from, server()->address, &m, none);
    pair_run(&s.pair, NULL, NULL, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 1);
    assert_int_equal(counted(server(), TCP_SENT_RESETS), 1);
    m.flags = TCP_RST;
    pair_inject(&s.pair, from, server()->address, &m, none);
    pair_run(&s.pair, NULL, NULL, 0);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0);
    session_end(&s);
}

/* Nothing to a broadcast address is answered. */
static void test_to_many(void **state)
{
    uint8_t header[60];
    struct address from;
    (void)state;
    session_open(&s, 1, 0);
    struct tcp_segment m = syn_from(1, &from);
    struct slice whole = slice_of(header, tcp_segment_format(&m, header));
    struct ip_arrival a = {.source = from,
                           .destination = address_v4(255, 255, 255, 255),
                           .protocol = IP_TCP,
                           .to_many = true,
                           .parts = &whole,
                           .count = 1};
    tcp_input(server()->tcp, s.pair.now, &a);
    assert_int_equal(counted(server(), TCP_DROP_TO_MANY), 1);
    assert_int_equal(server()->packets, 0);
    session_end(&s);
}

static void test_limit_of_connections(void **state)
{
    struct tcp_limits limits = {.connections = 1};
    (void)state;
    s = (struct session){.client = {.why = OK}};
    pair_open(&s.pair, 1, &limits, 0);
    assert_int_equal(
        tcp_listen(server()->tcp, local(ADDRESS_ANY, 80), side_on_accept, &s.server, &s.listener),
        OK);
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    struct tcp_connection *more;
    struct endpoint remote = {server()->address, 80, 0};
    assert_int_equal(tcp_connect(s.pair.ends[0].tcp, remote, side_on_answer, &s.client, &more),
                     ERR_FULL);
    flood(10, 0);
    assert_int_equal(counted(server(), TCP_DROP_CONNECTIONS), 10);
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0);
    session_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints), cmocka_unit_test(test_limit_of_listeners),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_cancel),    cmocka_unit_test(test_lost_handshake),
        cmocka_unit_test(test_flood),     cmocka_unit_test(test_guessed_cookies),
        cmocka_unit_test(test_unlisten),  cmocka_unit_test(test_half_open_is_believed_little),
        cmocka_unit_test(test_to_many),   cmocka_unit_test(test_limit_of_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
