/*
 * What a path does to a bulk transfer: goodput with losses, delays and narrow links, in virtual time;
 * and the path's MTU, told or to be found out.
 *
 * The floors of goodput are what Linux's CUBIC reaches as a server over such a wire, or what the link
 * carries; bench/ measures both side by side in real time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/inet/world.h"

#define PORT   80
#define ROUNDS (WORLD_FEWER > 1 ? 1 : 5) /* seeds of each scenario; the median counts */

static struct world world;
static struct listener *listener;
static struct flow *server, *client;
static uint64_t wanted, sent, received, finished_at;
static uint8_t block[1 << 16];
static size_t largest; /* packet with TCP payload on the wire */

/* --- the transfer --- */

static void fill(void)
{
    while (server && sent < wanted) {
        uint64_t len = wanted - sent < sizeof block ? wanted - sent : sizeof block;
        if (flow_lend(server, slice_of(block, (size_t)len), (struct loan){NULL, NULL}))
            return;
        sent += len;
    }
}

static void on_room(void *owner)
{
    (void)owner;
    fill();
}

static void on_data(void *owner, struct slice bytes)
{
    (void)owner;
    received += bytes.len;
    finished_at = clock_monotonic();
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, enum err why)
{
    (void)owner, (void)why;
}

static const struct flow_events events = {on_data, on_nothing, on_room, on_end};

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    server = f;
    flow_own(f, &events, &server);
    fill();
}

static void on_connect(void *owner, enum err why, struct flow *f)
{
    (void)owner;
    assert_int_equal(why, OK);
    client = f;
    flow_own(f, &events, &client);
}

static void watch(void *arg, const struct net *from, struct slice bytes)
{
    struct sim_frame f;
    (void)arg;
    if (from == world.hosts[0].card && !sim_frame_read(bytes, &f) && f.protocol == SIM_TCP &&
        f.end > f.payload && f.end - f.ip > largest)
        largest = f.end - f.ip;
}

/* Two hosts, and a harm for what the first, the server, sends; the way back only delays. */
static void begin(uint64_t seed, const struct sim_harm *harm, bool v6, bool offloads)
{
    struct sim_card card = {.verifies = true};
    if (offloads)
        card = (struct sim_card){.offloads = NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 |
                                             NET_SEGMENTS_V6 | NET_SEGMENTS_ECN,
                                 .merges = 10 * CLOCK_US,
                                 .verifies = true};
    struct connect *c;
    world_open(&world, seed);
    sent = received = 0;
    largest = 0;
    server = client = NULL;
    for (int i = 0; i < 2; i++)
        assert_int_equal(world_host(&world, &card, NULL), OK);
    world_run(WORLD_SETTLE);
    sim_wire_watch(world.wire, watch, NULL);
    sim_wire_harm(world.hosts[0].card, SIM_OUT, harm);
    sim_wire_harm(world.hosts[1].card, SIM_OUT, &(struct sim_harm){.delay = harm->delay});
    struct endpoint to = world_endpoint(&world.hosts[0], v6, PORT);
    assert_int_equal(stack_listen(world.hosts[0].stack, to, on_accept, NULL, &listener), OK);
    assert_int_equal(stack_connect(world.hosts[1].stack, to, on_connect, NULL, &c), OK);
}

static bool is_done(void *arg)
{
    (void)arg;
    return received == wanted;
}

static void end(void)
{
    flow_close(server);
    flow_close(client);
    stack_unlisten(world.hosts[0].stack, listener);
    const char *fault = world_close(&world);
    if (fault)
        fail_msg("%s", fault);
}

/* Seconds until all has arrived. */
static double transfer(uint64_t bytes, uint64_t seed, const struct sim_harm *harm, bool offloads)
{
    wanted = bytes;
    begin(seed, harm, seed % 2, offloads);
    uint64_t start = clock_monotonic();
    assert_true(sim_run(is_done, NULL, start + 3600 * CLOCK_SEC));
    end();
    return (double)(finished_at - start) / 1e9;
}

