/* Before and after a test that is to give back all memory that it takes: the simulation starts over, and what is
 * in use is counted. */
#ifndef TESTS_SUPPORT_BLOCKS_H
#define TESTS_SUPPORT_BLOCKS_H

#include "platform/sim/sim.h"
#include "signatures/memory.h"

static uint64_t blocks;

static inline int blocks_before(void **state)
{
    (void)state;
    sim_reset(1);
    blocks = memory_stats().blocks;
    return 0;
}

static inline int blocks_after(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    return memory_stats().blocks == blocks ? 0 : -1;
}

#endif
