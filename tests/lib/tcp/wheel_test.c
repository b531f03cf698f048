/* The wheel against a plain list: thousands of timers, started, moved and stopped at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/tcp/wheel.h"
#include "platform/sim/sim.h"
#include "signatures/clock.h"

#define COUNT 500
#define TICK  ((uint64_t)1 << TCP_TICK_SHIFT)

struct model {
    struct tcp_timer timer;
    uint64_t deadline; /* UINT64_MAX: not running */
};

static struct tcp_wheel wheel;
static struct model models[COUNT];

static uint64_t span(struct sim_random *r)
{
    return sim_random_next(r) >> sim_random_range(r, 18, 63);
}

static void fire_due(uint64_t now)
{
    struct tcp_timer *t;
    while ((t = tcp_wheel_due(&wheel, now))) {
        struct model *m = CONTAINER(t, struct model, timer);
        assert_false(tcp_timer_running(t));
        assert_true(m->deadline <= now); /* never early */
        m->deadline = UINT64_MAX;
    }
    for (int i = 0; i < COUNT; i++) /* never late by more than a tick */
        assert_true(models[i].deadline == UINT64_MAX || models[i].deadline + TICK > now);
}

static void check_deadline(uint64_t now)
{
    uint64_t first = UINT64_MAX, told = tcp_wheel_deadline(&wheel);
    for (int i = 0; i < COUNT; i++)
        first = models[i].deadline < first ? models[i].deadline : first;
    assert_true(first == UINT64_MAX ? told == UINT64_MAX : told <= first + 2 * TICK);
    (void)now;
}

static void run(uint64_t seed, uint64_t now)
{
    struct sim_random r;
    sim_random_seed(&r, seed);
    tcp_wheel_init(&wheel, now);
    for (int i = 0; i < COUNT; i++)
        models[i] = (struct model){.deadline = UINT64_MAX};
    for (int step = 0; step < 20000; step++) {
        struct model *m = &models[sim_random_range(&r, 0, COUNT - 1)];
        if (sim_random_chance(&r, 70)) {
            m->deadline = now + span(&r);
            if (sim_random_chance(&r, 5))
                m->deadline = now - (span(&r) % (now + 1));
            tcp_wheel_start(&wheel, &m->timer, m->deadline);
            if (m->deadline < now)
                m->deadline = now; /* counts from now on */
        } else {
            tcp_wheel_stop(&wheel, &m->timer);
            m->deadline = UINT64_MAX;
        }
        if (step % 10 == 0) {
            now += sim_random_chance(&r, 90) ? span(&r) % (10 * CLOCK_SEC) : span(&r);
            fire_due(now);
        }
        if (step % 100 == 0)
            check_deadline(now);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        run(seed, seed * 0x123456789abcu);
    run(11, 0);
}

/* Only what the wheel itself says is waited for: every timer fires, within a tick. */
static void test_driven_by_its_deadline(void **state)
{
    struct sim_random r;
    uint64_t now = 1000 * CLOCK_SEC;
    unsigned left = COUNT, calls = 0;
    (void)state;
    sim_random_seed(&r, 3);
    tcp_wheel_init(&wheel, now);
    for (int i = 0; i < COUNT; i++) {
        models[i] = (struct model){.deadline = now + span(&r) % (1000 * CLOCK_SEC)};
        tcp_wheel_start(&wheel, &models[i].timer, models[i].deadline);
    }
    while (left) {
        uint64_t at = tcp_wheel_deadline(&wheel);
        assert_true(at != UINT64_MAX);
        now = at > now ? at : now;
        calls++;
        for (struct tcp_timer *t; (t = tcp_wheel_due(&wheel, now)); left--) {
            struct model *m = CONTAINER(t, struct model, timer);
            assert_true(m->deadline <= now && m->deadline + TICK >= now);
        }
    }
    assert_true(calls < COUNT * TCP_WHEEL_LEVELS);
    assert_int_equal(tcp_wheel_deadline(&wheel), UINT64_MAX);
}

/* One that starts itself again for a time gone by does not keep the others from their turn. */
static void test_restart_for_the_past(void **state)
{
    struct tcp_timer t = {.tick = 0};
    uint64_t now = CLOCK_SEC;
    unsigned fired = 0;
    (void)state;
    tcp_wheel_init(&wheel, now);
    tcp_wheel_start(&wheel, &t, 0);
    assert_null(tcp_wheel_due(&wheel, now));
    now += 2 * TICK;
    while (tcp_wheel_due(&wheel, now)) {
        fired++;
        tcp_wheel_start(&wheel, &t, 0);
    }
    assert_int_equal(fired, 1);
    tcp_wheel_stop(&wheel, &t);
    tcp_wheel_stop(&wheel, &t);
    assert_int_equal(tcp_wheel_deadline(&wheel), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_driven_by_its_deadline),
        cmocka_unit_test(test_restart_for_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
