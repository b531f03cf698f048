/*
 * Streams over a harmed wire, thousands of times, each from a seed: whole stacks, clients and servers
 * that write, lend, pause, close and abort as chance has it. The streams arrive equal, nothing stalls
 * beyond its bound, and all is given back.
 *
 *     SEED=123 streams_test     replays one run, and says what happens
 *     RUNS=100000 streams_test  more of them
 *     PCAP=FILE                 with SEED: the frames, for tshark
 */
#include "tests/lib/inet/streams.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/inet/coverage.h"

static uint64_t runs = 4000 / WORLD_FEWER;

/* --- what a wire may do --- */

static uint32_t ppm(struct world *w, uint32_t thousandths_max)
{
    return (uint32_t)world_range(w, 0, thousandths_max * 1000);
}

static struct sim_harm any_harm(struct world *w)
{
    struct sim_harm h = {.delay = world_range(w, 0, 50) * CLOCK_MS};
    if (world_chance(w, 30))
        h.delay = world_range(w, 1, 1000) * CLOCK_US;
    if (world_chance(w, 40))
        h.jitter = world_range(w, 0, 20) * CLOCK_MS;
    if (world_chance(w, 50))
        h.loss = ppm(w, 60);
    if (world_chance(w, 15)) {
        h.burst_enter = ppm(w, 10);
        h.burst_leave = 100000 + ppm(w, 400);
        h.burst_loss = 300000 + ppm(w, 600);
    }
    if (world_chance(w, 30))
        h.corrupt = ppm(w, 20);
    if (world_chance(w, 30))
        h.duplicate = ppm(w, 50);
    if (world_chance(w, 30)) {
        h.reorder = ppm(w, 100);
        h.reorder_by = world_range(w, 1, 60) * CLOCK_MS;
    }
    return h;
}

static void add_narrowness(struct world *w, struct sim_harm *h)
{
    if (world_chance(w, 30)) {
        h->bandwidth = world_range(w, 20, 5000) * 1000;
        h->queue = (size_t)world_range(w, 8, 256) * 1024;
        if (world_chance(w, 50))
            h->mark = h->queue / 4;
    }
    if (world_chance(w, 15)) {
        h->mtu = (uint16_t)world_range(w, 1280, 1500);
        h->too_big = (enum sim_too_big)world_range(w, 0, 2);
    }
}

static void harm_host(struct world *w, const struct world_host *host)
{
    for (int way = SIM_OUT; way <= SIM_IN; way++) {
        struct sim_harm h = any_harm(w);
        add_narrowness(w, &h);
        sim_wire_harm(host->card, (enum sim_way)way, &h);
    }
}

static void torture_host(struct world *w, const struct world_host *host)
{
    for (int way = SIM_OUT; way <= SIM_IN; way++) {
        struct sim_harm h = {.loss = ppm(w, 150), .corrupt = ppm(w, 50), .duplicate = ppm(w, 300)};
        h.reorder = ppm(w, 500);
        h.reorder_by = world_range(w, 0, 400) * CLOCK_MS;
        h.jitter = world_range(w, 0, 100) * CLOCK_MS;
        h.mtu = world_chance(w, 30) ? 1280 : 0;
        sim_wire_harm(host->card, (enum sim_way)way, &h);
    }
}

/* --- one run --- */

/* The kinds of runs; a seed says by its millions of which kind it is. */
enum kind {
    TWO,     /* two hosts, some sessions */
    HUNDRED, /* a hundred hosts, a hundred sessions */
    BULK,    /* megabytes */
    MEMORY,  /* memory fails now and then */
    VANISH,  /* a host is no more, in the middle */
    FLAP,    /* a cable is pulled, and plugged in again */
    SCARCE,  /* stacks with small limits */
    HARSH,   /* as bad as a wire can be */
    KINDS
};

#define KIND UINT64_C(1000000)

static size_t sessions_of(enum kind kind, uint64_t seed)
{
    return kind == HUNDRED ? 100 : kind == BULK ? 1 : 1 + seed * 7 % 4;
}

static void prepare(struct streams *s, enum kind kind)
{
    *s = (struct streams){.shift = kind == BULK ? 24 : STREAMS_SHIFT};
    s->hard = kind == MEMORY || kind == VANISH || kind == SCARCE || kind == HARSH;
    if (kind == VANISH) {
        s->patience = 10 * CLOCK_SEC;
        s->bound = 150 * CLOCK_SEC;
    }
}

static struct tcp_limits small_limits(struct world *w)
{
    return (struct tcp_limits){.connections = (uint32_t)world_range(w, 1, 6),
                               .half_open = (uint32_t)world_range(w, 1, 4),
                               .time_wait = (uint32_t)world_range(w, 1, 3),
                               .orphans = (uint32_t)world_range(w, 1, 2),
                               .memory = world_range(w, 16, 512) << 10};
}

