/* See heap.h: blocks, large and small. */
#include "runtime/heap_internal.h"

#include <string.h>

#include "runtime/panic.h"

#define GUARD sizeof(uint64_t)

/* --- classes --- */

/* The smallest class whose blocks hold so many bytes; HEAP_CLASSES: none does. */
static uint32_t class_of(const struct heap *h, size_t size)
{
    uint32_t low = 0, high = HEAP_CLASSES;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (h->classes[middle].stride - GUARD < size)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- guards --- */

static uint64_t *guard_at(uintptr_t block, uint32_t stride)
{
    return (uint64_t *)(block + stride - GUARD);
}

static uint64_t guard_used(const struct heap *h, uintptr_t block)
{
    return h->secret ^ block * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t guard_free(const struct heap *h, uintptr_t block)
{
    return ~guard_used(h, block);
}

static void check_used(const struct heap *h, uintptr_t block, uint32_t stride)
{
    uint64_t guard = *guard_at(block, stride);
    if (guard == guard_used(h, block))
        return;
    panic(guard == guard_free(h, block) ? "a block of memory is given back twice"
                                        : "a block of memory was written beyond its end");
}

/* --- spans --- */

static void span_link(struct heap *h, struct heap_class *c, uint32_t first)
{
    struct heap_page *span = &h->pages[first];
    span->prev = 0;
    span->next = c->spans;
    if (c->spans)
        h->pages[c->spans - 1].prev = first + 1;
    c->spans = first + 1;
}

static void span_unlink(struct heap *h, struct heap_class *c, uint32_t first)
{
    struct heap_page *span = &h->pages[first];
    if (span->prev)
        h->pages[span->prev - 1].next = span->next;
    else
        c->spans = span->next;
    if (span->next)
        h->pages[span->next - 1].prev = span->prev;
    span->prev = span->next = 0;
}

static bool span_new(struct heap *h, uint32_t class)
{
    struct heap_class *c = &h->classes[class];
    uint32_t first = heap_run_take(h, c->pages, HEAP_SPAN);
    if (first == HEAP_NO_RUN)
        return false;
    h->pages[first].length = 0;
    h->pages[first].class = (uint8_t) class;
    h->pages[first].fresh = c->blocks;
    span_link(h, c, first);
    return true;
}

/* A block that was given back holds the number of the one that was before it. */
static uintptr_t span_reuse(struct heap *h, struct heap_class *c, uint32_t first)
{
    struct heap_page *span = &h->pages[first];
    uintptr_t block = heap_address(h, first) + (uintptr_t)(span->length - 1) * c->stride;
    uint32_t next = *(const uint32_t *)block;
    if (*guard_at(block, c->stride) != guard_free(h, block) || next > c->blocks)
        panic("a block of memory was written after it was given back");
    span->length = next;
    return block;
}

static void *small_alloc(struct heap *h, uint32_t class)
{
    struct heap_class *c = &h->classes[class];
    if (!c->spans && !span_new(h, class))
        return NULL;
    uint32_t first = c->spans - 1;
    struct heap_page *span = &h->pages[first];
    uintptr_t block =
        span->length ? span_reuse(h, c, first)
                     : heap_address(h, first) + (uintptr_t)(c->blocks - span->fresh--) * c->stride;
    if (++span->used == c->blocks)
        span_unlink(h, c, first);
    *guard_at(block, c->stride) = guard_used(h, block);
    return (void *)block;
}

static void small_free(struct heap *h, uint32_t first, uintptr_t block)
{
    struct heap_page *span = &h->pages[first];
    struct heap_class *c = &h->classes[span->class];
    check_used(h, block, c->stride);
    if (span->used == c->blocks)
        span_link(h, c, first);
    if (--span->used == 0) {
        span_unlink(h, c, first);
        heap_run_give(h, first, c->pages);
        return;
    }
    *guard_at(block, c->stride) = guard_free(h, block);
    *(uint32_t *)block = span->length;
    span->length = (uint32_t)((block - heap_address(h, first)) / c->stride) + 1;
}

/* --- which block is it? --- */

/* The first page of the run that the block is in. */
static uint32_t page_of(const struct heap *h, uintptr_t block)
{
    uint32_t page = (uint32_t)((block - h->base) / HEAP_PAGE);
    if (block < h->base || (block - h->base) / HEAP_PAGE >= h->count)
        panic("not a block of memory");
    if (h->pages[page].kind == HEAP_INSIDE)
        page -= h->pages[page].length;
    return page;
}

static void check_start(const struct heap *h, uint32_t first, uintptr_t block)
{
    const struct heap_page *p = &h->pages[first];
    uint64_t offset = block - heap_address(h, first);
    if (p->kind == HEAP_LARGE && offset == 0)
        return;
    if (p->kind == HEAP_SPAN) {
        const struct heap_class *c = &h->classes[p->class];
        uint64_t number = offset * c->inverse >> 32;
        if (number * c->stride == offset && number < (uint64_t)c->blocks - p->fresh)
            return;
    }
    panic("not a block of memory");
}

size_t heap_size(const struct heap *h, const void *block)
{
    const struct heap_page *p = &h->pages[page_of(h, (uintptr_t)block)];
    return p->kind == HEAP_SPAN ? h->classes[p->class].stride - GUARD : p->length * HEAP_PAGE;
}

/* --- blocks --- */

static void *counted(struct heap *h, void *block)
{
    if (!block) {
        h->stats.refused++;
        return NULL;
    }
    h->stats.blocks++;
    h->stats.bytes += heap_size(h, block);
    if (h->stats.bytes > h->stats.peak)
        h->stats.peak = h->stats.bytes;
    return block;
}

static void *large_alloc(struct heap *h, size_t pages)
{
    uint32_t first = pages > h->count ? HEAP_NO_RUN : heap_run_take(h, (uint32_t)pages, HEAP_LARGE);
    return first == HEAP_NO_RUN ? NULL : (void *)heap_address(h, first);
}

static size_t pages_for(size_t size)
{
    return size / HEAP_PAGE + (size % HEAP_PAGE != 0);
}

void *heap_alloc(struct heap *h, size_t size)
{
    uint32_t class = class_of(h, size);
    return counted(h,
                   class < HEAP_CLASSES ? small_alloc(h, class) : large_alloc(h, pages_for(size)));
}

void heap_free(struct heap *h, void *block)
{
    if (!block)
        return;
    uint32_t first = page_of(h, (uintptr_t)block);
    check_start(h, first, (uintptr_t)block);
    h->stats.blocks--;
    h->stats.bytes -= heap_size(h, block);
    if (h->pages[first].kind == HEAP_SPAN)
        small_free(h, first, (uintptr_t)block);
    else
        heap_run_give(h, first, h->pages[first].length);
}

static bool resize_in_place(struct heap *h, void *block, size_t size)
{
    uint32_t first = page_of(h, (uintptr_t)block);
    size_t before = heap_size(h, block), pages = pages_for(size);
    check_start(h, first, (uintptr_t)block);
    if (h->pages[first].kind == HEAP_SPAN)
        return size <= before && size > before / 2;
    if (class_of(h, size) < HEAP_CLASSES || pages > h->count ||
        !heap_run_resize(h, first, (uint32_t)pages))
        return false;
    h->stats.bytes = h->stats.bytes - before + pages * HEAP_PAGE;
    if (h->stats.bytes > h->stats.peak)
        h->stats.peak = h->stats.bytes;
    return true;
}

void *heap_resize(struct heap *h, void *block, size_t size)
{
    if (!block)
        return heap_alloc(h, size);
    if (resize_in_place(h, block, size))
        return block;
    size_t before = heap_size(h, block);
    void *moved = heap_alloc(h, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, size < before ? size : before);
    heap_free(h, block);
    return moved;
}

/* Takes more than is needed and gives back what is before and behind. */
void *heap_pages(struct heap *h, size_t pages, size_t alignment)
{
    size_t most = pages + alignment - 1;
    if (pages == 0 || most < pages || most > h->count)
        return counted(h, NULL);
    uint32_t first = heap_run_take(h, (uint32_t)most, HEAP_LARGE);
    if (first == HEAP_NO_RUN)
        return counted(h, NULL);
    uintptr_t number = heap_address(h, first) / HEAP_PAGE;
    uint32_t before = (uint32_t)(-number & (alignment - 1));
    heap_run_trim(h, first, before, (uint32_t)pages);
    return counted(h, (void *)heap_address(h, first + before));
}

struct memory_stats heap_stats(const struct heap *h)
{
    return h->stats;
}

size_t heap_unused(const struct heap *h)
{
    return h->free * HEAP_PAGE;
}

/* --- looking at everything --- */

static void check_block(const struct heap *h, uintptr_t block, uint32_t stride, uint32_t *used)
{
    uint64_t guard = *guard_at(block, stride);
    *used += guard == guard_used(h, block);
    if (guard != guard_used(h, block) && guard != guard_free(h, block))
        panic("a block of memory was written beyond its end");
}

static void check_span(const struct heap *h, uint32_t first)
{
    const struct heap_page *span = &h->pages[first];
    const struct heap_class *c = &h->classes[span->class];
    uint32_t used = 0;
    for (uint32_t i = 0; i < (uint32_t)c->blocks - span->fresh; i++)
        check_block(h, heap_address(h, first) + (uintptr_t)i * c->stride, c->stride, &used);
    if (used != span->used)
        panic("a span of memory miscounts its blocks");
}

void heap_check(const struct heap *h)
{
    uint32_t free = 0, step;
    for (uint32_t i = 0; i < h->count; i += step) {
        const struct heap_page *p = &h->pages[i];
        step = 1;
        if (p->kind == HEAP_SPAN) {
            check_span(h, i);
            step = h->classes[p->class].pages;
        } else if (p->kind == HEAP_LARGE || p->kind == HEAP_FREE) {
            step = p->length;
        }
        if (p->kind == HEAP_INSIDE || step == 0)
            panic("a page of memory belongs to nothing");
        free += p->kind == HEAP_FREE ? step : 0;
    }
    if (free != h->free)
        panic("the free pages of memory are miscounted");
}
