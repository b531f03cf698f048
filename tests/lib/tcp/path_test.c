/* The path: what ICMP says and who is believed, packets that vanish for their size, ECN. */
#include "lib/tcp/probe.h"
#include "tests/lib/tcp/pair.h"

static struct session s;
static struct tcp_info info;
static struct wire_packet last; /* the last packet with data from the client; no bytes */

static bool watch(struct pair *p, struct end *from, struct wire_packet *w)
{
    if (from == &p->ends[0] && w->payload.len)
        last = *w;
    return true;
}

static void start(void)
{
    session_start(&s, 1, 0);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    s.pair.filter = watch;
    s.server.check = true;
}

static struct end *client(void)
{
    return &s.pair.ends[0];
}

/* A message about the packet that was sent last, with that number. */
static void complain(enum ip_error why, uint32_t mtu, seq_t seq)
{
    uint8_t header[8];
    struct ip_complaint c = {.why = why, .mtu = mtu, .protocol = IP_TCP};
    c.source = client()->address;
    c.destination = s.pair.ends[1].address;
    header[0] = (uint8_t)(last.segment.source >> 8);
    header[1] = (uint8_t)last.segment.source;
    header[2] = (uint8_t)(last.segment.destination >> 8);
    header[3] = (uint8_t)last.segment.destination;
    for (int i = 0; i < 4; i++)
        header[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
    c.header = slice_of(header, sizeof header);
    tcp_complain(client()->tcp, s.pair.now, &c);
}

static bool is_all_there(void *arg)
{
    (void)arg;
    return s.server.checked == s.client.total;
}

static void send(uint64_t bytes)
{
    s.client.total += bytes;
    side_feed(&s.client);
}

static uint32_t mss(void)
{
    tcp_info(s.client.flow, &info);
    return info.send_mss;
}

static void test_too_big(void **state)
{
    (void)state;
    start();
    send(20000);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    complain(IP_ERROR_TOO_BIG, 1000, last.segment.seq + 100000); /* not in flight: not believed */
    complain(IP_ERROR_TOO_BIG, 1000, last.segment.seq - 100000);
    assert_int_equal(mss(), 1448);
    assert_int_equal(counted(client(), TCP_COMPLAINTS_STRANGE), 2);
    s.pair.path = 1000;
    complain(IP_ERROR_TOO_BIG, 1000, last.segment.seq);
    assert_int_equal(mss(), 948);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 2 * CLOCK_SEC));
    send(20000);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    complain(IP_ERROR_TOO_BIG, 100, last.segment.seq); /* below the floor */
    assert_int_equal(mss(), PROBE_FLOOR_V4 - 52);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 2 * CLOCK_SEC));
    session_end(&s);
}

/* Nobody complains: the black hole is found, and later, that it is gone. */
static void test_black_hole(void **state)
{
    (void)state;
    start();
    s.pair.path = 1200;
    send(100000);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    assert_in_range(mss(), 500, 1148);
    assert_true(counted(client(), TCP_SHRUNK) >= 1);
    s.pair.path = 0;
    for (int i = 0; i < 100; i++) {
        pair_run(&s.pair, NULL, NULL, 20 * CLOCK_SEC);
        send(30000);
    }
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    assert_int_equal(mss(), 1448);
    assert_true(counted(client(), TCP_GROWN) >= 1);
    session_end(&s);
}

/* Errors do not end what is established; they are the reason given when time does. */
static void test_soft_errors(void **state)
{
    (void)state;
    start();
    s.pair.path = 1;
    send(100);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    complain(IP_ERROR_REFUSED, 0, last.segment.seq);
    complain(IP_ERROR_UNREACHABLE, 0, last.segment.seq);
    pair_run(&s.pair, NULL, NULL, 60 * CLOCK_SEC);
    assert_false(s.client.ended);
    pair_run(&s.pair, NULL, NULL, TCP_USER_TIMEOUT_NS);
    assert_true(s.client.ended);
    assert_int_equal(s.client.why, ERR_UNREACHABLE);
    session_end(&s);
}

