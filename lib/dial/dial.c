/* Dial: see dial.h. */
#include "lib/dial/dial.h"

#include "signatures/memory.h"
#include "signatures/timer.h"

struct attempt {
    struct dial *dial;
    struct connect *connect; /* NULL: not begun, or over */
};

struct dial {
    struct stack *stack;
    dial_fn *answer;
    void *owner;
    struct resolve *resolve; /* NULL: answered */
    struct timer stagger;
    struct timer deadline;
    uint16_t port;
    struct address addresses[RESOLVE_ADDRESSES_MAX]; /* in the order of the attempts */
    struct attempt attempts[RESOLVE_ADDRESSES_MAX];
    size_t count;   /* addresses */
    size_t next;    /* of them, the next to try */
    size_t running; /* attempts */
    enum err why;   /* the most telling failure so far */
};

static void release(struct dial *d)
{
    timer_stop(&d->stagger);
    timer_stop(&d->deadline);
    if (d->resolve)
        stack_cancel_resolve(d->stack, d->resolve);
    for (size_t i = 0; i < d->next; i++)
        if (d->attempts[i].connect)
            stack_cancel_connect(d->stack, d->attempts[i].connect);
    memory_free(d);
}

static void finish(struct dial *d, enum err why, struct flow *flow)
{
    dial_fn *answer = d->answer;
    void *owner = d->owner;
    release(d);
    answer(owner, why, flow);
}

/* An address that was reached and refused tells more than one to which there is no way. */
static void note_failure(struct dial *d, enum err why)
{
    if (d->why == OK || d->why == ERR_UNREACHABLE)
        d->why = why;
}

static void on_connect(void *owner, enum err why, struct flow *flow);

/* False: there is nothing to wait for, or no memory to wait with. */
static bool wait_for_next(struct dial *d)
{
    return d->next < d->count && timer_start(&d->stagger, clock_monotonic() + DIAL_STAGGER);
}

/* Begins with the next address that the stack takes. */
static void begin_next(struct dial *d)
{
    bool waits = false;
    while (d->next < d->count && !waits) {
        struct attempt *a = &d->attempts[d->next];
        struct endpoint remote = {d->addresses[d->next], d->port, 0};
        d->next++;
        enum err e = stack_connect(d->stack, remote, on_connect, a, &a->connect);
        if (e == OK) {
            d->running++;
            waits = wait_for_next(d);
        } else {
            a->connect = NULL;
            note_failure(d, e);
        }
    }
    if (d->running == 0)
        finish(d, d->why, NULL);
}

static void on_connect(void *owner, enum err why, struct flow *flow)
{
    struct attempt *a = owner;
    struct dial *d = a->dial;
    a->connect = NULL;
    d->running--;
    if (why == OK) {
        finish(d, OK, flow);
        return;
    }
    note_failure(d, why);
    timer_stop(&d->stagger);
    begin_next(d);
}

static void on_stagger(struct timer *t)
{
    begin_next(CONTAINER(t, struct dial, stagger));
}

static void on_deadline(struct timer *t)
{
    finish(CONTAINER(t, struct dial, deadline), ERR_TIMEOUT, NULL);
}

/* The first of a family that was not taken yet, or `count`. */
static size_t find_family(const struct address *all, const bool *taken, size_t count, bool v4)
{
    size_t i = 0;
    while (i < count && (taken[i] || address_is_v4(all[i]) != v4))
        i++;
    return i;
}

/* The resolver's order, but with the families taking turns (RFC 8305, 4). */
static void interleave(struct dial *d, const struct address *all, size_t count)
{
    bool taken[RESOLVE_ADDRESSES_MAX] = {false};
    bool v4 = address_is_v4(all[0]);
    for (d->count = 0; d->count < count; v4 = !v4) {
        size_t i = find_family(all, taken, count, v4);
        if (i == count)
            continue;
        taken[i] = true;
        d->addresses[d->count] = all[i];
        d->attempts[d->count].dial = d;
        d->count++;
    }
}

static void on_resolve(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct dial *d = owner;
    d->resolve = NULL;
    if (why != OK || count == 0) {
        finish(d, why ? why : ERR_NOT_FOUND, NULL);
        return;
    }
    interleave(d, addresses, count < RESOLVE_ADDRESSES_MAX ? count : RESOLVE_ADDRESSES_MAX);
    begin_next(d);
}

enum err dial_open(struct stack *stack, struct slice host, uint16_t port, uint64_t deadline,
                   dial_fn *answer, void *owner, struct dial **into)
{
    struct dial *d = memory_zalloc(sizeof(*d));
    if (!d)
        return ERR_MEMORY;
    d->stack = stack;
    d->answer = answer;
    d->owner = owner;
    d->port = port;
    timer_init(&d->stagger, on_stagger);
    timer_init(&d->deadline, on_deadline);
    enum err e = timer_start(&d->deadline, deadline) ? OK : ERR_MEMORY;
    if (!e)
        e = stack_resolve(stack, host, on_resolve, d, &d->resolve);
    if (e) {
        d->resolve = NULL;
        release(d);
        return e;
    }
    *into = d;
    return OK;
}

void dial_cancel(struct dial *d)
{
    release(d);
}
