/*
 * Addresses: those that the operator gave, that of a DHCP lease, and what routers advertise; and
 * the lines that say what has become of them.
 */
#include "lib/inet/internal.h"
#include "signatures/entropy.h"

/* --- static ones --- */

/* IPv4's are used at once, and defended (RFC 5227, 2.4): the operator knows them to be free, and
 * probing would take seconds. */
static enum err claim(struct inet *i, const struct inet_prefix *p)
{
    bool v4 = address_is_v4(p->address);
    if (!v4 && !i->config.ipv6)
        return OK;
    return ip_add_address(i->ip, i->now, p->address, p->length,
                          v4 ? IP_CLAIM_AT_ONCE : IP_CLAIM_PROBED);
}

static enum err add_gateway(struct inet *i, struct address gateway)
{
    bool v4 = address_is_v4(gateway);
    if (!v4 && !i->config.ipv6)
        return OK;
    return ip_add_route(i->ip, v4 ? address_v4(0, 0, 0, 0) : ADDRESS_ANY, 0, gateway);
}

enum err inet_claim_static(struct inet *i)
{
    const struct inet_config *c = &i->config;
    enum err e = OK;
    if (c->address_count > INET_STATIC_MAX || c->gateway_count > INET_STATIC_MAX ||
        c->resolver_count > INET_STATIC_MAX)
        return ERR_ARGUMENT;
    for (size_t k = 0; k < c->address_count && !e; k++) {
        e = claim(i, &c->addresses[k]);
        if (address_is_v4(c->addresses[k].address))
            i->config.dhcp = false;
    }
    for (size_t k = 0; k < c->gateway_count && !e; k++)
        e = add_gateway(i, c->gateways[k]);
    if (!i->config.dhcp && !c->ipv6)
        i->settle_until = 0; /* nothing more is to come */
    return e == ERR_EXISTS ? OK : e;
}

/* --- a lease takes effect, and ends --- */

static bool is_zero(struct address a)
{
    const struct address zero = address_v4(0, 0, 0, 0);
    return address_equal(&a, &zero);
}

static bool on_link(const struct dhcp_lease *l, struct address a)
{
    return address_in_prefix(&a, &l->address, (uint8_t)(96 + l->prefix));
}

/* A router outside of the lease's network is on the link all the same: whoever said so gave us an
 * address for ourselves alone. */
static void change_routes(struct inet *i, const struct dhcp_lease *l, bool add)
{
    enum err (*change)(struct ip *, struct address, uint8_t, struct address) =
        add ? ip_add_route : ip_remove_route;
    for (size_t k = 0; k < l->route_count; k++) {
        const struct dhcp_route *r = &l->routes[k];
        bool direct = is_zero(r->gateway);
        if (!direct && !on_link(l, r->gateway))
            (void)change(i->ip, r->gateway, 32, ADDRESS_ANY);
        (void)change(i->ip, r->network, r->prefix, direct ? ADDRESS_ANY : r->gateway);
    }
}

static void say_lease(struct inet *i, const struct dhcp_lease *l)
{
    char ours[ADDRESS_TEXT_MAX], server[ADDRESS_TEXT_MAX];
    address_format(l->address, ours);
    address_format(l->server, server);
    if (l->seconds == DHCP_FOREVER)
        inet_say(i, LOG_INFO, "DHCP server %s leases %s/%u for ever", server, ours, l->prefix);
    else
        inet_say(i, LOG_INFO, "DHCP server %s leases %s/%u for %u seconds", server, ours, l->prefix,
                 l->seconds);
    for (size_t k = 0; k < l->route_count; k++) {
        if (l->routes[k].prefix != 0)
            continue;
        address_format(l->routes[k].gateway, ours);
        inet_say(i, LOG_INFO, "router %s, from DHCP", ours);
    }
}

static void apply(struct inet *i)
{
    change_routes(i, &i->lease, true);
    ip_set_mtu(i->ip, i->lease.mtu);
}

static void begin_lease(struct inet *i)
{
    i->lease = i->dhcp.lease;
    i->leased = true;
    say_lease(i, &i->lease);
    (void)ip_add_address(i->ip, i->now, i->lease.address, i->lease.prefix, IP_CLAIM_BRIEF);
    apply(i);
    inet_names_servers(i);
}

