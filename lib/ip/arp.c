/*
 * ARP as a host speaks it (RFC 826, RFC 5227): answers for our addresses, learns from answers to
 * us, and lets nobody take a neighbour's place by merely saying so: see neighbour.h.
 */
#include "lib/ip/internal.h"

static void send_arp(struct ip *ip, const struct arp *a, struct mac to)
{
    uint8_t frame[ARP_FRAME_SIZE];
    arp_put(frame, a, to);
    struct slice part = slice_of(frame, sizeof(frame));
    count(ip, IP_ARP_SENT);
    send_own(ip, &(struct net_frame){.parts = &part, .count = 1});
}

void arp_ask(struct ip *ip, const struct address *target, const struct mac *one)
{
    struct arp a = {.operation = ARP_REQUEST, .sender_mac = ip->mac, .target = *target};
    if (source_find(ip, target, &a.sender))
        send_arp(ip, &a, one ? *one : MAC_BROADCAST);
}

void arp_send_probe(struct ip *ip, const struct own *o)
{
    send_arp(ip,
             &(struct arp){.operation = ARP_REQUEST,
                           .sender_mac = ip->mac,
                           .sender = ADDRESS_ANY_V4,
                           .target = o->address},
             MAC_BROADCAST);
}

void arp_send_announcement(struct ip *ip, const struct own *o)
{
    send_arp(ip,
             &(struct arp){.operation = ARP_REQUEST,
                           .sender_mac = ip->mac,
                           .sender = o->address,
                           .target = o->address},
             MAC_BROADCAST);
}

static void answer(struct ip *ip, uint64_t now, const struct arp *a)
{
    if (!bucket_take(&ip->arp_replies, RATE_ARP, 1, now)) {
        count(ip, IP_DROP_ARP_LIMITED);
        return;
    }
    send_arp(ip,
             &(struct arp){.operation = ARP_REPLY,
                           .sender_mac = ip->mac,
                           .sender = a->target,
                           .target_mac = a->sender_mac,
                           .target = a->sender},
             a->sender_mac);
}

/* A neighbour of ours is said to be somewhere. */
static void learn(struct ip *ip, uint64_t now, struct neighbour *n, const struct arp *a)
{
    bool known = n->state != NEIGHBOUR_INCOMPLETE && n->state != NEIGHBOUR_FAILED;
    bool to_us =
        a->operation == ARP_REPLY && mac_equal(a->target_mac, ip->mac) && own_find(ip, &a->target);
    if (known && !mac_equal(n->mac, a->sender_mac)) {
        count(ip, IP_NEIGHBOUR_DISPUTED);
        neighbour_dispute(&ip->neighbours, n, now);
    } else if (to_us) {
        resolve_answer(ip, now, n, a->sender_mac);
    } else if (!known) {
        resolve_tell(ip, n, a->sender_mac);
    }
}

void arp_input(struct ip *ip, uint64_t now, struct slice packet)
{
    struct arp a;
    count(ip, IP_ARP_RECEIVED);
    if (arp_parse(packet, &a)) {
        count(ip, IP_DROP_ARP_MALFORMED);
        return;
    }
    own_arp(ip, now, &a);
    bool to_us = own_ready(ip, &a.target);
    if (!address_is_any(&a.sender) && !own_find(ip, &a.sender)) {
        struct neighbour *n = neighbour_find(&ip->neighbours, &a.sender);
        if (!n && to_us && a.operation == ARP_REQUEST && (n = resolve_hear(ip, now, &a.sender)))
            resolve_tell(ip, n, a.sender_mac);
        else if (n)
            learn(ip, now, n, &a);
    }
    if (to_us && a.operation == ARP_REQUEST && !own_find(ip, &a.sender))
        answer(ip, now, &a);
}
