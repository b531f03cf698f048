/*
 * ICMP for IPv4 (RFC 792; RFC 1122, 3.2.2): echoes are answered, errors about packets of ours are
 * passed on, and nothing else is heeded. Redirects are not: unlike IPv6's they may come from
 * anywhere, and whoever sends one could take our packets; and source quench is dead (RFC 6633).
 */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_REDIRECT = 5,
    ICMP_ECHO = 8,
    ICMP_TIME = 11,
    ICMP_PARAMETER = 12
};

enum unreachable { PROTOCOL_UNREACHABLE = 2, PORT_UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4 };

#define ICMP_HEAD 8u

void echo_reply(struct ip *ip, struct input *in, uint8_t type)
{
    uint8_t head[ICMP_HEAD] = {type};
    struct slice first = in->parts[0];
    struct slice message = slice_drop(first, in->head);
    struct ip_packet p = {.source = in->arrival.destination,
                          .destination = in->arrival.source,
                          .protocol = in->arrival.protocol,
                          .header = slice_of(head, sizeof(head)),
                          .checksum_at = 2,
                          .payload = in->parts,
                          .payload_count = in->count};
    if (!bucket_take(&ip->echoes, RATE_ECHOES, 1, in->now)) {
        count(ip, IP_DROP_ECHO_LIMITED);
        return;
    }
    memcpy(head + 4, message.ptr + 4, 4);
    in->parts[0] = slice_drop(message, sizeof(head));
    bool many = in->arrival.to_many;
    if ((!many || source_find(ip, &p.destination, &p.source)) &&
        !output(ip, in->now, &p, true, NULL))
        count(ip, IP_ICMP_ECHOES);
    in->parts[0] = first;
}

/* Routers of old do not say what fits (RFC 1191, 7.1): the next of the sizes that networks have. */
static uint32_t plateau(uint32_t quoted)
{
    static const uint16_t sizes[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, IP_MTU_MIN_V4};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] < quoted)
            return sizes[i];
    return IP_MTU_MIN_V4;
}

static void unreachable(struct ip *ip, uint8_t code, uint32_t what, struct slice quote)
{
    uint32_t mtu = what & UINT16_MAX;
    if (code == FRAGMENTATION_NEEDED) {
        if (mtu == 0 && quote.len >= 4)
            mtu = plateau((uint32_t)quote.ptr[2] << 8 | quote.ptr[3]);
        complain(ip, quote, IP_ERROR_TOO_BIG, mtu);
    } else {
        bool refused = code == PROTOCOL_UNREACHABLE || code == PORT_UNREACHABLE;
        complain(ip, quote, refused ? IP_ERROR_REFUSED : IP_ERROR_UNREACHABLE, 0);
    }
}

static void echo(struct ip *ip, struct input *in)
{
    if (in->arrival.to_many)
        count(ip, IP_DROP_ICMP_MANY);
    else
        echo_reply(ip, in, ICMP_ECHO_REPLY);
}

/* message: what there is of it in the first part, its head at least. */
static void message_input(struct ip *ip, struct input *in, struct slice message)
{
    struct reader r = reader_of(message);
    uint8_t type = read_u8(&r), code = read_u8(&r);
    read_be16(&r);
    uint32_t what = read_be32(&r);
    switch (type) {
    case ICMP_ECHO:
        echo(ip, in);
        break;
    case ICMP_UNREACHABLE:
        unreachable(ip, code, what, r.rest);
        break;
    case ICMP_TIME:
        complain(ip, r.rest, IP_ERROR_TIME, 0);
        break;
    case ICMP_PARAMETER:
        complain(ip, r.rest, IP_ERROR_UNREACHABLE, 0);
        break;
    default:
        count(ip, type == ICMP_REDIRECT ? IP_DROP_ICMP_REDIRECT : IP_DROP_ICMP_TYPE);
    }
}

void icmp_input(struct ip *ip, struct input *in)
{
    struct slice first = in->parts[0];
    struct checksum c = {0};
    count(ip, IP_ICMP_RECEIVED);
    in->parts[0] = slice_drop(first, in->head);
    checksum_add_parts(&c, in->parts, in->count);
    struct slice message = in->parts[0];
    in->parts[0] = first;
    if (message.len < ICMP_HEAD)
        count(ip, IP_DROP_ICMP_MALFORMED);
    else if (checksum_complement(&c) != 0)
        count(ip, IP_DROP_ICMP_CHECKSUM);
    else
        message_input(ip, in, message);
}
