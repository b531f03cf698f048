/* The interval timer (Intel 8254): how fast the timestamp counter runs beside it. It counts while the machine
 * does other things, so that hardly anybody waits for it. */
#ifndef PLATFORM_PVH_PIT_H
#define PLATFORM_PVH_PIT_H

#include <stdint.h>

/* Lets it count. */
void pit_begin(void);

/* Ticks of the timestamp counter a second, as counted since; 0: it does not count. Not before a millisecond
 * has passed. */
uint64_t pit_tick_rate(void);

#endif
