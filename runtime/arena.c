/*
 * Blocks in a list, each filled from its start; a piece that is large for a block gets one of its
 * own. See arena.h.
 */
#include "runtime/arena.h"

#include "signatures/memory.h"

#define ALIGN     ((size_t)16)
#define BLOCK_MIN ((size_t)4096)       /* the first block, with its head */
#define BLOCK_MAX ((size_t)256 * 1024) /* blocks double until here */

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the block, with this head */
    size_t used; /* from the block's start, a multiple of ALIGN */
};

#define HEAD ((sizeof(struct arena_block) + ALIGN - 1) & ~(ALIGN - 1))

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_deinit(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        memory_free(a->blocks);
        a->blocks = next;
    }
    arena_init(a, a->max);
}

/* Blocks double with what is held, so that their number stays small. */
static size_t block_size(const struct arena *a, size_t need)
{
    size_t size = a->held < BLOCK_MIN ? BLOCK_MIN : a->held;
    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size > a->max - a->held)
        size = a->max - a->held;
    return size < need ? need : size & ~(ALIGN - 1);
}

/* A block with room for n bytes (a multiple of ALIGN), or NULL. */
static struct arena_block *add_block(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - HEAD || n + HEAD > a->max - a->held)
        return NULL;
    bool alone = n > BLOCK_MAX / 4;
    size_t size = alone ? n + HEAD : block_size(a, n + HEAD);
    struct arena_block *block = memory_alloc(size);
    if (!block)
        return NULL;
    *block = (struct arena_block){.size = size, .used = HEAD};
    a->held += size;
    if (alone && a->blocks) { /* behind the newest, which still has room */
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ALIGN)
        return NULL;
    n = n ? (n + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;
    struct arena_block *block = a->blocks;
    if (!block || n > block->size - block->used)
        block = add_block(a, n);
    if (!block)
        return NULL;
    void *piece = (uint8_t *)block + block->used;
    block->used += n;
    a->used += n;
    return piece;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *piece = arena_alloc(a, n);
    return piece ? memset(piece, 0, n) : NULL;
}

struct slice arena_copy(struct arena *a, struct slice bytes, bool *ok)
{
    uint8_t *copy = arena_alloc(a, bytes.len);
    if (!copy) {
        *ok = false;
        return slice_of(NULL, 0);
    }
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return slice_of(copy, bytes.len);
}