/* The same address in a network of another size: it was probed for, and is the server's word again. */
static void move_address(struct inet *i, const struct dhcp_lease *to)
{
    (void)ip_remove_address(i->ip, i->now, to->address);
    (void)ip_add_address(i->ip, i->now, to->address, to->prefix, IP_CLAIM_AT_ONCE);
}

/* Its address stays; all else may be another. */
static void renew_lease(struct inet *i)
{
    bool moved = i->lease.prefix != i->dhcp.lease.prefix;
    change_routes(i, &i->lease, false);
    i->lease = i->dhcp.lease;
    if (moved)
        move_address(i, &i->lease);
    apply(i);
    inet_names_servers(i);
    inet_say(i, LOG_DEBUG, "the DHCP lease is renewed for %u seconds", i->lease.seconds);
}

static void end_lease(struct inet *i)
{
    char text[ADDRESS_TEXT_MAX];
    if (!i->leased)
        return;
    address_format(i->lease.address, text);
    inet_say(i, LOG_WARNING, "the DHCP lease of %s is over: the address is given up", text);
    i->leased = false;
    change_routes(i, &i->lease, false);
    ip_set_mtu(i->ip, 0);
    (void)ip_remove_address(i->ip, i->now, i->lease.address);
    tcp_forget_address(i->tcp, i->lease.address);
    dns_forget(i->dns); /* the next network may know other names */
    inet_names_servers(i);
}

/* --- DHCP --- */

static void act(struct inet *i, const struct dhcp_step *step)
{
    struct endpoint server = {.address = step->destination, .port = DHCP_SERVER_PORT};
    if (step->event == DHCP_LOST)
        end_lease(i);
    if (step->len)
        (void)udp_send(i->dhcp_socket, step->source, server,
                       slice_of(step->message, step->len)); /* else it is sent again later */
    if (step->event == DHCP_LEASED)
        begin_lease(i);
    else if (step->event == DHCP_RENEWED)
        renew_lease(i);
    inet_touch(i);
}

static void on_datagram(void *owner, const struct udp_datagram *d)
{
    struct inet *i = owner;
    struct dhcp_step step;
    if (d->from.port != DHCP_SERVER_PORT)
        return;
    dhcp_input(&i->dhcp, i->now, d->bytes, &step);
    act(i, &step);
}

