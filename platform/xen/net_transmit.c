/* See net_ring.h: sending. The first request of a frame tells its whole length, the others their own; how
 * it is to be cut stands in a slot of its own behind the first. */
#include <string.h>

#include "platform/xen/guest.h"
#include "platform/xen/net_ring.h"

void net_transmit_open(struct net_transmit *t, struct grants *g, uint16_t domain, void *page,
                       bool scatter)
{
    ring_init(&t->ring, page, sizeof(union netif_tx_sring_entry));
    t->scatter = scatter;
    t->extras = t->free_count = 0;
    for (uint16_t i = 0; i < NET_RING_PAGES; i++) {
        grant_give(g, t->numbers[i], domain, guest_frame(t->pages[i]), false);
        t->out[i] = false;
        t->free[t->free_count++] = i;
    }
}

/* Copies what comes next of a frame, up to a page. */
struct source {
    const struct slice *parts;
    size_t count, part, offset;
};

static uint16_t fill(struct source *from, uint8_t *page)
{
    size_t have = 0;
    while (have < RING_PAGE && from->part < from->count) {
        struct slice rest = slice_drop(from->parts[from->part], from->offset);
        struct slice piece = slice_take(rest, RING_PAGE - have);
        if (piece.len)
            memcpy(page + have, piece.ptr, piece.len);
        have += piece.len;
        from->offset += piece.len;
        if (piece.len == rest.len) {
            from->part++;
            from->offset = 0;
        }
    }
    return (uint16_t)have;
}

static void put_segments(struct net_transmit *t, const struct net_frame *f)
{
    struct netif_extra_info *extra = ring_request(&t->ring);
    memset(extra, 0, t->ring.entry);
    extra->type = XEN_NETIF_EXTRA_TYPE_GSO;
    extra->u.gso.size = f->segment_size;
    extra->u.gso.type = f->v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
    t->extras++;
}

static void put_frame(struct net_transmit *t, const struct net_frame *f, size_t total)
{
    struct source from = {.parts = f->parts, .count = f->count};
    unsigned flags = f->checksum_start ? NETTXF_csum_blank | NETTXF_data_validated : 0;
    unsigned extra = f->segment_size ? NETTXF_extra_info : 0;
    for (size_t left = total; left;) {
        uint16_t id = t->free[--t->free_count], length = fill(&from, t->pages[id]);
        struct netif_tx_request *q = ring_request(&t->ring);
        bool first = left == total;
        left -= length;
        *q = (struct netif_tx_request){.gref = t->numbers[id], .id = id};
        q->size = first ? (uint16_t)total : length;
        q->flags = (uint16_t)((first ? flags | extra : 0) | (left ? NETTXF_more_data : 0));
        t->out[id] = true;
        if (first && extra)
            put_segments(t, f);
    }
}

enum err net_transmit_send(struct net_transmit *t, const struct net_frame *f,
                           struct net_ring_counters *c)
{
    size_t total = 0;
    for (size_t i = 0; i < f->count; i++)
        total += f->parts[i].len;
    uint32_t pages = (uint32_t)((total + RING_PAGE - 1) / RING_PAGE);
    if (total == 0 || total > NET_SEND_MAX || (pages > 1 && !t->scatter))
        return ERR_LIMIT;
    if (ring_room(&t->ring) < pages + (f->segment_size != 0) || t->free_count < pages) {
        c->refused_full++;
        return ERR_AGAIN;
    }
    put_frame(t, f, total);
    c->sent++;
    return OK;
}

/* An answer to a slot without a page names none. */
static bool check(struct net_transmit *t, const struct netif_tx_response *said)
{
    if (said->status == NETIF_RSP_NULL)
        return t->extras && t->extras--;
    return said->id < NET_RING_PAGES && t->out[said->id];
}

bool net_transmit_collect(struct net_transmit *t, struct net_ring_counters *c)
{
    struct netif_tx_response said;
    bool any = false;
    while (ring_take(&t->ring, &said, sizeof said)) {
        any = true;
        if (!check(t, &said)) {
            t->ring.broken = true;
            break;
        }
        if (said.status == NETIF_RSP_NULL)
            continue;
        c->dropped_failed += said.status != NETIF_RSP_OKAY;
        t->out[said.id] = false;
        t->free[t->free_count++] = said.id;
    }
    return any;
}
