/*
 * Fragments on their way out (RFC 791, 3.2; RFC 8200, 4.5): each has the IP head of the whole, and
 * the first one the transport's header too; the payload is not copied. Only what is not `whole`
 * comes here: small datagrams of UDP and ICMP that a narrow path does not take in one.
 */
#include "lib/ip/internal.h"

#define FRAGMENT_HEAD 8u
#define MORE_V4       0x2000u
#define FRAGMENT_NEXT 44u

/* The bytes from `from` on, `length` of them, as parts. */
static size_t cut_out(const struct slice *parts, size_t count, size_t from, size_t length,
                      struct slice *into)
{
    size_t n = 0;
    for (size_t i = 0; i < count && length > 0; i++) {
        struct slice s = slice_take(slice_drop(parts[i], from), length);
        from -= from < parts[i].len ? from : parts[i].len;
        length -= s.len;
        if (s.len > 0)
            into[n++] = s;
    }
    return n;
}

/* What tells the pieces of a datagram apart, and ties them together. */
static void put_place(const struct path *path, uint8_t *head, size_t offset, bool last,
                      uint8_t protocol, uint32_t id)
{
    uint8_t *h = head + ETHERNET_HEAD_SIZE;
    if (!path->v6) {
        put_be16(h + 4, id);
        put_be16(h + 6, (uint32_t)(offset / 8) | (last ? 0 : MORE_V4));
        return;
    }
    h[6] = FRAGMENT_NEXT;
    h += V6_HEAD_SIZE;
    h[0] = protocol;
    h[1] = 0;
    put_be16(h + 2, (uint32_t)offset | !last);
    put_be32(h + 4, id);
}

/* One piece: `length` bytes of the datagram from `offset` on. */
static enum err send_piece(struct ip *ip, uint64_t now, struct path *path,
                           const struct ip_packet *p, uint8_t *head, size_t offset, size_t length,
                           bool borrowed)
{
    struct slice parts[1 + IP_PARTS_MAX];
    size_t extra = path->v6 ? FRAGMENT_HEAD : 0;
    size_t own = offset == 0 ? p->header.len : 0; /* bytes of the transport's header in it */
    put_length(path, head, extra + length);
    if (!path->v6)
        put_be16(head + ETHERNET_HEAD_SIZE + 10, 0);
    output_finish(path, head);
    parts[0] = slice_of(head, path->head_size + extra + own);
    size_t from = offset == 0 ? 0 : offset - p->header.len;
    size_t n = cut_out(p->payload, p->payload_count, from, length - own, parts + 1);
    struct net_frame f = {.parts = parts, .count = 1 + n, .v6 = path->v6};
    return output_frame(ip, now, path, &f, head, borrowed);
}

/* Once one piece is gone the datagram counts as sent: what the card refuses then is lost on the way
 * like any other. */
enum err output_fragments(struct ip *ip, uint64_t now, struct path *path, const struct ip_packet *p,
                          uint32_t mtu, bool borrowed)
{
    uint8_t head[NET_HEAD_MAX];
    size_t extra = path->v6 ? FRAGMENT_HEAD : 0;
    size_t length = p->header.len + parts_length(p->payload, p->payload_count);
    size_t room = (mtu - (path->head_size - ETHERNET_HEAD_SIZE) - extra) & ~(size_t)7;
    uint32_t id = (uint32_t)ip_random(ip);
    if (room < p->header.len)
        return ERR_LIMIT;
    output_start(ip, path, p, head, head + path->head_size + extra, length, NULL);
    for (size_t at = 0; at < length; at += room) {
        size_t here = length - at < room ? length - at : room;
        put_place(path, head, at, at + here == length, (uint8_t)p->protocol, id);
        enum err e = send_piece(ip, now, path, p, head, at, here, borrowed);
        if (e && at == 0)
            return e;
        count(ip, e ? IP_DROP_SEND_CARD : IP_SENT_FRAGMENTS);
        if (e)
            break;
    }
    return OK;
}
