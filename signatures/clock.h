/* Clock: a singleton of the target. */
#ifndef SIGNATURES_CLOCK_H
#define SIGNATURES_CLOCK_H

#include <stdint.h>

#define CLOCK_US  UINT64_C(1000)
#define CLOCK_MS  UINT64_C(1000000)
#define CLOCK_SEC UINT64_C(1000000000)

/* Nanoseconds since some fixed point of this run; never goes back. */
uint64_t clock_monotonic(void);

/* Nanoseconds since 1970-01-01T00:00:00Z without leap seconds; may be set back and forth. */
int64_t clock_wall(void);

#endif
