/* Two instances, back to back: handshake, data both ways, ends, losses. */
#include "tests/lib/tcp/pair.h"

static bool both_closed(void *arg)
{
    struct session *s = arg;
    return tcp_usage(s->pair.ends[0].tcp).connections == 0 &&
           tcp_usage(s->pair.ends[1].tcp).connections == 0;
}

static void test_handshake_and_end(void **state)
{
    static struct session s;
    struct tcp_info info;
    (void)state;
    session_start(&s, 1, 0);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    tcp_info(s.client.flow, &info);
    assert_int_equal(info.state, TCP_ESTABLISHED);
    assert_true(info.stamps && info.sack && info.scaled && info.ecn);
    assert_int_equal(info.send_mss, 1448);
    assert_int_equal(flow_peer(s.client.flow).port, 80);
    assert_true(info.smoothed >= 20 * CLOCK_MS && info.smoothed < 21 * CLOCK_MS);
    side_close(&s.client);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_true(s.server.eof && !s.server.ended);
    tcp_info(s.server.flow, &info);
    assert_int_equal(info.state, TCP_CLOSE_WAIT);
    side_close(&s.server);
    assert_true(pair_run(&s.pair, both_closed, &s, CLOCK_SEC));
    assert_int_equal(tcp_usage(s.pair.ends[0].tcp).time_wait, 1);
    assert_int_equal(tcp_usage(s.pair.ends[1].tcp).time_wait, 0);
    pair_run(&s.pair, NULL, NULL, 2 * TCP_TIME_WAIT_NS);
    assert_int_equal(tcp_usage(s.pair.ends[0].tcp).time_wait, 0);
    session_end(&s);
}

static bool all_echoed(void *arg)
{
    struct session *s = arg;
    return s->client.length == 11;
}

static void test_small_exchange_costs_two_packets(void **state)
{
    static struct session s;
    (void)state;
    session_start(&s, 2, 0);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    s.server.echo = true;
    uint64_t client = s.pair.ends[0].packets, server = s.pair.ends[1].packets;
    assert_int_equal(flow_write(s.client.flow, SLICE("hello ")), OK);
    assert_int_equal(flow_write(s.client.flow, SLICE("world")), OK);
    assert_true(pair_run(&s.pair, all_echoed, &s, 30 * CLOCK_MS));
    assert_memory_equal(s.client.received, "hello world", 11);
    assert_int_equal(s.pair.ends[0].packets, client + 1);
    assert_int_equal(s.pair.ends[1].packets, server + 1);
    session_end(&s);
}

struct transfer {
    uint64_t seed;
    uint64_t bytes;
    unsigned loss;
    uint64_t jitter;
    uint32_t offloads;
    bool both;
};

static bool is_transferred(void *arg)
{
    struct session *s = arg;
    return s->server.checked == s->client.total && s->client.checked == s->server.total;
}

static void transfer(const struct transfer *t)
{
    static struct session s;
    session_start(&s, t->seed, t->offloads);
    s.pair.loss = t->loss;
    s.pair.jitter = t->jitter;
    s.client.check = s.server.check = true;
    s.client.total = t->bytes;
    s.server.total = t->both ? t->bytes : 0;
    side_feed(&s.client);
    side_feed(&s.server);
    uint64_t begun = s.pair.now;
    assert_true(pair_run(&s.pair, is_transferred, &s, 600 * CLOCK_SEC));
    if (getenv("VERBOSE"))
        fprintf(stderr, "seed %u loss %u%%: %.2f MB/s, %u packets\n", (unsigned)t->seed, t->loss,
                (double)t->bytes * 1e3 / (double)(s.pair.now - begun),
                (unsigned)s.pair.ends[0].packets);
    side_close(&s.client);
    side_close(&s.server);
    assert_true(pair_run(&s.pair, both_closed, &s, 60 * CLOCK_SEC));
    session_end(&s);
}

static void test_transfers(void **state)
{
    (void)state;
    transfer(&(struct transfer){.seed = 1, .bytes = 5000000});
    transfer(&(struct transfer){
        .seed = 2, .bytes = 5000000, .offloads = NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4});
    transfer(&(struct transfer){.seed = 3, .bytes = 500000, .both = true});
    for (uint64_t seed = 4; seed < 14; seed++)
        transfer(&(struct transfer){.seed = seed, .bytes = 1000000, .loss = 3, .both = seed & 1});
    for (uint64_t seed = 14; seed < 24; seed++)
        transfer(&(struct transfer){
            .seed = seed, .bytes = 1000000, .jitter = 5 * CLOCK_MS, .both = seed & 1});
    for (uint64_t seed = 24; seed < 34; seed++)
        transfer(&(struct transfer){.seed = seed,
                                    .bytes = 100000,
                                    .loss = 15,
                                    .jitter = 5 * CLOCK_MS,
                                    .both = seed & 1,
                                    .offloads = seed & 2 ? NET_SEGMENTS_V4 : 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_and_end),
        cmocka_unit_test(test_small_exchange_costs_two_packets),
        cmocka_unit_test(test_transfers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
