/* Sets of paths; see history_walk.h. */
#include "lib/store/history_walk.h"

#include "signatures/memory.h"

struct set *store_set_new(uint32_t words)
{
    struct set *s = memory_zalloc(sizeof(*s) + words * sizeof(uint64_t));
    if (s != NULL)
        s->refs = 1;
    return s;
}

struct set *store_set_copy(const struct set *from, uint32_t words)
{
    struct set *s = store_set_new(words);
    if (s != NULL)
        memcpy(s->words, from->words, words * sizeof(uint64_t));
    return s;
}

void store_set_release(struct set *s)
{
    if (s != NULL && --s->refs == 0)
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
