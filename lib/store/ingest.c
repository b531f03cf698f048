/*
 * A pack coming in as a stream.
 *
 * Its bytes are put at the end of the last chunk, and stay there: they are the storage. An entry
 * lies in one chunk as a whole: where a chunk ends before its entry does, the entry's bytes so far
 * move to the next chunk.
 *
 * The inflater wants a whole zlib stream, and nothing says how long that is. So it is tried when as
 * many bytes are there as an object of this size can take at most (often the end is far before),
 * when twice as many are there as at the last trial, and when no more will come. What a trial costs
 * is thereby never more than twice the bytes that came, however odd the stream is.
 */
#include "lib/store/ingest.h"

#include "lib/git/delta.h"
#include "lib/git/pack.h"
#include "runtime/format.h"
#include "signatures/memory.h"

#define CHUNK_FIRST  (4u << 10)
#define CHUNK_BYTES  (1u << 20)
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

static enum err push(struct numbers *list, uint32_t number)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity + list->capacity / 2 + 64;
        uint32_t *items = memory_resize(list->items, capacity * sizeof(*items));
        if (items == NULL)
            return ERR_MEMORY;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = number;
    return OK;
}

static uint32_t parsed(const struct store_pack *p)
{
    return p->offsets.count;
}

/* --- errors --------------------------------------------------------------------------------- */

enum err store_pack_fail(struct store_pack *p, uint32_t number, enum err e, const char *why)
{
    if (p->err != OK)
        return p->err;
    p->err = e;
    uint32_t index = number == NO_ENTRY ? parsed(p) : number - p->first;
    uint32_t at = index < parsed(p) ? p->offsets.items[index] : p->at;
    bool entry = index < parsed(p) || p->part == PACK_ENTRIES;
    if (e == ERR_MEMORY)
        why = "no memory for it";
    if (entry)
        format_text(p->why, sizeof(p->why), "object %u of %u (at byte %u of the pack): %s",
                    index + 1, p->announced, at, why);
    else
        format_text(p->why, sizeof(p->why), "the pack: %s", why);
    return e;
}

static enum err fail(struct store_pack *p, enum err e, const char *why)
{
    return store_pack_fail(p, NO_ENTRY, e, why);
}

/* --- entries -------------------------------------------------------------------------------- */

enum err store_pack_chain(struct store_pack *p, uint32_t number)
{
    struct store *s = p->s;
    struct entry *e = &s->entries[number];
    uint32_t weight = store_weight(e->size);
    if (e->flags & ENTRY_DELTA) {
        const struct entry *base = &s->entries[e->base];
        if (base->depth >= s->limits.delta_depth)
            return store_pack_fail(p, number, ERR_LIMIT, "a delta on too many deltas");
        e->depth = (uint16_t)(base->depth + 1);
        weight += base->weight;
    }
    e->weight = weight;
    if ((uint64_t)weight << 16 > s->limits.chain_bytes)
        return store_pack_fail(p, number, ERR_LIMIT, "its deltas' bases are too large together");
    return OK;
}

/* The same id must mean the same bytes: an entry that differs would stand for the one before. */
static enum err compare(struct store_pack *p, uint32_t number, uint32_t twin,
                        const struct content *content)
{
    struct store *s = p->s;
    struct content *other = NULL;
    enum err e = store_load(s, twin, &other);
    if (e != OK)
        return store_pack_fail(p, number, e, "its twin cannot be read");
    bool same = s->entries[twin].type == s->entries[number].type &&
                slice_equal(store_content_slice(other), store_content_slice(content));
    store_content_release(other);
    return same ? OK : store_pack_fail(p, number, ERR_MISMATCH, "another object has its id");
}

static enum err name(struct store_pack *p, uint32_t number, const struct content *content)
{
    struct store *s = p->s;
    struct oid id;
    enum git_type type = (enum git_type)s->entries[number].type;
    if (!git_object_id(s->kind, type, store_content_slice(content), &id))
        return store_pack_fail(p, number, ERR_MISMATCH, "made for an attack on SHA-1");
    uint32_t twin;
    enum err e = store_table_name(s, number, &id, &twin);
    if (e == ERR_EXISTS)
        return compare(p, number, twin, content);
    return e == OK ? OK : store_pack_fail(p, number, e, "");
}

