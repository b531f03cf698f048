/*
 * Receiving of the network card: see net.h. A large frame arrives in several buffers (5.1.6.3.1); they are
 * handed on as they lie, and given back to the device when the handler returns.
 */
#include "platform/virtio/net_internal.h"

#include <string.h>

#define PIECES_MAX 40u /* buffers of one frame */

void net_offer(struct card *c, uint16_t buffer)
{
    uint16_t number;
    struct queue_part part = {machine_physical(c->buffers + (size_t)buffer * BUFFER), BUFFER};
    if (queue_add(&c->receive, &part, 0, 1, &number))
        c->buffer_of[number] = buffer;
}

struct pieces {
    struct slice parts[PIECES_MAX];
    uint16_t buffers[PIECES_MAX];
    size_t count;
};

/* The next buffer of a frame. False: the device has not said that it is done. */
static bool take_piece(struct card *c, struct pieces *p)
{
    uint16_t number;
    uint32_t written;
    if (!queue_take(&c->receive, &number, &written))
        return false;
    uint16_t buffer = c->buffer_of[number];
    p->parts[p->count] = slice_of(c->buffers + (size_t)buffer * BUFFER, written);
    p->buffers[p->count++] = buffer;
    return true;
}

/* What the header says of merged segments and of a checksum that is not filled in has to fit to the frame,
 * and to what was agreed on (5.1.6.4). A merged frame may be of TCP only. */
static bool head_fits(const struct card *c, const struct head *h, size_t len)
{
    uint64_t f = c->device->features;
    uint8_t type = h->gso_type & (uint8_t)~GSO_ECN;
    bool merged = type == GSO_TCPV4   ? f & F_GUEST_TSO4
                  : type == GSO_TCPV6 ? f & F_GUEST_TSO6
                                      : false;
    if (h->gso_type && (!merged || !h->segment_size || h->segment_size > len))
        return false;
    if (!(h->flags & NEEDS_CSUM))
        return true;
    return (f & F_GUEST_CSUM) && h->checksum_start + (size_t)h->checksum_offset + 2 <= len;
}

/* All headers stand in the first part (signatures/net.h), and no part is empty. */
static bool pieces_fit(const struct pieces *p, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (!p->parts[i].len)
            return false;
        *len += p->parts[i].len;
    }
    return *len <= NET_FRAME_MAX && (p->count == 1 || p->parts[0].len >= NET_HEAD_MAX);
}

static void deliver(struct card *c, const struct pieces *p, const struct head *h)
{
    bool verified = (c->device->features & F_GUEST_CSUM) && (h->flags & (NEEDS_CSUM | DATA_VALID));
    const struct net_arrival a = {
        .parts = p->parts,
        .count = p->count,
        .checksum = verified ? NET_CHECKSUM_GOOD : NET_CHECKSUM_UNKNOWN,
        .segment_size = h->gso_type ? h->segment_size : 0,
    };
    c->counters.received++;
    if (c->net.events)
        c->net.events->on_frame(c->net.owner, &a);
    else
        c->counters.dropped_unowned++;
}

/* The rest of a frame that came in several buffers. False: not all of it is there. */
static bool take_rest(struct card *c, struct pieces *p, const struct head *h)
{
    size_t count = c->device->features & F_MRG_RXBUF ? h->buffers : 1;
    while (p->count < count)
        if (p->count == PIECES_MAX || !take_piece(c, p))
            return false;
    return true;
}

bool net_receive_one(struct card *c)
{
    struct pieces p; /* of which only what is taken is looked at */
    p.count = 0;
    struct head h = {0};
    size_t len;
    if (!take_piece(c, &p))
        return false;
    bool good = p.parts[0].len > sizeof h;
    if (good)
        memcpy(&h, p.parts[0].ptr, sizeof h);
    p.parts[0] = slice_drop(p.parts[0], sizeof h);
    if (good && take_rest(c, &p, &h) && pieces_fit(&p, &len) && head_fits(c, &h, len))
        deliver(c, &p, &h);
    else
        c->counters.dropped_malformed++;
    for (size_t i = 0; i < p.count; i++)
        net_offer(c, p.buffers[i]);
    return true;
}
