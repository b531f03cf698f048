/*
 * The card below: Ethernet ends here. Packets of the stack's go into a queue for the script, those of
 * the script's come in with a header put on. Whoever is asked for by ARP or NDP answers at once, so
 * that a script sees nothing but its own packets.
 */
#include <stdlib.h>

#include "platform/sim/frame.h"
#include "platform/sim/sim.h"
#include "tool/packetdrill/door.h"

struct packet {
    struct list link;
    uint64_t at;
    size_t len;
    uint8_t bytes[];
};

struct card {
    struct net net;  /* first: the handle */
    struct list out; /* packets of the stack's, for the script */
    struct list in;  /* frames for the stack */
    struct sim_event arrival;
};

static const uint8_t ours[NET_MAC_SIZE] = {2, 0, 0, 0, 0, 1},
                     theirs[NET_MAC_SIZE] = {2, 0, 0, 0, 0, 2};

static struct packet *put(struct list *into, const uint8_t *head, size_t head_len,
                          struct slice rest)
{
    struct packet *p = malloc(sizeof *p + head_len + rest.len);
    if (!p)
        abort();
    *p = (struct packet){.at = clock_monotonic(), .len = head_len + rest.len};
    if (head_len)
        memcpy(p->bytes, head, head_len);
    if (rest.len)
        memcpy(p->bytes + head_len, rest.ptr, rest.len);
    list_append(into, &p->link);
    return p;
}

static void arrive(struct card *c, const uint8_t *head, size_t head_len, struct slice rest)
{
    put(&c->in, head, head_len, rest);
    sim_event_schedule(&c->arrival, clock_monotonic());
}

static void on_arrival(struct sim_event *e)
{
    struct card *c = CONTAINER(e, struct card, arrival);
    for (struct list *l; (l = list_shift(&c->in)) != NULL;) {
        struct packet *p = CONTAINER(l, struct packet, link);
        struct slice whole = slice_of(p->bytes, p->len);
        struct net_arrival a = {.parts = &whole, .count = 1};
        if (c->net.events && c->net.events->on_frame)
            c->net.events->on_frame(c->net.owner, &a);
        free(p);
    }
}

/* --- neighbours --- */

static void answer_arp(struct card *c, struct slice frame)
{
    uint8_t made[42];
    const uint8_t *arp = frame.ptr + SIM_ETHERNET_SIZE;
    static const uint8_t nobody[4];
    if (frame.len < sizeof made || sim_get16(arp + 6) != 1 || memcmp(arp + 14, nobody, 4) == 0 ||
        memcmp(arp + 14, arp + 24, 4) == 0)
        return; /* a probe or an announcement of the stack's own address */
    memcpy(made, frame.ptr, sizeof made);
    memcpy(made, ours, NET_MAC_SIZE);
    memcpy(made + NET_MAC_SIZE, theirs, NET_MAC_SIZE);
    uint8_t *reply = made + SIM_ETHERNET_SIZE;
    sim_put16(reply + 6, 2);
    memcpy(reply + 18, arp + 8, 10);
    memcpy(reply + 8, theirs, NET_MAC_SIZE);
    memcpy(reply + 14, arp + 24, 4);
    arrive(c, made, sizeof made, slice_of(NULL, 0));
}

static void answer_solicitation(struct card *c, const struct sim_frame *f, struct slice frame)
{
    uint8_t made[NET_HEAD_MAX], content[32] = {136, 0, 0, 0, 0x60};
    static const struct address nobody;
    if (memcmp(&f->source, &nobody, sizeof nobody) == 0 || f->end - f->transport < 24)
        return;
    struct sim_frame a = {.v6 = true, .protocol = SIM_ICMPV6, .hops = 255};
    memcpy(a.to, ours, NET_MAC_SIZE);
    memcpy(a.from, theirs, NET_MAC_SIZE);
    memcpy(a.source.bytes, frame.ptr + f->transport + 8, 16);
    a.destination = f->source;
    memcpy(content + 8, a.source.bytes, 16);
    content[24] = 2;
    content[25] = 1;
    memcpy(content + 26, theirs, NET_MAC_SIZE);
    arrive(c, made, sim_frame_ip(made, &a, slice_of(content, sizeof content)), slice_of(NULL, 0));
}

/* Neighbour and router discovery, and who is in which group: the link's own matters. */
static bool is_of_the_link(const struct sim_frame *f, struct slice frame)
{
    if (f->protocol != SIM_ICMPV6)
        return false;
    uint8_t type = frame.ptr[f->transport];
    return (type >= 133 && type <= 137) || (type >= 130 && type <= 132) || type == 143;
}

/* --- signatures/net.h --- */

static enum err card_send(struct net *n, const struct net_frame *given)
{
    static uint8_t bytes[SIM_ETHERNET_SIZE + CARD_MTU];
    struct card *c = CONTAINER(n, struct card, net);
    struct sim_frame f;
    size_t len = 0;
    for (size_t i = 0; i < given->count; i++) {
        if (given->parts[i].len > sizeof bytes - len)
            return ERR_LIMIT;
        if (given->parts[i].len)
            memcpy(bytes + len, given->parts[i].ptr, given->parts[i].len);
        len += given->parts[i].len;
    }
    struct slice frame = slice_of(bytes, len);
    if (sim_frame_read(frame, &f))
        return OK;
    if (f.type == SIM_ARP)
        answer_arp(c, frame);
    else if (f.ip && !is_of_the_link(&f, frame))
        put(&c->out, NULL, 0, slice_of(bytes + f.ip, f.end - f.ip));
    else if (f.ip && frame.ptr[f.transport] == 135)
        answer_solicitation(c, &f, frame);
    return OK;
}

static uint64_t card_completed(struct net *n)
{
    return n->sent;
}

static bool card_link(const struct net *n)
{
    return n != NULL;
}

static const struct net_ops ops = {
    .send = card_send, .completed = card_completed, .link = card_link};

/* --- the script's side --- */

void card_inject(struct card *c, struct slice packet)
{
    uint8_t head[SIM_ETHERNET_SIZE];
    memcpy(head, ours, NET_MAC_SIZE);
    memcpy(head + NET_MAC_SIZE, theirs, NET_MAC_SIZE);
    sim_put16(head + 12, packet.len && packet.ptr[0] >> 4 == 6 ? SIM_IPV6 : SIM_IPV4);
    arrive(c, head, sizeof head, packet);
}

bool card_has_sent(const struct card *c)
{
    return !list_empty(&c->out);
}

size_t card_take(struct card *c, uint8_t *into, size_t max, uint64_t *at)
{
    struct list *l = list_shift(&c->out);
    if (!l)
        return 0;
    struct packet *p = CONTAINER(l, struct packet, link);
    size_t len = p->len < max ? p->len : max;
    memcpy(into, p->bytes, len);
    *at = p->at;
    free(p);
    return len;
}

struct net *card_net(struct card *c)
{
    return &c->net;
}

struct card *card_open(void)
{
    struct card *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->net.ops = &ops;
    c->net.features.mtu = CARD_MTU;
    memcpy(c->net.features.mac, ours, NET_MAC_SIZE);
    list_init(&c->out);
    list_init(&c->in);
    c->arrival.happen = on_arrival;
    return c;
}

void card_close(struct card *c)
{
    sim_event_cancel(&c->arrival);
    for (struct list *l; (l = list_shift(&c->in)) != NULL || (l = list_shift(&c->out)) != NULL;)
        free(CONTAINER(l, struct packet, link));
    free(c);
}
