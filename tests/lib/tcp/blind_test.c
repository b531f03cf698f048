/* Segments that a stranger makes up: RFC 5961's rules, PAWS, and how often we can be made to answer. */
#include "tests/lib/tcp/pair.h"

static struct session s;
static struct tcp_info server_info;

/* What the client would send next, as a stranger may make it up. */
static struct tcp_segment made_up(uint8_t flags)
{
    struct tcp_segment m = {.flags = flags, .window = 1000};
    m.source = flow_peer(s.server.flow).port;
    m.destination = 80;
    return m;
}

static seq_t server_next, client_next; /* SND.NXT of each, as seen on the wire */
static uint32_t client_stamp;
static seq_t server_ack;     /* of its last packet */
static uint32_t server_echo; /* of the first packet that had it */

static bool watch(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    seq_t end = w->segment.seq + tcp_segment_span(&w->segment);
    if (from == &s.pair.ends[0]) {
        client_next = end;
        client_stamp = w->segment.stamp;
    } else {
        server_next = end;
        if (w->segment.ack != server_ack)
            server_echo = w->segment.echo;
        server_ack = w->segment.ack;
    }
    return true;
}

static void start(void)
{
    session_open(&s, 1, 0);
    s.pair.filter = watch;
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    assert_int_equal(flow_write(s.client.flow, SLICE("hello")), OK);
    assert_int_equal(flow_write(s.server.flow, SLICE("hello")), OK);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
}

static void inject(struct tcp_segment m, struct slice payload)
{
    pair_inject(&s.pair, s.pair.ends[0].address, s.pair.ends[1].address, &m, payload);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
}

static bool alive(void)
{
    tcp_info(s.server.flow, &server_info);
    return !s.server.ended && server_info.state == TCP_ESTABLISHED;
}

static struct end *server(void)
{
    return &s.pair.ends[1];
}

static void test_resets(void **state)
{
    (void)state;
    start();
    struct tcp_segment m = made_up(TCP_RST);
    uint64_t sent = server()->packets;
    m.seq = client_next + 1; /* in the window */
    inject(m, slice_of(NULL, 0));
    assert_true(alive());
    assert_int_equal(counted(server(), TCP_CHALLENGES), 1);
    assert_int_equal(server()->packets, sent + 1);
    m.seq = client_next - 1; /* outside: not even asked */
    inject(m, slice_of(NULL, 0));
    m.seq = client_next + (1u << 30);
    inject(m, slice_of(NULL, 0));
    assert_true(alive());
    assert_int_equal(counted(server(), TCP_CHALLENGES), 1);
    assert_int_equal(counted(server(), TCP_DROP_RESET), 3);
    m.seq = client_next; /* the one that counts */
    inject(m, slice_of(NULL, 0));
    assert_true(s.server.ended && s.server.why == ERR_RESET);
    assert_int_equal(tcp_usage(server()->tcp).connections, 1); /* until its owner closes */
    session_end(&s);
}

static void test_syns(void **state)
{
    (void)state;
    start();
    struct tcp_segment m = made_up(TCP_SYN);
    for (uint32_t i = 0; i < 4; i++) {
        m.seq = client_next - 2 + (i << 8);
        inject(m, slice_of(NULL, 0));
    }
    assert_true(alive());
    assert_int_equal(tcp_usage(server()->tcp).half_open, 0);
    /* the real client answers what it is asked, and both go on */
    assert_int_equal(flow_write(s.client.flow, SLICE(" world")), OK);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(s.server.length, 11);
    session_end(&s);
}

static void test_data(void **state)
{
    (void)state;
    start();
    struct tcp_segment m = made_up(TCP_ACK);
    m.seq = client_next;
    m.ack = server_next + 1; /* acknowledges what was never sent */
    inject(m, SLICE("evil"));
    m.ack = server_next - 100000; /* and what was acknowledged long ago */
    inject(m, SLICE("evil"));
    assert_int_equal(counted(server(), TCP_DROP_ACK), 2);
    m.ack = server_next;
    m.seq = client_next - 1000; /* old */
    inject(m, SLICE("evil"));
    m.seq = client_next + (1u << 29); /* beyond the window */
    inject(m, SLICE("evil"));
    assert_int_equal(counted(server(), TCP_DROP_OLD), 1);
    assert_int_equal(counted(server(), TCP_DROP_WINDOW), 1);
    m = made_up(TCP_ACK); /* a good number, and an old timestamp (RFC 7323, 5.3) */
    m.seq = client_next;
    m.ack = server_next;
    m.stamped = true;
    m.stamp = client_stamp - 1;
    inject(m, SLICE("evil"));
    assert_int_equal(counted(server(), TCP_DROP_STAMP), 1);
    assert_true(alive());
    assert_int_equal(s.server.length, 5);
    session_end(&s);
}

