/* Draws random bytes again and again: of two copies of one machine, each has to draw others. */
#include "runtime/log.h"
#include "signatures/clock.h"
#include "signatures/entropy.h"
#include "signatures/program.h"
#include "signatures/timer.h"

#define EVERY (100 * CLOCK_MS)

static struct timer timer;

static void fire(struct timer *t)
{
    uint64_t random;
    entropy_fill(&random, sizeof random);
    log_info("lives", "random %016llx", (unsigned long long)random);
    timer_start(t, clock_monotonic() + EVERY);
}

static enum err start(const struct world *w)
{
    (void)w;
    timer_init(&timer, fire);
    fire(&timer);
    return OK;
}

const struct program program = {.name = "lives", .summary = "draws", .start = start};
const struct setting_group *const program_settings[] = {&settings_logs_group, NULL};
