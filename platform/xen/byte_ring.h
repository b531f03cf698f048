/*
 * A ring of bytes, one way, in a shared page: the console's (xen/io/console.h) and the store's
 * (xen/io/xs_wire.h) have two each.
 *
 * Pure. The other side may write all of the page at any time; the counter that is ours is kept here.
 * Where its counter makes no sense nobody knows which bytes are meant: they are dropped (counted).
 */
#ifndef PLATFORM_XEN_BYTE_RING_H
#define PLATFORM_XEN_BYTE_RING_H

#include "runtime/slice.h"

struct byte_ring {
    char *bytes;
    uint32_t size; /* a power of two */
    uint32_t *theirs, *ours;
    uint32_t at; /* what `ours` was written last */
    uint64_t malformed;
};

/* The end that puts has the producer, the one that takes the consumer; it goes on where that stands. */
void byte_ring_init(struct byte_ring *r, char *bytes, uint32_t size, uint32_t *theirs,
                    uint32_t *ours);

/* Puts as much as there is room for; says how much. */
size_t byte_ring_put(struct byte_ring *r, struct slice bytes);
/* Whether all that was put has been taken. */
bool byte_ring_drained(const struct byte_ring *r);

/* Takes at most `room` bytes; says how many. */
size_t byte_ring_take(struct byte_ring *r, uint8_t *into, size_t room);
/* Whether there is something to take. */
bool byte_ring_waits(const struct byte_ring *r);

#endif
