/* One card's IP as a whole: opened, driven, closed, and what its owner sets. See ip.h. */
#include "lib/ip/internal.h"

#include "signatures/memory.h"

uint64_t ip_random(struct ip *ip)
{
    uint64_t random;
    ip->events->random(ip->owner, &random, sizeof(random));
    return random;
}

static struct sipkey make_key(struct ip *ip)
{
    struct sipkey key = {ip_random(ip), ip_random(ip)};
    return key;
}

static void add_link_local(struct ip *ip, uint64_t now)
{
    struct route r = {.prefix = ADDRESS_LINK_LOCAL, .bits = 64, .until = WAIT_FOREVER};
    (void)route_put(&ip->routes, &r); /* it is the first */
    if (!ip->options.no_autoconfiguration)
        slaac_begin(ip, now);
}

struct ip *ip_open(struct net *n, const struct ip_events *events, void *owner,
                   const struct ip_options *options, uint64_t now)
{
    struct ip *ip = memory_zalloc(sizeof(*ip));
    if (!ip)
        return NULL;
    ip->net = n;
    ip->events = events;
    ip->owner = owner;
    ip->options = *options;
    memcpy(ip->mac.bytes, n->features.mac, sizeof(ip->mac.bytes));
    ip->mtu = ip->mtu_v6 = n->features.mtu;
    ip->hops_v6 = IP_HOPS_DEFAULT;
    ip->own_due = ip->mld.change_due = ip->mld.answer_due = WAIT_FOREVER;
    if (n->features.mtu < IP_MTU_MIN_V6)
        ip->options.no_v6 = true;
    neighbours_init(&ip->neighbours, make_key(ip));
    destinations_init(&ip->destinations, make_key(ip));
    paths_init(&ip->paths, make_key(ip));
    routes_init(&ip->routes);
    copies_init(&ip->copies);
    reassembly_init(&ip->reassembly);
    solicitor_init(&ip->solicitor);
    if (!ip->options.no_v6)
        add_link_local(ip, now);
    return ip;
}

void ip_close(struct ip *ip)
{
    for (struct neighbour *n = ip->neighbours.of; n < ip->neighbours.of + NEIGHBOURS_MAX; n++)
        if (n->state != NEIGHBOUR_NONE)
            resolve_drop(ip, n);
    copies_deinit(&ip->copies);
    reassembly_deinit(&ip->reassembly);
    memory_free(ip);
}

/* Groups are joined before their addresses are asked about, so that answers find the way. */
void ip_expire(struct ip *ip, uint64_t now)
{
    loop_expire(ip, now);
    mld_expire(ip, now);
    own_expire(ip, now);
    router_expire(ip, now);
    resolve_expire(ip, now);
    fragment_expire(ip, now);
    copies_reap(&ip->copies, ip->net);
}

uint64_t ip_deadline(const struct ip *ip)
{
    if (ip->loop_count > 0)
        return 0;
    const uint64_t due[] = {ip->own_due,
                            ip->neighbours.due,
                            ip->routes.due,
                            ip->solicitor.due,
                            ip->mld.change_due,
                            ip->mld.answer_due,
                            reassembly_deadline(&ip->reassembly)};
    uint64_t first = WAIT_FOREVER;
    for (size_t i = 0; i < sizeof(due) / sizeof(*due); i++)
        if (due[i] < first)
            first = due[i];
    return first;
}

/* Back on a link, perhaps another one: what we know of the neighbours has to be asked again. */
void ip_link(struct ip *ip, uint64_t now, bool up)
{
    if (!up)
        return;
    for (struct neighbour *n = ip->neighbours.of; n < ip->neighbours.of + NEIGHBOURS_MAX; n++)
        if (n->state == NEIGHBOUR_REACHABLE)
            n->state = NEIGHBOUR_STALE;
    own_restart(ip, now);
    if (!ip->options.no_v6)
        router_solicit(ip, now);
}

/* Bits of 128, or false. */
static bool real_bits(const struct address *a, uint8_t bits, uint8_t *real)
{
    bool v4 = address_is_v4(*a);
    *real = (uint8_t)(bits + (v4 ? V4_BITS_BASE : 0));
    return bits <= (v4 ? 32 : 128);
}

static bool has_family(const struct ip *ip, const struct address *a)
{
    return address_is_v4(*a) ? !ip->options.no_v4 : !ip->options.no_v6;
}

/* The first and the last address of an IPv4 subnet are nobody's (RFC 1122, 3.2.1.3; RFC 3021). */
static bool is_subnet(const struct address *a, uint8_t bits)
{
    struct address first = address_prefix(*a, bits), last = address_last(*a, bits);
    return address_is_v4(*a) && bits <= 126 &&
           (address_equal(a, &first) || address_equal(a, &last));
}

