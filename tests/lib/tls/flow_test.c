/* TLS keeps all that signatures/flow.h promises, over links of every kind. */
#define PLACE_STREAM stream_bytes
#define PLACE_MANY   100u
#include <stddef.h>
static size_t stream_bytes;

#include "tests/platform/flow_conformance.h"

#include "tests/lib/tls/place.h"

static struct stack *place_server(void)
{
    return place.server_stack;
}

static struct stack *place_client(void)
{
    return place.client_stack;
}

static struct address place_address(void)
{
    return address_v4(192, 0, 2, 1);
}

static uint16_t place_port(const struct listener *l)
{
    return sim_listener_port(tls_listener_below((struct listener *)(uintptr_t)l));
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
    place_open_with((struct tls_server_config){0}, (struct tls_client_config){0});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return place_close();
}

static int run_over(const char *name, struct sim_link link, size_t bytes)
{
    const struct CMUnitTest tests[] = {FLOW_CONFORMANCE_TESTS(setup, teardown)};
    place.link = link;
    place.seed++;
    stream_bytes = bytes;
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof *tests, NULL, NULL);
}

/* A whole connection, so that what the library takes once is taken. */
static void place_warm_up(void)
{
    void *state = NULL;
    place.blocks = UINT64_MAX;
    setup(&state);
    test_echo(&state);
    place_settle();
    tls_client_close(place.client);
    tls_server_close(place.server);
    sim_signer_close(place.signer);
    sim_net_close(place.net);
    place.blocks = memory_stats().blocks;
}

int main(void)
{
    const struct sim_link far = {.latency_min = 5 * CLOCK_MS, .latency_max = 80 * CLOCK_MS};
    struct sim_link torn = far, narrow = far;
    torn.split = SIM_SPLIT_RANDOM;
    narrow.bandwidth = 1 << 20;
    const struct sim_link crumbs = {.split = SIM_SPLIT_BYTES};
    int failed = 0;
    sim_reset(1);
    place_certificates();
    place_warm_up();
    failed += run_over("flow, tls, perfect link", (struct sim_link){0}, 4 << 20);
    failed += run_over("flow, tls, far and torn", torn, 1 << 20);
    failed += run_over("flow, tls, narrow", narrow, 1 << 20);
    failed += run_over("flow, tls, byte by byte", crumbs, 1 << 17);
    pki_free(&place.ca);
    pki_free(&place.leaf);
    return failed;
}
