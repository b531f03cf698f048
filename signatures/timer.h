/*
 * Timer: a call at a later time, and a call soon.
 *
 * Storage is the caller's, zeroed or initialised with timer_init / task_init before the first use.
 * Handlers run from the loop, one after the other, each to its end. The order of timers is kept by
 * runtime/loop.c; what makes time pass is the target's clock and wait.
 */
#ifndef SIGNATURES_TIMER_H
#define SIGNATURES_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/list.h"

struct timer {
    void (*fire)(struct timer *); /* CONTAINER() finds the owner */
    uint64_t deadline;
    uint32_t slot; /* place in the loop's heap + 1; 0: not running */
};

#define TIMERS_MAX (1u << 20) /* timers running at once */

void timer_init(struct timer *t, void (*fire)(struct timer *));

/* Fires once, not before the monotonic deadline (ns). A running timer is moved. Fails only beyond
 * TIMERS_MAX or without memory, never for a timer that is running. */
bool timer_start(struct timer *t, uint64_t deadline);

/* Without effect on a timer that does not run. */
void timer_stop(struct timer *t);

static inline bool timer_running(const struct timer *t)
{
    return t->slot != 0;
}

/* A task runs once, when the present handler has returned, before the program waits again. */
struct task {
    struct list link;
    void (*run)(struct task *);
};

void task_init(struct task *t, void (*run)(struct task *));
void task_post(struct task *t);   /* posting a posted task has no effect */
void task_cancel(struct task *t); /* without effect on one that is not posted */

#endif
