/* The wish of whoever runs the machine that the program end: the power button and its like. To be called
 * from the loop. The first one asks the program (signatures/program.h), a second one ends it. */
#ifndef PLATFORM_PVH_STOP_H
#define PLATFORM_PVH_STOP_H

#include <stdint.h>

void stop_ask(void);

/* When it was asked first, by the monotonic clock; 0: not yet. */
uint64_t stop_asked_at(void);

#endif
