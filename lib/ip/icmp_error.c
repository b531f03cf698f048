/*
 * ICMP errors that we send (RFC 1122, 3.2.2; RFC 4443, 2.4): never about an ICMP error, never about
 * what was sent to many, never to an address that is not one station's; and not too many: each takes
 * one to three tokens at random, so that the limit tells nobody how many others were sent.
 */
#include "lib/ip/internal.h"

#define ERROR_HEAD   8u
#define ERROR_MAX_V4 576u /* of the whole packet (RFC 1812, 4.3.2.3) */
#define ERROR_MAX_V6 1280u
#define QUOTE_PEEK   192u /* bytes in which the quoted transport's header must be */

static bool is_error(enum ip_protocol protocol, uint8_t type)
{
    if (protocol == IP_ICMPV6)
        return type < 128 || type == 137; /* redirects as well (RFC 4443, 2.4 e) */
    return protocol == IP_ICMP && type != 0 && type != 8 && type != 13 && type != 14;
}

/* Two kinds may answer a packet to many (RFC 4443, 2.4 e.3): too big, which a host has no cause to
 * send, and an option that wants it. */
static bool may_answer(const struct input *in, struct slice packet, struct icmp_kind kind)
{
    struct ip_complaint quoted;
    const struct ip_arrival *a = &in->arrival;
    bool wanted = !address_is_v4(a->source) && kind.type == 4 && kind.code == 2;
    if (!address_is_unicast(&a->source) || in->looped || ((a->to_many || in->group) && !wanted))
        return false;
    if (!quote_parse(packet, &quoted))
        return true; /* so mangled that it is no ICMP error either: or a later piece of one */
    return quoted.header.len == 0 || !is_error(quoted.protocol, quoted.header.ptr[0]);
}

static bool is_later_piece(const struct input *in, struct slice packet)
{
    return address_is_v4(in->arrival.source) && packet.len >= V4_HEAD_SIZE &&
           ((packet.ptr[6] & 0x1f) != 0 || packet.ptr[7] != 0);
}

/* Our address to answer from. */
static bool answer_source(struct ip *ip, const struct input *in, struct address *source)
{
    *source = in->arrival.destination;
    return own_ready(ip, source) || source_find(ip, &in->arrival.source, source);
}

static void send_error(struct ip *ip, struct input *in, struct icmp_kind kind, uint32_t what)
{
    bool v6 = !address_is_v4(in->arrival.source);
    size_t room = v6 ? ERROR_MAX_V6 - V6_HEAD_SIZE : ERROR_MAX_V4 - V4_HEAD_SIZE;
    uint8_t head[ERROR_HEAD] = {kind.type, kind.code};
    struct ip_packet p = {.destination = in->arrival.source,
                          .protocol = v6 ? IP_ICMPV6 : IP_ICMP,
                          .header = slice_of(head, sizeof(head)),
                          .checksum_at = 2,
                          .payload = in->parts,
                          .payload_count = in->count};
    put_be32(head + 4, what);
    parts_cut(in->parts, &p.payload_count, room - sizeof(head));
    if (answer_source(ip, in, &p.source) && !output(ip, in->now, &p, true, NULL))
        count(ip, IP_ICMP_SENT);
}

void icmp_error(struct ip *ip, struct input *in, struct icmp_kind v4, struct icmp_kind v6,
                uint32_t what)
{
    struct icmp_kind kind = address_is_v4(in->arrival.source) ? v4 : v6;
    struct slice packet = slice_take(in->parts[0], QUOTE_PEEK);
    if (!may_answer(in, packet, kind) || is_later_piece(in, packet))
        count(ip, IP_DROP_ICMP_FORBIDDEN);
    else if (!bucket_take(&ip->errors, RATE_ERRORS, 1 + (uint32_t)(ip_random(ip) % 3), in->now))
        count(ip, IP_DROP_ICMP_LIMITED);
    else
        send_error(ip, in, kind, what);
}
