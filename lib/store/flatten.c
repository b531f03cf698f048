/*
 * Long chains of deltas, cut. A remote that sends every new version of a tree as a delta of the
 * last makes a chain as long as the history of updates; so what lies too deep is packed as a whole,
 * and what builds on very much for its size. So reading has a bound that goes with what is read.
 */
#include "lib/store/internal.h"

#include "lib/git/pack.h"
#include "signatures/memory.h"

#include <libdeflate.h>

#define LEVEL        1 /* of compression: the fastest */
#define HEADER_BYTES 8 /* type and size of an object of 32 bits of size: at most 5 */

/* Bases of less than this many bytes together are no burden for an object of any size. */
#define CHAIN_FREE (16u << 20)

static bool too_long(const struct entry *e)
{
    uint64_t most = (uint64_t)e->size * STORE_CHAIN_KEPT + CHAIN_FREE;
    return e->depth > STORE_DELTA_DEPTH_KEPT || (uint64_t)e->weight << 16 > most;
}

/* Depth and weight, as they are now that chains below may have been cut. */
static void measure(struct store *s, uint32_t number)
{
    struct entry *e = &s->entries[number];
    const struct entry *at = e;
    e->depth = 0;
    e->weight = store_weight(e->size);
    for (; at->flags & ENTRY_DELTA; e->depth++) {
        at = &s->entries[at->base];
        e->weight += store_weight(at->size);
    }
}

/* An entry's header, see git_pack_entry. */
static size_t write_header(uint8_t *into, unsigned type, uint32_t size)
{
    size_t n = 0;
    uint8_t byte = (uint8_t)(type << 4 | (size & 15));
    for (size >>= 4; size != 0; size >>= 7) {
        into[n++] = byte | 0x80;
        byte = size & 0x7f;
    }
    into[n++] = byte;
    return n;
}

static struct libdeflate_compressor *open_compressor(void)
{
    const struct libdeflate_options options = {
        .sizeof_options = sizeof(options), .malloc_func = memory_alloc, .free_func = memory_free};
    return libdeflate_alloc_compressor_ex(LEVEL, &options);
}

/* Packs a content into a chunk of its own. */
static enum err pack_whole(struct store *s, struct libdeflate_compressor *compressor, unsigned type,
                           const struct content *content)
{
    size_t bound = libdeflate_zlib_compress_bound(compressor, content->size);
    if (bound > UINT32_MAX - HEADER_BYTES)
        return ERR_LIMIT;
    enum err e = store_chunk_add(s, (uint32_t)bound + HEADER_BYTES);
    if (e != OK)
        return e;
    struct chunk *c = s->chunks[s->chunk_count - 1];
    size_t header = write_header(c->bytes, type, content->size);
    size_t packed = libdeflate_zlib_compress(compressor, content->bytes, content->size,
                                             c->bytes + header, bound);
    c->used = (uint32_t)(header + packed);
    store_chunk_resize(s, s->chunk_count - 1, c->used);
    return packed != 0 ? OK : ERR_LIMIT;
}

static void flatten_one(struct store *s, struct libdeflate_compressor *compressor, uint32_t number)
{
    struct entry *e = &s->entries[number];
    uint32_t chunks = s->chunk_count;
    struct content *content = NULL;
    enum err err = store_load(s, number, &content);
    if (err == OK)
        err = pack_whole(s, compressor, e->type, content);
    store_content_release(content);
    if (err != OK) {
        store_chunk_cut(s, chunks);
        return;
    }
    e->chunk = chunks;
    e->offset = 0;
    e->packed = s->chunks[chunks]->used;
    e->base = NO_ENTRY;
    e->depth = 0;
    e->weight = store_weight(e->size);
    e->flags &= (uint8_t)~ENTRY_DELTA;
}

/* Chains become shorter on the way: what is found too long is measured anew. */
enum err store_flatten(struct store *s, uint32_t *from)
{
    struct libdeflate_compressor *compressor = NULL;
    for (; *from < s->count && !store_turn_over(s); ++*from) {
        if (!too_long(&s->entries[*from]))
            continue;
        measure(s, *from);
        if (!too_long(&s->entries[*from]))
            continue;
        if (compressor == NULL)
            compressor = open_compressor();
        if (compressor != NULL)
            flatten_one(s, compressor, *from);
    }
    if (compressor != NULL)
        libdeflate_free_compressor(compressor);
    return *from < s->count ? ERR_AGAIN : OK;
}
