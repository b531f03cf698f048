/*
 * The entries of a pack.
 *
 * The inflater wants a whole zlib stream, and nothing says how long that is. So it is tried when as
 * many bytes are there as an object of this size can take at most (often the end is far before),
 * when twice as many are there as at the last trial, and when no more will come. What a trial costs
 * is thereby never more than twice the bytes that came, however odd the stream is.
 */
#include "lib/store/ingest.h"

#include "lib/git/delta.h"
#include "lib/git/pack.h"

#define PATIENCE     (1u << 20) /* how long a whole stream is waited for before a first trial */
#define DEFLATE_MOST 1040u      /* more bytes than this cannot come out of one */

/* A stream of more than this is no compression, but an attack on those who wait for its end. */
static uint64_t stream_max(uint64_t size)
{
    return 4 * size + 4096;
}

/* What the worst compressor in use makes of size bytes (zlib's own bound). */
static uint64_t stream_bound(uint64_t size)
{
    return size + (size >> 3) + (size >> 6) + 64;
}

static enum err fail(struct store_pack *p, enum err e, const char *why)
{
    return store_pack_fail(p, NO_ENTRY, e, why);
}

/* Puts the entry that was just read, with so many bytes, into the table. */
static enum err add(struct store_pack *p, struct entry *e, size_t used, uint32_t *number)
{
    struct store *s = p->s;
    e->chunk = s->chunk_count - 1;
    e->offset = p->pos;
    e->packed = (uint32_t)used;
    enum err err = store_table_add(s, e, p->announced - store_pack_parsed(p), number);
    if (err == OK)
        err = store_numbers_push(&p->offsets, p->at);
    return err == OK ? OK : fail(p, err, "");
}

static enum err take_object(struct store_pack *p, struct slice stream,
                            const struct git_pack_entry *header, size_t *used)
{
    struct content *content = store_content_new((uint32_t)header->size);
    if (content == NULL)
        return fail(p, ERR_MEMORY, "");
    enum err err = ERR_AGAIN;
    if (store_inflate(p->s, stream, content->bytes, content->size, used) == OK) {
        struct entry e = {.size = content->size, .base = NO_ENTRY, .type = (uint8_t)header->type};
        uint32_t number;
        *used += header->header;
        err = add(p, &e, *used, &number);
        if (err == OK)
            err = store_pack_chain(p, number);
        if (err == OK)
            err = store_pack_resolved(p, number, content);
    }
    store_content_release(content);
    return err;
}

/* The entry that begins so far before the one being read. */
static uint32_t entry_at(const struct store_pack *p, uint64_t back)
{
    if (back > p->at)
        return NO_ENTRY;
    uint32_t wanted = p->at - (uint32_t)back;
    uint32_t low = 0;
    uint32_t high = store_pack_parsed(p);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->offsets.items[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < store_pack_parsed(p) && p->offsets.items[low] == wanted;
    return found ? p->first + low : NO_ENTRY;
}

/* The delta lies inflated in the store's scratch: made into its object if the base is at hand. */
static enum err resolve_or_wait(struct store_pack *p, uint32_t number)
{
    struct store *s = p->s;
    uint32_t base = s->entries[number].base;
    struct content *under = NULL;
    if (base != NO_ENTRY && s->entries[base].type != GIT_NONE)
        under = store_cache_get(&s->cache, base);
    if (under == NULL) {
        p->by_id += base == NO_ENTRY;
        return store_numbers_push(&p->pending, number) == OK
                   ? OK
                   : store_pack_fail(p, number, ERR_MEMORY, "");
    }
    struct content *content = NULL;
    enum err e = store_pack_chain(p, number);
    if (e == OK) {
        e = store_build(s, number, under, &content);
        e = e == OK ? store_pack_resolved(p, number, content)
                    : store_pack_fail(p, number, e, "a delta that does not fit its base");
    }
    store_content_release(content);
    store_content_release(under);
    return e;
}

static enum err find_base(struct store_pack *p, const struct git_pack_entry *header, uint32_t *base)
{
    if (header->type == GIT_REF_DELTA) {
        *base = store_table_find(p->s, header->base.ptr);
        return OK;
    }
    *base = entry_at(p, header->back);
    return *base != NO_ENTRY ? OK
                             : fail(p, ERR_MALFORMED, "no object begins where its base should");
}

static enum err take_delta(struct store_pack *p, struct slice stream,
                           const struct git_pack_entry *header, size_t *used)
{
    struct store *s = p->s;
    buf_clear(&s->delta);
    uint8_t *room = buf_reserve(&s->delta, header->size);
    if (room == NULL)
        return fail(p, ERR_MEMORY, "");
    if (store_inflate(s, stream, room, header->size, used) != OK)
        return ERR_AGAIN;
    buf_commit(&s->delta, header->size);
    *used += header->header;

    uint64_t from;
    uint64_t size;
    struct entry e = {.type = GIT_NONE, .flags = ENTRY_DELTA};
    uint32_t number;
    if (git_delta_sizes(buf_slice(&s->delta), &from, &size) != OK)
        return fail(p, ERR_MALFORMED, "a delta without its sizes");
    if (size > s->limits.object_bytes)
        return fail(p, ERR_LIMIT, "larger than is permitted");
    e.size = (uint32_t)size;
    enum err err = find_base(p, header, &e.base);
    if (err == OK)
        err = add(p, &e, *used, &number);
    return err == OK ? resolve_or_wait(p, number) : err;
}

/* Whether inflating is worth a trial with so many bytes of the stream. */
static enum err ready(struct store_pack *p, uint64_t size, size_t there, bool now)
{
    if (p->wanted == 0) {
        uint64_t bound = stream_bound(size);
        p->wanted = bound <= PATIENCE ? bound : size / 4 > PATIENCE ? size / 4 : PATIENCE;
    }
    if (there < p->wanted && !now)
        return ERR_AGAIN;
    if (size / DEFLATE_MOST > there)
        return ERR_AGAIN;
    p->wanted = 2 * (uint64_t)there;
    return OK;
}

enum err store_pack_entry(struct store_pack *p, struct slice bytes, bool now, size_t *used)
{
    struct git_pack_entry header;
    enum err e = git_pack_entry(p->s->kind, bytes, &header);
    if (e == ERR_MALFORMED)
        return fail(p, e, "an unknown type, or a size without end");
    if (e != OK)
        return e;
    if (header.size > p->s->limits.object_bytes)
        return fail(p, ERR_LIMIT, "larger than is permitted");
    struct slice stream = slice_drop(bytes, header.header);
    e = ready(p, header.size, stream.len, now);
    if (e == OK && header.type <= GIT_TAG)
        e = take_object(p, stream, &header, used);
    else if (e == OK)
        e = take_delta(p, stream, &header, used);
    if (e == ERR_AGAIN && stream.len > stream_max(header.size))
        return fail(p, ERR_MALFORMED, "its compressed bytes are broken, or of another length");
    return e;
}
