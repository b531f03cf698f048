/*
 * The receiving half of a card: drops what is not for it, verifies, gathers segments of a flow that
 * follow each other (as large receive offload does), and hands in the bytes in blocks that are gone
 * when the handler has returned.
 */
#include <stdlib.h>

#include "platform/sim/wire_internal.h"
#include "signatures/clock.h"

#define SIM_ETHERNET_MIN 60u

/* --- handing in --- */

/* Cuts the frame into blocks of its own: the headers first, then runs of any length. */
static size_t scatter(struct port *p, struct slice frame, uint8_t **blocks, struct slice *parts)
{
    struct sim_random *random = &p->wire->random;
    size_t count = 0;
    while (frame.len) {
        size_t len = frame.len, shift = 0;
        if (p->card.scatters) {
            shift = sim_random_range(random, 0, 3);
            if (count == 0)
                len = sim_random_range(random, NET_HEAD_MAX, NET_HEAD_MAX + 1500);
            else if (count + 1 < NET_PARTS_MAX)
                len = sim_random_range(random, 1, frame.len);
        }
        if (len > frame.len)
            len = frame.len;
        blocks[count] = sim_zalloc(len + shift);
        memcpy(blocks[count] + shift, frame.ptr, len);
        parts[count] = slice_of(blocks[count] + shift, len);
        frame = slice_drop(frame, len);
        count++;
    }
    return count;
}

static void hand_in(struct port *p, struct slice frame, enum net_checksum sum, uint16_t segment)
{
    uint8_t *blocks[NET_PARTS_MAX];
    struct slice parts[NET_PARTS_MAX];
    struct net_arrival a = {.parts = parts, .checksum = sum, .segment_size = segment};
    if (!p->net.events || !p->net.events->on_frame) {
        p->wire->counts.unheard++;
        return;
    }
    a.count = scatter(p, frame, blocks, parts);
    p->net.events->on_frame(p->net.owner, &a);
    for (size_t i = 0; i < a.count; i++)
        free(blocks[i]);
}

/* --- merging --- */

static void flush(struct port *p)
{
    struct gathering *g = &p->gathering;
    size_t len = g->len;
    g->len = 0;
    sim_event_cancel(&g->flush);
    if (!len)
        return;
    struct sim_frame f;
    uint8_t *ip = g->bytes + SIM_ETHERNET_SIZE;
    size_t packet = len - SIM_ETHERNET_SIZE;
    bool v6 = sim_get16(g->bytes + 12) == SIM_IPV6;
    sim_put16(v6 ? ip + 4 : ip + 2, (uint16_t)(v6 ? packet - 40 : packet));
    if (!sim_frame_read(slice_of(g->bytes, len), &f)) {
        sim_frame_sum(g->bytes, &f);
        if (g->segment_size < len - f.payload) /* merged: the card vouches, the field is void */
            sim_put16(g->bytes + f.checksum, 0xdead);
        else
            g->segment_size = 0;
    }
    hand_in(p, slice_of(g->bytes, len), NET_CHECKSUM_GOOD, g->segment_size);
}

void sim_card_on_flush(struct sim_event *e)
{
    flush(CONTAINER(e, struct port, gathering.flush));
}

static bool may_merge(const struct sim_frame *f)
{
    return f->protocol == SIM_TCP && f->checksum && f->end > f->payload &&
           (f->tcp.flags & ~(SIM_PSH | SIM_ECE)) == SIM_ACK;
}

/* Whether the headers say the same but for what differs by nature. */
static bool same_flow(const struct gathering *g, struct slice frame, const struct sim_frame *f)
{
    struct sim_frame old;
    if (sim_frame_read(slice_of(g->bytes, g->len), &old))
        return false;
    size_t options = f->transport + 20;
    return address_equal(&old.source, &f->source) &&
           address_equal(&old.destination, &f->destination) && old.tcp.source == f->tcp.source &&
           old.tcp.destination == f->tcp.destination && old.tcp.ack == f->tcp.ack &&
           old.tcp.window == f->tcp.window && old.ecn == f->ecn && old.hops == f->hops &&
           (old.tcp.flags | SIM_PSH) == (f->tcp.flags | SIM_PSH) && old.payload == f->payload &&
           f->tcp.seq == g->next &&
           memcmp(g->bytes + options, frame.ptr + options, f->payload - options) == 0;
}

static bool fits(const struct gathering *g, struct slice frame, const struct sim_frame *f)
{
    size_t payload = f->end - f->payload;
    return g->len && !g->last && payload <= g->segment_size &&
           g->len + payload <= SIM_ETHERNET_SIZE + UINT16_MAX && same_flow(g, frame, f);
}

static void gather(struct port *p, struct slice frame, const struct sim_frame *f)
{
    struct gathering *g = &p->gathering;
    size_t payload = f->end - f->payload;
    if (fits(g, frame, f)) {
        memcpy(g->bytes + g->len, frame.ptr + f->payload, payload);
        g->len += payload;
        g->bytes[f->transport + 13] |= f->tcp.flags & SIM_PSH;
    } else {
        flush(p);
        memcpy(g->bytes, frame.ptr, f->end);
        g->len = f->end;
        g->segment_size = (uint16_t)payload;
        sim_event_schedule(&g->flush, clock_monotonic() + p->card.merges);
    }
    g->next = f->tcp.seq + (uint32_t)payload;
    g->last = payload < g->segment_size || (f->tcp.flags & SIM_PSH);
}

/* --- arriving --- */

static bool hears(const struct port *p, struct slice frame)
{
    bool mine = (frame.ptr[0] & 1) || memcmp(frame.ptr, p->card.mac, NET_MAC_SIZE) == 0;
    return mine && p->up && !p->gone && frame.len <= p->card.mtu + SIM_ETHERNET_SIZE;
}

/* Frames on a cable have 60 bytes at least: what stands there in short ones is anybody's guess. */
static struct slice pad(struct slice frame, uint8_t *into)
{
    if (frame.len >= SIM_ETHERNET_MIN)
        return frame;
    memset(into, 0x5a, SIM_ETHERNET_MIN);
    memcpy(into, frame.ptr, frame.len);
    return slice_of(into, SIM_ETHERNET_MIN);
}

void sim_card_arrives(struct port *p, struct slice frame)
{
    uint8_t padded[SIM_ETHERNET_MIN];
    struct sim_frame f;
    if (!hears(p, frame)) {
        p->wire->counts.unheard++;
        return;
    }
    sim_card_record(p, frame);
    bool known = !sim_frame_read(frame, &f) && f.checksum;
    bool good = known && sim_frame_ip_sum_good(frame, &f) && sim_frame_sum_good(frame, &f);
    if (p->card.merges && good && may_merge(&f)) {
        gather(p, frame, &f);
        return;
    }
    flush(p);
    if (p->card.scatters)
        frame = pad(frame, padded);
    good = good && p->card.verifies && (f.protocol == SIM_TCP || f.protocol == SIM_UDP);
    hand_in(p, frame, good ? NET_CHECKSUM_GOOD : NET_CHECKSUM_UNKNOWN, 0);
}
