/* See block_ring.h. */
#include "platform/xen/block_ring.h"

#include <string.h>

#include "platform/xen/guest.h"

_Static_assert(BLOCK_RING_PAGES <= BLKIF_MAX_SEGMENTS_PER_REQUEST, "a request fits its segments");

static const uint8_t operations[] = {
    [BLOCK_READ] = BLKIF_OP_READ,
    [BLOCK_WRITE] = BLKIF_OP_WRITE,
    [BLOCK_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
};

void block_ring_open(struct block_ring *r, struct grants *g, uint16_t domain, uint16_t device,
                     void *page)
{
    ring_init(&r->ring, page, sizeof(union blkif_sring_entry));
    r->device = device;
    memset(r->requests, 0, sizeof r->requests);
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES; i++)
        grant_give(g, r->numbers[i], domain, guest_frame(r->pages[i]), true);
}

/* --- asking --- */

static size_t piece(size_t len, size_t at)
{
    return len - at < RING_PAGE ? len - at : RING_PAGE;
}

static void put_segments(const struct block_ring *r, const struct block_request *q, unsigned id,
                         struct blkif_request *into)
{
    unsigned page = id * BLOCK_RING_PAGES;
    for (size_t at = 0; at < q->len; at += RING_PAGE, page++) {
        size_t n = piece(q->len, at);
        if (q->operation == BLOCK_WRITE)
            memcpy(r->pages[page], q->bytes + at, n);
        into->seg[into->nr_segments++] = (struct blkif_request_segment){
            .gref = r->numbers[page], .last_sect = (uint8_t)(n / BLOCK_SECTOR - 1)};
    }
}

enum err block_ring_submit(struct block_ring *r, struct block_request *q)
{
    unsigned id = 0;
    while (id < BLOCK_REQUESTS_MAX && r->requests[id])
        id++;
    if (id == BLOCK_REQUESTS_MAX || !ring_room(&r->ring))
        return ERR_AGAIN;
    struct blkif_request whole; /* put together here, not where the backend can write */
    memset(&whole, 0, sizeof whole);
    whole.operation = operations[q->operation];
    whole.handle = r->device;
    whole.id = id;
    if (q->operation != BLOCK_FLUSH) {
        whole.sector_number = q->sector;
        put_segments(r, q, id, &whole);
    }
    memcpy(ring_request(&r->ring), &whole, sizeof whole);
    r->requests[id] = q;
    return OK;
}

/* --- answers --- */

static void copy_back(const struct block_ring *r, const struct block_request *q, unsigned id)
{
    unsigned page = id * BLOCK_RING_PAGES;
    for (size_t at = 0; at < q->len; at += RING_PAGE, page++)
        memcpy(q->bytes + at, r->pages[page], piece(q->len, at));
}

static enum err judge(const struct blkif_response *said, struct block_ring_counters *c)
{
    if (said->status == BLKIF_RSP_OKAY)
        return OK;
    if (said->status == BLKIF_RSP_EOPNOTSUPP)
        return ERR_UNSUPPORTED;
    c->malformed += said->status != BLKIF_RSP_ERROR;
    return ERR_IO;
}

struct block_request *block_ring_take(struct block_ring *r, enum err *why,
                                      struct block_ring_counters *c)
{
    struct blkif_response said;
    if (!ring_take(&r->ring, &said, sizeof said))
        return NULL;
    struct block_request *q = said.id < BLOCK_REQUESTS_MAX ? r->requests[said.id] : NULL;
    if (!q || said.operation != operations[q->operation]) {
        r->ring.broken = true;
        return NULL;
    }
    *why = judge(&said, c);
    if (!*why && q->operation == BLOCK_READ)
        copy_back(r, q, (unsigned)said.id);
    r->requests[said.id] = NULL;
    c->done += !*why;
    c->failed += *why != OK;
    return q;
}
