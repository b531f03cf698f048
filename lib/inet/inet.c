/*
 * The composition: who is told of what arrives, and when time has passed. See inet.h.
 *
 *     card --on_frame--> ip --on_packet--> tcp, udp --> flows, dhcp, dns
 *     flows --wake--> a task: at the end of the turn, all that was gathered goes to the card
 */
#include "lib/inet/inet.h"

#include "lib/inet/internal.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"
#include "signatures/wait.h"

/* --- turns of the loop --- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_deadline(const struct inet *i)
{
    uint64_t at = least(ip_deadline(i->ip), tcp_deadline(i->tcp));
    at = least(at, dns_deadline(i->dns));
    at = least(at, inet_connects_deadline(i));
    at = least(at, inet_settle_deadline(i));
    return i->dhcp_socket ? least(at, dhcp_deadline(&i->dhcp)) : at;
}

/* The timer runs from open to close, so that it is only moved, which does not fail. */
static void arm(struct inet *i, uint64_t at)
{
    if (i->timer.deadline != at)
        (void)timer_start(&i->timer, at);
}

static void on_turn(struct task *t)
{
    struct inet *i = CONTAINER(t, struct inet, turn);
    i->now = clock_monotonic();
    inet_connects_look(i);
    tcp_flush(i->tcp, i->now);
    arm(i, next_deadline(i));
}

static void on_time(struct timer *t)
{
    struct inet *i = CONTAINER(t, struct inet, timer);
    arm(i, WAIT_FOREVER); /* it takes the place that it has just left */
    i->now = clock_monotonic();
    ip_expire(i->ip, i->now);
    tcp_expire(i->tcp, i->now);
    inet_dhcp_expire(i);
    dns_expire(i->dns, i->now);
    inet_settle(i);
    inet_touch(i);
}

void inet_touch(struct inet *i)
{
    task_post(&i->turn);
}

/* --- what the card tells --- */

static void on_frame(void *owner, const struct net_arrival *frame)
{
    struct inet *i = owner;
    i->now = clock_monotonic();
    ip_input(i->ip, i->now, frame);
    inet_touch(i);
}

static void on_room(void *owner)
{
    struct inet *i = owner;
    i->now = clock_monotonic();
    tcp_room(i->tcp, i->now);
    inet_touch(i);
}

static void on_link(void *owner, bool up)
{
    struct inet *i = owner;
    i->now = clock_monotonic();
    if (i->link == up)
        return;
    i->link = up;
    inet_say(i, LOG_INFO, "the link is %s", up ? "up" : "down");
    ip_link(i->ip, i->now, up);
    tcp_set_offloads(i->tcp, i->card->features.offloads);
    if (up)
        inet_settle_again(i);
    inet_dhcp_link(i, up);
    inet_touch(i);
}

/* --- what IP tells --- */

static enum ip_verdict on_packet(void *owner, const struct ip_arrival *a)
{
    struct inet *i = owner;
    switch (a->protocol) {
    case IP_TCP:
        tcp_input(i->tcp, i->now, a);
        return IP_TAKEN;
    case IP_UDP:
        return udp_input(i->udp, a) == ERR_REFUSED ? IP_NO_PORT : IP_TAKEN;
    default:
        return IP_NO_PROTOCOL;
    }
}

static void on_complaint(void *owner, const struct ip_complaint *c)
{
    struct inet *i = owner;
    if (c->protocol == IP_TCP)
        tcp_complain(i->tcp, i->now, c);
    else if (c->protocol == IP_UDP)
        udp_complain(i->udp, c);
}

static void on_managed(void *owner, bool addresses, bool settings)
{
    struct inet *i = owner;
    if (addresses)
        inet_say(i, LOG_INFO, "a router has IPv6 addresses by DHCPv6 only, which is not spoken");
    (void)settings;
}

static void fill(void *owner, void *into, size_t len)
{
    (void)owner;
    entropy_fill(into, len);
}

static const struct ip_events ip_events = {
    .on_packet = on_packet,
    .on_complaint = on_complaint,
    .on_address = inet_on_address,
    .on_router = inet_on_router,
    .on_resolver = inet_on_resolver,
    .on_managed = on_managed,
    .random = fill,
};

/* --- the stack's --- */

