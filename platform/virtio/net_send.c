/*
 * Sending of the network card: see net.h. A frame's head is copied to a slot, behind virtio's own; its other
 * parts are lent to the device. What is sent is told to it once a turn of the loop, by its poll.
 */
#include "platform/virtio/net_internal.h"

#include <string.h>

static void fill_head(struct head *h, const struct net_frame *f)
{
    *h = (struct head){0};
    if (f->checksum_start) {
        h->flags = NEEDS_CSUM;
        h->checksum_start = f->checksum_start;
        h->checksum_offset = f->checksum_offset;
    }
    if (f->segment_size) {
        h->gso_type = (uint8_t)((f->v6 ? GSO_TCPV6 : GSO_TCPV4) | (f->ecn ? GSO_ECN : 0));
        h->segment_size = f->segment_size;
        h->head_size = f->head_size;
    }
}

enum err net_send_frame(struct net *n, const struct net_frame *f)
{
    struct card *c = card_of(n);
    struct queue_part parts[NET_PARTS_MAX];
    uint16_t number;
    if (f->count > NET_PARTS_MAX || f->parts[0].len > NET_HEAD_MAX)
        return ERR_LIMIT;
    if (!c->up)
        return ERR_UNREACHABLE;
    if (!c->free_count || !queue_fits(&c->send, f->count)) {
        c->counters.refused_full++;
        c->blocked = true;
        return ERR_AGAIN;
    }
    uint16_t slot = c->free_slots[c->free_count - 1];
    struct send_slot *s = &c->slots[slot];
    fill_head(&s->head, f);
    memcpy(s->bytes, f->parts[0].ptr, f->parts[0].len);
    parts[0] =
        (struct queue_part){machine_physical(s), (uint32_t)(sizeof s->head + f->parts[0].len)};
    for (size_t i = 1; i < f->count; i++)
        parts[i] =
            (struct queue_part){machine_physical(f->parts[i].ptr), (uint32_t)f->parts[i].len};
    if (!queue_add(&c->send, parts, f->count, 0, &number))
        return ERR_IO;
    c->free_count--;
    c->slot_of[number] = slot;
    c->frame_of[number] = n->sent + 1;
    c->counters.sent++;
    return OK;
}

bool net_collect(struct card *c)
{
    uint16_t number;
    uint32_t written;
    bool any = false;
    while (queue_take(&c->send, &number, &written)) {
        c->free_slots[c->free_count++] = c->slot_of[number];
        c->done[c->frame_of[number] % QUEUE_SIZE_MAX] = true;
        any = true;
    }
    while (c->done[(c->completed + 1) % QUEUE_SIZE_MAX]) {
        c->completed++;
        c->done[c->completed % QUEUE_SIZE_MAX] = false;
    }
    return any;
}