/* --- goodput --- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Half of the delay is on either way. */
static struct sim_harm path(unsigned ms, uint32_t loss, uint64_t bandwidth, size_t queue)
{
    return (struct sim_harm){
        .delay = ms * CLOCK_MS / 2, .loss = loss, .bandwidth = bandwidth, .queue = queue};
}

static void goodput(const char *name, struct sim_harm harm, double floor)
{
    double rates[5];
    for (int i = 0; i < ROUNDS; i++)
        rates[i] = 10.0 * 1.048576 / transfer(10 << 20, (uint64_t)(i + 1), &harm, i % 4 < 2);
    qsort(rates, ROUNDS, sizeof *rates, by_value);
    printf("%-44s %8.3f MB/s (%.3f to %.3f), at least %.3f\n", name, rates[ROUNDS / 2], rates[0],
           rates[ROUNDS - 1], floor);
    assert_true(rates[ROUNDS / 2] >= floor);
}

static void test_goodput(void **state)
{
    (void)state;
    struct sim_harm reordered = path(20, 0, 100000000, 1 << 20);
    reordered.reorder = 50000;
    reordered.reorder_by = 5 * CLOCK_MS;
    struct sim_harm bursts = path(50, 0, 10000000, 1 << 18);
    bursts.burst_enter = 1000;
    bursts.burst_leave = 300000;
    bursts.burst_loss = 800000;
    goodput("1 % loss, 50 ms", path(50, 10000, 100000000, 1 << 20), 0.30);
    goodput("0.1 % loss, 10 ms", path(10, 1000, 100000000, 1 << 20), 4.6);
    goodput("3 % loss, 100 ms", path(100, 30000, 100000000, 1 << 20), 0.085);
    goodput("5 % reordered by up to 5 ms, 20 ms", reordered, 20);
    goodput("10 MB/s, 50 ms, queue of half a BDP", path(50, 0, 10000000, 1 << 18), 6.5);
    goodput("10 MB/s, 50 ms, queue of two BDP", path(50, 0, 10000000, 1 << 20), 6.5);
    goodput("1 MB/s, 20 ms, queue of 16 KiB", path(20, 0, 1000000, 1 << 14), 0.85);
    goodput("1 MB/s, 200 ms, queue of 1 MiB", path(200, 0, 1000000, 1 << 20), 0.8);
    goodput("100 MB/s, 100 ms, queue of 4 MiB", path(100, 0, 100000000, 4 << 20), 7.5);
    goodput("bursts of losses, 10 MB/s, 50 ms", bursts, 0.9);
}

/* Far and wide: buffers have to grow to the most that they may, 8 MiB. */
static void test_grows(void **state)
{
    (void)state;
    struct sim_harm harm = path(100, 0, 100000000, 16 << 20);
    if (WORLD_FEWER > 1)
        return;
    double seconds = transfer(UINT64_C(200) << 20, 1, &harm, true);
    printf("200 MiB, 100 MB/s, 100 ms: %.1f MB/s\n", 200 * 1.048576 / seconds);
    assert_true(200 * 1.048576 / seconds >= 30);
}

/* --- a card that can do more or less than it did --- */

static bool has_come(void *arg)
{
    return received >= *(const uint64_t *)arg;
}

/* Packets to the card, and segments that it was to make of them, until so much has come. */
static void run_until(uint64_t bytes, uint64_t *packets, uint64_t *segments)
{
    struct tcp *t = inet_tcp(world.hosts[0].inet);
    *packets = tcp_counter(t, TCP_SENT);
    *segments = tcp_counter(t, TCP_SENT_SEGMENTS);
    assert_true(sim_run(has_come, &bytes, clock_monotonic() + 600 * CLOCK_SEC));
    *packets = tcp_counter(t, TCP_SENT) - *packets;
    *segments = tcp_counter(t, TCP_SENT_SEGMENTS) - *segments;
}

