/* Sleeping until an interrupt or a deadline; what devices have is delivered by their polls. */
#include "signatures/wait.h"

#include "platform/pvh/apic.h"
#include "platform/pvh/cpu.h"
#include "platform/pvh/time.h"
#include "platform/pvh/trap.h"
#include "signatures/clock.h"

#define WAIT_LONGEST (3600 * CLOCK_SEC)

/* Interrupts are off but while the processor sleeps: what came meanwhile wakes it at once. */
void wait_until(uint64_t deadline)
{
    uint64_t now = clock_monotonic();
    if (deadline <= now)
        return;
    if (deadline - now > WAIT_LONGEST)
        deadline = now + WAIT_LONGEST;
    apic_set_timer(time_to_ticks(deadline));
    if (!trap_take_pending())
        cpu_sleep();
    apic_set_timer(UINT64_MAX);
}