enum err ip_add_address(struct ip *ip, uint64_t now, struct address a, uint8_t bits,
                        enum ip_claim claim)
{
    struct own o = {.address = a, .preferred_until = WAIT_FOREVER, .valid_until = WAIT_FOREVER};
    if (!address_is_unicast(&a) || !has_family(ip, &a) || !real_bits(&a, bits, &o.bits))
        return ERR_ARGUMENT;
    if (own_find(ip, &a))
        return ERR_EXISTS;
    if (is_subnet(&a, o.bits))
        return ERR_ARGUMENT;
    struct route r = {.prefix = address_prefix(a, o.bits), .bits = o.bits, .until = WAIT_FOREVER};
    if (ip->own_count == IP_ADDRESSES_MAX || route_put(&ip->routes, &r))
        return ERR_FULL;
    own_add(ip, now, &o, claim);
    return OK;
}

/* The route of a prefix goes with the last address in it; that of link-local addresses stays. */
static void remove_prefix(struct ip *ip, const struct own *gone)
{
    struct address prefix = address_prefix(gone->address, gone->bits);
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (o->bits == gone->bits && address_in_prefix(&o->address, &prefix, gone->bits))
            return;
    struct route *r = route_get(&ip->routes, &prefix, gone->bits, &ADDRESS_ANY);
    if (r && !r->advertised && !address_equal(&prefix, &ADDRESS_LINK_LOCAL))
        route_remove(&ip->routes, r);
}

void own_forget_prefix(struct ip *ip, const struct own *gone)
{
    if (!gone->automatic)
        remove_prefix(ip, gone);
}

enum err ip_remove_address(struct ip *ip, uint64_t now, struct address a)
{
    struct own *o = own_find(ip, &a);
    if (!o)
        return ERR_NOT_FOUND;
    own_remove(ip, now, o);
    return OK;
}

bool ip_is_ours(const struct ip *ip, struct address a)
{
    return address_is_loopback(a) || own_ready(ip, &a);
}

size_t ip_addresses(const struct ip *ip, struct ip_address *into, size_t max)
{
    size_t n = 0;
    for (const struct own *o = ip->own; n < max && o < ip->own + ip->own_count; o++)
        into[n++] = (struct ip_address){
            .address = o->address,
            .bits = (uint8_t)(o->bits - (address_is_v4(o->address) ? V4_BITS_BASE : 0)),
            .state = !o->ready       ? IP_ADDRESS_TENTATIVE
                     : o->deprecated ? IP_ADDRESS_DEPRECATED
                                     : IP_ADDRESS_PREFERRED,
            .automatic = o->automatic};
    return n;
}

enum err ip_add_route(struct ip *ip, struct address prefix, uint8_t bits, struct address gateway)
{
    struct route r = {.until = WAIT_FOREVER, .gateway = gateway};
    bool on_link = address_is_any(&gateway);
    if (on_link)
        r.gateway = ADDRESS_ANY;
    if (!has_family(ip, &prefix) || !real_bits(&prefix, bits, &r.bits) ||
        (!on_link &&
         (address_is_v4(gateway) != address_is_v4(prefix) || !address_is_unicast(&gateway))))
        return ERR_ARGUMENT;
    r.prefix = address_prefix(prefix, r.bits);
    struct route *known = route_get(&ip->routes, &r.prefix, r.bits, &r.gateway);
    if (known && !known->advertised)
        return ERR_EXISTS;
    enum err e = route_put(&ip->routes, &r);
    paths_void(&ip->paths);
    return e;
}

enum err ip_remove_route(struct ip *ip, struct address prefix, uint8_t bits, struct address gateway)
{
    uint8_t real;
    if (!real_bits(&prefix, bits, &real))
        return ERR_ARGUMENT;
    prefix = address_prefix(prefix, real);
    if (address_is_any(&gateway))
        gateway = ADDRESS_ANY;
    struct route *r = route_get(&ip->routes, &prefix, real, &gateway);
    if (!r || r->advertised)
        return ERR_NOT_FOUND;
    route_remove(&ip->routes, r);
    paths_void(&ip->paths);
    return OK;
}

size_t ip_routes(const struct ip *ip, struct ip_route *into, size_t max)
{
    size_t n = 0;
    for (const struct route *r = ip->routes.of; n < max && r < ip->routes.of + ip->routes.count;
         r++)
        into[n++] = (struct ip_route){
            .prefix = r->prefix,
            .bits = (uint8_t)(r->bits - (address_is_v4(r->prefix) ? V4_BITS_BASE : 0)),
            .gateway = r->gateway,
            .advertised = r->advertised};
    return n;
}

enum err ip_set_neighbour(struct ip *ip, uint64_t now, struct address a, struct mac mac)
{
    if (!address_is_unicast(&a) || mac_is_group(mac))
        return ERR_ARGUMENT;
    struct neighbour *n = resolve(ip, now, &a);
    if (!n)
        return ERR_FULL;
    resolve_pin(ip, n, mac);
    return OK;
}

uint64_t ip_counter(const struct ip *ip, enum ip_counter which)
{
    return which < IP_COUNTERS ? ip->counters.of[which] : 0;
}
