/* The flows of the simulated network, over links of every kind. */
#define PLACE_STREAM stream_bytes
#include <stddef.h>
static size_t stream_bytes;

#include "tests/platform/flow_conformance.h"

#include "platform/sim/net.h"

static struct sim_net *net;
static struct stack *server, *client;
static struct sim_link link_now;
static uint64_t seed;

static struct stack *place_server(void)
{
    return server;
}

static struct stack *place_client(void)
{
    return client;
}

static struct address place_address(void)
{
    return address_v4(192, 0, 2, 1);
}

static uint16_t place_port(const struct listener *l)
{
    return sim_listener_port(l);
}

static bool place_run(bool (*done)(void *arg), void *arg)
{
    return sim_run(done, arg, clock_monotonic() + 3600 * CLOCK_SEC);
}

static void place_settle(void)
{
    sim_run(NULL, NULL, clock_monotonic() + 5 * CLOCK_SEC);
}

static int setup(void **state)
{
    (void)state;
    sim_reset(seed);
    net = sim_net_open(seed);
    server = sim_net_host(net, "192.0.2.1");
    client = sim_net_host(net, "192.0.2.2");
    sim_net_links(net, link_now);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sim_net_close(net) == 0 && loop_timers() == 0 && memory_stats().blocks == 0 ? 0 : -1;
}

static int run_over(const char *name, struct sim_link link, size_t bytes)
{
    const struct CMUnitTest tests[] = {FLOW_CONFORMANCE_TESTS(setup, teardown)};
    link_now = link;
    stream_bytes = bytes;
    seed++;
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof *tests, NULL, NULL);
}

int main(void)
{
    const struct sim_link far = {.latency_min = 5 * CLOCK_MS, .latency_max = 80 * CLOCK_MS};
    struct sim_link torn = far, narrow = far, sluggish = far;
    torn.split = SIM_SPLIT_RANDOM;
    narrow.bandwidth = 1 << 20;
    sluggish.read_delay = CLOCK_SEC;
    const struct sim_link crumbs = {.split = SIM_SPLIT_BYTES};
    int failed = 0;
    failed += run_over("flow, sim, perfect link", (struct sim_link){0}, 4 << 20);
    failed += run_over("flow, sim, far", far, 2 << 20);
    failed += run_over("flow, sim, far and torn", torn, 2 << 20);
    failed += run_over("flow, sim, narrow", narrow, 1 << 20);
    failed += run_over("flow, sim, slow start", sluggish, 1 << 20);
    failed += run_over("flow, sim, byte by byte", crumbs, 1 << 18);
    return failed;
}
