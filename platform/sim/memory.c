/*
 * Memory of the simulation: the host's, with counting and planned failures. Every block carries its
 * size in front, so that the numbers are exact and the same in every run.
 */
#include "signatures/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "platform/sim/sim.h"
#include "runtime/panic.h"

#define MARK UINT64_C(0x52494e474c455421) /* a block in use */

struct head {
    uint64_t size;
    uint64_t mark;
};

static struct memory_stats stats;
static struct {
    uint64_t requests; /* since the plan was made */
    uint64_t nth;      /* fail this one; 0: none */
    uint64_t every;    /* fail every k-th; 0: none */
    uint64_t limit;    /* of bytes in use; 0: none */
} plan;

void sim_memory_fail_nth(uint64_t nth)
{
    plan.requests = plan.every = 0;
    plan.nth = nth;
}

void sim_memory_fail_every(uint64_t every)
{
    plan.requests = plan.nth = 0;
    plan.every = every;
}

void sim_memory_limit(uint64_t bytes)
{
    plan.limit = bytes;
}

uint64_t sim_memory_requests(void)
{
    return plan.requests;
}

static bool refuses(uint64_t more)
{
    plan.requests++;
    bool refuse = (plan.nth && plan.requests == plan.nth) ||
                  (plan.every && plan.requests % plan.every == 0) ||
                  (plan.limit && stats.bytes + more > plan.limit);
    if (refuse)
        stats.refused++;
    return refuse;
}

static void count(uint64_t size)
{
    stats.blocks++;
    stats.bytes += size;
    if (stats.bytes > stats.peak)
        stats.peak = stats.bytes;
}

static void forget(const struct head *h)
{
    assert_always(h->mark == MARK);
    stats.blocks--;
    stats.bytes -= h->size;
}

void *memory_alloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct head) || refuses(size))
        return NULL;
    struct head *h = malloc(sizeof *h + size);
    if (!h) {
        stats.refused++;
        return NULL;
    }
    *h = (struct head){size, MARK};
    count(size);
    /* Whoever reads what was never written shall see it. */
    return memset(h + 1, 0xa5, size);
}

void *memory_zalloc(size_t size)
{
    void *ptr = memory_alloc(size);
    return ptr ? memset(ptr, 0, size) : NULL;
}

void *memory_resize(void *ptr, size_t size)
{
    if (!ptr)
        return memory_alloc(size);
    const struct head *h = (struct head *)ptr - 1;
    assert_always(h->mark == MARK);
    void *moved = memory_alloc(size); /* always moves: stale pointers show at once */
    if (!moved)
        return NULL;
    memcpy(moved, ptr, size < h->size ? size : h->size);
    memory_free(ptr);
    return moved;
}

size_t memory_size(const void *ptr)
{
    const struct head *h = (const struct head *)ptr - 1;
    assert_always(h->mark == MARK);
    return h->size;
}

void memory_free(void *ptr)
{
    if (!ptr)
        return;
    struct head *h = (struct head *)ptr - 1;
    forget(h);
    h->mark = 0;
    free(h);
}

struct memory_stats memory_stats(void)
{
    return stats;
}
