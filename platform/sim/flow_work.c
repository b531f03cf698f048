/*
 * A connection in memory: two ends, and from each of them a pipe to the other.
 *
 * A pipe holds pieces, as they were written. A piece arrives after the link's latency; then its bytes
 * are delivered, split as the link says; when all of them are through it waits one latency more for
 * the way back, and is released: only then is there room again. Whatever an owner does merely
 * schedules an event, so that no handler is ever called from inside of an owner's call.
 */
#include "platform/sim/flow_internal.h"

#include <stdlib.h>

#define DELIVER_MAX ((size_t)64 * 1024) /* bytes that a handler gets at once */
#define RANDOM_MAX  ((size_t)16 * 1024) /* with SIM_SPLIT_RANDOM */

struct end *sim_end_other(struct end *e)
{
    return e == &e->connection->ends[0] ? &e->connection->ends[1] : &e->connection->ends[0];
}

uint64_t sim_end_soon(struct end *e)
{
    return clock_monotonic() + sim_link_latency(e->connection->net, &e->connection->path);
}

/* --- pieces --- */

static void drop_piece(struct pipe *p)
{
    struct piece *first = p->first;
    p->first = first->next;
    if (!p->first)
        p->last = NULL;
    if (p->undelivered == first)
        p->undelivered = p->first;
    p->bytes -= first->len;
    if (first->loan.release)
        first->loan.release(first->loan.arg);
    free(first);
}

void sim_pipe_drop(struct end *e)
{
    while (e->out.first)
        drop_piece(&e->out);
}

/* When the piece's last byte is through a link of limited bandwidth. */
static uint64_t carried_at(struct end *e, size_t len)
{
    struct pipe *p = &e->out;
    const struct sim_link *link = &e->connection->path;
    uint64_t now = clock_monotonic();
    if (p->free_at < now)
        p->free_at = now;
    if (link->bandwidth)
        p->free_at += (uint64_t)len * CLOCK_SEC / link->bandwidth;
    return p->free_at + sim_link_latency(e->connection->net, link);
}

void sim_pipe_deliver(struct end *e)
{
    struct pipe *p = &e->out;
    uint64_t at = p->undelivered ? p->undelivered->arrives : p->fin_at;
    if (e->connection->silent || (!p->undelivered && (!p->fin || p->fin_delivered)))
        return;
    if (at < e->connection->opens_at)
        at = e->connection->opens_at;
    if (!p->deliver.scheduled)
        sim_event_schedule(&p->deliver, at < clock_monotonic() ? clock_monotonic() : at);
}

void sim_pipe_append(struct end *e, struct piece *piece)
{
    struct pipe *p = &e->out;
    uint64_t at = carried_at(e, piece->len);
    p->latest = at > p->latest ? at : p->latest;
    piece->arrives = p->latest;
    if (p->last)
        p->last->next = piece;
    else
        p->first = piece;
    p->last = piece;
    if (!p->undelivered)
        p->undelivered = piece;
    p->bytes += piece->len;
    sim_pipe_deliver(e);
}

/* --- the end of a connection --- */

void sim_connection_reap(struct connection *c)
{
    for (int i = 0; i < 2; i++) {
        const struct end *e = &c->ends[i];
        if (!e->closed || e->out.first || (e->out.fin && !e->out.fin_delivered && !c->silent))
            return;
    }
    for (int i = 0; i < 2; i++) {
        sim_event_cancel(&c->ends[i].out.deliver);
        sim_event_cancel(&c->ends[i].out.release);
        sim_event_cancel(&c->ends[i].fate);
        sim_event_cancel(&c->ends[i].patience);
    }
    list_remove(&c->link);
    free(c);
}

void sim_end_doom(struct end *e, enum err why, uint64_t at)
{
    if (e->coming)
        return;
    e->coming = why;
    sim_event_schedule(&e->fate, at);
}

static void tell_end(struct end *e)
{
    if (e->told || e->closed || !e->flow.events)
        return;
    e->told = true;
    e->flow.events->on_end(e->flow.owner, e->ended);
}

void sim_pipe_finish(struct end *e)
{
    struct pipe *p = &e->out;
    if (p->fin)
        return;
    uint64_t at = carried_at(e, 0);
    p->fin = true;
    p->fin_at = at > p->latest ? at : p->latest;
    sim_pipe_deliver(e);
}

void sim_on_fate(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, fate);
    e->ended = e->coming;
    sim_pipe_drop(e);
    if (e->ended != ERR_CLOSED) /* else the other side has still to hear of it */
        e->out.fin_delivered = true;
    tell_end(e);
    sim_connection_reap(e->connection);
}

void sim_on_patience(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, patience);
    if (e->out.undelivered || !e->out.fin_delivered)
        sim_end_doom(sim_end_other(e), ERR_RESET, sim_end_soon(e));
    sim_pipe_drop(e);
    e->out.fin = e->out.fin_delivered = true;
    sim_connection_reap(e->connection);
}

/* --- delivering --- */

static size_t split(struct connection *c, size_t available)
{
    size_t n = available;
    if (c->path.split == SIM_SPLIT_BYTES)
        n = 1;
    else if (c->path.split == SIM_SPLIT_RANDOM && sim_random_chance(&c->net->random, 50))
        n = (size_t)sim_random_range(&c->net->random, 1, 64);
    else if (c->path.split == SIM_SPLIT_RANDOM)
        n = (size_t)sim_random_range(&c->net->random, 1, RANDOM_MAX);
    if (c->path.cut && n > c->path.cut_after - c->carried)
        n = (size_t)(c->path.cut_after - c->carried);
    return n < available ? n : available;
}