static enum err listen(struct stack *s, struct endpoint local, accept_fn *accept, void *owner,
                       struct listener **into)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    struct tcp_listener *l;
    enum err e = tcp_listen(i->tcp, local, accept, owner, &l);
    if (!e)
        *into = (struct listener *)l;
    return e;
}

static void unlisten(struct stack *s, struct listener *l)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    tcp_unlisten(i->tcp, (struct tcp_listener *)l);
    inet_touch(i);
}

uint16_t inet_listener_port(const struct listener *l)
{
    return tcp_listener_local((const struct tcp_listener *)l).port;
}

static void status(const struct stack *s, struct buf *into)
{
    inet_status(CONTAINER(s, const struct inet, stack), into);
}

static const struct stack_ops stack_ops = {
    .listen = listen,
    .unlisten = unlisten,
    .connect = inet_connect,
    .cancel_connect = inet_cancel_connect,
    .resolve = inet_resolve,
    .cancel_resolve = inet_cancel_resolve,
    .status = status,
};

struct stack *inet_stack(struct inet *i)
{
    return &i->stack;
}

struct tcp *inet_tcp(struct inet *i)
{
    return i->tcp;
}

/* --- opening and closing --- */

/* Of stable IPv6 addresses (RFC 7217): a server's are to be the same after every start, and there
 * is nowhere to keep a secret. So they are as predictable as the card's own address. */
static struct sipkey address_secret(const struct inet *i)
{
    static const struct sipkey fixed = {0x72696e676c657420, 0x696e657420763620};
    const uint8_t *mac = i->card->features.mac;
    uint64_t first = siphash(fixed, slice_of(mac, NET_MAC_SIZE));
    return (struct sipkey){first,
                           siphash((struct sipkey){first, fixed.k1}, slice_of(mac, NET_MAC_SIZE))};
}

static enum err open_layers(struct inet *i)
{
    const struct ip_options options = {.secret = address_secret(i), .no_v6 = !i->config.ipv6};
    i->ip = ip_open(i->card, &ip_events, i, &options, i->now);
    i->tcp = tcp_open(&inet_tcp_below, i, &i->config.tcp, i->card->features.offloads, i->now);
    i->udp = udp_open(&inet_udp_below, i);
    if (!i->ip || !i->tcp || !i->udp)
        return ERR_MEMORY;
    return inet_names_open(i);
}

static enum err begin(struct inet *i)
{
    static const struct net_events events = {on_frame, on_room, on_link};
    enum err e = timer_start(&i->timer, WAIT_FOREVER) ? open_layers(i) : ERR_MEMORY;
    if (!e)
        e = inet_claim_static(i);
    if (!e && i->config.dhcp)
        e = inet_dhcp_open(i);
    if (e)
        return e;
    net_own(i->card, &events, i);
    inet_names_servers(i);
    i->link = net_link(i->card);
    if (i->link)
        inet_dhcp_link(i, true);
    else
        inet_say(i, LOG_WARNING, "the link is down");
    inet_touch(i);
    return OK;
}

enum err inet_open(struct net *card, const struct inet_config *config, struct inet **into)
{
    struct inet *i = memory_zalloc(sizeof *i);
    if (!i)
        return ERR_MEMORY;
    i->stack.ops = &stack_ops;
    i->card = card;
    i->config = *config;
    i->now = clock_monotonic();
    i->settle_until = i->now + INET_SETTLE_NS;
    timer_init(&i->timer, on_time);
    task_init(&i->turn, on_turn);
    inet_connects_open(i);
    enum err e = begin(i);
    if (e)
        inet_close(i);
    else
        *into = i;
    return e;
}

bool inet_end(struct inet *i)
{
    i->now = clock_monotonic();
    if (tcp_usage(i->tcp).orphans > 0)
        return false;
    inet_dhcp_end(i);
    return !ip_holds(i->ip) && net_drained(i->card);
}

void inet_close(struct inet *i)
{
    i->now = clock_monotonic();
    net_own(i->card, NULL, NULL);
    if (i->dhcp_socket)
        udp_unbind(i->dhcp_socket);
    inet_connects_close(i);
    inet_names_close(i);
    if (i->udp)
        udp_close(i->udp);
    if (i->tcp)
        tcp_close(i->tcp);
    if (i->ip)
        ip_close(i->ip);
    timer_stop(&i->timer);
    task_cancel(&i->turn);
    memory_free(i);
}
