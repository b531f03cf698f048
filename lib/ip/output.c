/*
 * Packets on their way out: the head that the path has ready, the few fields that differ, the
 * checksum, and to the card with the payload as it lies. The short way of an ordinary packet is
 * output -> path_of -> send_whole -> output_frame, without memory and without a copy of payload.
 */
#include "lib/ip/internal.h"

#define DO_NOT_FRAGMENT 0x4000u

void put_length(struct path *path, uint8_t *head, size_t payload)
{
    uint8_t *h = head + ETHERNET_HEAD_SIZE;
    if (path->v6)
        put_be16(h + 4, (uint32_t)payload);
    else
        put_be16(h + 2, (uint32_t)(V4_HEAD_SIZE + payload));
}

/* All but the length and, of IPv4, the checksum. A datagram that nobody may fragment needs no
 * identification (RFC 6864, 4.1); another gets one that nobody can guess (RFC 7739). */
static void put_fields(struct ip *ip, const struct path *path, const struct ip_packet *p,
                       uint8_t *head)
{
    uint8_t *h = head + ETHERNET_HEAD_SIZE;
    memcpy(head, path->head, path->head_size);
    if (path->v6) {
        h[1] = (uint8_t)((unsigned)p->ecn << 4);
        h[6] = (uint8_t)p->protocol;
        h[7] = p->hops ? p->hops : ip->hops_v6;
    } else {
        h[1] = (uint8_t)p->ecn;
        put_be32(h + 4, p->whole ? DO_NOT_FRAGMENT : (uint32_t)ip_random(ip) << 16);
        h[8] = p->hops ? p->hops : IP_HOPS_DEFAULT;
        h[9] = (uint8_t)p->protocol;
    }
}

struct copy *copy_of(struct ip *ip, const struct net_frame *f, bool *full)
{
    copies_reap(&ip->copies, ip->net);
    return copy_take(&ip->copies, f, full);
}

static enum err send_now(struct ip *ip, const struct net_frame *f, bool borrowed)
{
    enum err e;
    if (!borrowed || f->count == 1) {
        e = net_send(ip->net, f);
    } else {
        bool full;
        struct copy *c = copy_of(ip, f, &full);
        if (!c) {
            count(ip, full ? IP_DROP_SEND_LENT : IP_DROP_SEND_MEMORY);
            return full ? ERR_FULL : ERR_MEMORY;
        }
        e = copy_send(&ip->copies, c, ip->net);
    }
    if (!e)
        count(ip, IP_SENT);
    return e;
}

static enum err loop(struct ip *ip, const struct net_frame *f)
{
    bool full;
    struct copy *c = ip->loop_count == LOOP_MAX ? NULL : copy_of(ip, f, &full);
    if (!c) {
        count(ip, IP_DROP_LOOP_FULL);
        return OK; /* lost on the way */
    }
    list_append(&ip->copies.loop, &c->link);
    ip->loop_count++;
    return OK;
}

enum err output_frame(struct ip *ip, uint64_t now, struct path *path, const struct net_frame *f,
                      uint8_t *head, bool borrowed)
{
    struct neighbour *n = path->neighbour;
    if (path->loop)
        return loop(ip, f);
    if (n && !neighbour_use(&ip->neighbours, n, now)) {
        if (n->state == NEIGHBOUR_INCOMPLETE)
            return resolve_wait(ip, n, f);
        count(ip, IP_DROP_QUEUE_UNREACHABLE);
        return ERR_UNREACHABLE;
    }
    if (n)
        memcpy(head, n->mac.bytes, sizeof(n->mac.bytes));
    return send_now(ip, f, borrowed);
}

/* Puts the checksum into the transport's header, or what the card needs to do so. */
static void put_checksum(struct ip *ip, const struct path *path, const struct ip_packet *p,
                         uint8_t *header, size_t length, struct net_frame *f)
{
    struct checksum c = {0};
    if (p->checksum_at == NO_CHECKSUM)
        return;
    if (p->protocol != IP_ICMP) {
        c = path->pseudo;
        checksum_add_length(&c, (uint8_t)p->protocol, length);
    }
    uint8_t *field = header + p->checksum_at;
    bool by_card = ip->net->features.offloads & NET_SENDS_CHECKSUMS;
    if (f && (by_card || path->loop) && (p->protocol == IP_TCP || p->protocol == IP_UDP)) {
        put_be16(field, checksum_sum(&c));
        f->checksum_start = path->loop ? 0 : path->head_size;
        f->checksum_offset = p->checksum_at;
        return;
    }
    checksum_add(&c, slice_of(header, p->header.len));
    checksum_add_parts(&c, p->payload, p->payload_count);
    uint16_t sum = checksum_complement(&c);
    put_be16(field, sum == 0 && p->protocol == IP_UDP ? 0xffff : sum);
}

