/* The start of the machine's generator of random bytes. */
#ifndef PLATFORM_PVH_ENTROPY_H
#define PLATFORM_PVH_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

/* Draws from the processor, if it has a generator. A word of what it gave, or, without one, of what cannot
 * be told from outside: for what needs no secret. */
uint64_t entropy_begin(void);

/* Draws from devices as well (driver.h). False: there is no source at all that works. */
bool entropy_open(void);

#endif