/* RFC 7323, 4.3: what fills a gap is echoed by the very acknowledgement of it, also where that is the
 * eighth segment of a turn. An older echo would tell the sender that the gap was none (RFC 3522). */
static void test_the_echo_of_what_fills_a_gap(void **state)
{
    (void)state;
    start();
    for (unsigned i = 1; i <= 8; i++) {
        struct tcp_segment m = made_up(TCP_ACK);
        m.seq = client_next + (i < 8 ? 10 * i : 0);
        m.ack = server_next;
        m.stamped = true;
        m.stamp = client_stamp + (i == 8);
        pair_inject(&s.pair, s.pair.ends[0].address, server()->address, &m, SLICE("0123456789"));
    }
    seq_t all = client_next + 80;
    uint32_t filler = client_stamp + 1; /* the client goes on, and is not part of this */
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(server_ack, all);
    assert_int_equal(server_echo, filler);
    session_end(&s);
}

/* Whatever is sent, answers are bounded: each second's number is drawn between half and one and a half
 * of the rate. */
static void test_answers_are_limited(void **state)
{
    (void)state;
    start();
    uint64_t before = server()->packets;
    struct tcp_segment m = made_up(TCP_SYN);
    m.seq = client_next;
    for (int i = 0; i < 30000; i++) { /* three seconds */
        pair_inject(&s.pair, s.pair.ends[0].address, server()->address, &m, slice_of(NULL, 0));
        pair_run(&s.pair, NULL, NULL, CLOCK_MS / 10);
    }
    assert_in_range(server()->packets - before, 1500, 4 * 1500);
    assert_true(counted(server(), TCP_CHALLENGES_LIMITED) > 20000);
    before = server()->packets;
    m = made_up(TCP_SYN);
    m.destination = 81; /* nobody listens there */
    for (int i = 0; i < 10000; i++)
        inject(m, slice_of(NULL, 0));
    assert_in_range(server()->packets - before, 1000, 11 * 400);
    assert_true(counted(server(), TCP_RESETS_LIMITED) > 5000);
    before = server()->packets;
    m = made_up(TCP_ACK); /* out of the window, without data: one in half a second */
    m.ack = server_next;
    m.seq = client_next - 5;
    for (int i = 0; i < 10000; i++)
        inject(m, slice_of(NULL, 0));
    assert_in_range(server()->packets - before, 10, 22);
    assert_true(counted(server(), TCP_ACKS_LIMITED) > 9000);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    for (int half = 0; half < 2; half++) { /* nor within one tick of the clock, whichever it is */
        before = server()->packets;
        for (int i = 0; i < 10; i++) {
            pair_inject(&s.pair, s.pair.ends[0].address, server()->address, &m, slice_of(NULL, 0));
            pair_run(&s.pair, NULL, NULL, CLOCK_MS / 100);
        }
        assert_int_equal(server()->packets - before, 1);
        pair_run(&s.pair, NULL, NULL, CLOCK_SEC + CLOCK_MS - 10 * CLOCK_MS / 100);
    }
    assert_true(alive());
    session_end(&s);
}

/* Two that find each other's numbers strange do not answer each other for ever. */
static void test_no_storm(void **state)
{
    (void)state;
    start();
    struct tcp_segment m = made_up(TCP_ACK);
    m.ack = server_next;
    m.seq = client_next - 5;
    uint64_t before = s.pair.ends[0].packets + server()->packets;
    inject(m, slice_of(NULL, 0));
    pair_run(&s.pair, NULL, NULL, 10 * CLOCK_SEC);
    assert_true(s.pair.ends[0].packets + server()->packets - before < 4);
    session_end(&s);
}

static void test_strangers(void **state)
{
    struct tcp_segment m = {.source = 1, .destination = 80};
    (void)state;
    start();
    /* A peer that the wire does not know: what we answer is counted only. */
    struct address there = address_v4(192, 0, 2, 1);
    static const struct {
        uint8_t flags;
        uint64_t answers;
    } cases[] = {{TCP_ACK, 1},
                 {TCP_SYN | TCP_ACK, 1},
                 {TCP_RST, 0},
                 {TCP_RST | TCP_ACK, 0},
                 {TCP_FIN | TCP_ACK, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = counted(server(), TCP_SENT_RESETS);
        m.flags = cases[i].flags;
        m.source++;
        pair_inject(&s.pair, there, server()->address, &m, slice_of(NULL, 0));
        pair_run(&s.pair, NULL, NULL, CLOCK_MS);
        assert_int_equal(counted(server(), TCP_SENT_RESETS) - before, cases[i].answers);
    }
    assert_int_equal(tcp_usage(server()->tcp).connections, 1);
    session_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_syns),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_answers_are_limited),
        cmocka_unit_test(test_the_echo_of_what_fills_a_gap),
        cmocka_unit_test(test_no_storm),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
