/*
 * Neighbour solicitations and advertisements (RFC 4861, 7): who asks is answered, who answers is
 * learned, and both may tell that another station has an address of ours (RFC 4862, 5.4).
 */
#include "lib/ip/ndp.h"

#include "lib/ip/internal.h"

#define FLAG_ROUTER    0x80u
#define FLAG_SOLICITED 0x40u
#define FLAG_OVERRIDE  0x20u

/* --- sending --- */

/* message: the fixed part of a solicitation or an advertisement, and room for an option. */
static void put_message(uint8_t *message, uint8_t type, uint8_t flags, const struct address *target)
{
    memset(message, 0, NDP_HEAD_NEIGHBOUR);
    message[0] = type;
    message[4] = flags;
    memcpy(message + 8, target->bytes, sizeof(target->bytes));
}

static void put_option(uint8_t *into, uint8_t type, const uint8_t six[6])
{
    into[0] = type;
    into[1] = 1;
    memcpy(into + 2, six, 6);
}

static void send_message(struct ip *ip, uint64_t now, const struct address *source,
                         const struct address *to, struct slice message, const struct mac *station)
{
    struct ip_packet p = {.source = *source,
                          .destination = *to,
                          .protocol = IP_ICMPV6,
                          .hops = HOPS_LINK,
                          .whole = true,
                          .header = message,
                          .checksum_at = 2};
    if (output(ip, now, &p, true, station))
        count(ip, IP_DROP_SEND_CARD);
    else
        count(ip, IP_ICMP_SENT);
}

void ndp_ask(struct ip *ip, uint64_t now, const struct address *target, const struct mac *one)
{
    uint8_t message[NDP_HEAD_NEIGHBOUR + 8];
    struct address source;
    struct address group = address_solicited_node(*target);
    if (!source_find(ip, target, &source))
        return;
    put_message(message, NDP_SOLICITATION, 0, target);
    put_option(message + NDP_HEAD_NEIGHBOUR, NDP_SOURCE_LINK, ip->mac.bytes);
    send_message(ip, now, &source, one ? target : &group, slice_of(message, sizeof(message)), one);
}

void ndp_send_probe(struct ip *ip, uint64_t now, const struct own *o)
{
    uint8_t message[NDP_HEAD_NEIGHBOUR + 8];
    struct address group = address_solicited_node(o->address);
    put_message(message, NDP_SOLICITATION, 0, &o->address);
    put_option(message + NDP_HEAD_NEIGHBOUR, NDP_NONCE, o->dad.nonce);
    send_message(ip, now, &ADDRESS_ANY, &group, slice_of(message, sizeof(message)), NULL);
}

static void advertise(struct ip *ip, uint64_t now, const struct address *target,
                      const struct address *to, uint8_t flags, const struct mac *station)
{
    uint8_t message[NDP_HEAD_NEIGHBOUR + 8];
    put_message(message, NDP_ADVERTISEMENT, flags, target);
    put_option(message + NDP_HEAD_NEIGHBOUR, NDP_TARGET_LINK, ip->mac.bytes);
    send_message(ip, now, target, to, slice_of(message, sizeof(message)), station);
}

/* Neighbours, and routers that have never heard of it (RFC 9131), learn of a new address. */
void ndp_send_announcement(struct ip *ip, uint64_t now, const struct own *o)
{
    advertise(ip, now, &o->address, &ADDRESS_ALL_NODES, FLAG_OVERRIDE, NULL);
}

/* --- receiving --- */

static void answer(struct ip *ip, struct input *in, const struct address *target, bool from_nobody)
{
    if (!bucket_take(&ip->advertisements, RATE_NDP, 1, in->now)) {
        count(ip, IP_DROP_NDP_LIMITED);
        return;
    }
    if (from_nobody)
        advertise(ip, in->now, target, &ADDRESS_ALL_NODES, FLAG_OVERRIDE, NULL);
    else
        advertise(ip, in->now, target, &in->arrival.source, FLAG_SOLICITED | FLAG_OVERRIDE,
                  &in->from);
}

/* Somebody wants, or has, an address that is not ours yet. */
static void duplicate(struct ip *ip, uint64_t now, struct own *o)
{
    own_lose(ip, now, o, IP_ADDRESS_DUPLICATE);
}

/* RFC 4861, 7.2.3. */
static void solicitation(struct ip *ip, struct input *in, const struct address *target,
                         struct slice options)
{
    bool from_nobody = address_is_any(&in->arrival.source);
    struct own *o = own_find(ip, target);
    struct mac station;
    if (!o || address_is_v4(*target))
        return;
    if (!o->ready) {
        if (from_nobody && !dad_is_ours(&o->dad, ndp_option_find(options, NDP_NONCE)))
            duplicate(ip, in->now, o);
        return;
    }
    bool told = !from_nobody && ndp_station(options, NDP_SOURCE_LINK, &station);
    struct neighbour *n = told ? resolve_hear(ip, in->now, &in->arrival.source) : NULL;
    if (n)
        resolve_tell(ip, n, station);
    answer(ip, in, target, from_nobody);
}

