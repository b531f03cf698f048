/*
 * A connection in memory: two ends, and from each of them a pipe to the other.
 *
 * A pipe holds pieces, as they were written. A piece arrives after the link's latency; then its bytes
 * are delivered, split as the link says; when all of them are through it waits one latency more for
 * the way back, and is released: only then is there room again. Whatever an owner does merely
 * schedules an event, so that no handler is ever called from inside of an owner's call.
 */
#include <stdlib.h>

#include "platform/sim/net_internal.h"
#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/wait.h"

#define DELIVER_MAX ((size_t)64 * 1024) /* bytes that a handler gets at once */
#define RANDOM_MAX  ((size_t)16 * 1024) /* with SIM_SPLIT_RANDOM */

struct piece {
    struct piece *next;
    const uint8_t *ptr;
    size_t len;
    size_t taken;     /* bytes that were delivered */
    uint64_t arrives; /* the first moment of delivery; later, of release */
    struct loan loan;
};

/* Pieces first..., of which those before `undelivered` wait for their release. */
struct pipe {
    struct piece *first, *last, *undelivered;
    size_t bytes;        /* in all pieces */
    uint64_t latest;     /* arrival of the newest piece */
    uint64_t free_at;    /* when the link has carried all, with bandwidth */
    uint64_t release_at; /* of the newest delivered piece */
    bool fin;            /* an end follows the pieces */
    uint64_t fin_at;
    bool fin_delivered;
    struct sim_event deliver, release;
};

struct end {
    struct flow flow;
    struct connection *connection;
    struct pipe out;
    struct sim_host *host;
    struct endpoint peer;
    struct sim_event fate;     /* the end of the stream comes to be known here */
    struct sim_event patience; /* after closing */
    enum err coming;           /* what fate will say */
    enum err ended;            /* what it said, or OK */
    bool told, paused, closed, cut, wants_room;
};

struct connection {
    struct list link;
    struct sim_net *net;
    struct sim_link path;
    uint64_t carried;  /* bytes, both directions */
    uint64_t opens_at; /* see read_delay */
    bool silent;       /* nothing arrives any more */
    bool deaf;         /* nobody listens any more, but ends are heard of */
    struct end ends[2];
};

static struct end *self(const struct flow *f)
{
    return (struct end *)(uintptr_t)f;
}

static struct end *other(struct end *e)
{
    return e == &e->connection->ends[0] ? &e->connection->ends[1] : &e->connection->ends[0];
}

static uint64_t soon(struct end *e)
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

static void drop_pieces(struct end *e)
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

static void schedule_delivery(struct end *e)
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

static void append(struct end *e, struct piece *piece)
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
    schedule_delivery(e);
}

/* --- the end of a connection --- */

/* Frees it when both owners have closed and nothing is on its way. */
static void reap(struct connection *c)
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

/* The stream at e will be found to be over. The first reason counts. */
static void doom(struct end *e, enum err why, uint64_t at)
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

static void put_fin(struct end *e)
{
    struct pipe *p = &e->out;
    if (p->fin)
        return;
    uint64_t at = carried_at(e, 0);
    p->fin = true;
    p->fin_at = at > p->latest ? at : p->latest;
    schedule_delivery(e);
}

static void on_fate(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, fate);
    e->ended = e->coming;
    drop_pieces(e);
    if (e->ended != ERR_CLOSED) /* else the other side has still to hear of it */
        e->out.fin_delivered = true;
    tell_end(e);
    reap(e->connection);
}

static void on_patience(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, patience);
    if (e->out.undelivered || !e->out.fin_delivered)
        doom(other(e), ERR_RESET, soon(e));
    drop_pieces(e);
    e->out.fin = e->out.fin_delivered = true;
    reap(e->connection);
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
    uint64_t back = soon(from);
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

static void cut_off(struct connection *c)
{
    c->silent = true; /* what is on its way never arrives */
    for (int i = 0; i < 2 && c->path.cut != SIM_CUT_SILENCE; i++)
        doom(&c->ends[i], ERR_RESET, soon(&c->ends[i]));
}

