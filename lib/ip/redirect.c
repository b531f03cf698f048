/*
 * Redirects of IPv6 (RFC 4861, 8): a better first hop to a destination, believed only of the router
 * by which our packets go there now.
 */
#include "lib/ip/internal.h"
#include "lib/ip/ndp.h"

/* The router that we use for a destination. */
static const struct address *current_hop(struct ip *ip, uint64_t now,
                                         const struct address *destination)
{
    const struct destination *known = destination_find(&ip->destinations, destination, now);
    if (known && known->via_until > now)
        return &known->via;
    const struct route *r = route_find(&ip->routes, destination, resolve_hopeful, ip);
    return r && !route_is_on_link(r) ? &r->gateway : NULL;
}

static bool is_valid(struct ip *ip, const struct input *in, const struct address *target,
                     const struct address *destination)
{
    const struct address *from = &in->arrival.source;
    if (!address_is_link_local(from) || address_is_v4(*destination) || address_is_v4(*target) ||
        !address_is_unicast(destination) || address_is_link_local(destination) ||
        own_find(ip, target) || own_find(ip, destination))
        return false;
    if (!address_equal(target, destination) &&
        !(address_is_link_local(target) && address_is_unicast(target)))
        return false;
    const struct address *hop = current_hop(ip, in->now, destination);
    return hop && address_equal(hop, from);
}

static void learn_target(struct ip *ip, uint64_t now, const struct address *target, bool is_router,
                         struct slice options)
{
    struct mac station;
    if (!ndp_station(options, NDP_TARGET_LINK, &station))
        return;
    struct neighbour *n = resolve_hear(ip, now, target);
    if (!n)
        return;
    resolve_tell(ip, n, station);
    n->router |= is_router;
}

void redirect_input(struct ip *ip, struct input *in, struct slice message)
{
    if (message.len < NDP_HEAD_REDIRECT ||
        !ndp_options_good(slice_drop(message, NDP_HEAD_REDIRECT))) {
        count(ip, IP_DROP_NDP_MALFORMED);
        return;
    }
    struct address target = address_from_v6(message.ptr + 8);
    struct address destination = address_from_v6(message.ptr + 24);
    if (ip->options.no_autoconfiguration || !is_valid(ip, in, &target, &destination)) {
        count(ip, IP_DROP_ICMP_REDIRECT);
        return;
    }
    learn_target(ip, in->now, &target, !address_equal(&target, &destination),
                 slice_drop(message, NDP_HEAD_REDIRECT));
    uint64_t evicted = ip->destinations.evicted;
    destination_learn_via(&ip->destinations, &destination, &target, in->now);
    ip->counters.of[IP_DESTINATIONS_EVICTED] += ip->destinations.evicted - evicted;
    count(ip, IP_REDIRECTS);
    paths_void(&ip->paths);
}
