/*
 * When to ask for routers (RFC 4861, 6.3.7): three times in a row, and from then on ever more
 * seldom until one has answered (RFC 7559).
 */
#ifndef LIB_IP_SOLICITOR_H
#define LIB_IP_SOLICITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/clock.h"
#include "signatures/wait.h"

#define SOLICIT_DELAY    (1 * CLOCK_SEC) /* at most, before the first */
#define SOLICIT_INTERVAL (4 * CLOCK_SEC)
#define SOLICIT_FAST     3u
#define SOLICIT_SLOWEST  (3600 * CLOCK_SEC)

struct solicitor {
    uint64_t due; /* WAIT_FOREVER: nothing to be asked */
    uint64_t interval;
    uint32_t sent;
};

static inline void solicitor_init(struct solicitor *s)
{
    *s = (struct solicitor){.due = WAIT_FOREVER};
}

static inline void solicitor_begin(struct solicitor *s, uint64_t now, uint32_t random)
{
    *s = (struct solicitor){.due = now + random % SOLICIT_DELAY, .interval = SOLICIT_INTERVAL};
}

/* A router has answered. */
static inline void solicitor_end(struct solicitor *s)
{
    s->due = WAIT_FOREVER;
}

/* Whether to ask now. */
static inline bool solicitor_expire(struct solicitor *s, uint64_t now)
{
    if (now < s->due)
        return false;
    if (++s->sent > SOLICIT_FAST && s->interval < SOLICIT_SLOWEST)
        s->interval *= 2;
    if (s->interval > SOLICIT_SLOWEST)
        s->interval = SOLICIT_SLOWEST;
    s->due = now + s->interval;
    return true;
}

#endif
