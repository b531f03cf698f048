/*
 * Sleeping in virtual time: the clock jumps to what comes first, the deadline or the next event.
 * A program that waits for ever while nothing can happen is stuck: that is a failed test.
 */
#include "signatures/wait.h"

#include "platform/sim/internal.h"
#include "platform/sim/sim.h"
#include "runtime/loop.h"
#include "runtime/panic.h"
#include "signatures/clock.h"

/* While sim_run goes on, nobody sleeps beyond its deadline. */
static uint64_t horizon = WAIT_FOREVER;

void wait_until(uint64_t deadline)
{
    if (deadline > horizon)
        deadline = horizon;
    if (sim_event_happen())
        return;
    uint64_t next = sim_event_next();
    if (next > deadline)
        next = deadline;
    if (next == WAIT_FOREVER)
        panic("the program waits, and nothing will ever happen");
    sim_clock_jump(next);
    sim_event_happen();
}

bool sim_run(bool (*done)(void *arg), void *arg, uint64_t deadline)
{
    uint64_t outer = horizon;
    horizon = deadline;
    bool finished = done && done(arg);
    while (!finished && clock_monotonic() < deadline) {
        loop_round(deadline);
        finished = done && done(arg);
    }
    horizon = outer;
    return finished;
}

void sim_reset(uint64_t seed)
{
    sim_clock_reset();
    sim_entropy_seed(seed);
    sim_console_clear();
    sim_memory_fail_nth(0);
    sim_memory_fail_every(0);
    sim_memory_limit(0);
}
