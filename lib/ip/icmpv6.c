/* ICMPv6 (RFC 4443): echoes are answered, errors passed on, NDP and MLD have files of their own. */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

enum icmpv6_type {
    ICMPV6_UNREACHABLE = 1,
    ICMPV6_TOO_BIG = 2,
    ICMPV6_TIME = 3,
    ICMPV6_PARAMETER = 4,
    ICMPV6_ECHO = 128,
    ICMPV6_ECHO_REPLY = 129,
    ICMPV6_QUERY = 130,
    ICMPV6_NDP_FIRST = 133,
    ICMPV6_NDP_LAST = 137
};

#define ICMPV6_HEAD      8u
#define PORT_UNREACHABLE 4u
#define UNKNOWN_NEXT     1u
#define MESSAGE_MAX      1500u /* of NDP and MLD, which are read whole */

/* Whether the quote is of one of its own packets, its transport knows, and learns what the path takes. Which echoes
 * were answered nobody knows, so anybody could narrow any path by quoting one (RFC 8201, 4; RFC 5927, 7): all that
 * follows of that is that large echoes, to whomever, go for a while in pieces that every path takes. */
static void too_big(struct ip *ip, uint64_t now, struct slice quote, uint32_t mtu)
{
    struct ip_complaint c;
    bool ours = quote_parse(quote, &c) && own_ready(ip, &c.source);
    if (!ours || c.protocol != IP_ICMPV6 || !c.header.len || c.header.ptr[0] != ICMPV6_ECHO_REPLY)
        complain(ip, quote, IP_ERROR_TOO_BIG, mtu);
    else if (mtu < ip->mtu_v6) {
        count(ip, IP_ICMP_COMPLAINTS);
        ip->small_echoes_until = now + IP_MTU_AGE;
    }
}

static void error_input(struct ip *ip, uint64_t now, uint8_t type, uint8_t code, uint32_t what,
                        struct slice quote)
{
    bool refused = (type == ICMPV6_UNREACHABLE && code == PORT_UNREACHABLE) ||
                   (type == ICMPV6_PARAMETER && code == UNKNOWN_NEXT);
    if (type == ICMPV6_TOO_BIG)
        too_big(ip, now, quote, what);
    else if (type == ICMPV6_TIME)
        complain(ip, quote, IP_ERROR_TIME, 0);
    else if (type == ICMPV6_UNREACHABLE || type == ICMPV6_PARAMETER)
        complain(ip, quote, refused ? IP_ERROR_REFUSED : IP_ERROR_UNREACHABLE, 0);
    else
        count(ip, IP_DROP_ICMP_TYPE);
}

/* Messages about the link are read in one piece, and never taken out of fragments (RFC 6980). */
static void link_input(struct ip *ip, struct input *in, uint8_t type)
{
    uint8_t whole[MESSAGE_MAX];
    size_t len = parts_length(in->parts, in->count) - in->head;
    if (len > sizeof(whole) || in->reassembled) {
        count(ip, IP_DROP_NDP_MALFORMED);
        return;
    }
    parts_copy(in->parts, in->count, in->head, whole, len);
    if (type == ICMPV6_QUERY)
        mld_input(ip, in, slice_of(whole, len));
    else
        ndp_input(ip, in, type, slice_of(whole, len));
}

static void echo(struct ip *ip, struct input *in)
{
    if (address_is_any(&in->arrival.source))
        count(ip, IP_DROP_SOURCE);
    else
        echo_reply(ip, in, ICMPV6_ECHO_REPLY);
}

static void message_input(struct ip *ip, struct input *in, struct slice message)
{
    struct reader r = reader_of(message);
    uint8_t type = read_u8(&r), code = read_u8(&r);
    read_be16(&r);
    uint32_t what = read_be32(&r);
    if (type == ICMPV6_ECHO)
        echo(ip, in);
    else if (type < ICMPV6_ECHO)
        error_input(ip, in->now, type, code, what, r.rest);
    else if (type == ICMPV6_QUERY || (type >= ICMPV6_NDP_FIRST && type <= ICMPV6_NDP_LAST))
        link_input(ip, in, type);
    else
        count(ip, IP_DROP_ICMP_TYPE);
}

void icmpv6_input(struct ip *ip, struct input *in)
{
    const struct ip_arrival *a = &in->arrival;
    struct slice first = in->parts[0];
    struct checksum c = {0};
    count(ip, IP_ICMP_RECEIVED);
    checksum_add_pseudo(&c, &a->source, &a->destination, IP_ICMPV6,
                        parts_length(in->parts, in->count) - in->head);
    in->parts[0] = slice_drop(first, in->head);
    checksum_add_parts(&c, in->parts, in->count);
    struct slice message = in->parts[0];
    in->parts[0] = first;
    if (message.len < ICMPV6_HEAD)
        count(ip, IP_DROP_ICMP_MALFORMED);
    else if (checksum_complement(&c) != 0)
        count(ip, IP_DROP_ICMP_CHECKSUM);
    else
        message_input(ip, in, message);
}
