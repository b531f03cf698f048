/* IPv6 packets on their way in (RFC 8200, 3): the fixed header, and who may send to whom. */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

/* One station or, while it has no address, nobody, who asks its neighbours only. An IPv4 address in
 * this form never was on a wire (RFC 4291, 2.5.5.2; RFC 4942, 2.2). */
static bool source_is_possible(struct ip *ip, const struct input *in)
{
    const struct address *a = &in->arrival.source;
    if (in->looped)
        return true;
    if (address_equal(a, &ADDRESS_ANY))
        return true;
    return !address_is_v4(*a) && address_is_unicast(a) && !own_ready(ip, a);
}

/* Returns a counter, or IP_COUNTERS. */
static enum ip_counter check_destination(struct ip *ip, struct input *in)
{
    struct ip_arrival *a = &in->arrival;
    if (address_is_v4(a->destination))
        return IP_DROP_NOT_OURS;
    a->to_many = address_is_multicast(&a->destination);
    if (in->looped)
        return IP_COUNTERS;
    if (a->to_many)
        return own_in_group(ip, &a->destination) ? IP_COUNTERS : IP_DROP_GROUP;
    if (!own_ready(ip, &a->destination))
        return IP_DROP_NOT_OURS;
    return in->group ? IP_DROP_LINK_GROUP : IP_COUNTERS;
}

/* h is the fixed header. Returns a counter, or IP_COUNTERS. */
static enum ip_counter check(struct ip *ip, struct input *in, const uint8_t *h)
{
    size_t total = V6_HEAD_SIZE + ((size_t)h[4] << 8 | h[5]);
    if (h[0] >> 4 != 6)
        return IP_DROP_V6_VERSION;
    if (total > parts_length(in->parts, in->count))
        return IP_DROP_V6_LENGTH;
    parts_cut(in->parts, &in->count, total);
    in->head = V6_HEAD_SIZE;
    in->next_at = 6;
    in->arrival.source = address_from_v6(h + 8);
    in->arrival.destination = address_from_v6(h + 24);
    in->arrival.ecn = h[1] >> 4 & 3;
    in->arrival.hops = h[7];
    if (!source_is_possible(ip, in))
        return IP_DROP_SOURCE;
    return check_destination(ip, in);
}

void ipv6_input(struct ip *ip, struct input *in)
{
    struct reader r = reader_of(in->parts[0]);
    struct slice head = read_bytes(&r, V6_HEAD_SIZE);
    struct fragment f;
    count(ip, IP_RECEIVED_V6);
    enum ip_counter fault = r.bad ? IP_DROP_V6_SHORT : check(ip, in, head.ptr);
    uint8_t next = r.bad ? 0 : head.ptr[6];
    if (fault == IP_COUNTERS)
        fault = extensions_input(ip, in, &next, &f);
    in->arrival.protocol = next;
    if (fault == IP_COUNTERS && next != IP_ICMPV6 && address_is_any(&in->arrival.source))
        fault = IP_DROP_SOURCE;
    if (fault == IP_FRAGMENTS_RECEIVED)
        fragment_input(ip, in, &f);
    else if (fault != IP_COUNTERS)
        count(ip, fault);
    else
        deliver(ip, in);
}
