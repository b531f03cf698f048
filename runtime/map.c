/*
 * Open addressing with linear probing, at most three quarters full. Removing shifts the followers
 * back instead of leaving tombstones, so that lookups stay short for ever. See map.h.
 */
#include "runtime/map.h"

#include "signatures/memory.h"

#define FIRST_CAP ((size_t)16)
#define CAP_MAX   ((size_t)1 << 30) /* slots; hashes have 32 bits */

void map_init(struct map *m, struct sipkey secret)
{
    *m = (struct map){.secret = secret};
}

void map_deinit(struct map *m)
{
    memory_free(m->slots);
    map_init(m, m->secret);
}

static uint32_t hash_of(const struct map *m, struct slice key)
{
    return (uint32_t)siphash(m->secret, key);
}

/* The slot that holds key, or the empty one where it would go. There is always an empty one. */
static size_t probe(const struct map *m, struct slice key, uint32_t hash)
{
    size_t at = hash & (m->cap - 1);
    while (m->slots[at].value) {
        const struct map_entry *e = &m->slots[at];
        if (e->hash == hash && slice_equal(e->key, key))
            break;
        at = (at + 1) & (m->cap - 1);
    }
    return at;
}

void *map_get(const struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    return m->slots[probe(m, key, hash_of(m, key))].value;
}

static enum err grow(struct map *m)
{
    size_t cap = m->cap ? m->cap * 2 : FIRST_CAP;
    if (cap > CAP_MAX)
        return ERR_LIMIT;
    struct map_entry *slots = memory_zalloc(cap * sizeof *slots);
    if (!slots)
        return ERR_MEMORY;
    struct map_entry *old = m->slots;
    size_t old_cap = m->cap;
    m->slots = slots;
    m->cap = cap;
    for (size_t i = 0; i < old_cap; i++) {
        if (!old[i].value)
            continue;
        size_t at = old[i].hash & (cap - 1);
        while (slots[at].value)
            at = (at + 1) & (cap - 1);
        slots[at] = old[i];
    }
    memory_free(old);
    return OK;
}

enum err map_put(struct map *m, struct slice key, void *value)
{
    uint32_t hash = hash_of(m, key);
    if (m->count) {
        struct map_entry *e = &m->slots[probe(m, key, hash)];
        if (e->value) {
            *e = (struct map_entry){key, value, hash};
            return OK;
        }
    }
    if (m->count >= m->cap - m->cap / 4) {
        enum err e = grow(m);
        if (e)
            return e;
    }
    m->slots[probe(m, key, hash)] = (struct map_entry){key, value, hash};
    m->count++;
    return OK;
}

/* Fills the hole with the next entry that may move there, and so on to the end of the run. An entry
 * may move unless its home lies (cyclically) behind the hole and not behind the entry. */
static void close_hole(struct map *m, size_t hole)
{
    size_t mask = m->cap - 1;
    for (size_t at = (hole + 1) & mask; m->slots[at].value; at = (at + 1) & mask) {
        size_t home = m->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        m->slots[hole] = m->slots[at];
        hole = at;
    }
    m->slots[hole] = (struct map_entry){0};
}

void *map_remove(struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    size_t at = probe(m, key, hash_of(m, key));
    void *value = m->slots[at].value;
    if (!value)
        return NULL;
    close_hole(m, at);
    m->count--;
    return value;
}

struct map_entry *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        struct map_entry *e = &m->slots[(*at)++];
        if (e->value)
            return e;
    }
    return NULL;
}
