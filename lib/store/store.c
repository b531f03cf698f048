/* The store as a whole, and what reads it from outside; see store.h. */
#include "lib/store/reach.h"

#include "signatures/memory.h"

#include <libdeflate.h>

const struct store_limits STORE_LIMITS_DEFAULT = {
    .pack_bytes = STORE_PACK_BYTES_MAX,
    .chain_bytes = STORE_CHAIN_BYTES_MAX,
    .work_bytes = STORE_WORK_BYTES_MAX,
    .walk_bytes = STORE_WALK_BYTES_MAX,
    .objects = STORE_OBJECTS_MAX,
    .object_bytes = STORE_OBJECT_BYTES_MAX,
    .delta_depth = STORE_DELTA_DEPTH_MAX,
    .cache_bytes = STORE_CACHE_BYTES,
};

static struct libdeflate_decompressor *open_inflater(void)
{
    const struct libdeflate_options options = {
        .sizeof_options = sizeof(options), .malloc_func = memory_alloc, .free_func = memory_free};
    return libdeflate_alloc_decompressor_ex(&options);
}

struct store *store_open(enum oid_kind kind, const struct store_limits *limits)
{
    struct store *s = memory_zalloc(sizeof(*s));
    if (s == NULL)
        return NULL;
    s->kind = kind;
    s->id_bytes = (uint32_t)oid_bytes(kind);
    s->limits = limits ? *limits : STORE_LIMITS_DEFAULT;
    if (s->limits.pack_bytes > UINT32_MAX)
        s->limits.pack_bytes = UINT32_MAX;
    if (s->limits.delta_depth > UINT16_MAX)
        s->limits.delta_depth = UINT16_MAX;
    store_cache_init(&s->cache, s->limits.cache_bytes);
    buf_init(&s->delta, s->limits.object_bytes);
    s->chain = memory_alloc((s->limits.delta_depth + 1) * sizeof(*s->chain));
    s->inflater = open_inflater();
    if (s->chain == NULL || s->inflater == NULL) {
        store_close(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->receiving != NULL)
        store_pack_drop(s->receiving);
    store_give_up(s);
    store_cache_cut(&s->cache, 0);
    store_chunk_cut(s, 0);
    memory_free(s->chunks);
    store_table_free(s);
    buf_deinit(&s->delta);
    memory_free(s->chain);
    if (s->inflater != NULL)
        libdeflate_free_decompressor(s->inflater);
    memory_free(s);
}

void store_give_up(struct store *s)
{
    store_reach_drop(s);
    store_sweep_end(s);
    store_history_drop(s);
}

enum oid_kind store_kind(const struct store *s)
{
    return s->kind;
}

struct store_stats store_stats(const struct store *s)
{
    struct store_stats stats = s->stats;
    stats.objects = s->visible;
    stats.cached_bytes = s->cache.bytes;
    return stats;
}

bool store_has(const struct store *s, const struct oid *id)
{
    return store_find(s, id) != NO_ENTRY;
}

enum err store_read(struct store *s, const struct oid *id, struct store_object *into)
{
    uint32_t number = store_find(s, id);
    if (number == NO_ENTRY)
        return ERR_NOT_FOUND;
    struct content *content = NULL;
    enum err e = store_load(s, number, &content);
    store_cache_trim(&s->cache);
    if (e != OK)
        return e;
    into->type = (enum git_type)s->entries[number].type;
    into->content = store_content_slice(content);
    into->owned = content;
    return OK;
}

enum err store_read_as(struct store *s, const struct oid *id, enum git_type type,
                       struct store_object *into)
{
    uint32_t number = store_find(s, id);
    if (number == NO_ENTRY)
        return ERR_NOT_FOUND;
    return s->entries[number].type == type ? store_read(s, id, into) : ERR_MALFORMED;
}

void store_release(struct store_object *o)
{
    store_content_release(o->owned);
    *o = (struct store_object){.type = GIT_NONE};
}
