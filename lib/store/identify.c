/*
 * From an object's content to its id, and what must be true of an object before it is taken.
 */
#include "lib/store/ingest.h"

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
