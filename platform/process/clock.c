/* Time of a process: the kernel's clocks, through the vDSO. */
#include "signatures/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * (int64_t)CLOCK_SEC + t.tv_nsec;
}

uint64_t clock_monotonic(void)
{
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
