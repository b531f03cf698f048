/*
 * A timer wheel in levels (Varghese, Lauck 1987): start and stop in constant time, whatever the
 * number of timers.
 *
 * Time is cut into ticks of 2^17 ns (131 us). A level has 64 slots; a timer lies on the level of the
 * highest six-bit digit in which its tick differs from the present one, in the slot of that digit.
 * Eight levels hold every 64-bit time. Where the present reaches a slot above the lowest level, its
 * timers are spread over the levels below. A timer fires at its deadline or up to one tick later.
 */
#ifndef LIB_TCP_WHEEL_H
#define LIB_TCP_WHEEL_H

#include <stdint.h>

#include "runtime/list.h"

#define TCP_TICK_SHIFT   17u
#define TCP_WHEEL_LEVELS 8u
#define TCP_WHEEL_SLOTS  64u

struct tcp_timer {
    struct list link; /* next is NULL: not running */
    uint64_t tick : 56;
    uint64_t kind : 8; /* its owner's own: what it is part of */
};

struct tcp_wheel {
    struct list slots[TCP_WHEEL_LEVELS][TCP_WHEEL_SLOTS];
    uint64_t used[TCP_WHEEL_LEVELS]; /* bit n: slot n is not empty */
    uint64_t now;                    /* tick up to which all has fired */
    uint64_t horizon;                /* tick that tcp_wheel_due was last asked for */
};

void tcp_wheel_init(struct tcp_wheel *w, uint64_t now);

static inline bool tcp_timer_running(const struct tcp_timer *t)
{
    return t->link.next != NULL;
}

/* Deadline in ns; what lies in the past fires at the next tick. A running timer is moved. The timer
 * must be zero before its first start. */
void tcp_wheel_start(struct tcp_wheel *w, struct tcp_timer *t, uint64_t deadline);

/* Without effect on a timer that does not run. */
void tcp_wheel_stop(struct tcp_wheel *w, struct tcp_timer *t);

/* The next timer that is due at that time, no longer running, or NULL. One that is started again
 * meanwhile does not come back for the same time, however early its deadline. The timer may be freed
 * once this has returned it. */
struct tcp_timer *tcp_wheel_due(struct tcp_wheel *w, uint64_t now);

/* When to ask next, in ns, or UINT64_MAX. May be earlier than any deadline, never later than the
 * first one's tick. */
uint64_t tcp_wheel_deadline(const struct tcp_wheel *w);

#endif
