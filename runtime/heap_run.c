/*
 * Runs of pages. A free run is known by its first and its last page, so that a run that is given
 * back finds both neighbours at once and grows together with them. Free runs hang in bins: bin i has
 * those of 2^i to 2^(i+1) - 1 pages.
 *
 * Taking looks at some runs of the bin in which one may be long enough, then takes the first of the
 * next bin that has any, where all are; only when there is none, all of the first bin.
 */
#include "runtime/heap_internal.h"

#define LOOKS 8u /* runs of a bin that are looked at before a larger one is cut */

static uint32_t bin_of(uint32_t pages)
{
    return 31u - (uint32_t)__builtin_clz(pages);
}

/* --- bins --- */

static void bin_add(struct heap *h, uint32_t first, uint32_t pages)
{
    struct heap_page *head = &h->pages[first], *last = &h->pages[first + pages - 1];
    uint32_t *bin = &h->bins[bin_of(pages)];
    last->kind = head->kind = HEAP_FREE;
    last->length = head->length = pages;
    head->prev = 0;
    head->next = *bin;
    if (*bin)
        h->pages[*bin - 1].prev = first + 1;
    *bin = first + 1;
    h->free += pages;
}

static void bin_remove(struct heap *h, uint32_t first)
{
    struct heap_page *head = &h->pages[first];
    if (head->prev)
        h->pages[head->prev - 1].next = head->next;
    else
        h->bins[bin_of(head->length)] = head->next;
    if (head->next)
        h->pages[head->next - 1].prev = head->prev;
    h->free -= head->length;
}

static uint32_t bin_find(const struct heap *h, uint32_t bin, uint32_t pages, uint32_t looks)
{
    uint32_t at = h->bins[bin];
    for (; at && looks; looks--) {
        if (h->pages[at - 1].length >= pages)
            return at - 1;
        at = h->pages[at - 1].next;
    }
    return HEAP_NO_RUN;
}

static uint32_t find(const struct heap *h, uint32_t pages)
{
    uint32_t bin = bin_of(pages);
    uint32_t first = bin_find(h, bin, pages, LOOKS);
    for (uint32_t i = bin + 1; first == HEAP_NO_RUN && i < HEAP_BINS; i++)
        first = bin_find(h, i, pages, 1);
    return first != HEAP_NO_RUN ? first : bin_find(h, bin, pages, UINT32_MAX);
}

/* --- runs --- */

static void mark(struct heap *h, uint32_t first, uint32_t pages, enum heap_kind kind)
{
    for (uint32_t i = 0; i < pages; i++)
        h->pages[first + i] = (struct heap_page){.length = i, .kind = HEAP_INSIDE};
    h->pages[first].kind = (uint8_t)kind;
    h->pages[first].length = pages;
}

uint32_t heap_run_take(struct heap *h, uint32_t pages, enum heap_kind kind)
{
    uint32_t first = find(h, pages);
    if (first == HEAP_NO_RUN)
        return first;
    uint32_t length = h->pages[first].length;
    bin_remove(h, first);
    mark(h, first, pages, kind);
    if (length > pages)
        bin_add(h, first + pages, length - pages);
    return first;
}

/* Pages that were ends and lie in the middle now are marked as such: no others have to be touched. */
void heap_run_give(struct heap *h, uint32_t first, uint32_t pages)
{
    uint32_t behind = first + pages;
    h->pages[first].kind = HEAP_INSIDE;
    if (behind < h->count && h->pages[behind].kind == HEAP_FREE) {
        bin_remove(h, behind);
        pages += h->pages[behind].length;
        h->pages[behind].kind = HEAP_INSIDE;
    }
    if (first > 0 && h->pages[first - 1].kind == HEAP_FREE) {
        uint32_t before = h->pages[first - 1].length;
        h->pages[first - 1].kind = HEAP_INSIDE;
        first -= before;
        pages += before;
        bin_remove(h, first);
    }
    bin_add(h, first, pages);
}

bool heap_run_resize(struct heap *h, uint32_t first, uint32_t pages)
{
    uint32_t before = h->pages[first].length, behind = first + before;
    if (pages > before) {
        bool free = behind < h->count && h->pages[behind].kind == HEAP_FREE;
        uint32_t there = free ? h->pages[behind].length : 0;
        if (there < pages - before)
            return false;
        bin_remove(h, behind);
        if (there > pages - before)
            bin_add(h, first + pages, there - (pages - before));
    }
    mark(h, first, pages, HEAP_LARGE);
    if (pages < before)
        heap_run_give(h, first + pages, before - pages);
    return true;
}

void heap_run_trim(struct heap *h, uint32_t first, uint32_t before, uint32_t pages)
{
    uint32_t behind = h->pages[first].length - before - pages;
    mark(h, first + before, pages, HEAP_LARGE);
    if (before)
        heap_run_give(h, first, before);
    if (behind)
        heap_run_give(h, first + before + pages, behind);
}
