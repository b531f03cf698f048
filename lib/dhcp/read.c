/*
 * Reading what a server says (RFC 2131, 2; RFC 2132). Every field is checked: a message that is not
 * the answer to what we asked, or offers what no host can use, is dropped whole.
 *
 *     op htype hlen hops | xid | secs flags | ciaddr | yiaddr | siaddr | giaddr | chaddr 16
 *     | sname 64 | file 128 | cookie | options: code, length, bytes ... 255
 *
 * `file` and `sname` hold options too, where option 52 says so. What is there several times is one
 * option in parts (RFC 3396).
 */
#include "lib/dhcp/message.h"
#include "runtime/reader.h"

#define BOOTREPLY      2u
#define ETHERNET       1u
#define COOKIE         0x63825363u
#define SNAME_SIZE     64u
#define FILE_SIZE      128u
#define OVERLOAD_FILE  1u
#define OVERLOAD_SNAME 2u
#define SECONDS_LEAST  1u

enum option {
    PAD = 0,
    MASK = 1,
    ROUTERS = 3,
    RESOLVERS = 6,
    MTU = 26,
    LEASE_TIME = 51,
    OVERLOAD = 52,
    TYPE = 53,
    SERVER = 54,
    RENEW_TIME = 58,
    REBIND_TIME = 59,
    CLIENT = 61,
    CLASSLESS_ROUTES = 121,
    END = 255
};

/* A message, cut up. */
struct parts {
    struct slice options, file, sname;
    struct address yours;
};

/* An option, put together. */
struct option_value {
    size_t len;
    uint8_t bytes[DHCP_OPTION_MAX];
};

/* --- options --- */

/* Appends what an area holds of an option. */
static void gather(struct slice area, uint8_t code, struct option_value *into)
{
    struct reader r = reader_of(area);
    while (r.rest.len && !r.bad) {
        uint8_t at = read_u8(&r);
        if (at == END)
            return;
        if (at == PAD)
            continue;
        struct slice value = read_bytes(&r, read_u8(&r));
        if (r.bad || at != code || value.len > DHCP_OPTION_MAX - into->len)
            continue;
        memcpy(into->bytes + into->len, value.ptr, value.len);
        into->len += value.len;
    }
}

/* An area is read to its end mark; a last option that does not fit makes the message malformed. */
static bool sound(struct slice area)
{
    struct reader r = reader_of(area);
    while (r.rest.len && !r.bad) {
        uint8_t at = read_u8(&r);
        if (at == END)
            return true;
        if (at != PAD)
            (void)read_bytes(&r, read_u8(&r));
    }
    return !r.bad;
}

static struct reader find(const struct parts *p, uint8_t code, struct option_value *v)
{
    v->len = 0;
    gather(p->options, code, v);
    gather(p->file, code, v);
    gather(p->sname, code, v);
    return reader_of(slice_of(v->bytes, v->len));
}

static struct address read_address(struct reader *r)
{
    struct slice b = read_bytes(r, 4);
    return r->bad ? address_v4(0, 0, 0, 0) : address_v4(b.ptr[0], b.ptr[1], b.ptr[2], b.ptr[3]);
}

static uint32_t find_u32(const struct parts *p, uint8_t code)
{
    struct option_value v;
    struct reader r = find(p, code, &v);
    uint32_t value = read_be32(&r);
    return r.bad || r.rest.len ? 0 : value;
}

/* --- what can be --- */

static uint32_t number(struct address a)
{
    struct reader r = reader_of(slice_of(a.bytes + 12, 4));
    return read_be32(&r);
}

/* A host's address: not of "this network", loop-back, multicast or reserved. */
static bool is_host(struct address a)
{
    uint32_t n = number(a);
    return n >> 24 != 0 && n >> 24 != 127 && n >> 29 != 7;
}

/* ...nor the network itself or its broadcast (where there is one: RFC 3021). */
static bool fits_network(struct address a, uint8_t prefix)
{
    uint32_t host = prefix < 32 ? UINT32_MAX >> prefix : 0;
    return prefix >= 31 || ((number(a) & host) != 0 && (number(a) & host) != host);
}

/* The bits of a mask; the old classes where there is none (RFC 1122, 3.2.2.9). False: it has holes,
 * or none at all. */
static bool read_mask(const struct parts *p, struct address address, uint8_t *prefix)
{
    struct option_value v;
    struct reader r = find(p, MASK, &v);
    uint32_t first = number(address) >> 24;
    *prefix = first < 128 ? 8 : first < 192 ? 16 : 24;
    if (v.len == 0)
        return true;
    uint32_t mask = read_be32(&r);
    *prefix = 0;
    for (; mask & 0x80000000u; mask <<= 1)
        ++*prefix;
    return !r.bad && r.rest.len == 0 && mask == 0 && *prefix > 0;
}

/* --- lists --- */

static void read_resolvers(struct dhcp *d, const struct parts *p, struct dhcp_lease *l)
{
    struct option_value v;
    struct reader r = find(p, RESOLVERS, &v);
    while (r.rest.len >= 4) {
        struct address a = read_address(&r);
        if (!is_host(a))
            continue;
        if (l->resolver_count == DHCP_RESOLVERS_MAX)
            d->counters.cut++;
        else
            l->resolvers[l->resolver_count++] = a;
    }
}

static void add_route(struct dhcp *d, struct dhcp_lease *l, struct dhcp_route route)
{
    if (l->route_count == DHCP_ROUTES_MAX)
        d->counters.cut++;
    else
        l->routes[l->route_count++] = route;
}

