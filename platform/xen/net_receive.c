/* See net_ring.h: receiving. A response stands in the slot of its request (that is how the ring's extra
 * slots know theirs), so a page belongs to a slot for good. */
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/net_ring.h"
#include "runtime/log.h"

#define EXTRAS_MAX 4u /* slots of further information of one frame */

static void offer(struct net_receive *r)
{
    uint32_t slot = r->ring.requests % NET_RING_PAGES;
    struct netif_rx_request *q = ring_request(&r->ring);
    grant_give(r->grants, r->numbers[slot], r->domain, guest_frame(r->pages[slot]), true);
    *q = (struct netif_rx_request){.id = (uint16_t)slot, .gref = r->numbers[slot]};
}

void net_receive_open(struct net_receive *r, struct grants *g, uint16_t domain, void *page)
{
    r->grants = g;
    r->domain = domain;
    ring_init(&r->ring, page, sizeof(union netif_rx_sring_entry));
    for (unsigned i = 0; i < NET_RING_PAGES; i++)
        offer(r);
}

/* The next response, and whose slot it is. */
static bool take(struct net_receive *r, void *into, size_t size, struct net_arrived *a)
{
    if (!ring_take(&r->ring, into, size))
        return false;
    a->slots++;
    return true;
}

/* One more page of a frame. The backend must be done with it. */
static bool add_piece(struct net_receive *r, const struct netif_rx_response *said, uint32_t slot,
                      struct net_arrived *a, struct net_ring_counters *c)
{
    uint32_t length = said->status > 0 ? (uint32_t)said->status : 0;
    if (!grant_end(r->grants, r->numbers[slot])) {
        c->dropped_held++;
        r->ring.broken = true;
        return false;
    }
    if (said->status < 0) {
        c->dropped_failed++;
        return false;
    }
    if (said->offset > RING_PAGE || length > RING_PAGE - said->offset ||
        a->count == NET_PIECES_MAX) {
        c->dropped_malformed++;
        return false;
    }
    if (length)
        a->parts[a->count++] = slice_of(r->pages[slot] + said->offset, length);
    return true;
}

/* Slots that say more of a frame. Of all kinds only segmentation was agreed on. */
static bool take_extras(struct net_receive *r, struct net_arrived *a, struct net_ring_counters *c)
{
    struct netif_extra_info extra = {.flags = XEN_NETIF_EXTRA_FLAG_MORE};
    for (unsigned i = 0; extra.flags & XEN_NETIF_EXTRA_FLAG_MORE; i++) {
        if (i == EXTRAS_MAX || !take(r, &extra, sizeof(struct netif_rx_response), a)) {
            c->dropped_malformed++;
            return false;
        }
        if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO)
            a->segment_size = extra.u.gso.size;
    }
    return true;
}

/* All headers in the first part, as signatures/net.h promises. */
static void gather_head(struct net_arrived *a)
{
    size_t have = 0, part = 0;
    if (a->count < 2 || a->parts[0].len >= NET_HEAD_MAX)
        return;
    while (part < a->count && have < NET_HEAD_MAX) {
        struct slice piece = slice_take(a->parts[part], NET_HEAD_MAX - have);
        memcpy(a->head + have, piece.ptr, piece.len);
        have += piece.len;
        a->parts[part] = slice_drop(a->parts[part], piece.len);
        part += a->parts[part].len == 0;
    }
    /* What is used up leaves at least one place at the front. */
    if (part == 0)
        return;
    a->parts[part - 1] = slice_of(a->head, have);
    memmove(a->parts, a->parts + part - 1, (a->count - part + 1) * sizeof *a->parts);
    a->count -= part - 1;
}

static bool take_pieces(struct net_receive *r, struct net_arrived *a, struct net_ring_counters *c)
{
    struct netif_rx_response said = {.flags = NETRXF_more_data};
    bool good = true;
    while (said.flags & NETRXF_more_data) {
        uint32_t slot = r->ring.responses % NET_RING_PAGES;
        bool first = a->slots == 0;
        if (!take(r, &said, sizeof said, a)) { /* the rest of it is not there */
            if (!first)
                c->dropped_malformed++;
            return false;
        }
        if (said.id != slot) {
            r->ring.broken = true;
            return false;
        }
        if (first && said.flags & (NETRXF_data_validated | NETRXF_csum_blank))
            a->checksum = NET_CHECKSUM_GOOD;
        good &= add_piece(r, &said, slot, a, c);
        if (said.flags & NETRXF_extra_info)
            good &= take_extras(r, a, c);
        if (r->ring.broken || a->slots >= NET_RING_PAGES)
            return false;
    }
    return good;
}

bool net_receive_take(struct net_receive *r, struct net_arrived *a, struct net_ring_counters *c)
{
    a->count = 0;
    a->slots = 0;
    a->checksum = NET_CHECKSUM_UNKNOWN;
    a->segment_size = 0;
    a->good = take_pieces(r, a, c);
    if (a->good && !a->count)
        a->good = false, c->dropped_malformed++;
    if (a->good)
        gather_head(a);
    return a->slots > 0 && !r->ring.broken;
}

void net_receive_done(struct net_receive *r, const struct net_arrived *a)
{
    for (uint32_t i = 0; i < a->slots && !r->ring.broken; i++)
        offer(r);
}
