/* What the simulated network can do to a connection, and that the same seed does the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

static struct sim_net *net;
static struct stack *server, *client;
static struct listener *listener;

/* --- an echo server --- */

static struct flow *serving[8];
static enum err ended[8];
static bool server_eof[8];
static size_t served;

static void on_data(void *owner, struct slice bytes)
{
    struct flow **f = owner;
    flow_write(*f, bytes);
}

static void on_eof(void *owner)
{
    struct flow **f = owner;
    server_eof[f - serving] = true;
}

static void on_end(void *owner, enum err why)
{
    struct flow **f = owner;
    ended[f - serving] = why;
}

static const struct flow_events events = {on_data, on_eof, NULL, on_end};

static void on_accept(void *arg, struct flow *f)
{
    (void)arg;
    if (served == sizeof serving / sizeof *serving) {
        flow_abort(f);
        return;
    }
    serving[served] = f;
    ended[served] = OK;
    server_eof[served] = false;
    flow_own(f, &events, &serving[served]);
    served++;
}

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    net = sim_net_open(1);
    server = sim_net_host(net, "192.0.2.1");
    client = sim_net_host(net, "192.0.2.2");
    served = 0;
    enum err e = stack_listen(server, (struct endpoint){.port = 80}, on_accept, NULL, &listener);
    return e == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < served; i++)
        flow_close(serving[i]);
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    return sim_net_close(net) == 0 && memory_stats().blocks == 0 ? 0 : -1;
}

static bool run_until_over(struct sim_client *c)
{
    return sim_run(sim_client_over, c, clock_monotonic() + 1000 * CLOCK_SEC);
}

static void run_for(uint64_t ns)
{
    sim_run(NULL, NULL, clock_monotonic() + ns);
}

static void test_latency_and_bandwidth(void **state)
{
    (void)state;
    static const uint8_t block[10000];
    sim_net_links(net, (struct sim_link){.latency_min = 50 * CLOCK_MS, .bandwidth = 10000});
    uint64_t start = clock_monotonic();
    struct sim_client *c = sim_client_open(client, "192.0.2.1", 80);
    sim_client_send(c, slice_of(block, sizeof block));
    run_for(1160 * CLOCK_MS); /* 100 for connecting, 1000 + 50 there */
    assert_int_equal(sim_client_received(c).len, 0);
    run_for(1050 * CLOCK_MS);
    assert_int_equal(sim_client_received(c).len, sizeof block);
    assert_true(clock_monotonic() - start < 3 * CLOCK_SEC);
    sim_client_close(c);
}

static void test_refusal_and_silence(void **state)
{
    (void)state;
    sim_net_link(net, client, server, (struct sim_link){.refuse = true});
    struct sim_client *c = sim_client_open(client, "192.0.2.1", 80);
    assert_true(run_until_over(c));
    assert_int_equal(sim_client_why(c), ERR_REFUSED);
    sim_client_close(c);
    sim_net_link(net, server, client, (struct sim_link){.black_hole = true});
    c = sim_client_open(client, "192.0.2.1", 80);
    uint64_t start = clock_monotonic();
    assert_true(run_until_over(c));
    assert_int_equal(sim_client_why(c), ERR_TIMEOUT);
    assert_int_equal(clock_monotonic() - start, SIM_CONNECT_NS);
    sim_client_close(c);
    c = sim_client_open(client, "192.0.2.99", 80);
    assert_true(run_until_over(c));
    assert_int_equal(sim_client_why(c), ERR_UNREACHABLE);
    sim_client_close(c);
    sim_net_link(net, server, client, (struct sim_link){0});
    c = sim_client_open(client, "192.0.2.1", 81);
    assert_true(run_until_over(c));
    assert_int_equal(sim_client_why(c), ERR_REFUSED);
    sim_client_close(c);
    assert_int_equal(served, 0);
}

static void cut_after(enum sim_cut how, uint64_t bytes)
{
    static const uint8_t block[1000];
    const struct sim_link link = {
        .cut = how, .cut_after = bytes, .split = SIM_SPLIT_RANDOM, .latency_min = CLOCK_MS};
    sim_net_links(net, link);
    struct sim_client *c = sim_client_open(client, "192.0.2.1", 80);
    sim_client_send(c, slice_of(block, sizeof block));
    run_for(5 * CLOCK_SEC);
    assert_true(sim_client_received(c).len <= bytes);
    if (bytes > 1000)
        assert_int_equal(sim_client_received(c).len, bytes - 1000);
    size_t last = served - 1;
    assert_int_equal(sim_client_why(c), how == SIM_CUT_RESET ? ERR_RESET : OK);
    assert_int_equal(ended[last], how == SIM_CUT_RESET ? ERR_RESET : OK);
    assert_int_equal(sim_client_eof(c), how == SIM_CUT_EOF);
    assert_int_equal(server_eof[last], how == SIM_CUT_EOF);
    sim_client_close(c);
}