/* Both sides see an end in good order, and what they write from now on leads nowhere. */
static void cut_with_eof(struct connection *c)
{
    c->path.cut = SIM_CUT_NOT;
    c->deaf = true;
    for (int i = 0; i < 2; i++) {
        struct end *e = &c->ends[i];
        drop_pieces(e);
        sim_event_cancel(&e->out.deliver);
        e->out.fin = true;
        e->out.fin_at = soon(e);
        schedule_delivery(e);
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
        doom(from, ERR_RESET, soon(to));
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
        cut_off(c);
}

static void hand_over_fin(struct end *from, struct end *to)
{
    from->out.fin_delivered = true;
    if (to->closed || to->ended)
        return;
    if (to->flow.events->on_eof) {
        to->flow.events->on_eof(to->flow.owner);
        return;
    }
    drop_pieces(to);
    put_fin(to);
    to->coming = to->ended = ERR_CLOSED;
    tell_end(to);
}

static void on_deliver(struct sim_event *event)
{
    struct end *from = CONTAINER(event, struct end, out.deliver), *to = other(from);
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
    schedule_delivery(from);
    reap(c);
}

static void tell_room(struct end *e)
{
    if (!e->wants_room || e->closed || e->ended || e->out.bytes > SIM_FLOW_ROOM / 2)
        return;
    e->wants_room = false;
    if (e->flow.events && e->flow.events->on_room)
        e->flow.events->on_room(e->flow.owner);
}

static void on_release(struct sim_event *event)
{
    struct end *e = CONTAINER(event, struct end, out.release);
    struct pipe *p = &e->out;
    while (p->first != p->undelivered && p->first->arrives <= clock_monotonic())
        drop_piece(p);
    if (p->first != p->undelivered)
        sim_event_schedule(&p->release, p->first->arrives);
    tell_room(e);
    reap(e->connection);
}

/* --- operations; see signatures/flow.h --- */

static enum err may_write(struct end *e, size_t needed)
{
    if (e->ended)
        return e->ended;
    if (needed > SIM_FLOW_ROOM)
        return ERR_LIMIT;
    if (e->out.bytes < SIM_FLOW_ROOM && needed <= SIM_FLOW_ROOM - e->out.bytes)
        return OK;
    e->wants_room = true;
    return ERR_AGAIN;
}

static enum err end_write(struct flow *f, struct slice bytes)
{
    struct end *e = self(f);
    enum err why = may_write(e, bytes.len);
    assert_always(!e->closed);
    if (why || bytes.len == 0)
        return why;
    struct piece *piece = sim_zalloc(sizeof *piece + bytes.len);
    memcpy(piece + 1, bytes.ptr, bytes.len);
    piece->ptr = (const uint8_t *)(piece + 1);
    piece->len = bytes.len;
    append(e, piece);
    return OK;
}

static enum err end_lend(struct flow *f, struct slice bytes, struct loan loan)
{
    struct end *e = self(f);
    enum err why = may_write(e, 0);
    assert_always(!e->closed);
    if (why)
        return why;
    struct piece *piece = sim_zalloc(sizeof *piece);
    *piece = (struct piece){.ptr = bytes.ptr, .len = bytes.len, .loan = loan};
    append(e, piece);
    return OK;
}

static size_t end_room(const struct flow *f)
{
    const struct end *e = self(f);
    return e->ended || e->out.bytes >= SIM_FLOW_ROOM ? 0 : SIM_FLOW_ROOM - e->out.bytes;
}

static size_t end_queued(const struct flow *f)
{
    size_t sum = 0;
    for (const struct piece *i = self(f)->out.undelivered; i; i = i->next)
        sum += i->len - i->taken;
    return sum;
}

static void end_pause(struct flow *f, bool paused)
{
    struct end *e = self(f);
    assert_always(!e->closed);
    e->paused = paused;
    if (paused)
        return;
    schedule_delivery(other(e));
    if (e->ended && !e->told)
        sim_event_schedule(&e->fate, clock_monotonic());
}

static void end_close(struct flow *f)
{
    struct end *e = self(f);
    assert_always(!e->closed); /* exactly once */
    e->closed = true;
    if (!e->ended)
        put_fin(e);
    schedule_delivery(other(e)); /* to be discarded */
    sim_event_schedule(&e->patience, clock_monotonic() + SIM_CLOSE_NS);
    if (e->ended)
        sim_event_schedule(&e->fate, clock_monotonic()); /* reaps, outside of this call */
}

static void end_abort(struct flow *f)
{
    struct end *e = self(f);
    assert_always(!e->closed);
    e->closed = e->cut = true;
    e->out.fin = true;
    sim_event_cancel(&e->out.deliver);
    doom(other(e), ERR_RESET, soon(e));
    e->coming = ERR_CANCELLED;
    sim_event_schedule(&e->fate, clock_monotonic());
    schedule_delivery(other(e));
}

static struct endpoint end_peer(const struct flow *f)
{
    return self(f)->peer;
}

static const struct flow_ops ops = {
    .write = end_write,
    .lend = end_lend,
    .room = end_room,
    .queued = end_queued,
    .pause = end_pause,
    .close = end_close,
    .abort = end_abort,
    .peer = end_peer,
};

/* --- connections; see net_internal.h --- */

static void init_end(struct connection *c, struct end *e, struct sim_host *host,
                     struct endpoint peer)
{
    e->connection = c;
    e->flow.ops = &ops;
    e->host = host;
    e->peer = peer;
    e->paused = true;
    e->out.deliver.happen = on_deliver;
    e->out.release.happen = on_release;
    e->fate.happen = on_fate;
    e->patience.happen = on_patience;
}

struct connection *sim_connection_open(struct sim_net *n, struct sim_host *from,
                                       struct endpoint here, struct sim_host *to,
                                       struct endpoint there, const struct sim_link *link)
{
    struct connection *c = sim_zalloc(sizeof *c);
    c->net = n;
    c->path = *link;
    c->opens_at = clock_monotonic() + link->read_delay;
    init_end(c, &c->ends[0], from, there);
    init_end(c, &c->ends[1], to, here);
    list_append(&n->connections, &c->link);
    return c;
}

struct flow *sim_connection_flow(struct connection *c, int side)
{
    return &c->ends[side].flow;
}

void sim_connections_reset(struct sim_net *n, const struct sim_host *host)
{
    for (struct list *l = n->connections.next; l != &n->connections; l = l->next) {
        struct connection *c = CONTAINER(l, struct connection, link);
        if (c->ends[0].host != host && c->ends[1].host != host)
            continue;
        c->path.cut = SIM_CUT_RESET;
        cut_off(c);
    }
}

void sim_connections_close(struct sim_net *n)
{
    while (!list_empty(&n->connections)) {
        struct connection *c = CONTAINER(n->connections.next, struct connection, link);
        c->silent = true;
        for (int i = 0; i < 2; i++) {
            c->ends[i].closed = true;
            drop_pieces(&c->ends[i]);
        }
        reap(c);
    }
}

size_t sim_net_flows(const struct sim_net *n)
{
    size_t count = 0;
    for (const struct list *l = n->connections.next; l != &n->connections; l = l->next) {
        const struct connection *c = CONTAINER(l, const struct connection, link);
        count += !c->ends[0].closed;
        count += !c->ends[1].closed;
    }
    return count;
}
