/*
 * A hop with a smaller MTU: what does not fit is fragmented where IPv4 permits it (RFC 791), else
 * dropped, with a word to the sender (RFC 792, RFC 1191, RFC 4443) or without.
 */
#include "platform/sim/wire_internal.h"

#define IPV4_SIZE  20u
#define QUOTED_V4  28u   /* a header, and 8 bytes of what follows */
#define QUOTED_V6  1232u /* what fits into 1280 bytes */
#define ICMP_SIZE  8u
#define QUOTED_MAX (QUOTED_V6 + 64)

static const uint8_t gateway_mac[NET_MAC_SIZE] = {2, 0xff, 0xff, 0xff, 0xff, 0xfe};

static void complain(struct port *p, struct slice frame, const struct sim_frame *f, uint16_t mtu)
{
    uint8_t content[ICMP_SIZE + QUOTED_MAX] = {0}, made[NET_HEAD_MAX + sizeof content];
    size_t quoted = f->v6 ? QUOTED_V6 : f->transport - f->ip + 8;
    struct slice quote = slice_take(slice_drop(frame, f->ip), quoted);
    struct sim_frame answer = {.v6 = f->v6, .destination = f->source};
    bool known = address_parse(slice_text(f->v6 ? SIM_GATEWAY_V6 : SIM_GATEWAY_V4), &answer.source);
    if (!known || quote.len > QUOTED_MAX)
        return;
    memcpy(answer.to, f->from, NET_MAC_SIZE);
    memcpy(answer.from, gateway_mac, NET_MAC_SIZE);
    answer.protocol = f->v6 ? SIM_ICMPV6 : SIM_ICMP;
    content[0] = f->v6 ? 2 : 3;
    content[1] = f->v6 ? 0 : 4;
    sim_put16(content + 6, mtu);
    memcpy(content + ICMP_SIZE, quote.ptr, quote.len);
    size_t len = sim_frame_ip(made, &answer, slice_of(content, ICMP_SIZE + quote.len));
    sim_wire_forward(p->wire, NULL, slice_of(made, len));
}

static void fragment(struct port *p, enum sim_way way, struct slice frame,
                     const struct sim_frame *f, uint16_t mtu)
{
    uint8_t made[SIM_ETHERNET_SIZE + UINT16_MAX];
    size_t head = f->transport - f->ip, step = (mtu - head) & ~(size_t)7;
    uint16_t field = sim_get16(frame.ptr + f->ip + 6);
    for (size_t at = 0; at < f->end - f->transport; at += step) {
        size_t left = f->end - f->transport - at, len = left < step ? left : step;
        bool more = len < left || (field & 0x2000);
        struct sim_frame piece = *f;
        memcpy(made, frame.ptr, f->transport);
        memcpy(made + f->transport, frame.ptr + f->transport + at, len);
        sim_put16(made + f->ip + 2, (uint16_t)(head + len));
        sim_put16(made + f->ip + 6, (uint16_t)(((field & 0x1fff) + at / 8) | (more ? 0x2000 : 0)));
        piece.checksum = 0; /* of the transport: stays as it is */
        sim_frame_sum(made, &piece);
        sim_lane_enter(p, way, slice_of(made, f->transport + len));
    }
    p->wire->counts.fragmented++;
}

bool sim_too_big(struct port *p, enum sim_way way, struct slice frame, const struct sim_frame *f)
{
    const struct sim_harm *h = &p->lanes[way].harm;
    if (f->end - f->ip <= h->mtu)
        return false;
    if (!f->whole && f->transport - f->ip == IPV4_SIZE && h->mtu >= QUOTED_V4) {
        fragment(p, way, frame, f, h->mtu);
        return true;
    }
    p->wire->counts.too_big++;
    if (h->too_big != SIM_TOO_BIG_SILENT && !(frame.ptr[0] & 1))
        complain(p, frame, f, h->too_big == SIM_TOO_BIG_TOLD_OLD && !f->v6 ? 0 : h->mtu);
    return true;
}