static void test_cuts(void **state)
{
    (void)state;
    cut_after(SIM_CUT_RESET, 1500);
    cut_after(SIM_CUT_EOF, 1500);
    cut_after(SIM_CUT_SILENCE, 1500);
    cut_after(SIM_CUT_RESET, 0);
    cut_after(SIM_CUT_EOF, 0);
    cut_after(SIM_CUT_EOF, 999);
    cut_after(SIM_CUT_SILENCE, 1);
}

/* Loans come back from a connection that went silent when both sides have given up. */
static unsigned released;

static void on_release(void *arg)
{
    (void)arg;
    released++;
}

static void test_silence_gives_loans_back(void **state)
{
    (void)state;
    released = 0;
    sim_net_links(net, (struct sim_link){.cut = SIM_CUT_SILENCE, .cut_after = 10});
    struct sim_client *c = sim_client_open(client, "192.0.2.1", 80);
    sim_client_text(c, "0123456789abcdef");
    run_for(CLOCK_SEC);
    assert_int_equal(flow_lend(serving[0], SLICE("abc"), (struct loan){on_release, NULL}), OK);
    flow_close(serving[0]);
    served = 0;
    run_for(CLOCK_SEC);
    assert_int_equal(released, 0);
    run_for(SIM_CLOSE_NS);
    assert_int_equal(released, 1);
    sim_client_close(c);
}

static void test_host_reset(void **state)
{
    (void)state;
    struct sim_client *c = sim_client_open(client, "192.0.2.1", 80);
    sim_client_text(c, "hello");
    run_for(CLOCK_SEC);
    assert_true(slice_is(sim_client_received(c), "hello"));
    sim_host_reset(server);
    assert_true(run_until_over(c));
    assert_int_equal(sim_client_why(c), ERR_RESET);
    assert_int_equal(ended[0], ERR_RESET);
    sim_client_close(c);
    c = sim_client_open(client, "192.0.2.1", 80); /* it is up again at once */
    run_for(CLOCK_SEC);
    assert_true(sim_client_connected(c) && !sim_client_over(c));
    sim_client_finish(c);
    sim_client_close(c);
}

struct names {
    enum err why;
    size_t count;
    struct address first;
};

static void on_names(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct names *n = owner;
    *n = (struct names){.why = why, .count = count};
    if (count)
        n->first = addresses[0];
}

static struct names look_up(const char *name)
{
    struct names n = {.why = ERR_COUNT_};
    struct resolve *r;
    assert_int_equal(stack_resolve(client, slice_text(name), on_names, &n, &r), OK);
    run_for(CLOCK_SEC);
    return n;
}

static void test_names(void **state)
{
    (void)state;
    sim_net_name(net, "example.org", "192.0.2.1");
    sim_net_name(net, "example.org", "2001:db8::1");
    for (unsigned i = 0; i < 20; i++)
        sim_net_name(net, "many.example", "192.0.2.1");
    struct names n = look_up("Example.Org");
    assert_true(n.why == OK && n.count == 2 && address_is_v4(n.first));
    assert_int_equal(look_up("many.example").count, RESOLVE_ADDRESSES_MAX);
    assert_int_equal(look_up("example.com").why, ERR_NOT_FOUND);
    sim_net_break_names(net, ERR_UNREACHABLE);
    assert_int_equal(look_up("example.org").why, ERR_UNREACHABLE);
    sim_net_break_names(net, OK);
    sim_net_name(net, "example.org", NULL);
    assert_int_equal(look_up("example.org").why, ERR_NOT_FOUND);
}

/* A host reaches itself by the loopback address, and nobody else by that. */
static void test_loopback(void **state)
{
    (void)state;
    struct sim_client *c = sim_client_open(server, "127.0.0.1", 80);
    run_for(CLOCK_SEC);
    assert_true(sim_client_connected(c));
    assert_true(address_is_loopback(flow_peer(serving[0]).address));
    sim_client_close(c);
    c = sim_client_open(client, "127.0.0.1", 80);
    run_for(CLOCK_SEC);
    assert_int_equal(sim_client_why(c), ERR_REFUSED);
    sim_client_close(c);
}

