/*
 * Frames: what arrives is sorted by its Ethernet type and station, and handed on as parts that
 * begin with the IP header; what we say of our own accord is sent if the card has room for it.
 */
#include "lib/ip/internal.h"

void send_own(struct ip *ip, const struct net_frame *f)
{
    count(ip, net_send(ip->net, f) ? IP_DROP_SEND_CARD : IP_SENT);
}

size_t parts_length(const struct slice *parts, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += parts[i].len;
    return length;
}

void parts_cut(struct slice *parts, size_t *count, size_t length)
{
    size_t i = 0;
    while (i < *count && length > parts[i].len)
        length -= parts[i++].len;
    if (i == *count)
        return;
    parts[i].len = length;
    *count = i + 1;
}

size_t parts_copy(const struct slice *parts, size_t count, size_t from, uint8_t *into, size_t max)
{
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < max; i++) {
        struct slice s = slice_take(slice_drop(parts[i], from), max - taken);
        from -= from < parts[i].len ? from : parts[i].len;
        if (s.len > 0)
            memcpy(into + taken, s.ptr, s.len);
        taken += s.len;
    }
    return taken;
}

/* Copies the table, so that it can be cut, and takes the Ethernet head off. */
static enum err open_frame(const struct net_arrival *frame, struct ethernet_head *head,
                           struct slice parts[IP_PARTS_MAX])
{
    if (frame->count == 0)
        return ERR_MALFORMED;
    struct slice rest;
    enum err e = ethernet_parse(frame->parts[0], head, &rest);
    if (e)
        return e;
    memcpy(parts, frame->parts, frame->count * sizeof(*parts));
    parts[0] = rest;
    return OK;
}

static void packet_input(struct ip *ip, struct input *in, uint16_t type)
{
    if (type == ETHERNET_ARP && !ip->options.no_v4)
        arp_input(ip, in->now, in->parts[0]);
    else if (type == ETHERNET_IPV4 && !ip->options.no_v4)
        ipv4_input(ip, in);
    else if (type == ETHERNET_IPV6 && !ip->options.no_v6)
        ipv6_input(ip, in);
    else
        count(ip, type == ETHERNET_ARP || type == ETHERNET_IPV4 || type == ETHERNET_IPV6
                      ? IP_DROP_DISABLED
                      : IP_DROP_FRAME_TYPE);
}

static void frame_input(struct ip *ip, uint64_t now, const struct net_arrival *frame)
{
    struct slice parts[IP_PARTS_MAX];
    struct ethernet_head head;
    count(ip, IP_RECEIVED_FRAMES);
    if (frame->count > IP_PARTS_MAX) {
        count(ip, IP_DROP_FRAME_PARTS);
        return;
    }
    enum err e = open_frame(frame, &head, parts);
    bool group = !e && mac_is_group(head.destination);
    if (e)
        count(ip, e == ERR_UNSUPPORTED ? IP_DROP_FRAME_TYPE : IP_DROP_FRAME_MALFORMED);
    else if ((!group && !mac_equal(head.destination, ip->mac)) || mac_equal(head.source, ip->mac))
        count(ip, IP_DROP_FRAME_STRANGE);
    else
        packet_input(ip,
                     &(struct input){.now = now,
                                     .parts = parts,
                                     .count = frame->count,
                                     .from = head.source,
                                     .group = group,
                                     .checksum = frame->checksum,
                                     .arrival = {.segment_size = frame->segment_size}},
                     head.type);
}

void ip_input(struct ip *ip, uint64_t now, const struct net_arrival *frame)
{
    frame_input(ip, now, frame);
}
