/* What the clock knows of the timestamp counter. */
#ifndef PLATFORM_PVH_TIME_H
#define PLATFORM_PVH_TIME_H

#include <stdint.h>

/* Finds out how fast the timestamp counter runs, and what time it is. */
void time_open(void);

uint64_t time_ticks_per_second(void);

/* The value of the timestamp counter at a time of clock_monotonic. */
uint64_t time_to_ticks(uint64_t ns);

#endif
