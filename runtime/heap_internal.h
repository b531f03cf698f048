/* What the two halves of the heap share: runs of pages (heap_run.c) and blocks (heap.c). */
#ifndef RUNTIME_HEAP_INTERNAL_H
#define RUNTIME_HEAP_INTERNAL_H

#include "runtime/heap.h"

enum heap_kind {
    HEAP_RESERVED, /* not ours: between the ranges, or the account itself */
    HEAP_FREE,     /* first or last page of a free run */
    HEAP_LARGE,    /* first page of a block of whole pages */
    HEAP_SPAN,     /* first page of a span */
    HEAP_INSIDE    /* any other page of the three above */
};

struct heap_page {
    /* Of a run's first page (and of a free run's last): pages. Of a span's first: the first block
     * that was given back, by its number + 1. Of other pages of a span: how far back the first is. */
    uint32_t length;
    uint32_t prev, next; /* in a bin, or in a class's spans: page + 1; 0: none */
    uint16_t used;       /* blocks of a span that are given out */
    uint16_t fresh;      /* blocks of a span that were never given out */
    uint8_t kind;
    uint8_t class;
};

#define HEAP_NO_RUN UINT32_MAX

/* The first page of `pages` that belong together, marked as `kind`; HEAP_NO_RUN: there are none. */
uint32_t heap_run_take(struct heap *h, uint32_t pages, enum heap_kind kind);

/* Gives a run back, whatever kind it was. */
void heap_run_give(struct heap *h, uint32_t first, uint32_t pages);

/* Makes the run, taken as HEAP_LARGE, longer by the free pages behind it, or shorter. */
bool heap_run_resize(struct heap *h, uint32_t first, uint32_t pages);

/* Gives back all of the run, taken as HEAP_LARGE, but `pages` of it, after the first `before`. */
void heap_run_trim(struct heap *h, uint32_t first, uint32_t before, uint32_t pages);

static inline uintptr_t heap_address(const struct heap *h, uint32_t page)
{
    return h->base + (uintptr_t)page * HEAP_PAGE;
}

#endif
