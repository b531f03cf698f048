/* The switch, and what is plugged into it; see wire.h. */
#include "platform/sim/wire.h"

#include <stdlib.h>

#include "platform/sim/wire_internal.h"
#include "runtime/panic.h"
#include "signatures/clock.h"

static struct port *port_of(struct net *card)
{
    assert_always(card->ops == &sim_card_ops);
    return CONTAINER(card, struct port, net);
}

struct sim_wire *sim_wire_open(uint64_t seed)
{
    struct sim_wire *w = sim_zalloc(sizeof *w);
    sim_random_seed(&w->random, seed);
    list_init(&w->flights);
    return w;
}

static void unplug(struct port *p)
{
    sim_event_cancel(&p->completion);
    sim_event_cancel(&p->room);
    sim_event_cancel(&p->link_change);
    sim_event_cancel(&p->gathering.flush);
    if (p->record)
        fclose(p->record);
    free(p->gathering.bytes);
    free(p->slots);
    free(p);
}

void sim_wire_close(struct sim_wire *w)
{
    for (struct list *l; (l = list_shift(&w->flights)) != NULL;) {
        struct flight *f = CONTAINER(l, struct flight, link);
        sim_event_cancel(&f->event);
        free(f);
    }
    for (size_t i = 0; i < w->count; i++)
        unplug(w->ports[i]);
    free(w);
}

/* --- cards --- */

static void on_link_change(struct sim_event *e)
{
    struct port *p = CONTAINER(e, struct port, link_change);
    if (p->told_up == p->up)
        return;
    p->told_up = p->up;
    if (p->net.events && p->net.events->on_link)
        p->net.events->on_link(p->net.owner, p->up);
}

static void describe(struct port *p, const struct sim_card *card, size_t number)
{
    static const uint8_t none[NET_MAC_SIZE];
    p->card = *card;
    if (memcmp(card->mac, none, sizeof none) == 0) {
        p->card.mac[0] = 2;
        sim_put16(p->card.mac + 4, (uint16_t)(number + 1));
    }
    if (!p->card.mtu)
        p->card.mtu = SIM_MTU;
    if (!p->card.ring)
        p->card.ring = SIM_RING;
    assert_always(p->card.ring <= SIM_RING_MAX);
    p->net.features.mtu = p->card.mtu;
    p->net.features.offloads = p->card.offloads;
    memcpy(p->net.features.mac, p->card.mac, NET_MAC_SIZE);
}

struct net *sim_wire_card(struct sim_wire *w, const struct sim_card *card)
{
    struct port *p = sim_zalloc(sizeof *p);
    assert_always(w->count < SIM_CARDS_MAX);
    describe(p, card, w->count);
    w->ports[w->count++] = p;
    p->wire = w;
    p->net.ops = &sim_card_ops;
    p->slots = sim_zalloc(p->card.ring * sizeof *p->slots);
    p->up = p->told_up = true;
    p->completion.happen = sim_card_on_completion;
    p->room.happen = sim_card_on_room;
    p->link_change.happen = on_link_change;
    p->gathering.flush.happen = sim_card_on_flush;
    if (p->card.merges)
        p->gathering.bytes = sim_zalloc(NET_FRAME_MAX);
    return &p->net;
}

void sim_wire_link(struct net *card, bool up)
{
    struct port *p = port_of(card);
    p->up = up;
    sim_event_schedule(&p->link_change, clock_monotonic());
}

void sim_wire_offloads(struct net *card, uint32_t offloads)
{
    struct port *p = port_of(card);
    assert_always(!p->up);
    p->card.offloads = card->features.offloads = offloads;
}

void sim_wire_vanish(struct net *card, bool gone)
{
    port_of(card)->gone = gone;
}

void sim_wire_harm(struct net *card, enum sim_way way, const struct sim_harm *harm)
{
    port_of(card)->lanes[way].harm = *harm;
}

void sim_wire_harm_all(struct sim_wire *w, const struct sim_harm *harm)
{
    struct sim_harm near = *harm, far = {.delay = harm->delay - harm->delay / 2};
    near.delay = harm->delay / 2;
    for (size_t i = 0; i < w->count; i++) {
        w->ports[i]->lanes[SIM_OUT].harm = near;
        w->ports[i]->lanes[SIM_IN].harm = far;
    }
}

/* --- switching --- */

void sim_wire_forward(struct sim_wire *w, const struct port *from, struct slice frame)
{
    bool many = frame.ptr[0] & 1;
    for (size_t i = 0; i < w->count; i++) {
        struct port *p = w->ports[i];
        if (p != from && (many || memcmp(frame.ptr, p->card.mac, NET_MAC_SIZE) == 0))
            sim_lane_enter(p, SIM_IN, frame);
    }
}

/* --- what tests ask --- */

void sim_wire_found(struct sim_wire *w, const char *fault)
{
    if (!w->fault)
        w->fault = fault;
}

const char *sim_wire_fault(const struct sim_wire *w)
{
    return w->fault;
}

struct sim_wire_counts sim_wire_counts(const struct sim_wire *w)
{
    return w->counts;
}

uint64_t sim_wire_flying(const struct sim_wire *w)
{
    return w->flying;
}

void sim_wire_watch(struct sim_wire *w, sim_wire_watch_fn *watch, void *arg)
{
    w->watch = watch;
    w->watch_arg = arg;
}

bool sim_wire_record(struct net *card, const char *path)
{
    /* Nanoseconds, version 2.4, UTC, whole frames, Ethernet. */
    const uint32_t head[] = {0xa1b23c4d, 2 | 4 << 16, 0, 0, 1u << 18, 1};
    struct port *p = port_of(card);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(head, sizeof head, 1, f) != 1) {
        if (f)
            fclose(f);
        return false;
    }
    p->record = f;
    return true;
}
