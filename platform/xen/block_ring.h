/*
 * The ring of a block device (xen/io/blkif.h), over signatures/block.h's requests.
 *
 * Pure, but for the memory that it is given: requests and the backend's responses in, requests done out.
 * What the backend says is checked: numbers, operations, status, how much it was asked.
 *
 * Bytes are copied through pages of the device's own, BLOCK_RING_PAGES for each request, which stay granted
 * as long as the backend does: it sees no byte that is not the device's (Xen's advisory XSA-403), and none
 * of the owner's memory changes after a request is done.
 */
#ifndef PLATFORM_XEN_BLOCK_RING_H
#define PLATFORM_XEN_BLOCK_RING_H

#include "platform/xen/grant.h"
#include "platform/xen/interface.h"
#include "platform/xen/ring.h"
#include "signatures/block.h"

#define BLOCK_RING_PAGES     (BLOCK_BYTES_MAX / RING_PAGE)
#define BLOCK_RING_ALL_PAGES (BLOCK_RING_PAGES * BLOCK_REQUESTS_MAX)

struct block_ring_counters {
    uint64_t done, failed;
    uint64_t malformed; /* status that cannot be: they count as failures */
};

struct block_ring {
    struct ring ring;
    uint16_t device; /* as the backend calls it */
    uint8_t *pages[BLOCK_RING_ALL_PAGES];
    uint32_t numbers[BLOCK_RING_ALL_PAGES]; /* of grants */
    /* Under way, by the id that the backend was told; NULL: free. */
    struct block_request *requests[BLOCK_REQUESTS_MAX];
};

/* Pages are in place, and numbers taken: grants them, and begins the ring in `page`. Nothing is under way. */
void block_ring_open(struct block_ring *r, struct grants *g, uint16_t domain, uint16_t device,
                     void *page);

/* Of a request that was checked; at most BLOCK_REQUESTS_MAX are under way. ERR_AGAIN: the ring is full. */
enum err block_ring_submit(struct block_ring *r, struct block_request *q);

/* A request that is done, and how. NULL: there is none (or the ring is broken). */
struct block_request *block_ring_take(struct block_ring *r, enum err *why,
                                      struct block_ring_counters *c);

#endif
