/* What TCP and UDP need of the world below them: IP, the card, and randomness. */
#include "lib/inet/internal.h"
#include "signatures/entropy.h"

static enum err send(void *arg, const struct ip_packet *p)
{
    struct inet *i = arg;
    return ip_send(i->ip, i->now, p);
}

static uint64_t sent(void *arg)
{
    return ((struct inet *)arg)->card->sent;
}

static uint64_t completed(void *arg)
{
    return net_completed(((struct inet *)arg)->card);
}

static bool source(void *arg, struct address destination, struct address *from)
{
    return ip_source(((struct inet *)arg)->ip, destination, from);
}

static uint32_t path_mtu(void *arg, struct address destination)
{
    struct inet *i = arg;
    return ip_path_mtu(i->ip, i->now, destination);
}

static uint32_t link_mtu(void *arg, struct address destination)
{
    return ip_link_mtu(((struct inet *)arg)->ip, destination);
}

static void learn_path_mtu(void *arg, struct address destination, uint32_t mtu)
{
    struct inet *i = arg;
    ip_learn_path_mtu(i->ip, i->now, destination, mtu);
}

static void confirm(void *arg, struct address destination)
{
    struct inet *i = arg;
    ip_confirm(i->ip, i->now, destination);
}

static void fill(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static void wake(void *arg)
{
    inet_touch(arg);
}

const struct tcp_below inet_tcp_below = {
    .send = send,
    .sent = sent,
    .completed = completed,
    .source = source,
    .path_mtu = path_mtu,
    .link_mtu = link_mtu,
    .learn_path_mtu = learn_path_mtu,
    .confirm = confirm,
    .random = fill,
    .wake = wake,
};

const struct udp_below inet_udp_below = {
    .send = send, .sent = sent, .completed = completed, .source = source, .random = fill};