void output_start(struct ip *ip, struct path *path, const struct ip_packet *p, uint8_t *head,
                  uint8_t *header, size_t length, struct net_frame *f)
{
    put_fields(ip, path, p, head);
    memcpy(header, p->header.ptr, p->header.len);
    put_checksum(ip, path, p, header, length, f);
}

void output_finish(const struct path *path, uint8_t *head)
{
    uint8_t *h = head + ETHERNET_HEAD_SIZE;
    if (!path->v6)
        put_be16(h + 10, checksum_of(slice_of(h, V4_HEAD_SIZE)));
}

static enum err send_whole(struct ip *ip, uint64_t now, struct path *path,
                           const struct ip_packet *p, size_t length, bool borrowed)
{
    uint8_t head[NET_HEAD_MAX];
    struct slice parts[1 + IP_PARTS_MAX];
    struct net_frame f = {.parts = parts, .count = 1 + p->payload_count, .v6 = path->v6};
    uint8_t *header = head + path->head_size;
    output_start(ip, path, p, head, header, length, &f);
    put_length(path, head, length);
    output_finish(path, head);
    parts[0] = slice_of(head, path->head_size + p->header.len);
    for (size_t i = 0; i < p->payload_count; i++)
        parts[1 + i] = p->payload[i];
    if (p->segment_size != 0) {
        f.segment_size = p->segment_size;
        f.head_size = (uint16_t)parts[0].len;
        f.ecn = p->protocol == IP_TCP && (header[13] & 0x80);
    }
    return output_frame(ip, now, path, &f, head, borrowed);
}

/* What the card makes segments of: it has to be able to, and each has to fit. */
static enum err check_segments(const struct ip *ip, const struct path *path,
                               const struct ip_packet *p)
{
    uint32_t needed = path->v6 ? NET_SEGMENTS_V6 : NET_SEGMENTS_V4;
    size_t each = path->head_size - ETHERNET_HEAD_SIZE + p->header.len + p->segment_size;
    if (!(ip->net->features.offloads & needed))
        return ERR_UNSUPPORTED;
    return each > path->card_mtu ? ERR_LIMIT : OK;
}

/* How much of a packet goes in one piece. */
static uint32_t piece(const struct ip *ip, uint64_t now, const struct path *path,
                      const struct ip_packet *p)
{
    bool small = p->protocol == IP_ICMPV6 && now < ip->small_echoes_until;
    if (p->whole)
        return path->card_mtu;
    return small && path->mtu > IP_MTU_MIN_V6 ? IP_MTU_MIN_V6 : path->mtu;
}

enum err output(struct ip *ip, uint64_t now, const struct ip_packet *p, bool borrowed,
                const struct mac *to)
{
    struct path alone, *path = &alone;
    enum err e = to ? path_build(ip, now, &p->source, &p->destination, false, path)
                    : path_of(ip, now, &p->source, &p->destination, &path);
    if (e)
        return e;
    if (to)
        memcpy(path->head, to->bytes, sizeof(to->bytes));
    if (path->head_size + 8 + p->header.len > NET_HEAD_MAX ||
        p->payload_count > (borrowed ? IP_PARTS_MAX : NET_PARTS_MAX - 1))
        return ERR_ARGUMENT;
    size_t length = p->header.len + parts_length(p->payload, p->payload_count);
    size_t total = path->head_size - ETHERNET_HEAD_SIZE + length;
    uint32_t most = piece(ip, now, path, p);
    if (total > UINT16_MAX)
        return ERR_LIMIT;
    if (p->segment_size != 0)
        e = check_segments(ip, path, p);
    else if (total > most && !path->loop)
        return p->whole ? ERR_LIMIT : output_fragments(ip, now, path, p, most, borrowed);
    return e ? e : send_whole(ip, now, path, p, length, borrowed);
}

enum err ip_send(struct ip *ip, uint64_t now, const struct ip_packet *p)
{
    return output(ip, now, p, false, NULL);
}