static void test_truncated_complaint(void **state)
{
    struct ip_complaint c = {.why = IP_ERROR_UNREACHABLE};
    (void)state;
    start();
    c.header = slice_of("\0\1\0", 3);
    tcp_complain(client()->tcp, s.pair.now, &c);
    assert_int_equal(counted(client(), TCP_COMPLAINTS_STRANGE), 1);
    session_end(&s);
}

/* --- connecting --- */

static bool keep_syn(struct pair *p, struct end *from, struct wire_packet *w)
{
    (void)p;
    (void)from;
    last = *w;
    return false;
}

static void test_refused_by_icmp(void **state)
{
    (void)state;
    session_open(&s, 1, 0);
    s.pair.filter = keep_syn;
    session_connect(&s);
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    complain(IP_ERROR_UNREACHABLE, 0, last.segment.seq); /* MUST NOT abort (RFC 9293, MUST-56) */
    complain(IP_ERROR_REFUSED, 0, last.segment.seq + 1); /* another number */
    assert_int_equal(s.client.answers, 0);
    complain(IP_ERROR_REFUSED, 0, last.segment.seq);
    assert_int_equal(s.client.answers, 1);
    assert_int_equal(s.client.why, ERR_REFUSED);
    session_end(&s);
}

/* --- ECN --- */

static unsigned marked, answers, echoed, reduced, capable, repeated, again_capable;
static seq_t highest;
static bool lossy;

static bool mark_some(struct pair *p, struct end *from, struct wire_packet *w)
{
    if (from == &p->ends[0] && w->payload.len) {
        bool again = highest && !seq_after(w->segment.seq + w->segment.length, highest);
        highest = again ? highest : w->segment.seq + w->segment.length;
        capable += w->arrival.ecn == IP_ECT0;
        repeated += again;
        again_capable += again && w->arrival.ecn != IP_NOT_ECT;
        reduced += (w->segment.flags & TCP_CWR) != 0;
        if (++marked % 100 == 50)
            w->arrival.ecn = IP_CE;
        else if (lossy && marked % 100 == 70)
            return false;
    } else if (from == &p->ends[1]) {
        answers++;
        echoed += (w->segment.flags & TCP_ECE) != 0;
        assert_int_equal(w->arrival.ecn, IP_NOT_ECT); /* an acknowledgement only */
    }
    return true;
}

static void test_ecn(void **state)
{
    (void)state;
    for (int cards = 0; cards < 3; cards++) {
        marked = answers = echoed = reduced = capable = again_capable = 0;
        highest = 0;
        session_start(&s, 1,
                      cards == 0 ? 0 : NET_SEGMENTS_V4 | (cards == 2 ? NET_SEGMENTS_ECN : 0));
        s.pair.filter = mark_some;
        s.server.check = true;
        send(4000000);
        assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
        assert_true(tcp_recovery_counters(client()->tcp)->marks > 0);
        assert_int_equal(tcp_recovery_counters(client()->tcp)->retransmitted, 0);
        assert_true(echoed > 0 && reduced > 0 && reduced <= echoed);
        assert_true(echoed < answers / 2); /* until the sender says that it has heard */
        assert_int_equal(again_capable, 0);
        assert_int_equal(capable, marked);
        session_end(&s);
    }
}

/* RFC 3168, 6.1.5: what is sent again is not marked as capable, and still the rest is. */
static void test_ecn_with_losses(void **state)
{
    (void)state;
    marked = answers = echoed = reduced = capable = repeated = again_capable = 0;
    highest = 0;
    lossy = true;
    session_start(&s, 1, 0);
    s.pair.filter = mark_some;
    s.server.check = true;
    send(1000000);
    assert_true(pair_run(&s.pair, is_all_there, NULL, 60 * CLOCK_SEC));
    assert_in_range(repeated, 5, marked / 10);
    assert_int_equal(again_capable, 0);
    assert_int_equal(capable + repeated, marked);
    /* Nor are the losses taken back. */
    assert_int_equal(tcp_recovery_counters(client()->tcp)->undone_echo, 0);
    session_end(&s);
    lossy = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_big),         cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_soft_errors),     cmocka_unit_test(test_truncated_complaint),
        cmocka_unit_test(test_refused_by_icmp), cmocka_unit_test(test_ecn),
        cmocka_unit_test(test_ecn_with_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
