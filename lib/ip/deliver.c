/*
 * Whole packets for us: the checksum of the transport is verified, unless the card did, and the
 * packet goes to ICMP or to whoever is above. Packets to ourselves come by here too.
 */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

#define TCP_HEAD_SIZE 20u
#define UDP_HEAD_SIZE 8u

static bool checksum_is_good(const struct input *in, size_t length)
{
    const struct ip_arrival *a = &in->arrival;
    struct checksum c = {0};
    checksum_add_pseudo(&c, &a->source, &a->destination, (uint8_t)a->protocol, length);
    checksum_add_parts(&c, a->parts, a->count);
    return checksum_complement(&c) == 0;
}

static enum ip_counter check_tcp(const struct input *in, size_t length)
{
    if (in->arrival.parts[0].len < TCP_HEAD_SIZE)
        return IP_DROP_SHORT;
    if (in->checksum != NET_CHECKSUM_GOOD && !checksum_is_good(in, length))
        return IP_DROP_CHECKSUM;
    return IP_COUNTERS;
}

/* UDP has a length of its own, and no checksum where that is 0, over IPv4 only (RFC 768; RFC 8200,
 * 8.1). */
static enum ip_counter check_udp(struct input *in, size_t length)
{
    struct reader r = reader_of(in->arrival.parts[0]);
    read_be32(&r);
    size_t own = read_be16(&r);
    uint16_t checksum = read_be16(&r);
    if (r.bad || own < UDP_HEAD_SIZE || own > length)
        return IP_DROP_SHORT;
    if (own < length) {
        parts_cut(in->parts, &in->arrival.count, own);
        in->count = in->arrival.count;
    }
    if (in->checksum == NET_CHECKSUM_GOOD)
        return IP_COUNTERS;
    if (checksum == 0)
        return address_is_v4(in->arrival.source) ? IP_COUNTERS : IP_DROP_CHECKSUM;
    return checksum_is_good(in, own) ? IP_COUNTERS : IP_DROP_CHECKSUM;
}

static enum ip_counter check_transport(struct input *in)
{
    size_t length = parts_length(in->parts, in->count);
    if (in->arrival.protocol == IP_TCP)
        return check_tcp(in, length);
    if (in->arrival.protocol == IP_UDP)
        return check_udp(in, length);
    return IP_COUNTERS;
}

/* Nobody is told that a packet to many was not wanted: icmp_error sees to that. */
static void refuse(struct ip *ip, struct input *in, enum ip_verdict verdict)
{
    if (verdict == IP_NO_PORT) {
        count(ip, IP_DROP_NO_PORT);
        icmp_error(ip, in, (struct icmp_kind){3, 3}, (struct icmp_kind){1, 4}, 0);
    } else {
        uint32_t pointer = (uint32_t)in->next_at;
        count(ip, IP_DROP_NO_PROTOCOL);
        icmp_error(ip, in, (struct icmp_kind){3, 2}, (struct icmp_kind){4, 1},
                   address_is_v4(in->arrival.source) ? 0 : pointer);
    }
}

void deliver(struct ip *ip, struct input *in)
{
    struct ip_arrival *a = &in->arrival;
    if (a->protocol == (address_is_v4(a->source) ? IP_ICMP : IP_ICMPV6)) {
        (address_is_v4(a->source) ? icmp_input : icmpv6_input)(ip, in);
        return;
    }
    /* The parts lose the IP header for the transport, and have it back for an error. */
    struct slice first = in->parts[0];
    in->parts[0] = slice_drop(first, in->head);
    a->parts = in->parts;
    a->count = in->count;
    enum ip_counter fault = check_transport(in);
    count(ip, fault == IP_COUNTERS ? IP_DELIVERED : fault);
    if (fault != IP_COUNTERS)
        return;
    enum ip_verdict verdict = ip->events->on_packet(ip->owner, a);
    in->parts[0] = slice_of(first.ptr, in->head + in->parts[0].len);
    if (verdict != IP_TAKEN)
        refuse(ip, in, verdict);
}

static void loop_input(struct ip *ip, uint64_t now, struct copy *c)
{
    struct slice packet = slice_drop(slice_of(c->bytes, c->len), ETHERNET_HEAD_SIZE);
    struct input in = {.now = now,
                       .parts = &packet,
                       .count = 1,
                       .looped = true,
                       .checksum = NET_CHECKSUM_GOOD,
                       .from = ip->mac,
                       .arrival = {.segment_size = c->frame.segment_size}};
    count(ip, IP_LOOPED);
    if (c->frame.v6)
        ipv6_input(ip, &in);
    else
        ipv4_input(ip, &in);
}

/* As many as there are now: what they give rise to waits for the next call. */
void loop_expire(struct ip *ip, uint64_t now)
{
    for (size_t n = ip->loop_count; n > 0; n--) {
        struct copy *c = CONTAINER(ip->copies.loop.next, struct copy, link);
        ip->loop_count--;
        list_remove(&c->link);
        loop_input(ip, now, c);
        copy_free(&ip->copies, c);
    }
}
