/*
 * A bucket of tokens: so many at once, and so many a second. Kept as the time at which it will be
 * full again, so that one of zeros is full.
 */
#ifndef LIB_IP_BUCKET_H
#define LIB_IP_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/clock.h"

struct bucket {
    uint64_t full_at;
};

struct bucket_rate {
    uint32_t a_second;
    uint32_t at_once;
};

/* Takes some, or says that there are not enough. */
static inline bool bucket_take(struct bucket *b, struct bucket_rate rate, uint32_t tokens,
                               uint64_t now)
{
    uint64_t each = CLOCK_SEC / rate.a_second;
    uint64_t from = b->full_at > now ? b->full_at : now;
    uint64_t after = from + each * tokens;
    if (after - now > each * rate.at_once)
        return false;
    b->full_at = after;
    return true;
}

#endif
