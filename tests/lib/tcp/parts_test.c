/* Segments of one stream in any order, overlapping, in any number of parts, with an owner who stops and
 * goes on: every byte comes once, in order, and right. */
#include "lib/tcp/internal.h"
#include "tests/lib/tcp/pair.h"

#define STREAM 40000u

static struct session s;
static seq_t client_next, server_next;

static struct seq_range reported[3]; /* the server's latest first blocks, the newest last */

static bool watch(struct pair *p, struct end *from, struct wire_packet *w)
{
    seq_t end = w->segment.seq + tcp_segment_span(&w->segment);
    if (from == &p->ends[0]) {
        client_next = end;
        return true;
    }
    server_next = end;
    if (w->segment.block_count) {
        memmove(reported, reported + 1, 2 * sizeof *reported);
        reported[2] = w->segment.blocks[0];
    }
    return true;
}

static void start(uint64_t seed)
{
    session_open(&s, seed, 0);
    s.pair.filter = watch;
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    s.server.check = true;
}

/* Bytes from..to of the stream, cut into parts at random, each in a block of its own. */
static void arrive(struct sim_random *r, uint32_t from, uint32_t to, bool end)
{
    struct slice parts[20];
    uint8_t *blocks[20];
    struct tcp_segment m = {.source = flow_peer(s.server.flow).port,
                            .destination = 80,
                            .flags = (uint8_t)(TCP_ACK | (end ? TCP_FIN : 0)),
                            .window = 1000,
                            .seq = client_next + from,
                            .ack = server_next};
    size_t count = 1;
    blocks[0] = malloc(TCP_HEADER_MAX);
    parts[0] = slice_of(blocks[0], tcp_segment_format(&m, blocks[0]));
    while (from < to) {
        uint32_t most = to - from, n = most;
        if (count < 19)
            n = (uint32_t)sim_random_range(r, 1, most);
        blocks[count] = malloc(n);
        for (uint32_t i = 0; i < n; i++)
            blocks[count][i] = pattern(from + i);
        parts[count] = slice_of(blocks[count], n);
        count++;
        from += n;
    }
    struct ip_arrival a = {.source = s.pair.ends[0].address,
                           .destination = s.pair.ends[1].address,
                           .protocol = IP_TCP,
                           .parts = parts,
                           .count = count};
    tcp_input(s.pair.ends[1].tcp, s.pair.now, &a);
    while (count > 0)
        free(blocks[--count]);
}

static void stop_or_go(struct sim_random *r)
{
    if (!sim_random_chance(r, 5))
        return;
    s.server.pause = !s.server.pause;
    flow_pause(s.server.flow, s.server.pause);
    pair_flush(&s.pair);
}

static void run(uint64_t seed)
{
    struct sim_random r;
    start(seed);
    sim_random_seed(&r, seed);
    uint32_t unit = (uint32_t)sim_random_range(&r, 1, 3000);
    for (int i = 0; i < 600; i++) {
        uint32_t from = (uint32_t)sim_random_range(&r, 0, STREAM - 1);
        uint32_t to = from + (uint32_t)sim_random_range(&r, 1, unit);
        to = to < STREAM ? to : STREAM;
        arrive(&r, from, to, to == STREAM && sim_random_chance(&r, 50));
        stop_or_go(&r);
    }
    for (uint32_t at = 0; at < STREAM; at += 1000) /* what is still missing */
        arrive(&r, at, at + 1000, at + 1000 == STREAM);
    s.server.pause = false;
    flow_pause(s.server.flow, false);
    pair_flush(&s.pair);
    assert_int_equal(s.server.checked, STREAM);
    assert_true(s.server.eof);
    assert_int_equal(tcp_usage(s.pair.ends[1].tcp).memory, 0);
    session_end(&s);
}

static void test_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        run(seed);
}

/* A part that ends where something early begins: what follows is not handed on twice. */
static void test_part_reaches_an_island(void **state)
{
    struct sim_random r;
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        start(seed);
        sim_random_seed(&r, seed);
        arrive(&r, 10, 20, false);
        arrive(&r, 0, 30, false);
        assert_int_equal(s.server.checked, 30);
        arrive(&r, 25, 40, true);
        assert_int_equal(s.server.checked, 40);
        assert_true(s.server.eof);
        session_end(&s);
    }
}

static uint64_t acknowledgements(void)
{
    return counted(&s.pair.ends[1], TCP_SENT_ACKS);
}

/* Of one turn of the loop: the first ones after a gap are acknowledged each, so that a sender who counts
 * sends something new for them, the rest by eights; what closes the gap, at once. */
static void test_gap_in_one_turn(void **state)
{
    struct sim_random r;
    (void)state;
    start(1);
    sim_random_seed(&r, 1);
    for (uint32_t first = 0; first < 60000; first += 30000) {
        uint64_t before = acknowledgements();
        for (uint32_t i = 1; i <= 3; i++) {
            arrive(&r, first + i * 1000, first + i * 1000 + 1000, false);
            assert_int_equal(acknowledgements() - before, i);
        }
        for (uint32_t i = 4; i <= 20; i++)
            arrive(&r, first + i * 1000, first + i * 1000 + 1000, false);
        assert_int_equal(acknowledgements() - before, 3 + 17 / TCP_BATCH_MAX);
        pair_flush(&s.pair);
        assert_int_equal(acknowledgements() - before, 3 + 17 / TCP_BATCH_MAX + 1);
        arrive(&r, first, first + 1000, false);
        assert_int_equal(acknowledgements() - before, 3 + 17 / TCP_BATCH_MAX + 2);
        pair_flush(&s.pair);
        assert_int_equal(acknowledgements() - before, 3 + 17 / TCP_BATCH_MAX + 2);
        assert_int_equal(s.server.checked, first + 21000);
        arrive(&r, first + 21000, first + 30000, false);
        pair_flush(&s.pair);
    }
    session_end(&s);
}

