/*
 * A packet of ours as somebody quotes it in an ICMP error, or as it was given up here: what it was
 * and whose (RFC 1122, 3.2.2; RFC 4443, 2.4 d). A quote may be cut anywhere; what it says is used
 * only as far as it is there, and only if it can have been ours.
 */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

#define QUOTE_LEAST      8u /* bytes of the transport's header: what RFC 792 promises */
#define QUOTE_EXTENSIONS 8u

static bool quote_v4(struct slice packet, struct ip_complaint *into)
{
    struct reader r = reader_of(packet);
    struct slice head = read_bytes(&r, V4_HEAD_SIZE);
    if (r.bad)
        return false;
    const uint8_t *h = head.ptr;
    size_t size = (h[0] & 0x0fu) * 4u;
    if (size < V4_HEAD_SIZE || (h[6] & 0x1f) != 0 || h[7] != 0)
        return false; /* a later piece says nothing about its transport */
    read_bytes(&r, size - V4_HEAD_SIZE);
    into->source = address_from_v4(h + 12);
    into->destination = address_from_v4(h + 16);
    into->protocol = h[9];
    into->header = r.rest;
    return !r.bad;
}

/* Extension headers are skipped: we send none but for fragments. */
static bool quote_v6(struct slice packet, struct ip_complaint *into)
{
    struct reader r = reader_of(packet);
    struct slice head = read_bytes(&r, V6_HEAD_SIZE);
    if (r.bad)
        return false;
    uint8_t next = head.ptr[6];
    for (unsigned n = 0; n < QUOTE_EXTENSIONS; n++) {
        if (next != 0 && next != 43 && next != 44 && next != 60)
            break;
        bool fragment = next == 44;
        next = read_u8(&r);
        size_t length = read_u8(&r);
        struct slice rest = read_bytes(&r, fragment ? 6 : 8 * length + 6);
        if (r.bad || (fragment && (rest.ptr[0] != 0 || (rest.ptr[1] & 0xf8) != 0)))
            return false;
    }
    into->source = address_from_v6(head.ptr + 8);
    into->destination = address_from_v6(head.ptr + 24);
    into->protocol = next;
    into->header = r.rest;
    return !address_is_v4(into->source) && !address_is_v4(into->destination);
}

bool quote_parse(struct slice packet, struct ip_complaint *into)
{
    *into = (struct ip_complaint){.mtu = 0};
    if (packet.len == 0)
        return false;
    switch (packet.ptr[0] >> 4) {
    case 4:
        return quote_v4(packet, into);
    case 6:
        return quote_v6(packet, into);
    default:
        return false;
    }
}

void complain(struct ip *ip, struct slice packet, enum ip_error why, uint32_t mtu)
{
    struct ip_complaint c;
    if (!quote_parse(packet, &c) || c.header.len < QUOTE_LEAST || !own_ready(ip, &c.source)) {
        count(ip, IP_DROP_ICMP_QUOTE);
        return;
    }
    uint32_t least = address_is_v4(c.source) ? IP_MTU_MIN_V4 : IP_MTU_MIN_V6;
    c.why = why;
    if (why == IP_ERROR_TOO_BIG)
        c.mtu = mtu < least ? least : mtu;
    count(ip, IP_ICMP_COMPLAINTS);
    ip->events->on_complaint(ip->owner, &c);
}
