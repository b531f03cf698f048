/*
 * Reading: a delta's bases are walked down to one that is at hand or no delta, then the deltas are
 * applied upwards, one after the other. What is made on the way is likely to be a base again and
 * goes to the cache.
 */
#include "lib/store/internal.h"

#include "lib/git/delta.h"
#include "lib/git/pack.h"

#include <libdeflate.h>

#define SCRATCH_KEPT  (1u << 20)
#define OBJECT_EFFORT 1024u /* what an object costs besides its bytes */

enum err store_inflate(struct store *s, struct slice packed, uint8_t *into, size_t size,
                       size_t *consumed)
{
    s->stats.inflated++;
    s->stats.inflated_bytes += size;
    s->effort += size + OBJECT_EFFORT;
    enum libdeflate_result result = libdeflate_zlib_decompress_ex(
        s->inflater, packed.ptr, packed.len, into, size, consumed, NULL);
    return result == LIBDEFLATE_SUCCESS ? OK : ERR_MALFORMED;
}

/* Inflates what follows an entry's header. The header was read before, when the pack came in. */
static enum err inflate_whole(struct store *s, struct slice stream, uint8_t *into, size_t size)
{
    size_t consumed;
    return store_inflate(s, stream, into, size, &consumed);
}

static enum err inflate_object(struct store *s, uint32_t number, struct content **into)
{
    const struct entry *e = &s->entries[number];
    struct slice packed = store_packed(s, e);
    struct git_pack_entry header;
    if (git_pack_entry(s->kind, packed, &header) != OK)
        return ERR_MALFORMED;
    struct content *content = store_content_new(e->size);
    if (content == NULL)
        return ERR_MEMORY;
    enum err err = inflate_whole(s, slice_drop(packed, header.header), content->bytes, e->size);
    if (err == OK)
        *into = content;
    else
        store_content_release(content);
    return err;
}

/* The instructions of a delta entry, in the store's scratch buffer. */
static enum err inflate_delta(struct store *s, uint32_t number)
{
    struct slice packed = store_packed(s, &s->entries[number]);
    struct git_pack_entry header;
    if (git_pack_entry(s->kind, packed, &header) != OK)
        return ERR_MALFORMED;
    buf_clear(&s->delta);
    uint8_t *room = buf_reserve(&s->delta, header.size);
    if (room == NULL)
        return s->delta.err;
    buf_commit(&s->delta, header.size);
    return inflate_whole(s, slice_drop(packed, header.header), room, header.size);
}

enum err store_build(struct store *s, uint32_t number, struct content *base, struct content **into)
{
    uint32_t size = s->entries[number].size;
    struct content *content = store_content_new(size);
    if (content == NULL)
        return ERR_MEMORY;
    s->stats.inflated_bytes += size;
    s->effort += size;
    enum err e =
        git_delta_apply(store_content_slice(base), buf_slice(&s->delta), content->bytes, size);
    if (e == OK)
        *into = content;
    else
        store_content_release(content);
    return e;
}

enum err store_apply(struct store *s, uint32_t number, struct content *base, struct content **into)
{
    enum err e = inflate_delta(s, number);
    return e == OK ? store_build(s, number, base, into) : e;
}

void store_trim(struct store *s)
{
    if (s->delta.cap > SCRATCH_KEPT)
        buf_deinit(&s->delta);
}

/* Walks from *number down to an entry that is cached or no delta, noting the deltas passed.
 * Depth was limited when the entries came in. */
static struct content *walk_down(struct store *s, uint32_t *number, uint32_t *deltas)
{
    *deltas = 0;
    for (;;) {
        struct content *content = store_cache_get(&s->cache, *number);
        if (content != NULL || !(s->entries[*number].flags & ENTRY_DELTA))
            return content;
        s->chain[(*deltas)++] = *number;
        *number = s->entries[*number].base;
    }
}

enum err store_load(struct store *s, uint32_t number, struct content **into)
{
    uint32_t deltas;
    enum err e = OK;
    struct content *content = walk_down(s, &number, &deltas);
    if (content == NULL) {
        e = inflate_object(s, number, &content);
        if (e == OK)
            store_cache_put(&s->cache, number, content);
    }
    while (e == OK && deltas > 0) {
        struct content *above = NULL;
        number = s->chain[--deltas];
        e = store_apply(s, number, content, &above);
        if (e == OK)
            store_cache_put(&s->cache, number, above);
        store_content_release(content);
        content = above;
    }
    store_trim(s);
    *into = content;
    return e;
}
