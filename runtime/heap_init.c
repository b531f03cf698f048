/* See heap.h: how a heap begins. */
#include "runtime/heap_internal.h"

#include <string.h>

#define ALIGNMENT  16u
#define SPAN_PAGES 16u /* at most */

_Static_assert(sizeof(struct heap_page) == 20, "heap.h says what the account costs");

/* Classes are four to each doubling, each 16 bytes more than a round number, so that a block of a
 * round number of bytes fits together with its guard: 32, 48, 64, 80, 96, 112, 128, 144, 176, 208,
 * 240, 272, 336 and so on. */
static uint32_t stride_of(uint32_t class)
{
    uint32_t steps = class + 1;
    uint32_t shift = steps < 8 ? 0 : steps / 4 - 1;
    uint32_t quarters = steps < 8 ? steps : 4 + steps % 4;
    return (quarters << shift) * ALIGNMENT + ALIGNMENT;
}

/* A span is as long as is needed to waste no more than an eighth at its end. */
static void class_init(struct heap_class *c, uint32_t stride)
{
    uint32_t pages = (stride + (uint32_t)HEAP_PAGE - 1) / (uint32_t)HEAP_PAGE;
    while (pages < SPAN_PAGES && pages * HEAP_PAGE % stride > pages * HEAP_PAGE / 8)
        pages++;
    c->stride = stride;
    c->inverse = (uint32_t)((((uint64_t)1 << 32) + stride - 1) / stride);
    c->pages = (uint16_t)pages;
    c->blocks = (uint16_t)(pages * HEAP_PAGE / stride);
}

/* Whole pages of a range, by their numbers from address 0. */
static uintptr_t first_page(const struct heap_range *r)
{
    return r->start / HEAP_PAGE + (r->start % HEAP_PAGE != 0);
}

static uintptr_t end_page(const struct heap_range *r)
{
    uintptr_t end = (r->start + r->size) / HEAP_PAGE;
    return end > first_page(r) ? end : first_page(r);
}

static bool span_of_all(const struct heap_range *ranges, size_t count, uintptr_t *low,
                        uintptr_t *high)
{
    *low = UINTPTR_MAX;
    *high = 0;
    for (size_t i = 0; i < count; i++) {
        if (first_page(&ranges[i]) < *low)
            *low = first_page(&ranges[i]);
        if (end_page(&ranges[i]) > *high)
            *high = end_page(&ranges[i]);
    }
    return *high > *low && *high - *low < UINT32_MAX;
}

static const struct heap_range *longest(const struct heap_range *ranges, size_t count)
{
    const struct heap_range *found = &ranges[0];
    for (size_t i = 1; i < count; i++)
        if (end_page(&ranges[i]) - first_page(&ranges[i]) > end_page(found) - first_page(found))
            found = &ranges[i];
    return found;
}

bool heap_init(struct heap *h, const struct heap_range *ranges, size_t count, uint64_t secret)
{
    uintptr_t low, high;
    *h = (struct heap){.secret = secret};
    if (count == 0 || count > HEAP_RANGES_MAX || !span_of_all(ranges, count, &low, &high))
        return false;
    const struct heap_range *home = longest(ranges, count);
    uintptr_t account = ((high - low) * sizeof(struct heap_page) + HEAP_PAGE - 1) / HEAP_PAGE;
    if (end_page(home) - first_page(home) <= account)
        return false;
    h->base = low * HEAP_PAGE;
    h->count = (uint32_t)(high - low);
    h->pages = (struct heap_page *)(first_page(home) * HEAP_PAGE);
    memset(h->pages, 0, h->count * sizeof *h->pages);
    for (uint32_t i = 0; i < HEAP_CLASSES; i++)
        class_init(&h->classes[i], stride_of(i));
    for (size_t i = 0; i < count; i++) {
        uintptr_t first = first_page(&ranges[i]) + (&ranges[i] == home ? account : 0);
        if (end_page(&ranges[i]) > first)
            heap_run_give(h, (uint32_t)(first - low), (uint32_t)(end_page(&ranges[i]) - first));
    }
    return true;
}
