/* What the clock knows of the timestamp counter, and of whoever keeps a better one. */
#ifndef PLATFORM_PVH_TIME_H
#define PLATFORM_PVH_TIME_H

#include "platform/pvh/pvclock.h"

/* Finds out how fast the timestamp counter runs, and what time it is. time_begin: a while before, so that
 * nobody has to wait. */
void time_begin(void);
void time_open(void);

/* From now on time is what the hypervisor keeps in these pages, which stay; it goes on from where it is, and
 * where it was such pages' already (the machine was restored), by as much as the time of day has since it was
 * last asked for.
 * wall: NULL: the time of day goes on by it. False: they are not in order, nothing has changed. */
bool time_use_pvclock(const volatile struct pvclock_time *time,
                      const volatile struct pvclock_wall *wall);

uint64_t time_ticks_per_second(void);

/* The value of the timestamp counter at a time of clock_monotonic. */
uint64_t time_to_ticks(uint64_t ns);

#endif
