/* Sleeps five times for 20 ms, and says how long it took, and what the entropy is like. */
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/entropy.h"
#include "signatures/program.h"
#include "signatures/timer.h"

#define SLEEPS 5u
#define SLEEP  (20 * CLOCK_MS)

static struct timer timer;
static unsigned slept;
static uint64_t began;

static void fire(struct timer *t)
{
    if (++slept < SLEEPS) {
        timer_start(t, t->deadline + SLEEP);
        return;
    }
    uint64_t random;
    entropy_fill(&random, sizeof random);
    log_info("time", "slept %llu us, random %016llx",
             (unsigned long long)((clock_monotonic() - began) / CLOCK_US),
             (unsigned long long)random);
    loop_stop(0);
}

static enum err start(const struct world *w)
{
    (void)w;
    began = clock_monotonic();
    timer_init(&timer, fire);
    timer_start(&timer, began + SLEEP);
    return OK;
}

const struct program program = {.name = "time", .summary = "sleeps", .start = start};
const struct setting_group *const program_settings[] = {&settings_logs_group, NULL};
