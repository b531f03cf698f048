/* Sets of paths; see history_walk.h. */
#include "lib/store/history_walk.h"

#include "signatures/memory.h"

static size_t bytes_of(const struct sets *all)
{
    return sizeof(struct set) + all->words * sizeof(uint64_t);
}

struct set *store_set_new(struct sets *all)
{
    size_t bytes = bytes_of(all);
    all->refused = all->bytes + bytes > HISTORY_SETS_MAX;
    struct set *s = all->refused ? NULL : memory_zalloc(bytes);
    if (s == NULL)
        return NULL;
    s->refs = 1;
    all->bytes += bytes;
    return s;
}

struct set *store_set_copy(struct sets *all, const struct set *from)
{
    struct set *s = store_set_new(all);
    if (s != NULL)
        memcpy(s->words, from->words, all->words * sizeof(uint64_t));
    return s;
}

void store_set_release(struct sets *all, struct set *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    all->bytes -= bytes_of(all);
    memory_free(s);
}

bool store_set_empty(const uint64_t *set, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++) {
        if (set[i] != 0)
            return false;
    }
    return true;
}

bool store_set_touches(const uint64_t *set, uint32_t first, uint32_t end)
{
    if (first >= end)
        return false;
    uint32_t low = first / 64;
    uint32_t high = (end - 1) / 64;
    uint64_t low_mask = ~UINT64_C(0) << first % 64;
    uint64_t high_mask = ~UINT64_C(0) >> (63 - (end - 1) % 64);
    if (low == high)
        return (set[low] & low_mask & high_mask) != 0;
    return (set[low] & low_mask) != 0 || (set[high] & high_mask) != 0 ||
           !store_set_empty(set + low + 1, high - low - 1);
}