static void fill(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

enum err inet_dhcp_open(struct inet *i)
{
    static const struct udp_events events = {.on_datagram = on_datagram};
    const struct endpoint local = {.address = ADDRESS_ANY, .port = DHCP_CLIENT_PORT};
    dhcp_init(&i->dhcp, i->card->features.mac, i->config.hostname, fill, i);
    return udp_bind(i->udp, local, (struct endpoint){.port = 0}, &events, i, &i->dhcp_socket);
}

void inet_dhcp_link(struct inet *i, bool up)
{
    struct dhcp_step step;
    if (!i->dhcp_socket)
        return;
    if (!up) {
        dhcp_pause(&i->dhcp);
        return;
    }
    dhcp_start(&i->dhcp, i->now, &step);
    act(i, &step);
}

void inet_dhcp_expire(struct inet *i)
{
    struct dhcp_step step;
    if (!i->dhcp_socket || dhcp_deadline(&i->dhcp) > i->now)
        return;
    dhcp_expire(&i->dhcp, i->now, &step);
    act(i, &step);
}

static void decline(struct inet *i)
{
    struct dhcp_step step;
    dhcp_conflict(&i->dhcp, i->now, &step);
    act(i, &step);
}

void inet_dhcp_end(struct inet *i)
{
    struct dhcp_step step;
    if (!i->dhcp_socket)
        return;
    dhcp_release(&i->dhcp, i->now, &step);
    step.event = DHCP_NOTHING; /* the address stays ours until the message has gone */
    act(i, &step);
    udp_unbind(i->dhcp_socket);
    i->dhcp_socket = NULL;
}

/* --- what IP says --- */

static bool is_link_local(struct address a)
{
    return a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

static void on_ready(struct inet *i, struct address a, const char *text)
{
    inet_say(i, is_link_local(a) ? LOG_DEBUG : LOG_INFO, "address %s", text);
    inet_names_servers(i);
}

static void on_duplicate(struct inet *i, struct address a, const char *text)
{
    bool leased = i->leased && address_equal(&a, &i->lease.address);
    inet_say(i, LOG_ERROR, "another station on the network has the address %s: %s", text,
             leased ? "it is declined" : "it is not used");
    tcp_forget_address(i->tcp, a);
    if (leased)
        decline(i);
}

void inet_on_address(void *owner, enum ip_address_event what, struct address a)
{
    struct inet *i = owner;
    char text[ADDRESS_TEXT_MAX];
    address_format(a, text);
    if (what == IP_ADDRESS_READY)
        on_ready(i, a, text);
    else if (what == IP_ADDRESS_DUPLICATE || address_is_v4(a))
        on_duplicate(i, a, text);
    else {
        inet_say(i, LOG_INFO, "the address %s is no longer ours: its time is over", text);
        tcp_forget_address(i->tcp, a);
    }
    inet_touch(i);
}

void inet_on_router(void *owner, struct address router, bool present)
{
    struct inet *i = owner;
    char text[ADDRESS_TEXT_MAX];
    address_format(router, text);
    inet_say(i, LOG_INFO, "router %s %s", text, present ? "advertises itself" : "is gone");
    inet_touch(i);
}

/* --- resolvers that routers advertise (RFC 8106, 5.1) --- */

static void forget_resolver(struct inet *i, size_t which)
{
    i->advertised_count--;
    memmove(&i->advertised[which], &i->advertised[which + 1],
            (i->advertised_count - which) * sizeof *i->advertised);
}

static size_t find_resolver(const struct inet *i, struct address a)
{
    size_t which = 0;
    while (which < i->advertised_count && !address_equal(&i->advertised[which].address, &a))
        which++;
    return which;
}

void inet_on_resolver(void *owner, struct address resolver, uint64_t until)
{
    struct inet *i = owner;
    size_t which = find_resolver(i, resolver);
    bool known = which < i->advertised_count;
    if (known && until <= i->now)
        forget_resolver(i, which);
    else if (known)
        i->advertised[which].until = until;
    else if (until > i->now && which < INET_RESOLVERS_MAX)
        i->advertised[i->advertised_count++] = (struct inet_resolver){resolver, until};
    else if (until > i->now)
        i->resolvers_left_out++;
    if (known != (find_resolver(i, resolver) < i->advertised_count))
        inet_names_servers(i);
    inet_touch(i);
}

static void forget_old_resolvers(struct inet *i)
{
    size_t before = i->advertised_count;
    for (size_t which = before; which-- > 0;)
        if (i->advertised[which].until <= i->now)
            forget_resolver(i, which);
    if (i->advertised_count != before)
        inet_names_servers(i);
}

/* --- the end of waiting --- */

bool inet_address(const struct inet *i, bool v6, struct address *into)
{
    struct ip_address all[IP_ADDRESSES_MAX];
    size_t count = ip_addresses(i->ip, all, IP_ADDRESSES_MAX);
    for (size_t k = 0; k < count; k++) {
        struct address a = all[k].address;
        if (all[k].state == IP_ADDRESS_TENTATIVE || address_is_v4(a) == v6 || is_link_local(a))
            continue;
        *into = a;
        return true;
    }
    return false;
}

void inet_settle_again(struct inet *i)
{
    if (!i->config.dhcp && !i->config.ipv6)
        return;
    i->settle_until = i->now + INET_SETTLE_NS;
    inet_names_servers(i);
}

void inet_settle(struct inet *i)
{
    struct address ours;
    forget_old_resolvers(i);
    if (i->settle_until == 0 || i->now < i->settle_until)
        return;
    i->settle_until = 0;
    if (!inet_address(i, false, &ours) && !inet_address(i, true, &ours))
        inet_say(i, LOG_WARNING, "no address was found so far%s",
                 i->dhcp_socket ? ": no DHCP server answers" : "");
    inet_names_servers(i);
}

uint64_t inet_settle_deadline(const struct inet *i)
{
    uint64_t at = i->settle_until ? i->settle_until : UINT64_MAX;
    for (size_t k = 0; k < i->advertised_count; k++)
        if (i->advertised[k].until < at)
            at = i->advertised[k].until;
    return at;
}
