/*
 * A block device in memory: late, and failing, as a seed says. What was written and not flushed is lost
 * when its host crashes.
 *
 * It keeps the rules of signatures/block.h in the least convenient way: requests are done in any order,
 * bytes are taken and given when they are done, and a read that fails leaves garbage.
 */
#ifndef PLATFORM_SIM_BLOCK_H
#define PLATFORM_SIM_BLOCK_H

#include "platform/sim/sim.h"
#include "signatures/block.h"

/* All zero: it answers at once, and well. */
struct sim_block_ways {
    uint64_t latency_min, latency_max; /* ns, drawn for each request */
    unsigned fail_percent;             /* of requests, with ERR_IO */
    bool read_only;
};

struct block *sim_block_open(uint64_t sectors, struct sim_block_ways ways, uint64_t seed);

/* Requests under way are forgotten without a word. */
void sim_block_close(struct block *b);

/* Its host crashes and comes back: requests under way end with ERR_RESET, when the loop comes round. */
void sim_block_crash(struct block *b);

#endif
