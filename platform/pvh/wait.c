/*
 * Delivering what devices have, and sleeping for it. Interrupts are off but here, between two turns of
 * the loop and while the processor sleeps: they only wake it, and are remembered. A device is asked for one
 * only before sleeping, so that a busy program has none.
 */
#include "signatures/wait.h"

#include <stddef.h>

#include "platform/pvh/apic.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/driver.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/time.h"
#include "platform/pvh/trap.h"
#include "signatures/clock.h"

#define WAIT_LONGEST (3600 * CLOCK_SEC)

static struct poll *polls;

void poll_add(struct poll *p)
{
    p->next = polls;
    polls = p;
}

static bool run_all(void)
{
    bool any = false;
    for (struct poll *p = polls; p; p = p->next)
        any |= p->run(p);
    return any;
}

static bool await_all(void)
{
    bool any = false;
    for (struct poll *p = polls; p; p = p->next)
        any |= p->await(p);
    return any;
}

/* Setting the timer leaves the guest. One that is set for earlier is left as it is: deadlines mostly move
 * on, and being woken once for nothing costs less. */
static void set_timer(uint64_t deadline)
{
    static uint64_t set = WAIT_FOREVER; /* when it fires, or earlier; WAIT_FOREVER: it does not */
    if (trap_take(APIC_TIMER_VECTOR))
        set = WAIT_FOREVER;
    if (deadline >= set)
        return;
    apic_set_timer(time_to_ticks(deadline));
    set = deadline;
}

/* What came since the devices were asked wakes at once: interrupts are remembered while off. */
static void sleep_until(uint64_t deadline)
{
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->sleep && (*d)->sleep(deadline))
            return;
    set_timer(deadline);
    cpu_sleep();
}

void wait_until(uint64_t deadline)
{
    cpu_take_interrupts();
    if (run_all() || deadline == 0)
        return;
    uint64_t now = clock_monotonic();
    if (deadline <= now || await_all())
        return;
    sleep_until(deadline - now > WAIT_LONGEST ? now + WAIT_LONGEST : deadline);
    run_all();
}
