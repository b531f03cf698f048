/* Listening, connecting and resolving on the simulated network; see net.h and signatures/stack.h. */
#include <stdlib.h>

#include "platform/sim/net_internal.h"
#include "signatures/clock.h"

/* --- listening --- */

static bool is_any(struct address a)
{
    return address_equal(&a, &ADDRESS_ANY);
}

static struct listener *find_listener(struct sim_host *h, struct address a, uint16_t port)
{
    for (size_t i = 0; i < SIM_LISTENERS_MAX; i++) {
        struct listener *l = &h->listeners[i];
        bool here = is_any(a) || is_any(l->local.address) || address_equal(&l->local.address, &a);
        if (l->open && l->local.port == port && here)
            return l;
    }
    return NULL;
}

static uint16_t free_port(struct sim_host *h)
{
    while (find_listener(h, ADDRESS_ANY, h->next_port))
        h->next_port++;
    return h->next_port++;
}

static enum err sim_listen(struct stack *s, struct endpoint local, accept_fn *accept, void *owner,
                           struct listener **into)
{
    struct sim_host *h = sim_host_of(s);
    if (!is_any(local.address) && !sim_host_has(h, local.address))
        return ERR_UNREACHABLE;
    if (local.port == 0)
        local.port = free_port(h);
    if (find_listener(h, local.address, local.port))
        return ERR_EXISTS;
    for (size_t i = 0; i < SIM_LISTENERS_MAX; i++) {
        if (h->listeners[i].open)
            continue;
        h->listeners[i] = (struct listener){true, local, accept, owner};
        *into = &h->listeners[i];
        return OK;
    }
    return ERR_FULL;
}

static void sim_unlisten(struct stack *s, struct listener *l)
{
    (void)s;
    l->open = false;
}

uint16_t sim_listener_port(const struct listener *l)
{
    return l->local.port;
}

/* --- connecting: there, and back again --- */

struct connect {
    struct list link;
    struct sim_event event;
    struct sim_host *from;
    struct endpoint remote;
    struct sim_link path;
    connect_fn *answer;
    void *owner;
    enum err why;
    struct connection *made;
};

static void forget_connect(struct connect *c)
{
    sim_event_cancel(&c->event);
    list_remove(&c->link);
    free(c);
}

static void on_back(struct sim_event *e)
{
    struct connect *c = CONTAINER(e, struct connect, event);
    struct connect done = *c;
    forget_connect(c);
    done.answer(done.owner, done.why, done.made ? sim_connection_flow(done.made, 0) : NULL);
}

static void go_back(struct connect *c, enum err why, uint64_t at)
{
    c->why = why;
    c->event.happen = on_back;
    sim_event_schedule(&c->event, at);
}

/* The address that the other side sees: one of the family that was asked for. */
static struct endpoint local_endpoint(struct sim_host *h, struct address remote)
{
    struct endpoint e = {.address = h->addresses[0], .port = free_port(h)};
    if (address_is_loopback(remote))
        e.address = remote;
    for (size_t i = 0; i < h->address_count && !address_is_loopback(remote); i++)
        if (address_is_v4(h->addresses[i]) == address_is_v4(remote))
            e.address = h->addresses[i];
    return e;
}

static struct sim_host *destination(const struct connect *c)
{
    return address_is_loopback(c->remote.address) ? c->from
                                                  : sim_host_find(c->from->net, c->remote.address);
}

static void on_there(struct sim_event *e)
{
    struct connect *c = CONTAINER(e, struct connect, event);
    struct sim_net *n = c->from->net;
    struct sim_host *to = destination(c);
    uint64_t back = clock_monotonic() + sim_link_latency(n, &c->path);
    struct listener *l = to ? find_listener(to, c->remote.address, c->remote.port) : NULL;
    if (c->path.refuse || !l) {
        go_back(c, to ? ERR_REFUSED : ERR_UNREACHABLE, back);
        return;
    }
    struct endpoint here = local_endpoint(c->from, c->remote.address);
    c->made = sim_connection_open(n, c->from, here, to, c->remote, &c->path);
    go_back(c, OK, back);
    l->accept(l->owner, sim_connection_flow(c->made, 1));
}

