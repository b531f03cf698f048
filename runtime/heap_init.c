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

static uintptr_t pages_of(const struct heap_range *r)
{
    return end_page(r) - first_page(r);
}

/* Pages from the first to the last of all ranges but one; *low: the first. */
static uintptr_t span_without(const struct heap_range *ranges, size_t count, size_t which,
                              uintptr_t *low)
{
    uintptr_t high = 0;
    *low = UINTPTR_MAX;
    for (size_t i = 0; i < count; i++) {
        if (i != which && first_page(&ranges[i]) < *low)
            *low = first_page(&ranges[i]);
        if (i != which && end_page(&ranges[i]) > high)
            high = end_page(&ranges[i]);
    }
    return high > *low ? high - *low : 0;
}

static uintptr_t account_of(uintptr_t span)
{
    return (span * sizeof(struct heap_page) + HEAP_PAGE - 1) / HEAP_PAGE;
}

/* The shortest of those whose account takes more than they hold, or count. */
static size_t not_worth_it(const struct heap_range *ranges, size_t count)
{
    size_t found = count;
    uintptr_t low, all = account_of(span_without(ranges, count, count, &low));
    for (size_t i = 0; i < count; i++) {
        uintptr_t saved = all - account_of(span_without(ranges, count, i, &low));
        if (saved >= pages_of(&ranges[i]) &&
            (found == count || pages_of(&ranges[i]) < pages_of(&ranges[found])))
            found = i;
    }
    return found;
}

static size_t choose(const struct heap_range *from, size_t count, struct heap_range *into)
{
    memcpy(into, from, count * sizeof *into);
    for (size_t which; (which = not_worth_it(into, count)) < count;)
        into[which] = into[--count];
    return count;
}

static const struct heap_range *longest(const struct heap_range *ranges, size_t count)
{
    const struct heap_range *found = &ranges[0];
    for (size_t i = 1; i < count; i++)
        if (pages_of(&ranges[i]) > pages_of(found))
            found = &ranges[i];
    return found;
}

bool heap_init(struct heap *h, const struct heap_range *given, size_t count, uint64_t secret)
{
    struct heap_range ranges[HEAP_RANGES_MAX];
    uintptr_t low;
    *h = (struct heap){.secret = secret};
    if (count == 0 || count > HEAP_RANGES_MAX)
        return false;
    count = choose(given, count, ranges);
    uintptr_t span = span_without(ranges, count, count, &low);
    if (span == 0 || span >= UINT32_MAX)
        return false;
    const struct heap_range *home = longest(ranges, count);
    uintptr_t account = account_of(span);
    if (pages_of(home) <= account)
        return false;
    h->base = low * HEAP_PAGE;
    h->count = (uint32_t)span;
    h->pages = (struct heap_page *)(first_page(home) * HEAP_PAGE);
    memset(h->pages, 0, h->count * sizeof *h->pages);
    for (uint32_t i = 0; i < HEAP_CLASSES; i++)
        class_init(&h->classes[i], stride_of(i));
    for (size_t i = 0; i < count; i++) {
        uintptr_t first = first_page(&ranges[i]) + (&ranges[i] == home ? account : 0);
        if (end_page(&ranges[i]) > first)
            heap_run_give(h, (uint32_t)(first - low), (uint32_t)(end_page(&ranges[i]) - first));
    }
    h->stats.total = heap_unused(h);
    return true;
}
