/*
 * A ring of requests and responses in one shared page, seen from the front (xen/io/ring.h).
 *
 * Pure: it knows the memory of the ring and nothing of who is behind it. The backend may write all of
 * that memory at any time, so nothing is believed that is read from it: how much is outstanding is kept
 * here. A backend that answers more than it was asked breaks the ring, until it is set up again.
 */
#ifndef PLATFORM_XEN_RING_H
#define PLATFORM_XEN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_PAGE 4096u

struct ring_shared {
    uint32_t request_producer, request_event, response_producer, response_event;
    uint8_t reserved[48];
    uint8_t entries[];
};

struct ring {
    struct ring_shared *shared;
    uint32_t entry, count; /* bytes of one; how many: a power of two */
    uint32_t requests;     /* written so far */
    uint32_t pushed;       /* of these, told to the backend */
    uint32_t responses;    /* read so far */
    bool broken;
};

/* page: RING_PAGE bytes, its owner's. entry: the larger of request and response. */
void ring_init(struct ring *r, void *page, size_t entry);

static inline uint32_t ring_room(const struct ring *r)
{
    return r->broken ? 0 : r->count - (r->requests - r->responses);
}

/* The next request to write: there has to be room. */
void *ring_request(struct ring *r);

/* Hands over what was written. True: the backend wants to be told. */
bool ring_push(struct ring *r);

/* Copies the next response. False: there is none. */
bool ring_take(struct ring *r, void *into, size_t size);

/* Asks for an event at the next response. True: there is one already. */
bool ring_await(struct ring *r);

#endif