/* Bytes that have arrived and were not delivered, up to DELIVER_MAX. */
static size_t arrived(const struct pipe *p)
{
    size_t sum = 0;
    for (const struct piece *i = p->undelivered; i && sum < DELIVER_MAX; i = i->next) {
        if (i->arrives > clock_monotonic())
            break;
        sum += i->len - i->taken;
    }
    return sum < DELIVER_MAX ? sum : DELIVER_MAX;
}

/* Moves n bytes out of the pipe; pieces that are through wait for their release from now on. */
static void take(struct end *from, uint8_t *into, size_t n)
{
    struct pipe *p = &from->out;
    uint64_t back = sim_end_soon(from);
    p->release_at = back > p->release_at ? back : p->release_at;
    if (from->closed && n > 0) /* the peer goes on taking it */
        sim_event_schedule(&from->patience, clock_monotonic() + SIM_CLOSE_NS);
    for (;;) {
        struct piece *i = p->undelivered;
        if (!i || i->arrives > clock_monotonic())
            break;
        size_t part = i->len - i->taken < n ? i->len - i->taken : n;
        if (part)
            memcpy(into, i->ptr + i->taken, part);
        into += part;
        i->taken += part;
        n -= part;
        if (i->taken < i->len)
            break;
        i->arrives = p->release_at;
        p->undelivered = i->next;
    }
    if (p->first != p->undelivered && !p->release.scheduled)
        sim_event_schedule(&p->release, p->first->arrives);
}

void sim_connection_cut(struct connection *c)
{
    c->silent = true; /* what is on its way never arrives */
    for (int i = 0; i < 2 && c->path.cut != SIM_CUT_SILENCE; i++)
        sim_end_doom(&c->ends[i], ERR_RESET, sim_end_soon(&c->ends[i]));
}

/* Both sides see an end in good order, and what they write from now on leads nowhere. */
static void cut_with_eof(struct connection *c)
{
    c->path.cut = SIM_CUT_NOT;
    c->deaf = true;
    for (int i = 0; i < 2; i++) {
        struct end *e = &c->ends[i];
        sim_pipe_drop(e);
        sim_event_cancel(&e->out.deliver);
        e->out.fin = true;
        e->out.fin_at = sim_end_soon(e);
        sim_pipe_deliver(e);
    }
}

/* The receiver is gone: discards. Its peer may send until it has heard of the end, and what arrives
 * after that is answered with a reset. */
static void discard(struct end *from, struct end *to, size_t n)
{
    uint8_t *block = sim_zalloc(n);
    take(from, block, n);
    free(block);
    if (to->out.fin_delivered || to->cut)
        sim_end_doom(from, ERR_RESET, sim_end_soon(to));
}

static void hand_over(struct end *from, struct end *to)
{
    struct connection *c = from->connection;
    size_t n = split(c, arrived(&from->out));
    uint8_t *block = sim_zalloc(n); /* just as large: whoever reads beyond, or later, is caught */
    take(from, block, n);
    c->carried += n;
    if (n)
        to->flow.events->on_data(to->flow.owner, slice_of(block, n));
    free(block);
    if (!c->path.cut || c->carried < c->path.cut_after)
        return;
    if (c->path.cut == SIM_CUT_EOF)
        cut_with_eof(c);
    else
        sim_connection_cut(c);
}

static void hand_over_fin(struct end *from, struct end *to)
{
    if (!from->out.fin || from->out.fin_delivered) /* what was to be delivered has been dropped */
        return;
    from->out.fin_delivered = true;
    if (to->closed || to->ended)
        return;
    if (to->flow.events->on_eof) {
        to->flow.events->on_eof(to->flow.owner);
        return;
    }
    sim_pipe_drop(to);
    sim_pipe_finish(to);
    to->coming = to->ended = ERR_CLOSED;
    tell_end(to);
}

void sim_on_deliver(struct sim_event *event)
{
    struct end *from = CONTAINER(event, struct end, out.deliver), *to = sim_end_other(from);
    struct connection *c = from->connection;
    if (c->silent)
        return;
    if (to->paused && !to->closed && !to->ended && !c->deaf)
        return; /* until flow_pause(to, false) */
    if (!from->out.undelivered)
        hand_over_fin(from, to);
    else if (to->closed || to->ended || c->deaf)
        discard(from, to, arrived(&from->out));
    else
        hand_over(from, to);
    sim_pipe_deliver(from);
    sim_connection_reap(c);
}

static void tell_room(struct end *e)
{
    if (!e->wants_room || e->closed || e->ended || e->out.bytes > SIM_FLOW_ROOM / 2)
        return;
    e->wants_room = false;
    if (e->flow.events && e->flow.events->on_room)
        e->flow.events->on_room(e->flow.owner);
}

void sim_on_release(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, out.release);
    struct pipe *p = &e->out;
    while (p->first != p->undelivered && p->first->arrives <= clock_monotonic())
        drop_piece(p);
    if (p->first != p->undelivered)
        sim_event_schedule(&p->release, p->first->arrives);
    tell_room(e);
    sim_connection_reap(e->connection);
}
