/*
 * A round: the hooks, then what the platform has to deliver, then the timers that are due, then the
 * tasks that were posted before. What a timer starts or a task posts waits for the next round, so
 * that nobody who keeps himself busy starves the others. See loop.h.
 */
#include "runtime/loop.h"

#include "runtime/timers.h"
#include "signatures/clock.h"
#include "signatures/wait.h"

static struct list tasks = {&tasks, &tasks};
static struct list hooks = {&hooks, &hooks};
static bool stopped;
static int stop_status;

void task_init(struct task *t, void (*run)(struct task *))
{
    list_init(&t->link);
    t->run = run;
}

void task_post(struct task *t)
{
    if (!t->link.next)
        list_init(&t->link); /* was zeroed, not initialised */
    if (list_empty(&t->link))
        list_append(&tasks, &t->link);
}

void task_cancel(struct task *t)
{
    if (t->link.next)
        list_remove(&t->link);
}

/* Those that were posted before: they move to a list of their own first. */
static void run_tasks(void)
{
    if (list_empty(&tasks))
        return;
    struct list due = tasks;
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(&tasks);
    for (struct list *first; (first = list_shift(&due)) != NULL;) {
        struct task *t = CONTAINER(first, struct task, link);
        t->run(t);
    }
}

static void fire_timers(void)
{
    if (!timers_first())
        return;
    uint64_t now = clock_monotonic();
    timers_floor(now + 1);
    for (struct timer *t; (t = timers_first()) != NULL && t->deadline <= now;) {
        timer_stop(t);
        t->fire(t);
    }
    timers_floor(0);
}

static void run_hooks(void)
{
    for (struct list *l = hooks.next; l != &hooks; l = l->next) {
        struct loop_hook *h = CONTAINER(l, struct loop_hook, link);
        h->run(h);
    }
}

static uint64_t next_deadline(uint64_t deadline)
{
    const struct timer *first = timers_first();
    if (stopped || !list_empty(&tasks)) /* a hook may have stopped the loop: nothing else would */
        return 0;
    return first && first->deadline < deadline ? first->deadline : deadline;
}

void loop_round(uint64_t deadline)
{
    run_hooks();
    wait_until(next_deadline(deadline));
    fire_timers();
    run_tasks();
}

int loop_run(void)
{
    int status;
    while (!loop_stopped(&status))
        loop_round(WAIT_FOREVER);
    run_hooks();
    return status;
}

void loop_stop(int status)
{
    stopped = true;
    stop_status = status;
}

bool loop_stopped(int *status)
{
    bool was = stopped;
    *status = stop_status;
    stopped = false;
    return was;
}

void loop_hook_add(struct loop_hook *h, void (*run)(struct loop_hook *))
{
    h->run = run;
    list_append(&hooks, &h->link);
}

uint32_t loop_timers(void)
{
    return timers_count();
}
