/* The flows of our own TCP/IP, over wires of several kinds: what signatures/flow.h promises. */
#define PLACE_STREAM stream_bytes
#include <stddef.h>
static size_t stream_bytes;

#include "tests/platform/flow_conformance.h"

#include "tests/lib/inet/world.h"

static struct world world;
static struct sim_card card;
static struct sim_harm harm;
static bool v6;
static uint64_t seed;

static struct stack *place_server(void)
{
    return world.hosts[0].stack;
}

static struct stack *place_client(void)
{
    return world.hosts[1].stack;
}

static struct address place_address(void)
{
    return v6 ? world.hosts[0].v6 : world.hosts[0].v4;
}

static uint16_t place_port(const struct listener *l)
{
    return inet_listener_port(l);
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
    world_open(&world, seed);
    for (int i = 0; i < 2; i++)
        if (world_host(&world, &card, NULL))
            return -1;
    world_run(WORLD_SETTLE);
    sim_wire_harm_all(world.wire, &harm);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    const char *fault = world_close(&world);
    if (fault)
        fprintf(stderr, "%s\n", fault);
    return fault ? -1 : 0;
}

static int run_over(const char *name, struct sim_card c, struct sim_harm h, size_t bytes)
{
    const struct CMUnitTest tests[] = {FLOW_CONFORMANCE_TESTS(setup, teardown)};
    card = c;
    harm = h;
    stream_bytes = bytes;
    seed++;
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof *tests, NULL, NULL);
}

int main(void)
{
    const struct sim_card plain = {.mtu = 0};
    const struct sim_card able = {.offloads = NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 |
                                              NET_SEGMENTS_V6 | NET_SEGMENTS_ECN,
                                  .scatters = true,
                                  .merges = 50 * CLOCK_US,
                                  .completes = CLOCK_MS,
                                  .ring = 64};
    const struct sim_harm near = {.delay = 100 * CLOCK_US};
    const struct sim_harm far = {.delay = 30 * CLOCK_MS, .jitter = 5 * CLOCK_MS};
    const struct sim_harm bad = {.delay = 10 * CLOCK_MS,
                                 .loss = SIM_MILLION / 50,
                                 .duplicate = SIM_MILLION / 100,
                                 .reorder = SIM_MILLION / 20,
                                 .reorder_by = 5 * CLOCK_MS};
    int failed = 0;
    (void)world_card;
    failed += run_over("flow, inet, near", plain, near, 4 << 20);
    failed += run_over("flow, inet, a card that does much", able, near, 4 << 20);
    failed += run_over("flow, inet, far", able, far, 2 << 20);
    v6 = true;
    failed += run_over("flow, inet, a bad path", plain, bad, 1 << 20);
    failed += run_over("flow, inet, a bad path and a card that does much", able, bad, 1 << 20);
    return failed;
}
