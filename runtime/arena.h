/*
 * An arena: memory that is given out piece by piece and given back whole.
 *
 * For content that lives and dies together (a generation of the site, one request). Pieces are
 * aligned to 16 bytes and never move.
 */
#ifndef RUNTIME_ARENA_H
#define RUNTIME_ARENA_H

#include "runtime/err.h"
#include "runtime/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes given out, with padding */
    size_t held;                /* bytes taken from the memory signature */
    size_t max;                 /* limit of held */
};

void arena_init(struct arena *a, size_t max);
void arena_deinit(struct arena *a);

/* n bytes, uninitialised, or NULL beyond the limit or without memory. n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);

/* A copy that lives as long as the arena; the empty slice when there is no memory for it (then
 * *ok becomes false and stays so: latch, check once). */
struct slice arena_copy(struct arena *a, struct slice bytes, bool *ok);

#endif
