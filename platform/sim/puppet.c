/* A peer that speaks by hand; see puppet.h. RFC 826 and 4861 as far as answering goes. */
#include "platform/sim/puppet.h"

#include <stdlib.h>

#include "platform/sim/wire_internal.h"
#include "runtime/panic.h"

#define ARP_SIZE 42u

struct kept {
    uint8_t *bytes; /* owned */
    size_t len;
};

struct sim_puppet {
    struct net *card;
    struct address v4, v6;
    bool has_v4, has_v6;
    uint8_t aim[NET_MAC_SIZE];
    struct kept kept[SIM_PUPPET_KEEPS];
    uint64_t heard, taken;
    uint8_t *last; /* what sim_puppet_take handed out; owned */
    sim_puppet_hear_fn *hear;
    void *arg;
};

static void send_frame(struct sim_puppet *p, const uint8_t *bytes, size_t len)
{
    struct slice whole = slice_of(bytes, len);
    struct net_frame f = {.parts = &whole, .count = 1};
    enum err e = net_send(p->card, &f);
    assert_always(!e || e == ERR_UNREACHABLE);
}

/* --- neighbours --- */

static void answer_arp(struct sim_puppet *p, struct slice frame)
{
    uint8_t made[ARP_SIZE];
    const uint8_t *arp = frame.ptr + SIM_ETHERNET_SIZE;
    if (frame.len < ARP_SIZE || sim_get16(arp + 6) != 1 || !p->has_v4 ||
        memcmp(arp + 24, p->v4.bytes + 12, 4) != 0)
        return;
    memcpy(made, frame.ptr, ARP_SIZE);
    memcpy(made, arp + 8, NET_MAC_SIZE);
    memcpy(made + NET_MAC_SIZE, p->card->features.mac, NET_MAC_SIZE);
    uint8_t *reply = made + SIM_ETHERNET_SIZE;
    sim_put16(reply + 6, 2);
    memcpy(reply + 18, arp + 8, 10); /* who asked */
    memcpy(reply + 8, p->card->features.mac, NET_MAC_SIZE);
    memcpy(reply + 14, p->v4.bytes + 12, 4);
    send_frame(p, made, ARP_SIZE);
}

static void answer_solicitation(struct sim_puppet *p, const struct sim_frame *f, struct slice frame)
{
    uint8_t made[NET_HEAD_MAX], content[32] = {136, 0, 0, 0, 0x60};
    if (!p->has_v6 || f->end - f->transport < 24 ||
        memcmp(frame.ptr + f->transport + 8, p->v6.bytes, 16) != 0 ||
        address_equal(&f->source, &ADDRESS_ANY))
        return;
    struct sim_frame a = {.v6 = true, .protocol = SIM_ICMPV6, .hops = 255};
    a.source = p->v6;
    a.destination = f->source;
    memcpy(a.to, f->from, NET_MAC_SIZE);
    memcpy(a.from, p->card->features.mac, NET_MAC_SIZE);
    memcpy(content + 8, p->v6.bytes, 16);
    content[24] = 2;
    content[25] = 1;
    memcpy(content + 26, p->card->features.mac, NET_MAC_SIZE);
    size_t len = sim_frame_ip(made, &a, slice_of(content, sizeof content));
    send_frame(p, made, len);
}

/* --- hearing --- */

static void keep(struct sim_puppet *p, struct slice frame)
{
    struct kept *k = &p->kept[p->heard++ % SIM_PUPPET_KEEPS];
    free(k->bytes);
    k->bytes = malloc(frame.len);
    assert_always(k->bytes != NULL);
    memcpy(k->bytes, frame.ptr, frame.len);
    k->len = frame.len;
    if (p->heard - p->taken > SIM_PUPPET_KEEPS)
        p->taken = p->heard - SIM_PUPPET_KEEPS;
}

static void on_frame(void *owner, const struct net_arrival *a)
{
    struct sim_puppet *p = owner;
    struct slice frame = a->parts[0];
    struct sim_frame f;
    if (sim_frame_read(frame, &f))
        return;
    if (f.type == SIM_ARP)
        answer_arp(p, frame);
    else if (f.protocol == SIM_ICMPV6 && frame.ptr[f.transport] == 135)
        answer_solicitation(p, &f, frame);
    else if (f.ip && p->hear)
        p->hear(p->arg, &f, frame);
    else if (f.ip)
        keep(p, frame);
}

bool sim_puppet_take(struct sim_puppet *p, struct sim_frame *f, struct slice *bytes)
{
    if (p->taken == p->heard)
        return false;
    struct kept *k = &p->kept[p->taken++ % SIM_PUPPET_KEEPS];
    free(p->last);
    p->last = k->bytes;
    k->bytes = NULL;
    *bytes = slice_of(p->last, k->len);
    return !sim_frame_read(*bytes, f);
}

void sim_puppet_hear(struct sim_puppet *p, sim_puppet_hear_fn *hear, void *arg)
{
    p->hear = hear;
    p->arg = arg;
}

/* --- speaking --- */

static struct sim_frame addressed(struct sim_puppet *p, const struct sim_frame *f)
{
    struct sim_frame full = *f;
    memcpy(full.to, p->aim, NET_MAC_SIZE);
    memcpy(full.from, p->card->features.mac, NET_MAC_SIZE);
    return full;
}

void sim_puppet_send(struct sim_puppet *p, const struct sim_frame *f, struct slice payload)
{
    uint8_t made[NET_HEAD_MAX + SIM_MTU];
    struct sim_frame full = addressed(p, f);
    assert_always(payload.len <= SIM_MTU);
    send_frame(p, made, sim_frame_tcp(made, &full, payload));
}

void sim_puppet_send_ip(struct sim_puppet *p, const struct sim_frame *f, struct slice content)
{
    uint8_t made[NET_HEAD_MAX + SIM_MTU];
    struct sim_frame full = addressed(p, f);
    assert_always(content.len <= SIM_MTU);
    send_frame(p, made, sim_frame_ip(made, &full, content));
}

void sim_puppet_aim(struct sim_puppet *p, const struct net *card)
{
    memcpy(p->aim, card->features.mac, NET_MAC_SIZE);
}

/* --- */

struct net *sim_puppet_card(struct sim_puppet *p)
{
    return p->card;
}

static const struct net_events events = {.on_frame = on_frame};

static bool parse(const char *text, struct address *into)
{
    bool given = text != NULL;
    assert_always(!given || address_parse(slice_text(text), into));
    return given;
}

struct sim_puppet *sim_puppet_open(struct sim_wire *w, const char *v4, const char *v6)
{
    struct sim_puppet *p = sim_zalloc(sizeof *p);
    p->has_v4 = parse(v4, &p->v4);
    p->has_v6 = parse(v6, &p->v6);
    p->card = sim_wire_card(w, &(struct sim_card){.liberal = true});
    net_own(p->card, &events, p);
    return p;
}

void sim_puppet_close(struct sim_puppet *p)
{
    for (size_t i = 0; i < SIM_PUPPET_KEEPS; i++)
        free(p->kept[i].bytes);
    free(p->last);
    net_own(p->card, NULL, NULL);
    free(p);
}
