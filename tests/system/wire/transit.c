/* See transit.h: a binary heap of indices; behind its end stand those of the free frames. */
#include "tests/system/wire/transit.h"

#include <stdlib.h>

bool transit_init(struct transit *t)
{
    *t = (struct transit){.frames = calloc(TRANSIT_MAX, sizeof *t->frames),
                          .heap = calloc(TRANSIT_MAX, sizeof *t->heap)};
    for (uint32_t i = 0; t->heap && i < TRANSIT_MAX; i++)
        t->heap[i] = i;
    return t->frames && t->heap;
}

static bool before(const struct transit *t, uint32_t i, uint32_t j)
{
    const struct frame *a = &t->frames[t->heap[i]], *b = &t->frames[t->heap[j]];
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void swap(struct transit *t, uint32_t i, uint32_t j)
{
    uint32_t other = t->heap[i];
    t->heap[i] = t->heap[j];
    t->heap[j] = other;
}

struct frame *transit_take(struct transit *t)
{
    return t->count < TRANSIT_MAX ? &t->frames[t->heap[t->count]] : NULL;
}

void transit_put(struct transit *t)
{
    uint32_t i = t->count++;
    t->frames[t->heap[i]].order = t->orders++;
    for (; i > 0 && before(t, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(t, i, (i - 1) / 2);
}

struct frame *transit_first(const struct transit *t)
{
    return t->count ? &t->frames[t->heap[0]] : NULL;
}

static void sink(struct transit *t, uint32_t i)
{
    for (;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < t->count; child++)
            if (before(t, child, least))
                least = child;
        if (least == i)
            return;
        swap(t, i, least);
        i = least;
    }
}

struct frame *transit_remove_first(struct transit *t)
{
    struct frame *first = transit_first(t);
    if (first) {
        swap(t, 0, --t->count);
        sink(t, 0);
    }
    return first;
}
