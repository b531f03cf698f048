/*
 * md4c's memory: pieces in a list for each document, all given back at its end.
 *
 * md4c was compiled to ask here (deps/md4c/memory.h) and to give nothing back by itself. So neither
 * its order of freeing nor what it does after a failure matters: a document for which anything was
 * refused counts as failed.
 */
#include "lib/markdown/internal.h"

#include "signatures/memory.h"

/* Called by md4c. */
void *markdown_alloc(void *userdata, size_t size);
void *markdown_resize(void *userdata, void *ptr, size_t size);

/* In front of every piece. */
struct head {
    struct list link;
    size_t size;
    size_t padding; /* pieces are aligned to 16 bytes */
};

/* Whether so many bytes more stay within the limit; if not, the document has failed. */
static bool take(struct parse_memory *m, size_t size)
{
    if (m->err == OK && size > MARKDOWN_MEMORY_MAX - m->held)
        m->err = ERR_LIMIT;
    if (m->err == OK)
        m->held += size;
    return m->err == OK;
}

void *markdown_alloc(void *userdata, size_t size)
{
    struct parse_memory *m = userdata;
    if (!take(m, size))
        return NULL;
    struct head *h = memory_alloc(sizeof *h + size);
    if (!h) {
        m->err = ERR_MEMORY;
        return NULL;
    }
    h->size = size;
    list_append(&m->pieces, &h->link);
    return h + 1;
}

void *markdown_resize(void *userdata, void *ptr, size_t size)
{
    struct parse_memory *m = userdata;
    if (!ptr)
        return markdown_alloc(userdata, size);
    struct head *h = (struct head *)ptr - 1;
    if (size <= h->size)
        return ptr;
    if (!take(m, size - h->size))
        return NULL;
    list_remove(&h->link);
    struct head *moved = memory_resize(h, sizeof *h + size);
    if (!moved) {
        m->err = ERR_MEMORY;
        list_append(&m->pieces, &h->link);
        return NULL;
    }
    moved->size = size;
    list_append(&m->pieces, &moved->link);
    return moved + 1;
}

enum err parse_text(struct slice text, const MD_PARSER *parser, struct parse_memory *memory)
{
    if (text.len > MARKDOWN_TEXT_MAX)
        return ERR_LIMIT;
    const char *start = text.len ? (const char *)text.ptr : "";
    list_init(&memory->pieces);
    memory->held = 0;
    memory->err = OK;
    md_parse(start, (MD_SIZE)text.len, parser, memory);
    for (struct list *piece; (piece = list_shift(&memory->pieces));)
        memory_free(CONTAINER(piece, struct head, link));
    return memory->err;
}
