/* The loop: timers against a model, tasks, fairness, and where time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return memory_stats().blocks == 0 && loop_timers() == 0 ? 0 : -1;
}

/* --- timers --- */

#define TIMERS 3000

static struct timer timers[TIMERS];
static uint64_t expected[TIMERS]; /* deadline, or 0: does not run */
static uint64_t last_fired;
static size_t fired;

static void on_timer(struct timer *t)
{
    size_t i = (size_t)(t - timers);
    assert_false(timer_running(t));
    assert_int_not_equal(expected[i], 0);
    assert_true(expected[i] <= clock_monotonic());
    assert_true(expected[i] >= last_fired); /* in order */
    last_fired = expected[i];
    expected[i] = 0;
    fired++;
}

static void check_first(void)
{
    uint64_t first = UINT64_MAX;
    uint32_t running = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(timer_running(&timers[i]), expected[i] != 0);
        running += expected[i] != 0;
        if (expected[i] && expected[i] < first)
            first = expected[i];
    }
    assert_int_equal(loop_timers(), running);
}

static void test_timers_against_model(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 9);
    memset(expected, 0, sizeof expected);
    fired = 0;
    for (size_t i = 0; i < TIMERS; i++)
        timer_init(&timers[i], on_timer);
    for (int i = 0; i < 150000; i++) {
        size_t k = (size_t)sim_random_range(&r, 0, TIMERS - 1);
        uint64_t deadline = clock_monotonic() + sim_random_range(&r, 1, 100000);
        switch (sim_random_range(&r, 0, 3)) {
        case 0:
            timer_stop(&timers[k]);
            expected[k] = 0;
            break;
        default:
            assert_true(timer_start(&timers[k], deadline));
            expected[k] = deadline;
        }
        if (i % 1000 == 0) {
            check_first();
            last_fired = 0;
            loop_round(clock_monotonic() + 500);
        }
    }
    while (loop_timers()) {
        last_fired = 0;
        loop_round(UINT64_MAX);
    }
    check_first();
    assert_true(fired > 1000);
}

static void test_heap_without_memory(void **state)
{
    (void)state;
    memset(expected, 0, sizeof expected);
    sim_memory_fail_every(1);
    size_t started = 0;
    for (; started < TIMERS; started++) {
        timer_init(&timers[started], on_timer);
        if (!timer_start(&timers[started], 1000 + started))
            break;
        expected[started] = 1000 + started;
    }
    assert_in_range(started, 16, TIMERS - 1);
    assert_false(timer_running(&timers[started]));
    assert_true(timer_start(&timers[0], 5000)); /* moving one that runs never fails */
    sim_memory_fail_every(0);
    assert_true(timer_start(&timers[started], 1));
    for (size_t i = 0; i <= started; i++)
        timer_stop(&timers[i]);
}

static struct timer *heap_limit;

static void test_timers_max(void **state)
{
    (void)state;
    heap_limit = calloc(TIMERS_MAX + 1, sizeof *heap_limit);
    for (uint32_t i = 0; i < TIMERS_MAX; i++)
        if (!timer_start(&heap_limit[i], TIMERS_MAX - i))
            fail_msg("timer %u was refused", i);
    assert_false(timer_start(&heap_limit[TIMERS_MAX], 1));
    for (uint32_t i = 0; i < TIMERS_MAX; i++)
        timer_stop(&heap_limit[i]);
    free(heap_limit);
}

/* A timer that restarts itself for the past must not keep others from their turn. */
static struct timer greedy, modest;
static unsigned greedy_fired, modest_fired;

static void on_greedy(struct timer *t)
{
    greedy_fired++;
    timer_start(t, 0);
}

static void on_modest(struct timer *t)
{
    (void)t;
    modest_fired++;
}

static void test_timers_are_fair(void **state)
{
    (void)state;
    greedy_fired = modest_fired = 0;
    timer_init(&greedy, on_greedy);
    timer_init(&modest, on_modest);
    timer_start(&greedy, 0);
    timer_start(&modest, clock_monotonic());
    loop_round(0);
    assert_int_equal(greedy_fired, 1);
    assert_int_equal(modest_fired, 1);
    loop_round(0);
    loop_round(clock_monotonic() + 10);
    assert_true(greedy_fired > 1);
    timer_stop(&greedy);
}

