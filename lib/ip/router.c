/*
 * Routers of IPv6: asked for, and what they advertise (RFC 4861, 6.3; preferences and routes RFC
 * 4191; resolvers RFC 8106). All of it has a lifetime, a bound, and none of it is heeded where the
 * options say so. Nothing that an advertisement says makes us worse off than the limits below.
 */
#include "lib/ip/internal.h"
#include "lib/ip/ndp.h"
#include "runtime/reader.h"

#define HOPS_LEAST       32u /* of what an advertisement may set (fewer would cut us off) */
#define REACHABLE_LEAST  (1 * CLOCK_SEC)
#define REACHABLE_MOST   (3600 * CLOCK_SEC)
#define RETRANSMIT_LEAST (250 * CLOCK_MS)
#define RETRANSMIT_MOST  (10 * CLOCK_SEC)
#define FOR_EVER         UINT32_MAX

/* The end of a lifetime in seconds. */
static uint64_t end_of(uint64_t now, uint32_t lifetime)
{
    return lifetime == FOR_EVER ? WAIT_FOREVER : now + lifetime * CLOCK_SEC;
}

/* Two bits: 01 high, 00 medium, 11 low, 10 is taken for medium (RFC 4191, 2.1). */
static int8_t preference(uint8_t flags)
{
    unsigned bits = flags >> 3 & 3;
    return bits == 1 ? ROUTE_HIGH : bits == 3 ? ROUTE_LOW : ROUTE_MEDIUM;
}

static size_t count_routers(const struct ip *ip)
{
    size_t n = 0;
    for (size_t i = 0; i < ip->routes.count; i++)
        n += ip->routes.of[i].advertised && route_is_default(&ip->routes.of[i]);
    return n;
}

/* A route that is no longer: whoever was told of its router is told again. */
static void route_gone(struct ip *ip, const struct route *gone)
{
    paths_void(&ip->paths);
    if (!gone->advertised || !route_is_default(gone))
        return;
    destination_forget_via(&ip->destinations, &gone->gateway);
    ip->events->on_router(ip->owner, gone->gateway, false);
}

static void withdraw(struct ip *ip, struct route *r)
{
    struct route gone = *r;
    if (!gone.advertised)
        return;
    route_remove(&ip->routes, r);
    route_gone(ip, &gone);
}

/* An advertised route, new or again; of no lifetime: no longer. */
static void advertised(struct ip *ip, const struct route *r, uint32_t lifetime)
{
    struct route *known = route_get(&ip->routes, &r->prefix, r->bits, &r->gateway);
    bool is_router = route_is_default(r);
    if (lifetime == 0) {
        if (known)
            withdraw(ip, known);
        return;
    }
    if ((!known && is_router && count_routers(ip) == IP_ROUTERS_MAX) || route_put(&ip->routes, r)) {
        count(ip, is_router ? IP_ROUTERS_REFUSED : IP_PREFIXES_REFUSED);
        return;
    }
    paths_void(&ip->paths);
    if (is_router && !known)
        ip->events->on_router(ip->owner, r->gateway, true);
}

/* RFC 4861, 6.3.4; RFC 4862, 5.5.3. */
static void prefix_option(struct ip *ip, uint64_t now, struct slice body)
{
    struct reader r = reader_of(body);
    uint8_t bits = read_u8(&r), flags = read_u8(&r);
    uint32_t valid = read_be32(&r), preferred = read_be32(&r);
    read_be32(&r);
    struct slice bytes = read_bytes(&r, 16);
    if (r.bad || bits > 128) {
        count(ip, IP_PREFIXES_REFUSED);
        return;
    }
    struct address prefix = address_prefix(address_from_v6(bytes.ptr), bits);
    if (address_is_link_local(&prefix) || address_is_multicast(&prefix) || address_is_v4(prefix) ||
        bits == 0) {
        count(ip, IP_PREFIXES_REFUSED);
        return;
    }
    if (flags & 0x80)
        advertised(
            ip,
            &(struct route){
                .prefix = prefix, .bits = bits, .until = end_of(now, valid), .advertised = true},
            valid);
    if (flags & 0x40)
        slaac_prefix(ip, now, &prefix, bits, valid, preferred);
}

/* RFC 4191, 2.3: a prefix of as many bytes as the option has room for. */
static void route_option(struct ip *ip, const struct input *in, struct slice body)
{
    struct reader r = reader_of(body);
    uint8_t bits = read_u8(&r), flags = read_u8(&r);
    uint32_t lifetime = read_be32(&r);
    struct address prefix = ADDRESS_ANY;
    if (r.bad || bits == 0 || bits > 128 || r.rest.len > 16 || r.rest.len * 8 < bits) {
        count(ip, IP_PREFIXES_REFUSED);
        return;
    }
    memcpy(prefix.bytes, r.rest.ptr, r.rest.len);
    prefix = address_prefix(prefix, bits);
    if (address_is_multicast(&prefix) || address_is_link_local(&prefix) || address_is_v4(prefix)) {
        count(ip, IP_PREFIXES_REFUSED);
        return;
    }
    advertised(ip,
               &(struct route){.prefix = prefix,
                               .bits = bits,
                               .gateway = in->arrival.source,
                               .until = end_of(in->now, lifetime),
                               .preference = preference(flags),
                               .advertised = true},
               lifetime);
}

