/*
 * A connection as its owner sees it (signatures/flow.h). Nothing is done in here but to keep what is
 * wanted: see work.c.
 */
#include "lib/tcp/internal.h"

static struct tcp_connection *self(const struct flow *f)
{
    return tcp_connection_of(f);
}

static size_t limit_of(const struct tcp_connection *c)
{
    return tune_send_limit(cubic_window(&c->recovery.cubic), c->mss, tcp_scarce(c->tcp));
}

static enum err may_write(struct tcp_connection *c, size_t needed)
{
    size_t queued = tcp_queue_bytes(&c->out), limit = limit_of(c);
    if (c->ended || c->finished)
        return c->ended ? c->ended : ERR_CLOSED;
    if (needed > limit)
        return ERR_LIMIT;
    if (queued < limit && needed <= limit - queued)
        return OK;
    c->wants_room = true;
    return ERR_AGAIN;
}

static enum err refuse_for_memory(struct tcp_connection *c)
{
    tcp_count(c->tcp, TCP_WRITES_REFUSED);
    return ERR_MEMORY;
}

static enum err flow_tcp_write(struct flow *flow, struct slice bytes)
{
    struct tcp_connection *c = self(flow);
    enum err e = may_write(c, bytes.len);
    if (e || !bytes.len)
        return e;
    if (tcp_spent(c->tcp) || tcp_queue_copy(&c->tcp->chunks, &c->out, bytes))
        return refuse_for_memory(c);
    tcp_schedule(c);
    return OK;
}

static enum err flow_tcp_lend(struct flow *flow, struct slice bytes, struct loan loan)
{
    struct tcp_connection *c = self(flow);
    enum err e = may_write(c, 0);
    if (e)
        return e;
    if (tcp_queue_lend(&c->tcp->chunks, &c->out, bytes, loan))
        return refuse_for_memory(c);
    if (!bytes.len) /* nobody will acknowledge it */
        tcp_queue_drop(&c->tcp->chunks, &c->out, c->out.begin);
    tcp_schedule(c);
    return OK;
}

static size_t flow_tcp_room(const struct flow *flow)
{
    const struct tcp_connection *c = self(flow);
    size_t queued = tcp_queue_bytes(&c->out), limit = limit_of(c);
    return c->ended || c->finished || queued >= limit ? 0 : limit - queued;
}

static size_t flow_tcp_queued(const struct flow *flow)
{
    return tcp_queue_bytes(&self(flow)->out);
}

static void flow_tcp_pause(struct flow *flow, bool paused)
{
    struct tcp_connection *c = self(flow);
    c->paused = paused;
    if (!paused)
        tcp_schedule(c);
}

static void flow_tcp_close(struct flow *flow)
{
    struct tcp_connection *c = self(flow);
    c->closed = true;
    tcp_schedule(c);
}

static void flow_tcp_abort(struct flow *flow)
{
    self(flow)->aborted = true;
    flow_tcp_close(flow);
}

static struct endpoint flow_tcp_peer(const struct flow *flow)
{
    const struct tcp_tuple *tuple = &self(flow)->entry.tuple;
    return (struct endpoint){.address = tuple->remote, .port = tuple->remote_port};
}

const struct flow_ops tcp_flow_ops = {
    .write = flow_tcp_write,
    .lend = flow_tcp_lend,
    .room = flow_tcp_room,
    .queued = flow_tcp_queued,
    .pause = flow_tcp_pause,
    .close = flow_tcp_close,
    .abort = flow_tcp_abort,
    .peer = flow_tcp_peer,
};

/* --- what only TCP offers --- */

void tcp_finish(struct flow *f)
{
    self(f)->finished = true;
    tcp_schedule(self(f));
}

void tcp_cork(struct flow *f, bool on)
{
    struct tcp_connection *c = self(f);
    c->corked = on;
    if (!on)
        c->due[DUE_CORK] = UINT64_MAX;
    tcp_schedule(c);
}

void tcp_nagle(struct flow *f, bool on)
{
    self(f)->nagle = on;
    tcp_schedule(self(f));
}

static uint32_t ms_of(uint64_t ns)
{
    uint64_t ms = (ns + CLOCK_MS - 1) / CLOCK_MS;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void tcp_keep_alive(struct flow *f, uint64_t idle, uint64_t interval, uint32_t probes)
{
    struct tcp_connection *c = self(f);
    c->keep_idle = ms_of(idle);
    c->keep_interval = ms_of(interval ? interval : idle);
    c->keep_probes = (uint8_t)(probes < UINT8_MAX ? probes : UINT8_MAX);
    c->due[DUE_KEEP] = idle ? c->heard_at + idle : UINT64_MAX;
    tcp_schedule(c);
}

void tcp_user_timeout(struct flow *f, uint64_t ns)
{
    self(f)->user_timeout = ms_of(ns);
    tcp_schedule(self(f));
}
