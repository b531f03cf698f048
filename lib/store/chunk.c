/* Chunks: the memory in which packed bytes lie. They grow only while they are the last. */
#include "lib/store/internal.h"

#include "signatures/memory.h"

enum err store_chunk_add(struct store *s, uint32_t cap)
{
    void *chunks = s->chunks;
    enum err e = store_grow(&chunks, s->chunk_count, &s->chunk_capacity, sizeof(struct chunk *));
    s->chunks = chunks;
    struct chunk *c = e == OK ? memory_alloc(sizeof(*c) + cap) : NULL;
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
