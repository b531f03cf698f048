/*
 * IPv4 packets on their way in (RFC 791; RFC 1122, 3.2.1): a header that is not right in every
 * respect, and options that we would have to act upon, end the packet in silence.
 */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

enum option {
    OPTION_END = 0,
    OPTION_NOTHING = 1,
    OPTION_LOOSE_ROUTE = 131,
    OPTION_STRICT_ROUTE = 137
};

#define MORE_FRAGMENTS 0x2000u
#define OFFSET_MASK    0x1fffu

/* Options are skipped; they only have to be well-formed, and not ask us to forward (RFC 1122,
 * 3.2.1.8). Returns which counter speaks against them, or IP_COUNTERS. */
static enum ip_counter check_options(struct slice options)
{
    struct reader r = reader_of(options);
    while (r.rest.len > 0) {
        uint8_t type = read_u8(&r);
        if (type == OPTION_END)
            break;
        if (type == OPTION_NOTHING)
            continue;
        uint8_t len = read_u8(&r);
        if (len < 2)
            return IP_DROP_V4_OPTIONS;
        read_bytes(&r, len - 2u);
        if (type == OPTION_LOOSE_ROUTE || type == OPTION_STRICT_ROUTE)
            return IP_DROP_V4_SOURCE_ROUTE;
    }
    return r.bad ? IP_DROP_V4_OPTIONS : IP_COUNTERS;
}

/* Nobody sends from these, but for 0.0.0.0, which asks for an address, and not us. */
static bool source_is_possible(struct ip *ip, const struct input *in)
{
    const struct address *a = &in->arrival.source;
    if (in->looped)
        return true;
    return address_is_unicast(a) && !own_is_broadcast(ip, a) && !own_ready(ip, a);
}

/* For us, and not a packet for one that was sent to all of the link, which would make many answer
 * (RFC 1122, 3.3.6). Returns a counter, or IP_COUNTERS. */
static enum ip_counter check_destination(struct ip *ip, struct input *in)
{
    struct ip_arrival *a = &in->arrival;
    if (in->looped || own_ready(ip, &a->destination))
        return in->group ? IP_DROP_LINK_GROUP : IP_COUNTERS;
    a->to_many = true;
    if (own_is_broadcast(ip, &a->destination))
        return IP_COUNTERS;
    if (address_is_multicast(&a->destination))
        return own_in_group(ip, &a->destination) ? IP_COUNTERS : IP_DROP_GROUP;
    return IP_DROP_NOT_OURS;
}

/* The header's own rules; h is its fixed part. Returns a counter, or IP_COUNTERS. */
static enum ip_counter check_header(struct input *in, const uint8_t *h)
{
    size_t total = (size_t)h[2] << 8 | h[3];
    in->head = (h[0] & 0x0fu) * 4u;
    if (h[0] >> 4 != 4)
        return IP_DROP_V4_VERSION;
    if (in->head < V4_HEAD_SIZE || in->head > in->parts[0].len)
        return IP_DROP_V4_HEADER;
    if (total < in->head || total > parts_length(in->parts, in->count))
        return IP_DROP_V4_LENGTH;
    if (!in->reassembled && checksum_of(slice_take(in->parts[0], in->head)) != 0)
        return IP_DROP_V4_CHECKSUM;
    parts_cut(in->parts, &in->count, total);
    if (in->head == V4_HEAD_SIZE)
        return IP_COUNTERS;
    return check_options(slice_drop(slice_take(in->parts[0], in->head), V4_HEAD_SIZE));
}

static enum ip_counter check(struct ip *ip, struct input *in, const uint8_t *h)
{
    enum ip_counter fault = check_header(in, h);
    if (fault != IP_COUNTERS)
        return fault;
    in->arrival.source = address_from_v4(h + 12);
    in->arrival.destination = address_from_v4(h + 16);
    in->arrival.ecn = h[1] & 3;
    in->arrival.hops = h[8];
    in->arrival.protocol = h[9];
    if (!source_is_possible(ip, in))
        return IP_DROP_SOURCE;
    return check_destination(ip, in);
}

static void fragment(struct ip *ip, struct input *in, const uint8_t *h, uint32_t field)
{
    struct fragment f = {.source = in->arrival.source,
                         .destination = in->arrival.destination,
                         .id = (uint32_t)h[4] << 8 | h[5],
                         .protocol = h[9],
                         .ecn = (uint8_t)in->arrival.ecn,
                         .last = !(field & MORE_FRAGMENTS),
                         .offset = (field & OFFSET_MASK) * 8,
                         .head = slice_take(in->parts[0], in->head),
                         .parts = in->parts,
                         .count = in->count,
                         .skip = in->head,
                         .length = parts_length(in->parts, in->count) - in->head};
    fragment_input(ip, in, &f);
}

void ipv4_input(struct ip *ip, struct input *in)
{
    struct reader r = reader_of(in->parts[0]);
    struct slice head = read_bytes(&r, V4_HEAD_SIZE);
    count(ip, IP_RECEIVED_V4);
    enum ip_counter fault = r.bad ? IP_DROP_V4_SHORT : check(ip, in, head.ptr);
    if (fault != IP_COUNTERS) {
        count(ip, fault);
        return;
    }
    uint32_t field = (uint32_t)head.ptr[6] << 8 | head.ptr[7];
    if (field & (MORE_FRAGMENTS | OFFSET_MASK))
        fragment(ip, in, head.ptr, field);
    else
        deliver(ip, in);
}
