/*
 * A pool: items of one size up to a named limit, taken and given back in constant time.
 *
 * Memory comes in slabs and stays with the pool until deinit. Counters are for status pages and
 * for tests that compare before and after.
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool {
    const char *name; /* static text, for status pages */
    size_t size;      /* of an item, rounded up */
    uint32_t limit;
    uint32_t used;
    uint32_t peak;
    uint32_t held;    /* items that slabs have room for */
    uint64_t refused; /* takes beyond the limit or without memory */
    void *free;       /* list of free items */
    void *slabs;
};

void pool_init(struct pool *p, const char *name, size_t size, uint32_t limit);

/* Gives all slabs back. Every item must have been given back: panics otherwise. */
void pool_deinit(struct pool *p);

/* A zeroed item, or NULL when the limit is reached or memory is short (counted). */
void *pool_take(struct pool *p);

/* The same, but the bytes are as somebody left them: for large items whose taker sets what counts. */
void *pool_take_dirty(struct pool *p);

/* NULL is permitted. */
void pool_give(struct pool *p, void *item);

#endif
