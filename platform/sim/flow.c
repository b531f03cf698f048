/*
 * Flows in memory, as their owners see them: whatever they do merely puts something into a pipe or
 * schedules an event (flow_work.c). Using a flow after closing it is a failed test. See
 * signatures/flow.h.
 */
#include "platform/sim/flow_internal.h"

#include <stdlib.h>

#include "runtime/panic.h"

static struct end *self(const struct flow *f)
{
    return (struct end *)(uintptr_t)f;
}

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
    sim_pipe_append(e, piece);
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
    sim_pipe_append(e, piece);
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
    sim_pipe_deliver(sim_end_other(e));
    if (e->ended && !e->told)
        sim_event_schedule(&e->fate, clock_monotonic());
}

static void end_close(struct flow *f)
{
    struct end *e = self(f);
    assert_always(!e->closed); /* exactly once */
    e->closed = true;
    if (!e->ended)
        sim_pipe_finish(e);
    sim_pipe_deliver(sim_end_other(e)); /* to be discarded */
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
    sim_end_doom(sim_end_other(e), ERR_RESET, sim_end_soon(e));
    e->coming = ERR_CANCELLED;
    sim_event_schedule(&e->fate, clock_monotonic());
    sim_pipe_deliver(sim_end_other(e));
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
    e->out.deliver.happen = sim_on_deliver;
    e->out.release.happen = sim_on_release;
    e->fate.happen = sim_on_fate;
    e->patience.happen = sim_on_patience;
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
        sim_connection_cut(c);
    }
}

void sim_connections_close(struct sim_net *n)
{
    while (!list_empty(&n->connections)) {
        struct connection *c = CONTAINER(n->connections.next, struct connection, link);
        c->silent = true;
        for (int i = 0; i < 2; i++) {
            c->ends[i].closed = true;
            sim_pipe_drop(&c->ends[i]);
        }
        sim_connection_reap(c);
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
