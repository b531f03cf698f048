/*
 * A pack coming in as a stream.
 *
 * Its bytes are put at the end of the last chunk, and stay there: they are the storage. An entry
 * lies in one chunk as a whole: where a chunk ends before its entry does, the entry's bytes so far
 * move to the next chunk.
 */
#include "lib/store/ingest.h"

#include "lib/git/pack.h"
#include "runtime/format.h"
#include "signatures/memory.h"

#define CHUNK_FIRST (4u << 10)
#define CHUNK_BYTES (1u << 20)

/* --- errors --------------------------------------------------------------------------------- */

enum err store_pack_fail(struct store_pack *p, uint32_t number, enum err e, const char *why)
{
    if (p->err != OK)
        return p->err;
    p->err = e;
    uint32_t index = number == NO_ENTRY ? store_pack_parsed(p) : number - p->first;
    uint32_t at = index < store_pack_parsed(p) ? p->offsets.items[index] : p->at;
    bool entry = index < store_pack_parsed(p) || p->part == PACK_ENTRIES;
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
        return store_pack_entry(p, bytes, now, used);
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
    if (p->part == PACK_ENTRIES && store_pack_parsed(p) == p->announced)
        p->part = PACK_TRAILER;
}

/* Takes whatever is whole. ERR_AGAIN: the turn is over before that. */
static enum err advance(struct store_pack *p, bool now)
{
    while (!store_turn_over(p->s)) {
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
    return ERR_AGAIN;
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

static bool last_is_full(const struct store_pack *p)
{
    const struct chunk *c = p->s->chunks[p->s->chunk_count - 1];
    return c->used == c->cap;
}

/* What an earlier turn left, then these bytes; what this one leaves is kept. */
static enum err take_in(struct store_pack *p, struct slice bytes)
{
    struct slice ahead = slice_drop(buf_slice(&p->ahead), p->ahead_at);
    enum err e = p->behind ? advance(p, last_is_full(p)) : OK;
    while (e == OK && ahead.len > 0)
        e = append(p, &ahead);
    while (e == OK && bytes.len > 0)
        e = append(p, &bytes);
    p->ahead_at = p->ahead.len - ahead.len;
    if (ahead.len == 0) {
        buf_clear(&p->ahead);
        p->ahead_at = 0;
    }
    p->behind = e == ERR_AGAIN;
    if (e == ERR_AGAIN)
        buf_put(&p->ahead, bytes);
    return p->ahead.err == OK ? e : fail(p, ERR_MEMORY, "");
}

enum err store_pack_feed(struct store_pack *p, struct slice bytes)
{
    uint64_t held = p->s->stats.pack_bytes + p->received + p->ahead.len - p->ahead_at;
    uint64_t most = p->s->limits.pack_bytes;
    if (bytes.len == 0)
        store_turn_begin(p->s);
    if (p->err == OK && (held > most || bytes.len > most - held))
        fail(p, ERR_LIMIT, "more bytes than are permitted");
    return p->err == OK ? take_in(p, bytes) : p->err;
}

enum err store_pack_begin(struct store *s, struct store_pack **into)
{
    if (s->receiving != NULL)
        return ERR_FULL;
    struct store_pack *p = memory_zalloc(sizeof(*p));
    if (p == NULL)
        return ERR_MEMORY;
    store_give_up(s);
    if (store_chunk_add(s, CHUNK_FIRST) != OK) {
        memory_free(p);
        return ERR_MEMORY;
    }
    p->s = s;
    p->first = s->count;
    p->first_chunk = s->chunk_count - 1;
    p->work = s->stats.inflated_bytes;
    p->flattened = s->count;
    buf_init(&p->ahead, s->limits.pack_bytes);
    git_hash_init(&p->hash, s->kind);
    store_turn_begin(s);
    s->receiving = p;
    *into = p;
    return OK;
}

static void release(struct store_pack *p)
{
    store_trim(p->s);
    store_cache_trim(&p->s->cache);
    p->s->receiving = NULL;
    store_pack_resolve_drop(p);
    buf_deinit(&p->ahead);
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
    for (uint32_t i = p->first_chunk; i < s->chunk_count; i++)
        s->stats.pack_bytes += s->chunks[i]->used;
    s->fresh_bytes += p->received;
    s->visible = s->count;
    s->stats.packs++;
    release(p);
}

/* The last bytes, of which no more will come. */
static enum err take_last(struct store_pack *p)
{
    struct store *s = p->s;
    enum err e = take_in(p, slice_of(NULL, 0));
    if (e == OK)
        e = advance(p, true);
    if (e == OK && p->part != PACK_WHOLE)
        e = fail(p, ERR_MALFORMED,
                 p->part == PACK_ENTRIES
                     ? "its compressed bytes are broken, or the pack ends in them"
                     : "it ends before its end");
    uint32_t last = s->chunk_count - 1;
    if (e == OK)
        store_chunk_resize(s, last, s->chunks[last]->used); /* smaller; if not, no harm */
    return e;
}

static enum err flatten(struct store_pack *p)
{
    enum err e = store_flatten(p->s, &p->flattened);
    if (p->s->stats.inflated_bytes - p->work > p->s->limits.work_bytes)
        return fail(p, ERR_LIMIT, "it inflates to more than is permitted");
    return e;
}

enum err store_pack_end(struct store_pack *p, struct buf *error)
{
    store_turn_begin(p->s);
    enum err e = p->err;
    if (e == OK && p->resolver == NULL)
        e = take_last(p);
    if (e == OK)
        e = store_pack_resolve(p);
    if (e == OK)
        e = flatten(p);
    if (e == OK)
        keep(p);
    if (e == OK || e == ERR_AGAIN)
        return e;
    if (error != NULL)
        buf_text(error, p->why);
    p->s->stats.refused++;
    store_pack_drop(p);
    return e;
}

struct store_progress store_pack_progress(const struct store_pack *p)
{
    return (struct store_progress){p->announced, store_pack_parsed(p), p->resolved, p->received};
}