/* A neighbour is no longer a router: nothing goes by it (RFC 4861, 7.2.5). */
static void stop_routing(struct ip *ip, struct neighbour *n)
{
    n->router = false;
    for (size_t i = 0; i < ip->routes.count; i++)
        if (ip->routes.of[i].advertised && address_equal(&ip->routes.of[i].gateway, &n->address))
            ip->routes.of[i].until = ip->routes.due = 0;
    destination_forget_via(&ip->destinations, &n->address);
    paths_void(&ip->paths);
}

/* RFC 4861, 7.2.5, for a neighbour whose station is known. False: it is not believed. */
static bool update(struct ip *ip, uint64_t now, struct neighbour *n, uint8_t flags, bool told,
                   struct mac station)
{
    bool other = told && !mac_equal(station, n->mac);
    if (other && !(flags & FLAG_OVERRIDE)) {
        count(ip, IP_NEIGHBOUR_DISPUTED);
        if (n->state == NEIGHBOUR_REACHABLE)
            n->state = NEIGHBOUR_STALE;
        return false;
    }
    if (other)
        resolve_tell(ip, n, station);
    if (flags & FLAG_SOLICITED)
        resolve_confirm(ip, now, n);
    return true;
}

static void advertisement(struct ip *ip, struct input *in, const struct address *target,
                          uint8_t flags, struct slice options)
{
    struct mac station = {{0}};
    bool told = ndp_station(options, NDP_TARGET_LINK, &station);
    struct own *o = own_find(ip, target);
    if (o && !o->ready) {
        duplicate(ip, in->now, o);
        return;
    }
    struct neighbour *n = o ? NULL : neighbour_find(&ip->neighbours, target);
    if (!n || n->state == NEIGHBOUR_PERMANENT)
        return; /* what nobody wants to know is not kept */
    bool unknown = n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_FAILED;
    if (unknown && !told)
        return;
    if (unknown && (flags & FLAG_SOLICITED)) {
        resolve_answer(ip, in->now, n, station);
    } else if (unknown) {
        resolve_tell(ip, n, station);
    } else if (!update(ip, in->now, n, flags, told, station)) {
        return;
    }
    if (n->router && !(flags & FLAG_ROUTER))
        stop_routing(ip, n);
    n->router = flags & FLAG_ROUTER;
}

/* RFC 4861, 7.1. */
static bool is_valid(const struct input *in, uint8_t type, uint8_t flags,
                     const struct address *target, struct slice options)
{
    const struct ip_arrival *a = &in->arrival;
    if (address_is_multicast(target) || address_is_v4(*target) || address_is_any(target))
        return false;
    if (type == NDP_ADVERTISEMENT)
        return !address_is_any(&a->source) &&
               !(address_is_multicast(&a->destination) && (flags & FLAG_SOLICITED));
    if (!address_is_any(&a->source))
        return true;
    struct address group = address_solicited_node(*target);
    return address_equal(&a->destination, &group) &&
           ndp_option_find(options, NDP_SOURCE_LINK).len == 0;
}

static void neighbour_input(struct ip *ip, struct input *in, uint8_t type, struct slice message)
{
    if (message.len < NDP_HEAD_NEIGHBOUR) {
        count(ip, IP_DROP_NDP_MALFORMED);
        return;
    }
    struct address target = address_from_v6(message.ptr + 8);
    struct slice options = slice_drop(message, NDP_HEAD_NEIGHBOUR);
    uint8_t flags = message.ptr[4];
    if (!ndp_options_good(options) || !is_valid(in, type, flags, &target, options))
        count(ip, IP_DROP_NDP_MALFORMED);
    else if (type == NDP_SOLICITATION)
        solicitation(ip, in, &target, options);
    else
        advertisement(ip, in, &target, flags, options);
}

/* What did not come from the link itself, or is no version of the protocol that we know, is dropped
 * whatever it says (RFC 4861, 6.1, 7.1, 8.1). */
void ndp_input(struct ip *ip, struct input *in, uint8_t type, struct slice message)
{
    if (in->arrival.hops != HOPS_LINK)
        count(ip, IP_DROP_NDP_HOPS);
    else if (message.ptr[1] != 0)
        count(ip, IP_DROP_NDP_MALFORMED);
    else if (type == NDP_SOLICITATION || type == NDP_ADVERTISEMENT)
        neighbour_input(ip, in, type, message);
    else if (type == NDP_ROUTER_ADVERTISEMENT)
        router_input(ip, in, message);
    else if (type == NDP_REDIRECT)
        redirect_input(ip, in, message);
    else
        count(ip, IP_DROP_ICMP_TYPE); /* routers are asked, not we */
}
