/*
 * A relay: passes each connection on to another host, and bytes both ways, no faster than they are
 * taken. Where one side ends, so does the other, when it has what came before.
 */
#include "apps/relay/settings.h"
#include "lib/dial/dial.h"
#include "runtime/buf.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/memory.h"

#define SOURCE      "relay"
#define PATIENCE    (20 * CLOCK_SEC)
#define WAITING_MAX ((size_t)1 << 20)

struct pair;

struct side {
    struct pair *pair;
    struct flow *flow; /* NULL: not there yet */
    struct side *other;
    struct buf waiting; /* to be written here, when there is room */
    bool last;          /* nothing comes after that */
};

struct pair {
    struct list link;
    struct side near, far; /* who came to us, and whom we went to */
    struct dial *dial;
};

static struct stack *stack;
static struct list pairs = {&pairs, &pairs};

static void end_side(struct side *s, void (*close)(struct flow *))
{
    if (s->flow)
        close(s->flow);
    buf_deinit(&s->waiting);
}

static void end(struct pair *p, void (*close)(struct flow *))
{
    list_remove(&p->link);
    if (p->dial)
        dial_cancel(p->dial);
    end_side(&p->near, close);
    end_side(&p->far, close);
    memory_free(p);
}

static void on_data(void *owner, struct slice bytes)
{
    struct side *from = owner, *to = from->other;
    enum err why = to->waiting.len ? ERR_AGAIN : flow_write(to->flow, bytes);
    if (why == ERR_AGAIN) {
        flow_pause(from->flow, true);
        buf_put(&to->waiting, bytes);
        why = to->waiting.err;
    }
    if (why)
        end(from->pair, flow_abort);
}

static void on_room(void *owner)
{
    struct side *s = owner;
    if (s->waiting.len && flow_write(s->flow, buf_slice(&s->waiting)) != OK)
        return;
    buf_clear(&s->waiting);
    if (s->last)
        end(s->pair, flow_close);
    else
        flow_pause(s->other->flow, false);
}

static void on_eof(void *owner)
{
    const struct side *s = owner;
    s->other->last = true;
    if (!s->other->waiting.len)
        end(s->pair, flow_close);
}

static void on_end(void *owner, enum err why)
{
    const struct side *s = owner;
    log_debug(SOURCE, "a connection ended: %s", err_text(why));
    end(s->pair, flow_abort);
}

static void on_dialed(void *owner, enum err why, struct flow *flow)
{
    static const struct flow_events events = {on_data, on_eof, on_room, on_end};
    struct pair *p = owner;
    p->dial = NULL;
    if (why) {
        log_warning(SOURCE, "%.*s port %u: %s", SLICE_ARG(relay_to), relay_to_port, err_text(why));
        end(p, flow_abort);
        return;
    }
    p->far.flow = flow;
    flow_own(p->far.flow, &events, &p->far);
    flow_own(p->near.flow, &events, &p->near);
}

static void on_accept(void *owner, struct flow *flow)
{
    struct pair *p = memory_zalloc(sizeof *p);
    (void)owner;
    if (!p) {
        flow_abort(flow);
        return;
    }
    list_init(&p->link);
    list_append(&pairs, &p->link);
    p->near = (struct side){.pair = p, .flow = flow, .other = &p->far};
    p->far = (struct side){.pair = p, .other = &p->near};
    buf_init(&p->near.waiting, WAITING_MAX);
    buf_init(&p->far.waiting, WAITING_MAX);
    enum err why = dial_open(stack, relay_to, relay_to_port, clock_monotonic() + PATIENCE,
                             on_dialed, p, &p->dial);
    if (why)
        end(p, flow_abort);
}

static enum err start(const struct world *world)
{
    static struct listener *listener;
    struct endpoint local = {.address = ADDRESS_ANY, .port = relay_port};
    stack = world->stack;
    enum err e = stack_listen(stack, local, on_accept, NULL, &listener);
    if (e)
        log_error(SOURCE, "cannot listen on port %u: %s", relay_port, err_text(e));
    else
        log_info(SOURCE, "port %u, to %.*s port %u", relay_port, SLICE_ARG(relay_to),
                 relay_to_port);
    return e;
}

static void stop(void)
{
    while (!list_empty(&pairs))
        end(CONTAINER(pairs.next, struct pair, link), flow_abort);
    loop_stop(0);
}

const struct program program = {.name = "relay",
                                .summary = "Passes connections on to another host",
                                .start = start,
                                .stop = stop};
