/*
 * The loop: waits, delivers events, fires timers, runs tasks; until somebody stops it.
 *
 * Run to completion: one handler at a time, no threads, no preemption. A handler that has much to
 * do cuts it into tasks.
 */
#ifndef RUNTIME_LOOP_H
#define RUNTIME_LOOP_H

#include "signatures/timer.h"

/* Returns the status that loop_stop was given. */
int loop_run(void);

/* Ends loop_run after the present round, or before the first. */
void loop_stop(int status);

/* Whether loop_stop was called since this was last asked: for those who drive rounds themselves. */
bool loop_stopped(int *status);

/* One round, without sleeping beyond deadline: for tests and for programs within programs. */
void loop_round(uint64_t deadline);

/* Calls `run` after the handlers of every round, before waiting, and when the loop ends (platforms
 * flush their queues there). Hooks stay as long as the program. */
struct loop_hook {
    struct list link;
    void (*run)(struct loop_hook *);
};
void loop_hook_add(struct loop_hook *h, void (*run)(struct loop_hook *));

/* How many timers run now; for leak checks. */
uint32_t loop_timers(void);

#endif