/* Segments of 1000 bytes each, each in a turn of its own; how many acknowledgements they got. */
static uint64_t acknowledged_of(struct sim_random *r, uint32_t from, uint32_t count)
{
    uint64_t before = acknowledgements();
    for (uint32_t i = 0; i < count; i++) {
        arrive(r, from + i * 1000, from + i * 1000 + 1000, false);
        pair_flush(&s.pair);
    }
    return acknowledgements() - before;
}

/* The first ones of a connection, and the first ones once a gap is filled, are acknowledged one by one;
 * all others, each second one. */
static void test_quick_acknowledgements(void **state)
{
    struct sim_random r;
    (void)state;
    start(1);
    sim_random_seed(&r, 1);
    uint32_t at = TCP_QUICK_ACKS * 1000;
    assert_int_equal(acknowledged_of(&r, 0, TCP_QUICK_ACKS), TCP_QUICK_ACKS);
    assert_int_equal(acknowledged_of(&r, at, 4), 2);
    assert_int_equal(acknowledged_of(&r, at + 5000, 3), 3); /* behind a gap */
    assert_int_equal(acknowledged_of(&r, at + 4000, 1), 1);
    assert_int_equal(acknowledged_of(&r, at + 8000, TCP_QUICK_ACKS), TCP_QUICK_ACKS);
    assert_int_equal(acknowledged_of(&r, at + 8000 + TCP_QUICK_ACKS * 1000, 4), 2);
    session_end(&s);
}

/* A turn in which three segments come that were there before: in order, or beyond a gap. */
static void come_again(bool gap)
{
    static const uint32_t starts[] = {3000, 1000, 0};
    struct sim_random r;
    uint32_t base = gap ? 1000 : 0;
    start(1);
    sim_random_seed(&r, 1);
    for (uint32_t at = base; at < base + 5000; at += 1000)
        arrive(&r, at, at + 1000, false);
    pair_flush(&s.pair);
    uint64_t before = acknowledgements();
    for (int i = 0; i < 3; i++)
        arrive(&r, base + starts[i], base + starts[i] + 1000, false);
    pair_flush(&s.pair);
    assert_int_equal(acknowledgements() - before, 3);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reported[i].start - client_next, base + starts[i]);
        assert_int_equal(seq_length(reported[i]), 1000);
    }
    session_end(&s);
}

/* Each is reported (RFC 2883, 4). */
static void test_duplicates_in_one_turn(void **state)
{
    (void)state;
    come_again(false);
    come_again(true);
}

/* To a peer that does not know SACK a second acknowledgement would only look like a loss. */
static void test_duplicates_without_sack(void **state)
{
    struct sim_random r;
    (void)state;
    start(1);
    sim_random_seed(&r, 1);
    tcp_connection_of(s.server.flow)->recovery.sack = false;
    arrive(&r, 0, 2000, false);
    pair_flush(&s.pair);
    for (int i = 0; i < 3; i++) {
        uint64_t before = acknowledgements();
        arrive(&r, 0, 1000, false);
        pair_flush(&s.pair);
        assert_int_equal(acknowledgements() - before, 1);
    }
    session_end(&s);
}

/* In more parts than can be: dropped whole, and counted. */
static void test_too_many_parts(void **state)
{
    static struct slice parts[100];
    uint8_t header[TCP_HEADER_MAX];
    (void)state;
    start(1);
    struct tcp_segment m = {.source = flow_peer(s.server.flow).port,
                            .destination = 80,
                            .flags = TCP_ACK,
                            .seq = client_next,
                            .ack = server_next};
    parts[0] = slice_of(header, tcp_segment_format(&m, header));
    for (int i = 1; i < 100; i++)
        parts[i] = SLICE("x");
    struct ip_arrival a = {.source = s.pair.ends[0].address,
                           .destination = s.pair.ends[1].address,
                           .parts = parts,
                           .count = 100};
    tcp_input(s.pair.ends[1].tcp, s.pair.now, &a);
    assert_int_equal(counted(&s.pair.ends[1], TCP_DROP_MALFORMED), 1);
    assert_int_equal(s.server.checked, 0);
    a.count = 0;
    tcp_input(s.pair.ends[1].tcp, s.pair.now, &a);
    assert_int_equal(counted(&s.pair.ends[1], TCP_DROP_MALFORMED), 2);
    session_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_part_reaches_an_island),
        cmocka_unit_test(test_gap_in_one_turn),
        cmocka_unit_test(test_quick_acknowledgements),
        cmocka_unit_test(test_duplicates_in_one_turn),
        cmocka_unit_test(test_duplicates_without_sack),
        cmocka_unit_test(test_too_many_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
