/*
 * Goodput over paths of a model (path.h): with losses, against what the response function of Reno
 * (RFC 8312, 5.1) promises, which CUBIC must not be below; and what must not happen on the way.
 * GOODPUT=1 prints a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signatures/memory.h"
#include "tests/lib/tcp/path.h"

#define MB    (UINT64_C(1) << 20)
#define SEEDS 5u
#define GBIT  125000000u

static uint64_t blocks;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return memory_stats().blocks == blocks ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The median of some runs; *sum: of their counters. */
static uint64_t goodput(struct path_options o, struct path_result *sum)
{
    uint64_t found[SEEDS];
    *sum = (struct path_result){0};
    for (o.seed = 1; o.seed <= SEEDS; o.seed++) {
        struct path_result r = path_run(&o);
        assert_true(r.done);
        found[o.seed - 1] = r.goodput;
        sum->needless += r.needless;
        sum->dropped += r.dropped;
        sum->counters.timeouts += r.counters.timeouts;
        sum->counters.recoveries += r.counters.recoveries;
        sum->counters.retransmitted += r.counters.retransmitted;
    }
    qsort(found, SEEDS, sizeof found[0], compare);
    if (getenv("GOODPUT"))
        printf("  %-28s %8.0f KB/s, %.1f recoveries, %.1f timeouts, %.0f again, %.0f twice, %.0f "
               "dropped\n",
               o.name, (double)found[SEEDS / 2] / 1e3, (double)sum->counters.recoveries / SEEDS,
               (double)sum->counters.timeouts / SEEDS, (double)sum->counters.retransmitted / SEEDS,
               (double)sum->needless / SEEDS, (double)sum->dropped / SEEDS);
    return found[SEEDS / 2];
}

/* sqrt(3 / 2p) segments a round trip; loss is of 100,000. */
static uint64_t reno(uint32_t loss, uint64_t rtt)
{
    uint64_t square = 150000 * UINT64_C(10000) / loss, root = 1;
    while ((root + 1) * (root + 1) <= square)
        root++;
    return root * PATH_MSS * CLOCK_SEC / rtt / 100;
}

static void losses(void **state)
{
    static const struct path_options paths[] = {
        {.name = "1 %, 50 ms", .loss = 1000, .delay = 25 * CLOCK_MS},
        {.name = "0.1 %, 10 ms", .loss = 100, .delay = 5 * CLOCK_MS},
        {.name = "3 %, 100 ms", .loss = 3000, .delay = 50 * CLOCK_MS},
        {.name = "1 % both ways, 50 ms", .loss = 1000, .loss_back = 1000, .delay = 25 * CLOCK_MS},
        {.name = "0.5 %, 200 ms", .loss = 500, .delay = 100 * CLOCK_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct path_options o = paths[i];
        struct path_result sum;
        o.bytes = 10 * MB;
        o.rate = GBIT;
        o.queue = 1 * MB;
        uint64_t least = reno(o.loss, 2 * o.delay);
        assert_true(goodput(o, &sum) >= least);
        assert_true(sum.counters.timeouts <= SEEDS); /* one in a run at most: the rest by RACK */
        assert_true(sum.needless <= 2 * SEEDS);
    }
}

/* Late segments are no losses: after the first the path is known to reorder. */
static void reordering(void **state)
{
    static const uint32_t late[] = {1, 5, 20};
    (void)state;
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        struct path_options o = {.name = "5 % late, 20 ms",
                                 .bytes = 10 * MB,
                                 .rate = GBIT,
                                 .queue = 4 * MB,
                                 .delay = 10 * CLOCK_MS,
                                 .reorder = 5000,
                                 .reorder_by = late[i] * CLOCK_MS};
        struct path_result sum;
        assert_true(goodput(o, &sum) >= 20000000);
        assert_true(sum.needless <= 40 * SEEDS);
        assert_int_equal(sum.counters.timeouts, 0);
    }
}

static void a_bottleneck_is_filled(void **state)
{
    struct path_options o = {.name = "100 Mbit/s, 50 ms, queue 300 kB",
                             .bytes = 50 * MB,
                             .rate = GBIT / 10,
                             .delay = 25 * CLOCK_MS,
                             .queue = 300000};
    struct path_result sum;
    (void)state;
    assert_true(goodput(o, &sum) >= o.rate * 85 / 100);
    assert_int_equal(sum.counters.timeouts, 0);
    assert_true(sum.dropped <= 600 * SEEDS); /* slow start ends in time */
    assert_int_equal(sum.needless, 0);
}

/* All is held up for a second: what was sent again needlessly is taken back. */
static void a_delay_is_no_loss(void **state)
{
    struct path_options o = {.name = "a second without a packet",
                             .bytes = 10 * MB,
                             .rate = GBIT / 10,
                             .delay = 25 * CLOCK_MS,
                             .queue = 300000,
                             .spike_at = 300 * CLOCK_MS,
                             .spike = CLOCK_SEC};
    struct path_result sum;
    (void)state;
    assert_true(goodput(o, &sum) >= 4000000);
    assert_true(sum.needless <= 10 * SEEDS);
}

static void the_worst(void **state)
{
    static const struct path_options paths[] = {
        {.name = "30 % both ways", .loss = 30000, .loss_back = 30000},
        {.name = "bursts of 20", .loss = 500, .burst = 20},
        {.name = "without SACK", .loss = 2000, .no_sack = true},
        {.name = "without timestamps", .loss = 2000, .no_timestamps = true},
        {.name = "without either", .loss = 2000, .no_timestamps = true, .no_sack = true},
        {.name = "all of it",
         .loss = 5000,
         .loss_back = 5000,
         .burst = 3,
         .reorder = 10000,
         .reorder_by = 30 * CLOCK_MS,
         .jitter = 10 * CLOCK_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct path_options o = paths[i];
        struct path_result sum;
        o.bytes = MB;
        o.rate = GBIT / 10;
        o.queue = 300000;
        o.delay = 25 * CLOCK_MS;
        assert_true(goodput(o, &sum) >= 1000); /* it ends */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(losses, setup, teardown),
        cmocka_unit_test_setup_teardown(reordering, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bottleneck_is_filled, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delay_is_no_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(the_worst, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