enum err store_pack_resolved(struct store_pack *p, uint32_t number, struct content *content)
{
    struct store *s = p->s;
    if (s->entries[number].flags & ENTRY_DELTA)
        s->entries[number].type = s->entries[s->entries[number].base].type;
    if (s->stats.inflated_bytes - p->work > s->limits.work_bytes)
        return store_pack_fail(p, number, ERR_LIMIT, "the pack inflates to more than is permitted");
    enum err e = name(p, number, content);
    if (e != OK)
        return e;
    p->resolved++;
    store_cache_put(&s->cache, number, content);
    return OK;
}

/* Puts the entry that was just read, with so many bytes, into the table. */
static enum err add(struct store_pack *p, struct entry *e, size_t used, uint32_t *number)
{
    struct store *s = p->s;
    e->chunk = s->chunk_count - 1;
    e->offset = p->pos;
    e->packed = (uint32_t)used;
    enum err err = store_table_add(s, e, p->announced - parsed(p), number);
    if (err == OK)
        err = push(&p->offsets, p->at);
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
    uint32_t high = parsed(p);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->offsets.items[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < parsed(p) && p->offsets.items[low] == wanted;
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
    if (under == NULL)
        return push(&p->pending, number) == OK ? OK : store_pack_fail(p, number, ERR_MEMORY, "");
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

/* now: try with what is there, since no more will come, or none has room in this chunk. */
static enum err take_entry(struct store_pack *p, struct slice bytes, bool now, size_t *used)
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

/* --- the pack ------------------------------------------------------------------------------- */

static enum err take_header(struct store_pack *p, struct slice bytes, size_t *used)
{
    struct store *s = p->s;
    if (bytes.len < GIT_PACK_HEADER_BYTES)
        return ERR_AGAIN;
    enum err e = git_pack_header(slice_take(bytes, GIT_PACK_HEADER_BYTES), &p->announced);
    if (e != OK)
        return fail(p, e, "it does not begin like one of version 2 or 3");
    if (p->announced > s->limits.objects - s->visible)
        return fail(p, ERR_LIMIT, "more objects than are permitted");
    *used = GIT_PACK_HEADER_BYTES;
    return OK;
}

static enum err take_trailer(struct store_pack *p, struct slice bytes, size_t *used)
{
    struct oid said;
    struct oid hashed;
    size_t length = p->s->id_bytes;
    if (bytes.len < length)
        return ERR_AGAIN;
    bool sound = oid_from_raw(p->s->kind, slice_take(bytes, length), &said);
    sound = git_hash_final(&p->hash, &hashed) && sound;
    if (!sound || !oid_equal(&said, &hashed))
        return fail(p, ERR_MISMATCH, "its bytes are not those that its checksum was made of");
    *used = length;
    return OK;
}

/* Takes one part off the bytes that are there. ERR_AGAIN: they are too few. */
static enum err take(struct store_pack *p, struct slice bytes, bool now, size_t *used)
{
    switch (p->part) {
    case PACK_HEADER:
        return take_header(p, bytes, used);
    case PACK_ENTRIES:
        return take_entry(p, bytes, now, used);
    case PACK_TRAILER:
        return take_trailer(p, bytes, used);
    case PACK_WHOLE:
        break;
    }
    return bytes.len == 0 ? ERR_AGAIN : fail(p, ERR_MALFORMED, "bytes follow after its end");
}

static void next_part(struct store_pack *p)
{
    if (p->part == PACK_HEADER)
        p->part = PACK_ENTRIES;
    else if (p->part == PACK_TRAILER)
        p->part = PACK_WHOLE;
    if (p->part == PACK_ENTRIES && parsed(p) == p->announced)
        p->part = PACK_TRAILER;
}

/* Takes whatever is whole. */
static enum err advance(struct store_pack *p, bool now)
{
    for (;;) {
        const struct chunk *c = p->s->chunks[p->s->chunk_count - 1];
        struct slice bytes = slice_of(c->bytes + p->pos, c->used - p->pos);
        size_t used = 0;
        enum err e = take(p, bytes, now, &used);
        if (e != OK)
            return e == ERR_AGAIN ? OK : e;
        if (p->part != PACK_TRAILER)
            git_hash_update(&p->hash, slice_take(bytes, used));
        p->pos += (uint32_t)used;
        p->at += (uint32_t)used;
        p->wanted = 0;
        next_part(p);
    }
}

static uint32_t chunk_size(const struct store_pack *p, uint32_t rest)
{
    uint64_t size = p->received < CHUNK_FIRST ? CHUNK_FIRST : p->received;
    if (size > CHUNK_BYTES)
        size = CHUNK_BYTES;
    if (size < 2 * (uint64_t)rest)
        size = 2 * (uint64_t)rest;
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* The last chunk is full: a new one takes what is not whole yet, and the old one's rest goes back;
 * or, where there is nothing else in it, it grows. */
static enum err make_room(struct store_pack *p)
{
    struct store *s = p->s;
    uint32_t last = s->chunk_count - 1;
    uint32_t rest = s->chunks[last]->used - p->pos;
    if (p->pos == 0 && rest > 0)
        return store_chunk_resize(s, last, chunk_size(p, rest));
    enum err e = store_chunk_add(s, chunk_size(p, rest));
    if (e != OK)
        return e;
    struct chunk *old = s->chunks[last];
    memcpy(s->chunks[last + 1]->bytes, old->bytes + p->pos, rest);
    s->chunks[last + 1]->used = rest;
    old->used = p->pos;
    p->pos = 0;
    return store_chunk_resize(s, last, old->used);
}

static enum err append(struct store_pack *p, struct slice *bytes)
{
    struct chunk *c = p->s->chunks[p->s->chunk_count - 1];
    if (c->used == c->cap) {
        if (make_room(p) != OK)
            return fail(p, ERR_MEMORY, "");
        c = p->s->chunks[p->s->chunk_count - 1];
    }
    struct slice part = slice_take(*bytes, c->cap - c->used);
    memcpy(c->bytes + c->used, part.ptr, part.len);
    c->used += (uint32_t)part.len;
    p->received += part.len;
    *bytes = slice_drop(*bytes, part.len);
    return advance(p, c->used == c->cap);
}

enum err store_pack_feed(struct store_pack *p, struct slice bytes)
{
    uint64_t held = p->s->stats.pack_bytes + p->received;
    uint64_t most = p->s->limits.pack_bytes;
    if (p->err == OK && (held > most || bytes.len > most - held))
        fail(p, ERR_LIMIT, "more bytes than are permitted");
    while (p->err == OK && bytes.len > 0)
        append(p, &bytes);
    return p->err;
}

enum err store_pack_begin(struct store *s, struct store_pack **into)
{
    if (s->receiving != NULL)
        return ERR_FULL;
    struct store_pack *p = memory_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_MEMORY;
    if (store_chunk_add(s, CHUNK_FIRST) != OK) {
        memory_free(p);
        return ERR_MEMORY;
    }
    p->s = s;
    p->first = s->count;
    p->first_chunk = s->chunk_count - 1;
    p->work = s->stats.inflated_bytes;
    git_hash_init(&p->hash, s->kind);
    s->receiving = p;
    *into = p;
    return OK;
}

static void release(struct store_pack *p)
{
    store_trim(p->s);
    store_cache_trim(&p->s->cache);
    p->s->receiving = NULL;
    memory_free(p->offsets.items);
    memory_free(p->pending.items);
    memory_free(p);
}

void store_pack_drop(struct store_pack *p)
{
    struct store *s = p->s;
    store_cache_cut(&s->cache, p->first);
    store_table_cut(s, p->first);
    store_chunk_cut(s, p->first_chunk);
    release(p);
}

/* From here on the objects are the store's. */
static void keep(struct store_pack *p)
{
    struct store *s = p->s;
    uint32_t last = s->chunk_count - 1;
    store_chunk_resize(s, last, s->chunks[last]->used); /* smaller; if not, no harm */
    store_flatten(s, p->first);
    for (uint32_t i = p->first_chunk; i < s->chunk_count; i++)
        s->stats.pack_bytes += s->chunks[i]->used;
    s->fresh_bytes += p->received;
    s->visible = s->count;
    s->stats.packs++;
    release(p);
}

enum err store_pack_end(struct store_pack *p, struct buf *error)
{
    if (p->err == OK)
        advance(p, true);
    if (p->err == OK && p->part != PACK_WHOLE)
        fail(p, ERR_MALFORMED,
             p->part == PACK_ENTRIES ? "its compressed bytes are broken, or the pack ends in them"
                                     : "it ends before its end");
    if (p->err == OK)
        store_pack_resolve(p);
    enum err e = p->err;
    if (e == OK) {
        keep(p);
        return OK;
    }
    if (error != NULL)
        buf_text(error, p->why);
    p->s->stats.refused++;
    store_pack_drop(p);
    return e;
}

struct store_progress store_pack_progress(const struct store_pack *p)
{
    return (struct store_progress){p->announced, parsed(p), p->resolved, p->received};
}