static void read_routers(struct dhcp *d, const struct parts *p, struct dhcp_lease *l)
{
    struct option_value v;
    struct reader r = find(p, ROUTERS, &v);
    while (r.rest.len >= 4) {
        struct dhcp_route route = {.network = address_v4(0, 0, 0, 0), .gateway = read_address(&r)};
        if (!is_host(route.gateway))
            continue;
        if (l->route_count == DHCP_ROUTERS_MAX)
            d->counters.cut++;
        else
            add_route(d, l, route);
    }
}

/* RFC 3442: width, as many bytes of the network as that takes, router. False: there are none (and
 * then the routers count), or they cannot be. */
static bool read_routes(struct dhcp *d, const struct parts *p, struct dhcp_lease *l)
{
    struct option_value v;
    struct reader r = find(p, CLASSLESS_ROUTES, &v);
    while (r.rest.len) {
        uint8_t network[4] = {0};
        uint8_t prefix = read_u8(&r);
        struct slice bytes = read_bytes(&r, (prefix + 7u) / 8u);
        if (prefix > 32 || r.bad)
            return false;
        if (bytes.len)
            memcpy(network, bytes.ptr, bytes.len);
        struct dhcp_route route = {.network =
                                       address_v4(network[0], network[1], network[2], network[3]),
                                   .prefix = prefix,
                                   .gateway = read_address(&r)};
        if (r.bad)
            return false;
        add_route(d, l, route);
    }
    return v.len > 0;
}

static void read_ways(struct dhcp *d, const struct parts *p, struct dhcp_lease *l)
{
    if (read_routes(d, p, l))
        return;
    l->route_count = 0;
    read_routers(d, p, l);
}

static uint16_t read_mtu(const struct parts *p)
{
    struct option_value v;
    struct reader r = find(p, MTU, &v);
    uint16_t mtu = read_be16(&r);
    return r.bad || r.rest.len || mtu < DHCP_MTU_MIN ? 0 : mtu;
}

/* --- the message --- */

static bool client_is_us(const struct dhcp *d, const struct parts *p)
{
    struct option_value v;
    (void)find(p, CLIENT, &v);
    return v.len == 0 ||
           (v.len == 7 && v.bytes[0] == ETHERNET && memcmp(v.bytes + 1, d->mac, 6) == 0);
}

static void overload(struct parts *p, struct slice file, struct slice sname)
{
    struct option_value v;
    struct reader r = find(p, OVERLOAD, &v);
    uint8_t what = read_u8(&r);
    if (r.bad)
        return;
    if (what & OVERLOAD_FILE)
        p->file = file;
    if (what & OVERLOAD_SNAME)
        p->sname = sname;
}

/* The fixed fields. */
static enum err read_head(const struct dhcp *d, struct slice bytes, struct parts *p)
{
    struct reader r = reader_of(bytes);
    uint8_t op = read_u8(&r), type = read_u8(&r), len = read_u8(&r);
    (void)read_u8(&r); /* hops */
    uint32_t xid = read_be32(&r);
    (void)read_bytes(&r, 8); /* secs, flags, ciaddr */
    p->yours = read_address(&r);
    (void)read_bytes(&r, 8); /* siaddr, giaddr */
    struct slice hardware = read_bytes(&r, 16);
    struct slice sname = read_bytes(&r, SNAME_SIZE), file = read_bytes(&r, FILE_SIZE);
    uint32_t cookie = read_be32(&r);
    if (r.bad || op != BOOTREPLY || cookie != COOKIE || !sound(r.rest))
        return ERR_MALFORMED;
    if (xid != d->xid || type != ETHERNET || len != 6 || memcmp(hardware.ptr, d->mac, 6) != 0)
        return ERR_MISMATCH;
    p->options = r.rest;
    overload(p, file, sname);
    return OK;
}

static enum err read_lease(struct dhcp *d, const struct parts *p, struct dhcp_answer *into)
{
    struct dhcp_lease *l = &into->lease;
    l->address = p->yours;
    l->seconds = find_u32(p, LEASE_TIME);
    into->renew = find_u32(p, RENEW_TIME);
    into->rebind = find_u32(p, REBIND_TIME);
    if (!is_host(l->address) || !read_mask(p, l->address, &l->prefix) ||
        !fits_network(l->address, l->prefix) || l->seconds < SECONDS_LEAST)
        return ERR_ARGUMENT;
    l->mtu = read_mtu(p);
    read_resolvers(d, p, l);
    read_ways(d, p, l);
    return OK;
}

enum err dhcp_read(struct dhcp *d, struct slice bytes, struct dhcp_answer *into)
{
    struct parts p = {0};
    struct option_value v;
    *into = (struct dhcp_answer){0};
    enum err e = read_head(d, bytes, &p);
    if (e)
        return e;
    struct reader r = find(&p, TYPE, &v);
    into->type = (enum dhcp_type)read_u8(&r);
    if (r.bad || r.rest.len)
        return ERR_MALFORMED;
    r = find(&p, SERVER, &v);
    into->lease.server = read_address(&r);
    if (r.bad || r.rest.len || !is_host(into->lease.server))
        return ERR_MALFORMED;
    if (!client_is_us(d, &p))
        return ERR_MISMATCH;
    if (into->type == DHCP_OFFER || into->type == DHCP_ACK)
        return read_lease(d, &p, into);
    return into->type == DHCP_NAK ? OK : ERR_MALFORMED;
}
