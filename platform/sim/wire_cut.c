/*
 * Segmentation as a card does it: one frame with much TCP payload becomes many. Headers are
 * repeated; lengths, IPv4's id, sequence numbers and checksums are each segment's own; FIN and PSH
 * stand in the last only, CWR in the first only.
 */
#include "platform/sim/wire_internal.h"

static const char *check_super(const struct port *p, const struct sim_frame *f,
                               const struct net_frame *given)
{
    uint32_t needed = f->v6 ? NET_SEGMENTS_V6 : NET_SEGMENTS_V4;
    if (f->protocol != SIM_TCP || !f->checksum)
        return "segmentation of something else than TCP";
    if (!(p->card.offloads & needed))
        return "the card does not cut such frames";
    if (given->v6 != f->v6)
        return "segmentation: the wrong family";
    if (given->head_size != f->payload || given->parts[0].len < f->payload)
        return "segmentation: length of the headers";
    if (f->end - f->payload <= given->segment_size)
        return "segmentation of what needs none";
    if (f->payload - f->ip + given->segment_size > p->card.mtu)
        return "segmentation: segments larger than the card sends";
    if (given->ecn != !!(f->tcp.flags & SIM_CWR))
        return "segmentation: ecn is not as CWR";
    if (given->ecn && !(p->card.offloads & NET_SEGMENTS_ECN))
        return "segmentation: CWR in a frame for a card that knows nothing of it";
    if (f->tcp.flags & (SIM_SYN | SIM_RST))
        return "segmentation of SYN or RST";
    return NULL;
}

static void head_of_piece(uint8_t *piece, const struct sim_frame *f, size_t at, size_t len,
                          uint16_t number)
{
    bool last = f->payload + at + len == f->end;
    uint8_t flags = f->tcp.flags;
    if (!last)
        flags = (uint8_t)(flags & ~(SIM_FIN | SIM_PSH));
    if (at)
        flags = (uint8_t)(flags & ~SIM_CWR);
    piece[f->transport + 13] = flags;
    sim_put32(piece + f->transport + 4, f->tcp.seq + (uint32_t)at);
    uint8_t *ip = piece + f->ip;
    if (f->v6) {
        sim_put16(ip + 4, (uint16_t)(f->payload - f->ip - 40 + len));
    } else {
        sim_put16(ip + 2, (uint16_t)(f->payload - f->ip + len));
        sim_put16(ip + 4, (uint16_t)(sim_get16(ip + 4) + number));
    }
}

const char *sim_card_cut(struct port *p, uint8_t *bytes, const struct sim_frame *f,
                         const struct net_frame *given)
{
    uint8_t piece[NET_HEAD_MAX + UINT16_MAX];
    const char *fault = check_super(p, f, given);
    if (fault)
        return fault;
    if (f->payload > NET_HEAD_MAX)
        return "segmentation: headers beyond NET_HEAD_MAX";
    size_t total = f->end - f->payload;
    uint16_t number = 0;
    for (size_t at = 0; at < total; at += given->segment_size, number++) {
        size_t len = total - at < given->segment_size ? total - at : given->segment_size;
        struct sim_frame one;
        memcpy(piece, bytes, f->payload);
        memcpy(piece + f->payload, bytes + f->payload + at, len);
        head_of_piece(piece, f, at, len, number);
        struct slice frame = slice_of(piece, f->payload + len);
        fault = sim_frame_read(frame, &one);
        if (fault)
            return fault;
        sim_frame_sum(piece, &one);
        sim_card_leaves(p, frame);
    }
    return NULL;
}
