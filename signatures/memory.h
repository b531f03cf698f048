/*
 * Memory: where all of it comes from. A singleton of the target, resolved by the linker.
 *
 * Out of memory is an answer (NULL), never a stop. Pointers are aligned to 16 bytes.
 */
#ifndef SIGNATURES_MEMORY_H
#define SIGNATURES_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct memory_stats {
    uint64_t blocks;  /* now in use */
    uint64_t bytes;   /* now in use, as the allocator counts them */
    uint64_t peak;    /* highest `bytes` so far */
    uint64_t refused; /* requests that were answered with NULL */
    uint64_t total;   /* bytes that there are; 0: as many as the program's host has */
};

/* size 0 gives a valid pointer. The bytes are not initialised. */
void *memory_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *memory_zalloc(size_t size) __attribute__((malloc, alloc_size(1)));

/* As C's realloc; on NULL the old block stays. */
void *memory_resize(void *ptr, size_t size) __attribute__((alloc_size(2)));

/* How many bytes a block in use has: those asked for at least. All of them may be used. */
size_t memory_size(const void *ptr);

/* NULL is permitted. */
void memory_free(void *ptr);

struct memory_stats memory_stats(void);

#endif
