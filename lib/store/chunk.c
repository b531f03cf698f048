/* Chunks: the memory in which packed bytes lie. They grow only while they are the last. */
#include "lib/store/internal.h"

#include "signatures/memory.h"

static enum err room_for_chunk(struct store *s)
{
    if (s->chunk_count < s->chunk_capacity)
        return OK;
    uint32_t wanted = s->chunk_capacity + s->chunk_capacity / 2 + 8;
    struct chunk **grown = memory_resize(s->chunks, wanted * sizeof(struct chunk *));
    if (grown == NULL)
        return ERR_MEMORY;
    s->chunks = grown;
    s->chunk_capacity = wanted;
    return OK;
}

enum err store_chunk_add(struct store *s, uint32_t cap)
{
    struct chunk *c = room_for_chunk(s) == OK ? memory_alloc(sizeof(*c) + cap) : NULL;
    if (c == NULL)
        return ERR_MEMORY;
    c->used = 0;
    c->cap = cap;
    s->chunks[s->chunk_count++] = c;
    return OK;
}

enum err store_chunk_resize(struct store *s, uint32_t number, uint32_t cap)
{
    struct chunk *c = memory_resize(s->chunks[number], sizeof(*c) + cap);
    if (c == NULL)
        return ERR_MEMORY;
    c->cap = cap;
    s->chunks[number] = c;
    return OK;
}

void store_chunk_cut(struct store *s, uint32_t count)
{
    while (s->chunk_count > count)
        memory_free(s->chunks[--s->chunk_count]);
}

void store_chunk_free(struct store *s, uint32_t number)
{
    memory_free(s->chunks[number]);
    s->chunks[number] = NULL;
}
