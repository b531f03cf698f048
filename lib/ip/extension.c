/*
 * IPv6 extension headers (RFC 8200, 4), in the order in which they stand: options are obeyed in what
 * their type says is to become of the packet, routing headers that still want to go somewhere are
 * refused (RFC 5095), a fragment header leads to reassembly. All of them, and few, in the first part.
 */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

#define EXTENSIONS_MAX 8u
#define OPTIONS_MAX    16u /* of one header, padding not counted (RFC 8504, 5.3) */

enum extension { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, NO_NEXT = 59, OPTIONS = 60 };

/* Tells the sender about its header: the kinds of RFC 4443, 3.4. */
static void problem(struct ip *ip, struct input *in, uint8_t code, size_t at)
{
    icmp_error(ip, in, (struct icmp_kind){12, 0}, (struct icmp_kind){4, code}, (uint32_t)at);
}

/* An option that we do not know: its two highest bits say what then (RFC 8200, 4.2). */
static enum ip_counter unknown_option(struct ip *ip, struct input *in, uint8_t type, size_t at)
{
    if (type >> 6 == 0)
        return IP_COUNTERS;
    if (type >> 6 == 2 || (type >> 6 == 3 && !in->arrival.to_many))
        problem(ip, in, 2, at);
    return IP_DROP_V6_OPTION;
}

/* body: of an options header, without its first two bytes, which start at in->head. */
static enum ip_counter options(struct ip *ip, struct input *in, struct slice body)
{
    struct reader r = reader_of(body);
    for (unsigned known = 0; r.rest.len > 0;) {
        size_t at = in->head + 2 + (body.len - r.rest.len);
        uint8_t type = read_u8(&r);
        if (type == 0)
            continue; /* Pad1 */
        read_bytes(&r, read_u8(&r));
        if (r.bad || (type != 1 && ++known > OPTIONS_MAX))
            return IP_DROP_V6_EXTENSION;
        enum ip_counter fault = type == 1 ? IP_COUNTERS : unknown_option(ip, in, type, at);
        if (fault != IP_COUNTERS)
            return fault;
    }
    return IP_COUNTERS;
}

static enum ip_counter routing(struct ip *ip, struct input *in, struct slice body)
{
    if (body.ptr[1] == 0) /* segments left */
        return IP_COUNTERS;
    problem(ip, in, 0, in->head + 2);
    return IP_DROP_V6_ROUTING;
}

/* A datagram of one piece is as good as one of none (RFC 6946). */
static enum ip_counter fragment(struct input *in, uint8_t next, struct slice header,
                                struct fragment *f)
{
    struct reader r = reader_of(slice_drop(header, 2));
    uint32_t field = read_be16(&r);
    if ((field & 0xfff9u) == 0)
        return IP_COUNTERS;
    *f = (struct fragment){.source = in->arrival.source,
                           .destination = in->arrival.destination,
                           .id = read_be32(&r),
                           .protocol = next,
                           .ecn = (uint8_t)in->arrival.ecn,
                           .last = !(field & 1),
                           .offset = field & 0xfff8u,
                           .head = slice_take(in->parts[0], in->head),
                           .next_at = in->next_at,
                           .parts = in->parts,
                           .count = in->count,
                           .skip = in->head + header.len,
                           .length = parts_length(in->parts, in->count) - in->head - header.len};
    return IP_FRAGMENTS_RECEIVED;
}

/* The header that starts at in->head, whole. */
static struct slice take_header(const struct input *in, uint8_t type)
{
    struct reader r = reader_of(slice_drop(in->parts[0], in->head));
    struct slice start = r.rest;
    read_u8(&r);
    size_t length = type == FRAGMENT ? 8 : 8 * (1u + read_u8(&r));
    r = reader_of(start);
    return read_bytes(&r, length);
}

static enum ip_counter one(struct ip *ip, struct input *in, uint8_t type, struct slice header,
                           struct fragment *f)
{
    struct slice body = slice_drop(header, 2);
    switch (type) {
    case HOP_BY_HOP:
    case OPTIONS:
        return options(ip, in, body);
    case ROUTING:
        return routing(ip, in, body);
    default:
        return fragment(in, header.ptr[0], header, f);
    }
}

enum ip_counter extensions_input(struct ip *ip, struct input *in, uint8_t *next, struct fragment *f)
{
    for (unsigned n = 0;; n++) {
        uint8_t type = *next;
        if (type == NO_NEXT)
            return IP_DROP_V6_NEXT;
        if (type == HOP_BY_HOP && in->head != V6_HEAD_SIZE) {
            problem(ip, in, 1, in->next_at);
            return IP_DROP_V6_EXTENSION;
        }
        if (type != HOP_BY_HOP && type != OPTIONS && type != ROUTING && type != FRAGMENT)
            return IP_COUNTERS;
        struct slice header = take_header(in, type);
        if (header.len == 0 || n == EXTENSIONS_MAX)
            return IP_DROP_V6_EXTENSION;
        enum ip_counter fault = one(ip, in, type, header, f);
        *next = header.ptr[0];
        if (fault != IP_COUNTERS)
            return fault;
        in->next_at = in->head;
        in->head += header.len;
    }
}
