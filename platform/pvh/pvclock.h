/*
 * The clock that a hypervisor keeps in memory for its guests: KVM (Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_SYSTEM_TIME_NEW and MSR_KVM_WALL_CLOCK_NEW) and Xen (public/xen.h, vcpu_time_info) have the same.
 *
 * Pure: what the pages say, and arithmetic. A version that is odd, or has changed meanwhile, says that they
 * were being written: they are read again, a bounded number of times.
 */
#ifndef PLATFORM_PVH_PVCLOCK_H
#define PLATFORM_PVH_PVCLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* What a timestamp counter's rate may be, a second. No processor's is as slow or as fast: where that is told, time
 * would stand still, or race. */
#define PVCLOCK_RATE_LEAST (UINT64_C(1) << 24)
#define PVCLOCK_RATE_MOST  (UINT64_C(1) << 36)
/* Nor does it run for so long without a stop: sums with the time of day fit. */
#define PVCLOCK_NS_MOST (UINT64_C(1) << 61)

/* Nanoseconds at one value of the timestamp counter, and how they go on with it. */
struct pvclock_time {
    uint32_t version, padding;
    uint64_t ticks, ns;
    uint32_t multiplier; /* ns = (ticks << shift) * multiplier / 2^32 */
    int8_t shift;        /* negative: >> */
    uint8_t flags, padding_2[2];
};
_Static_assert(sizeof(struct pvclock_time) == 32, "as the hypervisor lays it out");

/* The time of day at nanosecond 0. */
struct pvclock_wall {
    uint32_t version, seconds, nanoseconds;
};

/* Nanoseconds at a value of the timestamp counter; those before t's are all as t's own. */
uint64_t pvclock_ns(const struct pvclock_time *t, uint64_t ticks);

/* Nanoseconds now. ticks: reads the timestamp counter. False: the page is never at rest, or says what
 * cannot be: such a rate, such a time, or that it was written more than a second from now. */
bool pvclock_read(const volatile struct pvclock_time *page, uint64_t (*ticks)(void), uint64_t *ns);

/* Nanoseconds since 1970 at nanosecond 0. False: as above, or it is not set. */
bool pvclock_read_wall(const volatile struct pvclock_wall *page, int64_t *ns);

/* How fast the timestamp counter runs, a second; 0: the page says what cannot be. */
uint64_t pvclock_rate(const volatile struct pvclock_time *page);

#endif