static enum err sim_connect(struct stack *s, struct endpoint remote, connect_fn *answer,
                            void *owner, struct connect **into)
{
    struct connect *c = sim_zalloc(sizeof *c);
    c->from = sim_host_of(s);
    c->remote = remote;
    c->answer = answer;
    c->owner = owner;
    struct sim_net *n = c->from->net;
    const struct sim_host *to = destination(c);
    c->path = to ? sim_link_between(n, c->from, to) : n->link;
    list_append(&n->connects, &c->link);
    c->event.happen = on_there;
    if (c->path.black_hole)
        go_back(c, ERR_TIMEOUT, clock_monotonic() + SIM_CONNECT_NS);
    else
        sim_event_schedule(&c->event, clock_monotonic() + sim_link_latency(n, &c->path));
    *into = c;
    return OK;
}

static void sim_cancel_connect(struct stack *s, struct connect *c)
{
    (void)s;
    if (c->made)
        flow_abort(sim_connection_flow(c->made, 0));
    forget_connect(c);
}

/* --- resolving --- */

struct resolve {
    struct list link;
    struct sim_event event;
    struct sim_net *net;
    resolve_fn *answer;
    void *owner;
    char name[RESOLVE_NAME_MAX + 1];
};

static void forget_resolve(struct resolve *r)
{
    sim_event_cancel(&r->event);
    list_remove(&r->link);
    free(r);
}

static size_t look_up(const struct sim_net *n, struct slice name, struct address *into)
{
    size_t count = 0;
    if (address_parse(name, into))
        return 1;
    if (slice_equal_nocase(name, SLICE("localhost"))) {
        into[0] = (struct address){{[15] = 1}};
        into[1] = address_v4(127, 0, 0, 1);
        return 2;
    }
    for (size_t i = 0; i < n->name_count && count < RESOLVE_ADDRESSES_MAX; i++)
        if (slice_equal_nocase(slice_text(n->names[i].text), name))
            into[count++] = n->names[i].address;
    return count;
}

static void on_resolved(struct sim_event *e)
{
    struct resolve *r = CONTAINER(e, struct resolve, event);
    struct address found[RESOLVE_ADDRESSES_MAX];
    size_t count = look_up(r->net, slice_text(r->name), found);
    enum err why = r->net->names_broken ? r->net->names_broken : count ? OK : ERR_NOT_FOUND;
    resolve_fn *answer = r->answer;
    void *owner = r->owner;
    forget_resolve(r);
    answer(owner, why, why ? NULL : found, why ? 0 : count);
}

static enum err sim_resolve(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                            struct resolve **into)
{
    struct sim_net *n = sim_host_of(s)->net;
    struct resolve *r = sim_zalloc(sizeof *r);
    r->net = n;
    r->answer = answer;
    r->owner = owner;
    if (name.len && name.len <= RESOLVE_NAME_MAX) /* the empty name does not exist */
        memcpy(r->name, name.ptr, name.len);
    list_append(&n->resolves, &r->link);
    r->event.happen = on_resolved;
    sim_event_schedule(&r->event, clock_monotonic() + sim_link_latency(n, &n->link));
    *into = r;
    return OK;
}

static void sim_cancel_resolve(struct stack *s, struct resolve *r)
{
    (void)s;
    forget_resolve(r);
}

void sim_dials_close(struct sim_net *n)
{
    while (!list_empty(&n->connects))
        forget_connect(CONTAINER(n->connects.next, struct connect, link));
    while (!list_empty(&n->resolves))
        forget_resolve(CONTAINER(n->resolves.next, struct resolve, link));
}

const struct stack_ops sim_stack_ops = {
    .listen = sim_listen,
    .unlisten = sim_unlisten,
    .connect = sim_connect,
    .cancel_connect = sim_cancel_connect,
    .resolve = sim_resolve,
    .cancel_resolve = sim_cancel_resolve,
};
