/*
 * Working out a path: whether we may speak from the source, which way leads to the destination, who
 * is the next hop, how large packets may be, and what their heads have in common.
 */
#include "lib/ip/internal.h"

void put_be16(uint8_t *into, uint32_t value)
{
    into[0] = (uint8_t)(value >> 8);
    into[1] = (uint8_t)value;
}

void put_be32(uint8_t *into, uint32_t value)
{
    put_be16(into, value >> 16);
    put_be16(into + 2, value);
}

/* Nobody may speak from another's address; who has none yet speaks from none. */
static bool may_speak(struct ip *ip, const struct path *p)
{
    if (address_is_any(&p->source) || address_is_loopback(p->source))
        return address_is_any(&p->source) || p->loop;
    return own_ready(ip, &p->source);
}

static bool is_loop(struct ip *ip, const struct address *a)
{
    return address_is_loopback(*a) || own_ready(ip, a);
}

static void put_head(const struct ip *ip, struct path *p, struct mac station)
{
    uint8_t *h = p->head + ETHERNET_HEAD_SIZE;
    ethernet_put(p->head, station, ip->mac, p->v6 ? ETHERNET_IPV6 : ETHERNET_IPV4);
    if (p->v6) {
        h[0] = 0x60;
        memcpy(h + 8, p->source.bytes, 16);
        memcpy(h + 24, p->destination.bytes, 16);
    } else {
        h[0] = 0x45;
        memcpy(h + 12, p->source.bytes + 12, 4);
        memcpy(h + 16, p->destination.bytes + 12, 4);
    }
}

/* The first hop: a better one that a router told of, the gateway of a route, or the destination. */
static enum err find_next_hop(struct ip *ip, uint64_t now, const struct destination *known,
                              struct path *p)
{
    const struct route *r = route_find(&ip->routes, &p->destination, resolve_hopeful, ip);
    const struct address *hop = r && !route_is_on_link(r) ? &r->gateway : &p->destination;
    if (known && known->via_until > now) {
        hop = &known->via;
        p->until = known->via_until;
    } else if (!r) {
        return ERR_UNREACHABLE;
    }
    p->neighbour = resolve(ip, now, hop);
    return p->neighbour ? OK : ERR_UNREACHABLE;
}

static void find_mtu(struct ip *ip, uint64_t now, const struct destination *known, struct path *p)
{
    p->card_mtu = ip_link_mtu(ip, p->destination);
    p->mtu = p->card_mtu;
    if (!known || known->mtu_until <= now || known->mtu >= p->mtu)
        return;
    p->mtu = known->mtu;
    if (known->mtu_until < p->until)
        p->until = known->mtu_until;
}

enum err path_build(struct ip *ip, uint64_t now, const struct address *source,
                    const struct address *destination, bool resolved, struct path *into)
{
    struct mac station = {{0}};
    bool v6 = !address_is_v4(*destination);
    if (address_is_v4(*source) == v6)
        return ERR_ARGUMENT;
    *into = (struct path){.source = *source,
                          .destination = *destination,
                          .until = WAIT_FOREVER,
                          .v6 = v6,
                          .head_size = ETHERNET_HEAD_SIZE + (v6 ? V6_HEAD_SIZE : V4_HEAD_SIZE),
                          .loop = is_loop(ip, destination)};
    const struct destination *known = destination_find(&ip->destinations, destination, now);
    if (!may_speak(ip, into)) {
        count(ip, IP_DROP_SEND_SOURCE);
        return ERR_UNREACHABLE;
    }
    if (address_is_multicast(destination))
        station = ethernet_group(*destination);
    else if (own_is_broadcast(ip, destination))
        station = MAC_BROADCAST;
    else if (!into->loop && resolved &&
             (address_is_any(destination) || find_next_hop(ip, now, known, into))) {
        count(ip, IP_DROP_SEND_ROUTE);
        return ERR_UNREACHABLE;
    }
    find_mtu(ip, now, known, into);
    put_head(ip, into, station);
    checksum_add_pseudo(&into->pseudo, source, destination, 0, 0);
    return OK;
}

enum err path_of(struct ip *ip, uint64_t now, const struct address *source,
                 const struct address *destination, struct path **into)
{
    struct path *place;
    *into = paths_find(&ip->paths, now, source, destination, &place);
    if (*into)
        return OK;
    enum err e = path_build(ip, now, source, destination, true, place);
    if (e)
        return e;
    place->generation = ip->paths.generation;
    place->used = ip->paths.lookups;
    *into = place;
    return OK;
}

uint32_t ip_link_mtu(struct ip *ip, struct address destination)
{
    return address_is_v4(destination) ? ip->mtu : ip->mtu_v6;
}

void ip_set_mtu(struct ip *ip, uint32_t mtu)
{
    uint32_t card = ip->net->features.mtu;
    ip->mtu = mtu >= IP_MTU_MIN_V4 && mtu < card ? mtu : card;
    paths_void(&ip->paths);
}

uint32_t ip_path_mtu(struct ip *ip, uint64_t now, struct address destination)
{
    const struct path *known = paths_peek(&ip->paths, now, &destination);
    if (known)
        return known->mtu;
    bool v6 = !address_is_v4(destination);
    struct path p = {.destination = destination, .until = WAIT_FOREVER, .v6 = v6};
    find_mtu(ip, now, destination_find(&ip->destinations, &destination, now), &p);
    return p.mtu;
}

void ip_learn_path_mtu(struct ip *ip, uint64_t now, struct address destination, uint32_t mtu)
{
    uint32_t least = address_is_v4(destination) ? IP_MTU_MIN_V4 : IP_MTU_MIN_V6;
    if (mtu < least) {
        count(ip, IP_MTU_REFUSED);
        mtu = least;
    }
    if (mtu == ip_path_mtu(ip, now, destination) || mtu > ip_link_mtu(ip, destination))
        return;
    uint64_t evicted = ip->destinations.evicted;
    destination_learn_mtu(&ip->destinations, &destination, mtu, now);
    count(ip, IP_MTU_LEARNED);
    paths_void(&ip->paths);
    ip->counters.of[IP_DESTINATIONS_EVICTED] += ip->destinations.evicted - evicted;
}

/* Who hears from a destination has spoken to it: there is a path, or it matters no more. */
void ip_confirm(struct ip *ip, uint64_t now, struct address destination)
{
    const struct path *p = paths_peek(&ip->paths, now, &destination);
    struct neighbour *n = p ? p->neighbour : NULL;
    if (n && (n->state != NEIGHBOUR_REACHABLE || n->until < now + NEIGHBOUR_DELAY))
        resolve_confirm(ip, now, n);
}
