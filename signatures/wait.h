/*
 * Wait: the one place where a program sleeps. A singleton of the target; only runtime/loop calls it.
 */
#ifndef SIGNATURES_WAIT_H
#define SIGNATURES_WAIT_H

#include <stdint.h>

#define WAIT_FOREVER UINT64_MAX

/* Delivers what the platform has (handlers are called from in here), sleeping for it until the
 * monotonic deadline at the latest. A deadline in the past only looks, and never sleeps. */
void wait_until(uint64_t deadline);

#endif
