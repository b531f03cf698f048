/*
 * The address to speak from (RFC 6724, 5, simplified: one card, no mobility, no temporary
 * addresses, so that rules 4, 5 and 7 tell nothing).
 */
#include "lib/ip/internal.h"

static const struct address loop_v4 = {{[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
static const struct address loop_v6 = {{[15] = 1}};

/* The label of an address: which kinds belong together (RFC 6724, 2.1). */
static uint8_t label(const struct address *a)
{
    static const struct {
        struct address prefix;
        uint8_t bits, label;
    } table[] = {{{{[10] = 0xff, [11] = 0xff}}, 96, 4},
                 {{{0x20, 0x02}}, 16, 2},
                 {{{0x20, 0x01}}, 32, 5},
                 {{{0xfc}}, 7, 13},
                 {{{0xfe, 0xc0}}, 10, 11}};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (address_in_prefix(a, &table[i].prefix, table[i].bits))
            return table[i].label;
    return 1;
}

/* Rule 2: the smallest scope that reaches as far as the destination; else the farthest. */
static bool scope_is_better(const struct own *a, const struct own *b, uint8_t wanted)
{
    uint8_t sa = address_scope(&a->address), sb = address_scope(&b->address);
    if (sa < sb)
        return sa >= wanted;
    return sb < wanted;
}

static bool is_better(const struct own *a, const struct own *b, const struct address *to)
{
    if (address_scope(&a->address) != address_scope(&b->address))
        return scope_is_better(a, b, address_scope(to));
    if (a->deprecated != b->deprecated)
        return b->deprecated;
    bool label_a = label(&a->address) == label(to), label_b = label(&b->address) == label(to);
    if (label_a != label_b)
        return label_a;
    return address_common_bits(&a->address, to, a->bits) >
           address_common_bits(&b->address, to, b->bits);
}

/* IPv4 knows subnets, not scopes: the address that the next hop is a neighbour of. */
static const struct address *next_hop(struct ip *ip, const struct address *to)
{
    const struct route *r = route_find(&ip->routes, to, resolve_hopeful, ip);
    return r && !route_is_on_link(r) && address_is_v4(*to) ? &r->gateway : to;
}

bool source_find(struct ip *ip, const struct address *destination, struct address *source)
{
    if (address_is_loopback(*destination)) {
        *source = address_is_v4(*destination) ? loop_v4 : loop_v6;
        return true;
    }
    const struct own *best = own_ready(ip, destination);
    const struct address *to = next_hop(ip, destination);
    bool found = best;
    for (const struct own *o = ip->own; !found && o < ip->own + ip->own_count; o++)
        if (o->ready && address_is_v4(o->address) == address_is_v4(*to) &&
            (!best || is_better(o, best, to)))
            best = o;
    if (best)
        *source = best->address;
    return best;
}

bool ip_source(struct ip *ip, struct address destination, struct address *source)
{
    return source_find(ip, &destination, source);
}