static void make_hosts(struct world *w, size_t count, enum kind kind)
{
    const char *pcap = getenv("PCAP");
    struct tcp_limits limits = kind == SCARCE ? small_limits(w) : (struct tcp_limits){0};
    for (size_t i = 0; i < count; i++) {
        struct sim_card card = world_card(w);
        assert_always(!world_host(w, &card, &limits));
        if (pcap && streams_told && i == 0)
            sim_wire_record(w->hosts[0].card, pcap);
    }
    world_run(WORLD_SETTLE);
    for (size_t i = 0; i < count; i++)
        kind == HARSH ? torture_host(w, &w->hosts[i]) : harm_host(w, &w->hosts[i]);
}

/* What happens in the midst of the run. */
static void disturb(struct world *w, enum kind kind)
{
    if (kind == MEMORY) {
        sim_memory_fail_every(world_range(w, 2, 60));
        world_run(world_range(w, 1, 20) * CLOCK_SEC);
        sim_memory_fail_every(0);
    } else if (kind == VANISH) {
        world_run(world_range(w, 0, 3000) * CLOCK_MS);
        sim_wire_vanish(w->hosts[0].card, true);
    } else if (kind == FLAP) {
        for (uint64_t i = world_range(w, 1, 5); i > 0; i--) {
            world_run(world_range(w, 0, 1000) * CLOCK_MS);
            sim_wire_link(w->hosts[i % 2].card, false);
            world_run(world_range(w, 0, 5000) * CLOCK_MS);
            sim_wire_link(w->hosts[i % 2].card, true);
        }
    }
}

static const char *one_run(uint64_t seed)
{
    static struct world w;
    static struct streams s;
    enum kind kind = (enum kind)(seed / KIND);
    world_open(&w, seed);
    coverage_watch(w.wire);
    make_hosts(&w, kind == HUNDRED ? 100 : 2, kind);
    prepare(&s, kind);
    streams_open(&s, &w, sessions_of(kind, seed));
    disturb(&w, kind);
    const char *fault = streams_run(&s);
    const char *left = streams_close(&s);
    const char *world_fault = world_close(&w);
    return fault ? fault : left ? left : world_fault;
}

static void report(uint64_t seed, const char *fault)
{
    fprintf(stderr, "FAILED: SEED=%llu: %s\n", (unsigned long long)seed, fault);
}

static void many_runs(enum kind kind, uint64_t count)
{
    size_t failed = 0;
    uint64_t first = kind * KIND + 1;
    for (uint64_t seed = first; seed < first + count && failed < 10; seed++) {
        const char *fault = one_run(seed);
        if (fault)
            report(seed, fault);
        failed += fault != NULL;
    }
    assert_int_equal(failed, 0);
}

static void test_two(void **state)
{
    (void)state;
    many_runs(TWO, runs);
    printf("%llu sessions, %llu MB; %llu connects failed; %llu given up\n",
           (unsigned long long)streams_sessions, (unsigned long long)streams_bytes >> 20,
           (unsigned long long)streams_refused, (unsigned long long)streams_given_up);
    /* The wire is at times so bad that a stack may give up. Seldom. */
    assert_true(streams_given_up * 500 <= streams_sessions);
}

static void test_hundred(void **state)
{
    (void)state;
    many_runs(HUNDRED, 1 + runs / 1000);
}

static void test_bulk(void **state)
{
    (void)state;
    many_runs(BULK, 1 + runs / 50);
}

static void test_memory(void **state)
{
    (void)state;
    many_runs(MEMORY, 1 + runs / 5);
}

static void test_vanish(void **state)
{
    (void)state;
    many_runs(VANISH, 1 + runs / 10);
}

static void test_flap(void **state)
{
    (void)state;
    many_runs(FLAP, 1 + runs / 10);
}

static void test_scarce(void **state)
{
    (void)state;
    many_runs(SCARCE, 1 + runs / 5);
}

static void test_harsh(void **state)
{
    (void)state;
    many_runs(HARSH, 1 + runs / 5);
}

static void test_coverage(void **state)
{
    (void)state;
    size_t missing = coverage_print(stdout);
    if (runs >= 4000) /* fewer cannot have seen all */
        assert_int_equal(missing, 0);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two),      cmocka_unit_test(test_hundred),
        cmocka_unit_test(test_bulk),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_vanish),   cmocka_unit_test(test_flap),
        cmocka_unit_test(test_scarce),   cmocka_unit_test(test_harsh),
        cmocka_unit_test(test_coverage),
    };
    uint64_t seed = number("SEED", 0);
    runs = number("RUNS", runs);
    if (!seed)
        return cmocka_run_group_tests(tests, NULL, NULL);
    streams_told = true;
    const char *fault = one_run(seed);
    if (fault)
        report(seed, fault);
    return fault != NULL;
}