static void resolver_option(struct ip *ip, uint64_t now, struct slice body)
{
    struct reader r = reader_of(body);
    read_be16(&r);
    uint32_t lifetime = read_be32(&r);
    while (!r.bad && r.rest.len >= 16) {
        struct address resolver = address_from_v6(read_bytes(&r, 16).ptr);
        if (!address_is_v4(resolver) && address_is_unicast(&resolver))
            ip->events->on_resolver(ip->owner, resolver, lifetime ? end_of(now, lifetime) : 0);
    }
}

/* Between the least that IPv6 lives with and what the card takes. */
static void mtu_option(struct ip *ip, struct slice body)
{
    struct reader r = reader_of(body);
    read_be16(&r);
    uint32_t mtu = read_be32(&r);
    if (r.bad || mtu < IP_MTU_MIN_V6 || mtu > ip->net->features.mtu || mtu == ip->mtu_v6)
        return;
    ip->mtu_v6 = mtu;
    paths_void(&ip->paths);
}

static void router_options(struct ip *ip, struct input *in, struct slice options)
{
    uint8_t type;
    struct slice body;
    while (ndp_option(&options, &type, &body)) {
        if (type == NDP_PREFIX)
            prefix_option(ip, in->now, body);
        else if (type == NDP_ROUTE)
            route_option(ip, in, body);
        else if (type == NDP_RDNSS)
            resolver_option(ip, in->now, body);
        else if (type == NDP_MTU)
            mtu_option(ip, body);
    }
}

static uint64_t between(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* What holds for all of the link. 0 says nothing. */
static void parameters(struct ip *ip, uint8_t hops, uint32_t reachable_ms, uint32_t retransmit_ms)
{
    if (hops >= HOPS_LEAST)
        ip->hops_v6 = hops;
    if (reachable_ms)
        ip->neighbours.reachable =
            between(REACHABLE_LEAST, reachable_ms * CLOCK_MS, REACHABLE_MOST);
    if (retransmit_ms)
        ip->neighbours.retransmit =
            between(RETRANSMIT_LEAST, retransmit_ms * CLOCK_MS, RETRANSMIT_MOST);
}

/* The router itself, as a neighbour. */
static void learn_router(struct ip *ip, struct input *in, struct slice options)
{
    struct mac station;
    if (!ndp_station(options, NDP_SOURCE_LINK, &station))
        return;
    struct neighbour *n = resolve_hear(ip, in->now, &in->arrival.source);
    if (!n)
        return;
    resolve_tell(ip, n, station);
    n->router = true;
}

/* flags: those of an advertisement, of which the owner hears when they change. */
static void tell_managed(struct ip *ip, uint8_t flags)
{
    uint8_t told = (uint8_t)(1 | (flags & 0xc0));
    if (ip->managed == told)
        return;
    ip->managed = told;
    ip->events->on_managed(ip->owner, flags & 0x80, flags & 0x40);
}

void router_input(struct ip *ip, struct input *in, struct slice message)
{
    struct reader r = reader_of(message);
    read_be32(&r);
    uint8_t hops = read_u8(&r), flags = read_u8(&r);
    uint16_t lifetime = read_be16(&r);
    uint32_t reachable = read_be32(&r), retransmit = read_be32(&r);
    if (r.bad || !address_is_link_local(&in->arrival.source) || !ndp_options_good(r.rest)) {
        count(ip, IP_DROP_NDP_MALFORMED);
        return;
    }
    if (ip->options.no_autoconfiguration)
        return;
    count(ip, IP_ADVERTISEMENTS);
    if (lifetime > 0)
        solicitor_end(&ip->solicitor);
    parameters(ip, hops, reachable, retransmit);
    learn_router(ip, in, r.rest);
    advertised(ip,
               &(struct route){.gateway = in->arrival.source,
                               .until = end_of(in->now, lifetime),
                               .preference = preference(flags),
                               .advertised = true},
               lifetime);
    router_options(ip, in, r.rest);
    tell_managed(ip, flags);
}

/* --- asking --- */

static void send_solicitation(struct ip *ip, uint64_t now)
{
    uint8_t message[16] = {NDP_ROUTER_SOLICITATION, [8] = NDP_SOURCE_LINK, 1};
    struct ip_packet p = {.destination = ADDRESS_ALL_ROUTERS,
                          .protocol = IP_ICMPV6,
                          .hops = HOPS_LINK,
                          .whole = true,
                          .checksum_at = 2};
    bool named = source_find(ip, &ADDRESS_ALL_ROUTERS, &p.source);
    memcpy(message + 10, ip->mac.bytes, sizeof(ip->mac.bytes));
    p.header = slice_of(message, named ? 16 : 8);
    if (!output(ip, now, &p, true, NULL))
        count(ip, IP_ICMP_SENT);
}

void router_solicit(struct ip *ip, uint64_t now)
{
    if (!ip->options.no_autoconfiguration)
        solicitor_begin(&ip->solicitor, now, (uint32_t)ip_random(ip));
}

void router_expire(struct ip *ip, uint64_t now)
{
    struct route gone;
    while (route_expire(&ip->routes, now, &gone)) {
        route_gone(ip, &gone);
        if (gone.advertised && route_is_default(&gone) && count_routers(ip) == 0)
            router_solicit(ip,
                           now); /* nobody may say anything for half an hour (RFC 4861, 6.2.1) */
    }
    if (solicitor_expire(&ip->solicitor, now))
        send_solicitation(ip, now);
}
