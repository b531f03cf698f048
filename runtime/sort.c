/*
 * Merge sort over runs of a few items that insertion put in order. Only the left half of a merge is
 * copied aside, which is why n/2 items of scratch are enough. See sort.h.
 */
#include "runtime/sort.h"

#include <stdint.h>
#include <string.h>

#include "signatures/memory.h"

#define RUN 8 /* items that insertion sorts */

struct sorter {
    size_t size;
    int (*compare)(const void *a, const void *b, void *arg);
    void *arg;
    uint8_t *scratch; /* max(n/2, 1) items */
};

static void insertion(const struct sorter *s, uint8_t *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t to = i;
        while (to > 0 && s->compare(items + (to - 1) * s->size, items + i * s->size, s->arg) > 0)
            to--;
        if (to == i)
            continue;
        memcpy(s->scratch, items + i * s->size, s->size);
        memmove(items + (to + 1) * s->size, items + to * s->size, (i - to) * s->size);
        memcpy(items + to * s->size, s->scratch, s->size);
    }
}

/* Merges items[0..left) with items[left..count), both in order. */
static void merge(const struct sorter *s, uint8_t *items, size_t left, size_t count)
{
    const uint8_t *a = s->scratch, *a_end = a + left * s->size;
    const uint8_t *b = items + left * s->size, *b_end = items + count * s->size;
    uint8_t *out = items;
    if (s->compare(b - s->size, b, s->arg) <= 0)
        return; /* in order already */
    memcpy(s->scratch, items, left * s->size);
    while (a < a_end && b < b_end) {
        const uint8_t **smaller = s->compare(a, b, s->arg) <= 0 ? &a : &b;
        memcpy(out, *smaller, s->size);
        *smaller += s->size;
        out += s->size;
    }
    memcpy(out, a, (size_t)(a_end - a)); /* what is left of b is in its place */
}

/* Depth: log2(count). */
static void sort_part(const struct sorter *s, uint8_t *items, size_t count)
{
    if (count <= RUN) {
        insertion(s, items, count);
        return;
    }
    size_t left = count / 2;
    sort_part(s, items, left);
    sort_part(s, items + left * s->size, count - left);
    merge(s, items, left, count);
}

enum err sort(void *items, size_t count, size_t size,
              int (*compare)(const void *a, const void *b, void *arg), void *arg)
{
    if (count < 2 || size == 0)
        return OK;
    if (count > SIZE_MAX / size)
        return ERR_LIMIT;
    struct sorter s = {size, compare, arg, memory_alloc(count / 2 * size)};
    if (!s.scratch)
        return ERR_MEMORY;
    sort_part(&s, items, count);
    memory_free(s.scratch);
    return OK;
}
