/*
 * md4c's memory: an arena for each document, given back whole.
 *
 * md4c was compiled to ask here (deps/md4c/memory.h) and to give nothing back by itself. So neither
 * its order of freeing nor what it does after a failure matters: a document for which anything was
 * refused counts as failed.
 */
#include "lib/markdown/internal.h"

/* Called by md4c. */
void *markdown_alloc(void *userdata, size_t size);
void *markdown_resize(void *userdata, void *ptr, size_t size);

/* In front of every piece: how long it is. */
struct head {
    size_t size;
    size_t padding; /* pieces are aligned to 16 bytes */
};

void *markdown_alloc(void *userdata, size_t size)
{
    struct parse_memory *m = userdata;
    struct head *h = NULL;
    if (!m->refused && size <= SIZE_MAX - sizeof *h)
        h = arena_alloc(&m->arena, sizeof *h + size);
    if (!h) {
        m->refused = true;
        return NULL;
    }
    h->size = size;
    return h + 1;
}

void *markdown_resize(void *userdata, void *ptr, size_t size)
{
    const struct head *old = ptr ? (const struct head *)ptr - 1 : NULL;
    if (old && size <= old->size)
        return ptr;
    void *moved = markdown_alloc(userdata, size);
    if (moved && old)
        memcpy(moved, ptr, old->size);
    return moved;
}

enum err parse_text(struct slice text, const MD_PARSER *parser, struct parse_memory *memory)
{
    if (text.len > MARKDOWN_TEXT_MAX)
        return ERR_LIMIT;
    const char *start = text.len ? (const char *)text.ptr : "";
    memory->refused = false;
    arena_init(&memory->arena, MARKDOWN_MEMORY_MAX);
    md_parse(start, (MD_SIZE)text.len, parser, memory);
    arena_deinit(&memory->arena);
    return memory->refused ? ERR_MEMORY : OK;
}
