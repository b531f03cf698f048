/* See wheel.h. Between two calls the level of every timer is what level_of says: whoever moves `now`
 * spreads the slots that it reaches. */
#include "lib/tcp/wheel.h"

#include "runtime/panic.h"

#define DIGIT_BITS 6u
#define DIGIT_MASK 63u
#define TICK_MASK  ((UINT64_C(1) << 56) - 1) /* a time in ns has 47 bits of ticks */

static unsigned level_of(const struct tcp_wheel *w, uint64_t tick)
{
    uint64_t differs = (tick ^ w->now) | 1;
    return (63u - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS;
}

static unsigned digit(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (level * DIGIT_BITS)) & DIGIT_MASK;
}

static void insert(struct tcp_wheel *w, struct tcp_timer *t)
{
    unsigned level = level_of(w, t->tick), slot = digit(t->tick, level);
    list_append(&w->slots[level][slot], &t->link);
    w->used[level] |= UINT64_C(1) << slot;
}

void tcp_wheel_init(struct tcp_wheel *w, uint64_t now)
{
    for (unsigned level = 0; level < TCP_WHEEL_LEVELS; level++) {
        w->used[level] = 0;
        for (unsigned slot = 0; slot < TCP_WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
    w->now = now >> TCP_TICK_SHIFT;
    w->horizon = w->now;
}

void tcp_wheel_stop(struct tcp_wheel *w, struct tcp_timer *t)
{
    if (!tcp_timer_running(t))
        return;
    unsigned level = level_of(w, t->tick), slot = digit(t->tick, level);
    list_remove(&t->link);
    t->link.next = NULL;
    if (list_empty(&w->slots[level][slot]))
        w->used[level] &= ~(UINT64_C(1) << slot);
}

void tcp_wheel_start(struct tcp_wheel *w, struct tcp_timer *t, uint64_t deadline)
{
    tcp_wheel_stop(w, t);
    uint64_t tick = deadline >> TCP_TICK_SHIFT;
    tick += (deadline & ((UINT64_C(1) << TCP_TICK_SHIFT) - 1)) != 0;
    t->tick = (tick > w->horizon ? tick : w->horizon + 1) & TICK_MASK;
    insert(w, t);
}

/* The first slot that the present will reach: on the lowest level that has any, for all of it comes
 * before what lies on the levels above. False: there is no timer. */
static bool first_slot(const struct tcp_wheel *w, unsigned *level, uint64_t *tick)
{
    for (unsigned l = 0; l < TCP_WHEEL_LEVELS; l++)
        if (w->used[l]) {
            unsigned below = l * DIGIT_BITS, slot = (unsigned)__builtin_ctzll(w->used[l]);
            uint64_t prefix = w->now >> below >> DIGIT_BITS << DIGIT_BITS;
            *level = l;
            *tick = (prefix | slot) << below;
            return true;
        }
    return false;
}

static void spread(struct tcp_wheel *w, unsigned level)
{
    unsigned slot = digit(w->now, level);
    struct list *head = &w->slots[level][slot], all = *head;
    assert_always(!list_empty(head));
    all.next->prev = &all;
    all.prev->next = &all;
    list_init(head);
    w->used[level] &= ~(UINT64_C(1) << slot);
    for (struct list *l; (l = list_shift(&all));)
        insert(w, CONTAINER(l, struct tcp_timer, link));
}

struct tcp_timer *tcp_wheel_due(struct tcp_wheel *w, uint64_t now)
{
    uint64_t horizon = now >> TCP_TICK_SHIFT, tick;
    unsigned level;
    if (horizon > w->horizon)
        w->horizon = horizon;
    while (first_slot(w, &level, &tick) && tick <= w->horizon) {
        w->now = tick;
        if (level > 0) {
            spread(w, level);
            continue;
        }
        struct list *first = w->slots[0][digit(tick, 0)].next;
        struct tcp_timer *t = CONTAINER(first, struct tcp_timer, link);
        tcp_wheel_stop(w, t);
        return t;
    }
    w->now = w->horizon;
    return NULL;
}

uint64_t tcp_wheel_deadline(const struct tcp_wheel *w)
{
    unsigned level;
    uint64_t tick;
    return first_slot(w, &level, &tick) ? tick << TCP_TICK_SHIFT : UINT64_MAX;
}
