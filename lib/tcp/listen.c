/* Listeners: found by port, the one of an address before the one of all. */
#include "lib/tcp/internal.h"

#include "signatures/memory.h"

static struct tcp_listener **bucket(const struct tcp *t, uint16_t port)
{
    return (struct tcp_listener **)(uintptr_t)&t->listeners[port % TCP_LISTENER_BUCKETS];
}

static bool is_any(struct address a)
{
    return address_equal(&a, &ADDRESS_ANY);
}

/* "0.0.0.0": all of IPv4. */
static bool covers(struct address a, struct address b)
{
    const struct address v4 = address_v4(0, 0, 0, 0);
    return address_equal(&a, &b) || is_any(a) || (address_equal(&a, &v4) && address_is_v4(b));
}

struct tcp_listener *tcp_listener_find(const struct tcp *t, const struct tcp_tuple *tuple)
{
    struct tcp_listener *found = NULL;
    for (struct tcp_listener *l = *bucket(t, tuple->local_port); l; l = l->next) {
        if (l->local.port != tuple->local_port)
            continue;
        if (address_equal(&l->local.address, &tuple->local))
            return l;
        if (covers(l->local.address, tuple->local))
            found = l;
    }
    return found;
}

bool tcp_port_listens(const struct tcp *t, uint16_t port)
{
    for (struct tcp_listener *l = *bucket(t, port); l; l = l->next)
        if (l->local.port == port)
            return true;
    return false;
}

static bool is_taken(const struct tcp *t, struct endpoint local)
{
    for (struct tcp_listener *l = *bucket(t, local.port); l; l = l->next)
        if (l->local.port == local.port &&
            (covers(l->local.address, local.address) || covers(local.address, l->local.address)))
            return true;
    return false;
}

/* Any free port, or 0. */
static uint16_t free_port(struct tcp *t)
{
    uint32_t count = TCP_PORT_LAST - TCP_PORT_FIRST + 1, start = tcp_random(t);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(TCP_PORT_FIRST + (start + i) % count);
        if (!tcp_port_listens(t, port))
            return port;
    }
    return 0;
}

enum err tcp_listen(struct tcp *t, struct endpoint local, accept_fn *accept, void *owner,
                    struct tcp_listener **into)
{
    if (local.port == 0)
        local.port = free_port(t);
    if (local.port == 0 || t->listener_count >= TCP_LISTENERS_MAX)
        return ERR_FULL;
    if (is_taken(t, local))
        return ERR_EXISTS;
    struct tcp_listener *l = memory_zalloc(sizeof *l);
    if (!l)
        return ERR_MEMORY;
    *l = (struct tcp_listener){.tcp = t, .local = local, .accept = accept, .owner = owner};
    list_init(&l->halves);
    l->next = *bucket(t, local.port);
    *bucket(t, local.port) = l;
    t->listener_count++;
    *into = l;
    return OK;
}

void tcp_unlisten(struct tcp *t, struct tcp_listener *l)
{
    struct tcp_listener **at = bucket(t, l->local.port);
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    while (!list_empty(&l->halves))
        tcp_half_close(t, CONTAINER(l->halves.next, struct tcp_half, link));
    t->listener_count--;
    memory_free(l);
}

struct endpoint tcp_listener_local(const struct tcp_listener *l)
{
    return l->local;
}

/* What a packet of the link's size can carry (RFC 6691). */
uint16_t tcp_offer_mss(struct tcp *t, const struct tcp_tuple *tuple)
{
    uint32_t mtu = t->below.link_mtu ? t->below.link_mtu(t->arg, tuple->remote)
                                     : t->below.path_mtu(t->arg, tuple->remote);
    uint32_t headers = tcp_headers(tuple), least = headers + TCP_MSS_DEFAULT_V4;
    mtu = mtu < least ? least : mtu;
    return (uint16_t)((mtu < TCP_PACKET_MAX ? mtu : TCP_PACKET_MAX) - headers);
}
