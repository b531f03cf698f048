/*
 * How often a second something may be sent that a stranger can make us send: resets and challenge
 * acknowledgements (RFC 5961, 7). The number of each second is drawn, so that nobody can count what
 * others use of it (CVE-2016-5696).
 */
#ifndef LIB_TCP_LIMIT_H
#define LIB_TCP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/clock.h"

struct tcp_limit {
    uint64_t until; /* end of the present second */
    uint32_t left;
};

/* Whether it is time to draw: then the caller calls tcp_limit_draw with any random number. */
static inline bool tcp_limit_over(const struct tcp_limit *l, uint64_t now)
{
    return now >= l->until;
}

/* From half of rate to one and a half of it. */
static inline void tcp_limit_draw(struct tcp_limit *l, uint32_t rate, uint32_t random, uint64_t now)
{
    l->until = now + CLOCK_SEC;
    l->left = rate / 2 + (uint32_t)((uint64_t)random * rate >> 32);
}

static inline bool tcp_limit_take(struct tcp_limit *l)
{
    return l->left > 0 && l->left-- > 0;
}

#endif
