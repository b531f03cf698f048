/* The start of the machine's generator of random bytes. */
#ifndef PLATFORM_PVH_ENTROPY_H
#define PLATFORM_PVH_ENTROPY_H

#include <stdbool.h>

/* False: the processor has no generator, or one that is broken. */
bool entropy_open(void);

#endif
