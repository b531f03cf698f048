/* The processor's own interrupt controller (Intel SDM volume 3, 11): its timer, and the ends of
 * interrupts. */
#ifndef PLATFORM_PVH_APIC_H
#define PLATFORM_PVH_APIC_H

#include <stdint.h>

#define APIC_TIMER_VECTOR    32
#define APIC_SPURIOUS_VECTOR 63

/* Turns it on. ticks_per_second: of the timestamp counter. */
void apic_open(uint64_t ticks_per_second);

/* The interrupt is handled. */
void apic_done(void);

/* The timer fires when the timestamp counter has reached it, or earlier; UINT64_MAX: never. */
void apic_set_timer(uint64_t ticks);

/* For message-signalled interrupts. */
uint32_t apic_id(void);

#endif
