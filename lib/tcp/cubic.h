/*
 * CUBIC (RFC 9438): the congestion window, in integers.
 *
 * The window is in bytes, as are all of RFC 9438's (there in segments). Time is in ns outside and in
 * 1/1024 s inside of the cubic function. Growth is counted per acknowledged byte, so that
 * it does not depend on how the peer acknowledges. Constants: C = 0.4, beta = 0.7.
 */
#ifndef LIB_TCP_CUBIC_H
#define LIB_TCP_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

#define CUBIC_WINDOW_MAX  ((uint32_t)1 << 30)
#define CUBIC_INITIAL     10u /* segments (RFC 6928) */
#define CUBIC_INITIAL_MAX 14600u
#define CUBIC_MINIMUM     2u /* segments, after a loss */

/* What a reduction changes, so that a needless one can be taken back (RFC 9438, 4.9). */
struct cubic_state {
    uint32_t window;    /* cwnd */
    uint32_t threshold; /* ssthresh */
    uint32_t peak;      /* W_max */
    uint32_t origin;    /* the plateau of this epoch: peak, or the window where it was above */
    uint32_t rise;      /* K: from the epoch's start to the plateau, in 1/1024 s */
    uint32_t friendly;  /* W_est: what Reno would have */
    uint64_t epoch;     /* its start; 0: begins with the next acknowledgement */
};

struct cubic {
    struct cubic_state s;
    struct cubic_state before; /* the last reduction; window 0: none */
    uint32_t mss;
    uint32_t grown; /* acknowledged bytes x segment, not yet turned into growth */
    uint32_t reno_grown;
    uint64_t idle_since; /* application-limited from then on; 0: not */
};

void cubic_init(struct cubic *c, uint32_t mss);

/* Segments become shorter or longer: the window in bytes stays, but for the initial one. */
void cubic_set_mss(struct cubic *c, uint32_t mss);

static inline uint32_t cubic_window(const struct cubic *c)
{
    return c->s.window;
}

static inline bool cubic_slow_start(const struct cubic *c)
{
    return c->s.window < c->s.threshold;
}

/* New data was acknowledged, out of recovery. limited: the window, not the application or the
 * receiver, bounds what is sent (otherwise it does not grow: 5.8). divisor: in slow start,
 * how much slower than by every byte (hystart.h), else 1. */
void cubic_acked(struct cubic *c, uint32_t bytes, bool limited, uint32_t divisor, uint64_t rtt,
                 uint64_t now);

/* The application did not use the window for a while: that time does not count (4.2, 5.8). */
void cubic_idle(struct cubic *c, uint64_t idle_ns);

/* A congestion event (4.6, 4.7): sets the threshold; the caller sets the window by prr.h, or at once with
 * cubic_settle. ecn: told by a mark (RFC 8511's gentler factor is for ABE; RFC 9438 keeps beta). */
void cubic_reduce(struct cubic *c, uint32_t in_flight, uint64_t now);
void cubic_settle(struct cubic *c);

/* A retransmission timeout (4.8): one segment. */
void cubic_timeout(struct cubic *c, uint32_t in_flight, bool first);

/* The last reduction was needless: all is as before, and not below. */
void cubic_undo(struct cubic *c);

/* Nothing was sent for longer than the timeout (RFC 5681, 4.1). */
void cubic_restart(struct cubic *c);

/* Slow start ends here (hystart.h). */
void cubic_leave_slow_start(struct cubic *c);

#endif