/* --- one seed, one history --- */

static uint64_t history(uint64_t seed)
{
    struct sim_random r;
    uint64_t sum = 0;
    sim_random_seed(&r, seed);
    sim_net_close(net);
    sim_reset(seed);
    net = sim_net_open(seed);
    server = sim_net_host(net, "192.0.2.1");
    client = sim_net_host(net, "192.0.2.2");
    served = 0;
    assert_int_equal(
        stack_listen(server, (struct endpoint){.port = 80}, on_accept, NULL, &listener), OK);
    const struct sim_link link = {.latency_min = CLOCK_MS,
                                  .latency_max = 90 * CLOCK_MS,
                                  .split = SIM_SPLIT_RANDOM,
                                  .cut = SIM_CUT_RESET,
                                  .cut_after = 200000};
    sim_net_links(net, link);
    struct sim_client *clients[4];
    for (int i = 0; i < 4; i++)
        clients[i] = sim_client_open(client, "192.0.2.1", 80);
    for (int i = 0; i < 300; i++) {
        uint8_t block[500];
        entropy_fill(block, sizeof block);
        struct sim_client *c = clients[sim_random_range(&r, 0, 3)];
        sim_client_send(c, slice_of(block, (size_t)sim_random_range(&r, 1, sizeof block)));
        loop_round(clock_monotonic() + sim_random_range(&r, 0, 30 * CLOCK_MS));
        sum = sum * 31 + clock_monotonic() + sim_client_received(c).len;
    }
    for (int i = 0; i < 4; i++)
        sim_client_close(clients[i]);
    for (size_t i = 0; i < served; i++)
        flow_close(serving[i]);
    served = 0;
    run_for(60 * CLOCK_SEC);
    return sum;
}

static void test_determinism(void **state)
{
    (void)state;
    uint64_t one = history(42);
    assert_true(one == history(42));
    assert_true(one != history(43));
}

/* Owners that do anything at any time, over links that do anything: nothing is told twice, nothing
 * after the end, and in the end nothing is left. */
static void test_chaos(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_random r;
        sim_random_seed(&r, seed);
        struct sim_link link = {
            .latency_max = sim_random_range(&r, 0, 20 * CLOCK_MS),
            .split = (enum sim_split)sim_random_range(&r, 0, 2),
            .cut = (enum sim_cut)sim_random_range(&r, 0, 3),
            .cut_after = sim_random_range(&r, 0, 3000),
            .bandwidth = sim_random_chance(&r, 30) ? 100000 : 0,
        };
        sim_net_links(net, link);
        struct sim_client *clients[6] = {NULL};
        for (int i = 0; i < 200; i++) {
            struct sim_client **c = &clients[sim_random_range(&r, 0, 5)];
            static const uint8_t block[700];
            switch (*c ? sim_random_range(&r, 0, 9) : 99) {
            case 0:
                sim_client_close(*c);
                *c = NULL;
                break;
            case 1:
                sim_client_abort(*c);
                break;
            case 2:
                sim_client_finish(*c);
                break;
            case 3:
                sim_client_pause(*c, sim_random_chance(&r, 50));
                break;
            case 99:
                *c = sim_client_open(client, "192.0.2.1", 80);
                break;
            default:
                sim_client_send(*c, slice_of(block, (size_t)sim_random_range(&r, 1, 700)));
            }
            loop_round(clock_monotonic() + sim_random_range(&r, 0, 5 * CLOCK_MS));
        }
        for (int i = 0; i < 6; i++)
            if (clients[i])
                sim_client_close(clients[i]);
        for (size_t i = 0; i < served; i++)
            flow_close(serving[i]);
        served = 0;
        run_for(100 * CLOCK_SEC);
        assert_int_equal(sim_net_flows(net), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_latency_and_bandwidth),
        TEST(test_refusal_and_silence),
        TEST(test_cuts),
        TEST(test_silence_gives_loans_back),
        TEST(test_host_reset),
        TEST(test_names),
        TEST(test_loopback),
        TEST(test_determinism),
        TEST(test_chaos),
    };
    return cmocka_run_group_tests_name("net, sim", tests, NULL, NULL);
}