static struct timer first, second;

static void stop_second(struct timer *t)
{
    (void)t;
    timer_stop(&second);
}

static void never(struct timer *t)
{
    (void)t;
    fail_msg("a stopped timer fired");
}

static void test_stop_inside_of_handler(void **state)
{
    (void)state;
    timer_init(&first, stop_second);
    timer_init(&second, never);
    timer_start(&first, 10);
    timer_start(&second, 11);
    timer_stop(&second);
    timer_stop(&second);
    timer_start(&second, 12);
    loop_round(clock_monotonic() + 100);
    assert_int_equal(loop_timers(), 0);
}

/* --- tasks --- */

static struct task tasks[4];
static char order[16];

static void on_task(struct task *t)
{
    size_t i = (size_t)(t - tasks);
    order[strlen(order)] = (char)('0' + i);
    if (i == 0)
        task_post(t); /* for ever */
    if (i == 1)
        task_cancel(&tasks[2]);
    if (i == 3)
        loop_round(0); /* a round within a round */
}

static void test_tasks(void **state)
{
    (void)state;
    memset(order, 0, sizeof order);
    for (int i = 0; i < 4; i++)
        tasks[i] = (struct task){.run = on_task}; /* zeroed is enough */
    task_cancel(&tasks[0]);
    task_post(&tasks[0]);
    task_post(&tasks[0]); /* no effect */
    task_post(&tasks[1]);
    task_post(&tasks[2]); /* cancelled by 1 */
    task_post(&tasks[3]);
    loop_round(UINT64_MAX); /* does not sleep */
    assert_string_equal(order, "0130");
    task_cancel(&tasks[0]);
    loop_round(clock_monotonic());
    assert_string_equal(order, "0130");
}

/* --- the loop --- */

static struct loop_hook hook;
static unsigned hooked;

static void on_hook(struct loop_hook *h)
{
    assert_ptr_equal(h, &hook);
    hooked++;
}

static void stop_loop(struct timer *t)
{
    (void)t;
    loop_stop(7);
}

static void test_run_and_stop(void **state)
{
    (void)state;
    int status;
    uint64_t start = clock_monotonic();
    loop_hook_add(&hook, on_hook);
    timer_init(&first, stop_loop);
    timer_start(&first, start + 3600 * CLOCK_SEC);
    assert_int_equal(loop_run(), 7);
    assert_int_equal(clock_monotonic(), start + 3600 * CLOCK_SEC); /* an hour in no time */
    assert_true(hooked >= 2);
    assert_false(loop_stopped(&status));
    loop_stop(3); /* before the first round */
    assert_int_equal(loop_run(), 3);
    loop_stop(4);
    assert_true(loop_stopped(&status));
    assert_int_equal(status, 4);
    assert_false(loop_stopped(&status));
}

/* --- simulated events --- */

static struct sim_event events[500];
static uint64_t last_at, last_order;
static unsigned happened;

static void on_event(struct sim_event *e)
{
    assert_true(e->at <= clock_monotonic());
    assert_true(e->at > last_at || (e->at == last_at && e->order > last_order));
    last_at = e->at;
    last_order = e->order;
    happened++;
}

static void test_events_in_order(void **state)
{
    struct sim_random r;
    unsigned cancelled = 0;
    (void)state;
    sim_random_seed(&r, 2);
    last_at = happened = 0;
    for (int i = 0; i < 500; i++) {
        events[i].happen = on_event;
        sim_event_schedule(&events[i], clock_monotonic() + sim_random_range(&r, 0, 50));
    }
    for (int i = 0; i < 500; i++)
        if (sim_random_chance(&r, 30)) {
            sim_event_schedule(&events[i], clock_monotonic() + sim_random_range(&r, 0, 50));
        } else if (sim_random_chance(&r, 30)) {
            sim_event_cancel(&events[i]);
            cancelled++;
        }
    assert_false(sim_run(NULL, NULL, clock_monotonic() + 100));
    assert_int_equal(happened, 500 - cancelled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_timers_against_model), TEST(test_heap_without_memory),    TEST(test_timers_max),
        TEST(test_timers_are_fair),      TEST(test_stop_inside_of_handler), TEST(test_tasks),
        TEST(test_run_and_stop),         TEST(test_events_in_order),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
