/*
 * A pool: items of one size up to a named limit, taken and given back in constant time.
 *
 * Memory comes in slabs, and a slab goes back when nothing of it is in use: but for the first, which
 * stays, and one more while the pool is in use, which waits for the next taker. So between two slabs
 * that are asked of memory as many items are taken as a slab has, at least, however the load swings;
 * and when nothing is in use, as much is held as after the first item ever.
 *
 * Counters are for status pages and for tests that compare before and after.
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_slab;

struct pool {
    const char *name; /* static text, for status pages */
    size_t size;      /* of an item, rounded up */
    uint32_t limit;
    uint32_t used;
    uint32_t peak;
    uint32_t held;           /* items that slabs have room for */
    uint64_t refused;        /* takes beyond the limit or without memory */
    struct pool_slab *open;  /* list of those with items in use and free ones; and the first */
    struct pool_slab *first; /* or NULL: nothing was taken yet */
    struct pool_slab *spare; /* or NULL: of it nothing is in use */
};

void pool_init(struct pool *p, const char *name, size_t size, uint32_t limit);

/* Gives all memory back. Every item must have been given back: panics otherwise. */
void pool_deinit(struct pool *p);

/* A zeroed item, or NULL when the limit is reached or memory is short (counted). */
void *pool_take(struct pool *p);

/* The same, but the bytes are as somebody left them: for large items whose taker sets what counts. */
void *pool_take_dirty(struct pool *p);

/* NULL is permitted. */
void pool_give(struct pool *p, void *item);

#endif
