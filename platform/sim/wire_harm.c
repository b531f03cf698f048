/*
 * What happens to a frame on one way of a cable, in this order: too big, lost, corrupted, queued for
 * its bandwidth (or dropped, or marked), delayed, overtaken, doubled.
 */
#include <stdlib.h>

#include "platform/sim/wire_internal.h"
#include "signatures/clock.h"

static bool happens(struct sim_wire *w, uint32_t chance)
{
    return chance && sim_random_next(&w->random) % SIM_MILLION < chance;
}

static bool is_lost(struct sim_wire *w, struct lane *lane)
{
    const struct sim_harm *h = &lane->harm;
    if (happens(w, lane->bad ? h->burst_leave : h->burst_enter))
        lane->bad = !lane->bad;
    return happens(w, lane->bad ? h->burst_loss : h->loss);
}

/* --- corruption --- */

static bool passes(struct slice bytes)
{
    struct sim_frame f;
    return !sim_frame_read(bytes, &f) && !f.fragment && sim_frame_ip_sum_good(bytes, &f) &&
           f.checksum && sim_frame_sum_good(bytes, &f);
}

/* Flips up to 15 bits in a row somewhere in a packet. The rare cases that checksums cannot see, and
 * what carries none (fragments, ARP), are left as they were: the cable's own check guards them. */
static void corrupt(struct sim_wire *w, uint8_t *bytes, size_t len, const struct sim_frame *f)
{
    if (!f->ip || f->fragment || !f->checksum)
        return;
    for (int tries = 0; tries < 8; tries++) {
        size_t at = sim_random_range(&w->random, f->ip, len - 2);
        uint16_t old = sim_get16(bytes + at);
        uint16_t flips = (uint16_t)sim_random_range(&w->random, 1, 0x7fff);
        sim_put16(bytes + at, old ^ flips);
        if (!passes(slice_of(bytes, len))) {
            w->counts.corrupted++;
            return;
        }
        sim_put16(bytes + at, old);
    }
}

/* --- time --- */

/* When the last byte has gone out; 0: there was no room to wait. */
static uint64_t queue(struct sim_wire *w, struct lane *lane, struct flight *flight,
                      const struct sim_frame *f)
{
    const struct sim_harm *h = &lane->harm;
    uint64_t now = clock_monotonic();
    if (!h->bandwidth)
        return now;
    uint64_t start = lane->free_at > now ? lane->free_at : now;
    uint64_t waiting = (start - now) / 1000 * h->bandwidth / 1000000;
    if (waiting + flight->len > (h->queue ? h->queue : SIM_QUEUE)) {
        w->counts.overflowed++;
        return 0;
    }
    if (h->mark && waiting >= h->mark && f->ip && f->ecn) {
        sim_frame_mark(flight->bytes, f, 3);
        w->counts.marked++;
    }
    lane->free_at = start + flight->len * CLOCK_SEC / h->bandwidth;
    return lane->free_at;
}

static uint64_t arrival(struct sim_wire *w, struct lane *lane, uint64_t gone)
{
    const struct sim_harm *h = &lane->harm;
    uint64_t at = gone + h->delay + sim_random_range(&w->random, 0, h->jitter);
    if (happens(w, h->reorder)) {
        w->counts.reordered++;
        return at + sim_random_range(&w->random, 0, h->reorder_by);
    }
    if (at < lane->latest)
        at = lane->latest;
    lane->latest = at;
    return at;
}

/* --- flying --- */

static void on_landing(struct sim_event *e)
{
    struct flight *f = CONTAINER(e, struct flight, event);
    struct slice frame = slice_of(f->bytes, f->len);
    list_remove(&f->link);
    f->port->wire->flying--;
    if (f->way == SIM_OUT)
        sim_wire_forward(f->port->wire, f->port, frame);
    else
        sim_card_arrives(f->port, frame);
    free(f);
}

static struct flight *take_off(struct port *p, enum sim_way way, struct slice frame)
{
    struct flight *f = malloc(sizeof *f + frame.len);
    if (!f)
        abort();
    *f = (struct flight){.port = p, .way = way, .len = frame.len};
    f->event.happen = on_landing;
    memcpy(f->bytes, frame.ptr, frame.len);
    list_append(&p->wire->flights, &f->link);
    p->wire->flying++;
    return f;
}

static void drop(struct flight *f)
{
    list_remove(&f->link);
    f->port->wire->flying--;
    free(f);
}

static void fly(struct port *p, enum sim_way way, struct slice frame, const struct sim_frame *f)
{
    struct sim_wire *w = p->wire;
    struct lane *lane = &p->lanes[way];
    struct flight *flight = take_off(p, way, frame);
    if (happens(w, lane->harm.corrupt))
        corrupt(w, flight->bytes, flight->len, f);
    uint64_t gone = queue(w, lane, flight, f);
    if (gone)
        sim_event_schedule(&flight->event, arrival(w, lane, gone));
    else
        drop(flight);
}

void sim_lane_enter(struct port *p, enum sim_way way, struct slice frame)
{
    struct sim_wire *w = p->wire;
    struct lane *lane = &p->lanes[way];
    struct sim_frame f;
    w->counts.frames++;
    w->counts.bytes += frame.len;
    if (sim_frame_read(frame, &f))
        f.ip = f.checksum = 0; /* corrupted on its way here */
    if (lane->harm.mtu && f.ip && sim_too_big(p, way, frame, &f))
        return;
    if (is_lost(w, lane)) {
        w->counts.lost++;
        return;
    }
    fly(p, way, frame, &f);
    if (happens(w, lane->harm.duplicate)) {
        w->counts.duplicated++;
        fly(p, way, frame, &f);
    }
}