static void change_card(uint32_t offloads)
{
    sim_wire_link(world.hosts[0].card, false);
    world_run(CLOCK_SEC);
    sim_wire_offloads(world.hosts[0].card, offloads);
    sim_wire_link(world.hosts[0].card, true);
}

/* The wire finds fault with what the card cannot do. */
static void test_offloads_go_and_come(void **state)
{
    const uint32_t all = NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6;
    const struct sim_harm harm = path(10, 0, 100000000, 1 << 20);
    uint64_t packets, segments;
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        wanted = 16 << 20;
        begin(seed, &harm, seed % 2, true);
        run_until(2 << 20, &packets, &segments);
        assert_true(2 * segments > 3 * packets);
        change_card(seed & 2 ? NET_SENDS_CHECKSUMS : 0);
        run_until(8 << 20, &packets, &segments);
        assert_int_equal(segments, packets);
        change_card(all);
        run_until(wanted, &packets, &segments);
        assert_true(2 * segments > 3 * packets);
        end();
    }
}

/* --- the path's MTU --- */

static void told(bool v6, enum sim_too_big how)
{
    struct sim_harm h = path(20, 0, 10000000, 1 << 20);
    h.mtu = 1300;
    h.too_big = how;
    wanted = 1 << 20;
    begin(1, &h, v6, false);
    uint64_t start = clock_monotonic();
    assert_true(sim_run(is_done, NULL, start + 60 * CLOCK_SEC));
    double seconds = (double)(finished_at - start) / 1e9;
    printf("1 MiB where 1300 bytes pass, %s, %s: %.2f s\n", v6 ? "IPv6" : "IPv4",
           how == SIM_TOO_BIG_SILENT ? "silent"
           : how == SIM_TOO_BIG_TOLD ? "told"
                                     : "told without a size",
           seconds);
    assert_true(seconds < (how == SIM_TOO_BIG_SILENT ? 15 : 1));
    end();
}

static void test_mtu(void **state)
{
    (void)state;
    told(false, SIM_TOO_BIG_TOLD);
    told(true, SIM_TOO_BIG_TOLD);
    told(false, SIM_TOO_BIG_TOLD_OLD);
    told(false, SIM_TOO_BIG_SILENT);
    told(true, SIM_TOO_BIG_SILENT);
}

/* The path shrinks, without a word, while bytes flow; later it is as wide as before, and found so. */
static void test_mtu_comes_and_goes(void **state)
{
    (void)state;
    struct sim_harm wide = path(20, 0, 10000000, 1 << 20), narrow = wide;
    narrow.mtu = 1300;
    wanted = 1 << 20;
    begin(1, &wide, false, false);
    uint64_t start = clock_monotonic();
    assert_true(sim_run(is_done, NULL, start + 10 * CLOCK_SEC));
    assert_int_equal(largest, 1500);
    sim_wire_harm(world.hosts[0].card, SIM_OUT, &narrow);
    wanted += 1 << 20;
    fill();
    start = clock_monotonic();
    assert_true(sim_run(is_done, NULL, start + 60 * CLOCK_SEC));
    printf("the path has shrunk: %.2f s\n", (double)(finished_at - start) / 1e9);
    sim_wire_harm(world.hosts[0].card, SIM_OUT, &wide);
    largest = 0;
    for (int minute = 0; minute < 25; minute++) {
        wanted += 200000;
        fill();
        assert_true(sim_run(is_done, NULL, clock_monotonic() + 60 * CLOCK_SEC));
        world_run(60 * CLOCK_SEC);
    }
    struct tcp *t = inet_tcp(world.hosts[0].inet);
    printf("wide again: found %llu times, %zu bytes\n",
           (unsigned long long)tcp_counter(t, TCP_GROWN), largest);
    assert_int_equal(largest, 1500);
    assert_true(tcp_counter(t, TCP_GROWN) > 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goodput),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_offloads_go_and_come),
        cmocka_unit_test(test_mtu),
        cmocka_unit_test(test_mtu_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
