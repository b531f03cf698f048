/*
 * Flows over sockets, as their owners see them: nothing is done in here but to keep what is wanted,
 * and to put the flow on the agenda (flow_work.c). See signatures/flow.h.
 */
#include "platform/process/flow_internal.h"

#include <sys/resource.h>

struct pool flow_pool;
uint32_t flow_closing;

static struct socket_flow *self(const struct flow *f)
{
    return (struct socket_flow *)(uintptr_t)f;
}

static enum err may_write(struct socket_flow *f, size_t needed)
{
    if (f->ended)
        return f->ended;
    if (needed > FLOW_QUEUE_MAX)
        return ERR_LIMIT;
    if (f->out.bytes < FLOW_QUEUE_MAX && needed <= FLOW_QUEUE_MAX - f->out.bytes)
        return OK;
    f->wants_room = true;
    return ERR_AGAIN;
}

static enum err flow_socket_write(struct flow *flow, struct slice bytes)
{
    struct socket_flow *f = self(flow);
    enum err e = may_write(f, bytes.len);
    if (!e)
        e = queue_copy(&f->out, bytes);
    if (!e)
        flow_note(f);
    return e;
}

static enum err flow_socket_lend(struct flow *flow, struct slice bytes, struct loan loan)
{
    struct socket_flow *f = self(flow);
    enum err e = may_write(f, 0);
    if (!e)
        e = queue_lend(&f->out, bytes, loan);
    if (!e)
        flow_note(f);
    return e;
}

static size_t flow_socket_room(const struct flow *flow)
{
    const struct socket_flow *f = self(flow);
    return f->ended || f->out.bytes >= FLOW_QUEUE_MAX ? 0 : FLOW_QUEUE_MAX - f->out.bytes;
}

static size_t flow_socket_queued(const struct flow *flow)
{
    return self(flow)->out.bytes;
}

static void flow_socket_pause(struct flow *flow, bool paused)
{
    struct socket_flow *f = self(flow);
    f->paused = paused;
    if (!paused)
        flow_note(f);
}

static void flow_socket_close(struct flow *flow)
{
    struct socket_flow *f = self(flow);
    f->closed = true;
    flow_closing++;
    flow_note(f);
}

static void flow_socket_abort(struct flow *flow)
{
    struct socket_flow *f = self(flow);
    f->cut = true;
    flow_socket_close(flow);
}

static struct endpoint flow_socket_peer(const struct flow *flow)
{
    return self(flow)->peer;
}

static const struct flow_ops ops = {
    .write = flow_socket_write,
    .lend = flow_socket_lend,
    .room = flow_socket_room,
    .queued = flow_socket_queued,
    .pause = flow_socket_pause,
    .close = flow_socket_close,
    .abort = flow_socket_abort,
    .peer = flow_socket_peer,
};

static uint32_t descriptors_max(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur > FLOWS_MAX + DESCRIPTORS_KEPT)
        return FLOWS_MAX;
    return l.rlim_cur > DESCRIPTORS_KEPT ? (uint32_t)l.rlim_cur - DESCRIPTORS_KEPT : 1;
}

static void init_once(void)
{
    static struct loop_hook hook;
    if (hook.run)
        return;
    loop_hook_add(&hook, flow_work_off);
    pool_init(&flow_pool, "connections", sizeof(struct socket_flow), descriptors_max());
}

void process_stack_limit(uint32_t most)
{
    init_once();
    flow_pool.limit = most < descriptors_max() ? most : descriptors_max();
}

struct flow *socket_flow_open(int fd, struct endpoint peer)
{
    init_once();
    struct socket_flow *f = flow_pool.used < flow_pool.limit ? pool_take(&flow_pool) : NULL;
    if (!f)
        return NULL;
    f->flow.ops = &ops;
    f->source.ready = flow_on_events;
    list_init(&f->link);
    timer_init(&f->timer, flow_patience_lost);
    f->peer = peer;
    f->fd = fd;
    f->paused = true;
    f->readable = true; /* worth a try: the first bytes are often there already */
    return &f->flow;
}

void socket_flow_prompt(struct flow *flow)
{
    self(flow)->prompt = true;
}

void socket_flow_attend(struct flow *f)
{
    flow_attend(self(f));
}

uint32_t socket_flows(void)
{
    return flow_pool.used;
}

uint32_t socket_flows_closing(void)
{
    return flow_closing;
}
