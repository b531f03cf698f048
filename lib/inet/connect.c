/*
 * Connections that are made. One for which there is no way yet waits, as long as addresses may
 * still be found (a program starts before DHCP has answered); what is refused at once is told
 * later, as what takes time.
 */
#include "lib/inet/internal.h"

struct connect {
    struct list link; /* in waiting or running, the oldest first */
    struct inet *inet;
    struct endpoint remote;
    connect_fn *answer;
    void *owner;
    struct tcp_connection *connection; /* while it runs */
    uint64_t deadline;                 /* of waiting, then of running */
};

static void tell(struct connect *c, enum err why, struct flow *flow)
{
    struct connect told = *c;
    list_remove(&c->link);
    pool_give(&c->inet->connects, c);
    told.answer(told.owner, why, flow);
}

static void on_connect(void *owner, enum err why, struct flow *flow)
{
    tell(owner, why, flow);
}

/* --- waiting and beginning --- */

static bool has_way(const struct connect *c)
{
    struct address ours;
    return ip_source(c->inet->ip, c->remote.address, &ours);
}

static void begin(struct connect *c)
{
    struct inet *i = c->inet;
    c->deadline = i->now + INET_CONNECT_NS; /* so that the oldest is the first in time */
    list_append(&i->running, &c->link);
    enum err e = tcp_connect(i->tcp, c->remote, on_connect, c, &c->connection);
    if (e)
        tell(c, e, NULL);
}

static void look(struct connect *c)
{
    if (has_way(c))
        begin(c);
    else if (c->inet->settle_until == 0)
        tell(c, ERR_UNREACHABLE, NULL);
    else if (c->inet->now >= c->deadline)
        tell(c, ERR_TIMEOUT, NULL);
    else
        list_append(&c->inet->waiting, &c->link);
}

/* All that are waiting now; whoever is told may begin others, or cancel some. */
static void look_at_waiting(struct inet *i)
{
    struct list now;
    list_init(&now);
    for (struct list *l; (l = list_shift(&i->waiting)) != NULL;)
        list_append(&now, l);
    for (struct list *l; (l = list_shift(&now)) != NULL;)
        look(CONTAINER(l, struct connect, link));
}

void inet_connects_look(struct inet *i)
{
    look_at_waiting(i);
    while (!list_empty(&i->running)) {
        struct connect *oldest = CONTAINER(i->running.next, struct connect, link);
        if (i->now < oldest->deadline)
            return;
        tcp_cancel(i->tcp, oldest->connection);
        tell(oldest, ERR_TIMEOUT, NULL);
    }
}

uint64_t inet_connects_deadline(const struct inet *i)
{
    uint64_t soonest = UINT64_MAX;
    const struct list *const lists[] = {&i->waiting, &i->running};
    for (size_t k = 0; k < 2; k++) {
        const struct connect *oldest = CONTAINER(lists[k]->next, const struct connect, link);
        if (!list_empty(lists[k]) && oldest->deadline < soonest)
            soonest = oldest->deadline;
    }
    return soonest;
}

/* --- the stack's --- */

void inet_connects_open(struct inet *i)
{
    pool_init(&i->connects, "connects", sizeof(struct connect), INET_CONNECTS_MAX);
    list_init(&i->waiting);
    list_init(&i->running);
}

enum err inet_connect(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                      struct connect **into)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    struct connect *c = pool_take(&i->connects);
    if (!c)
        return i->connects.used == INET_CONNECTS_MAX ? ERR_FULL : ERR_MEMORY;
    *c = (struct connect){.inet = i,
                          .remote = remote,
                          .answer = answer,
                          .owner = owner,
                          .deadline = clock_monotonic() + INET_CONNECT_NS};
    list_append(&i->waiting, &c->link);
    inet_touch(i);
    *into = c;
    return OK;
}

void inet_cancel_connect(struct stack *s, struct connect *c)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    if (c->connection)
        tcp_cancel(i->tcp, c->connection);
    list_remove(&c->link);
    pool_give(&i->connects, c);
}

void inet_connects_close(struct inet *i)
{
    struct list *const lists[] = {&i->waiting, &i->running};
    for (size_t k = 0; k < 2; k++)
        while (!list_empty(lists[k]))
            inet_cancel_connect(&i->stack, CONTAINER(lists[k]->next, struct connect, link));
    pool_deinit(&i->connects);
}
