/*
 * Round-trip time: what it is, how it varies, how small it gets, and the retransmission timeout
 * that follows (RFC 6298; RFC 9293, 3.8.1). All in ns.
 *
 * Samples come from segments that were sent once, or from echoed timestamps (RFC 7323, 4): Karn's
 * rule is kept by whoever hands them in. As several samples a round trip would shrink the variation
 * within a few of them (RFC 7323, appendix G), it rises at once and sinks once a round trip.
 */
#ifndef LIB_TCP_RTT_H
#define LIB_TCP_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/clock.h"

#define RTT_TIMEOUT_FIRST (1 * CLOCK_SEC)   /* before the first sample (RFC 6298, 2.1) */
#define RTT_TIMEOUT_FLOOR (200 * CLOCK_MS)  /* what is added to the smoothed time at least */
#define RTT_TIMEOUT_MAX   (120 * CLOCK_SEC) /* RFC 6298, 2.5: at least 60 s */
#define RTT_BACKOFF_MAX   15u
#define RTT_MIN_WINDOW    (300 * CLOCK_SEC) /* a path that got longer is noticed within this */

struct rtt {
    uint64_t smoothed;        /* SRTT; 0: no sample yet */
    uint64_t variation;       /* RTTVAR */
    uint64_t deviation;       /* the same, smoothed by every sample */
    uint64_t round_deviation; /* its highest in this round trip */
    uint64_t round_end;
    struct rtt_minimum {
        uint64_t at, value;
    } minimum[2];    /* the lowest of the window, and of its younger part */
    uint8_t backoff; /* doublings of the timeout (RFC 6298, 5.5) */
};

void rtt_init(struct rtt *r);

/* What one acknowledgement tells: the time since the oldest, and since the youngest segment that
 * it newly covers was sent; the former counts the receiver's delay in, the latter shows the path
 * (0: not known). Ends the back-off. */
void rtt_sample(struct rtt *r, uint64_t longest, uint64_t shortest, uint64_t now);

/* The lowest of the last minutes; 0: no sample yet. */
uint64_t rtt_minimum(const struct rtt *r);

/* The retransmission timeout, backed off. */
uint64_t rtt_timeout(const struct rtt *r);

/* The timer has fired: the next timeout is twice as long. */
void rtt_back_off(struct rtt *r);

#endif
