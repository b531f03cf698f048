/*
 * Heap: the memory of a machine, given out in blocks. A ring-0 target keeps signatures/memory.h with
 * it; it knows nothing of a machine itself, only ranges of addresses that it may use.
 *
 * Pages (4 KiB) are the coin: runs of them are given out as large blocks, or cut into blocks of one
 * size class. Free runs are kept by the power of two of their length, and grow together with their
 * neighbours when they are given back.
 *
 * A small block ends with a guard value that depends on its address and on a secret. A block that
 * was written beyond its end, given back twice, or written after it was given back ends in a panic,
 * when it is given back or given out again.
 *
 * Out of memory is an answer (NULL). Blocks are aligned to 16 bytes.
 */
#ifndef RUNTIME_HEAP_H
#define RUNTIME_HEAP_H

#include <stdbool.h>

#include "signatures/memory.h"

#define HEAP_PAGE       ((size_t)4096)
#define HEAP_RANGES_MAX 64u
#define HEAP_CLASSES    42u
#define HEAP_BINS       32u

struct heap_range {
    uintptr_t start;
    size_t size;
};

struct heap_page; /* what is known of one page */

struct heap_class {
    uint32_t stride;  /* bytes from one block to the next, guard included */
    uint32_t inverse; /* 2^32 / stride, rounded up: for dividing by it */
    uint16_t pages;   /* of a span: a run that is cut into such blocks */
    uint16_t blocks;  /* of a span */
    uint32_t spans;   /* first span with a free block + 1; 0: none */
};

struct heap {
    uintptr_t base; /* address of page 0 */
    struct heap_page *pages;
    uint32_t count;           /* pages from base on, those between the ranges included */
    uint32_t free;            /* pages in free runs */
    uint32_t bins[HEAP_BINS]; /* first free run of at least 2^i pages + 1; 0: none */
    struct heap_class classes[HEAP_CLASSES];
    uint64_t secret;
    struct memory_stats stats;
};

/* Takes the ranges over, whole pages of them; they must not overlap. A part of them is used for the
 * heap's own account: 20 bytes for each page between the lowest and the highest; a range so far from the others that
 * its account would take more than it holds is left out. False: too little memory for that, more than
 * HEAP_RANGES_MAX, or more than 2^32 pages. */
bool heap_init(struct heap *h, const struct heap_range *ranges, size_t count, uint64_t secret);

/* As in signatures/memory.h. */
void *heap_alloc(struct heap *h, size_t size) __attribute__((malloc, alloc_size(2)));
void *heap_resize(struct heap *h, void *block, size_t size) __attribute__((alloc_size(3)));
size_t heap_size(const struct heap *h, const void *block);
void heap_free(struct heap *h, void *block);

/* Whole pages, their address a multiple of `alignment` pages (a power of two), given back with
 * heap_free: for what devices and page tables need. */
void *heap_pages(struct heap *h, size_t pages, size_t alignment);

struct memory_stats heap_stats(const struct heap *h);

/* Bytes that are in no block and no span. */
size_t heap_unused(const struct heap *h);

/* Looks at every page and every guard; panics where something is wrong. Slow: for tests. */
void heap_check(const struct heap *h);

#endif
