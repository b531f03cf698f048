/* Virtual time. It stands still while handlers run, and jumps when the program waits. */
#include "signatures/clock.h"

#include "platform/sim/internal.h"
#include "platform/sim/sim.h"

#define MONOTONIC_START CLOCK_SEC                                  /* 0 would hide mistakes */
#define WALL_START      (INT64_C(1577836800) * (int64_t)CLOCK_SEC) /* 2020-01-01T00:00:00Z */

static uint64_t monotonic = MONOTONIC_START;
static int64_t wall_minus_monotonic = WALL_START - (int64_t)MONOTONIC_START;

void sim_clock_reset(void)
{
    monotonic = MONOTONIC_START;
    wall_minus_monotonic = WALL_START - (int64_t)MONOTONIC_START;
}

uint64_t clock_monotonic(void)
{
    return monotonic;
}

int64_t clock_wall(void)
{
    return wall_minus_monotonic + (int64_t)monotonic;
}

void sim_clock_jump(uint64_t to)
{
    if (to > monotonic)
        monotonic = to;
}

void sim_clock_advance(uint64_t ns)
{
    monotonic += ns;
}

void sim_clock_set_wall(int64_t ns)
{
    wall_minus_monotonic = ns - (int64_t)monotonic;
}
