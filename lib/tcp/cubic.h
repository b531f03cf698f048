/*
 * CUBIC (RFC 9438): the congestion window, in integers.
 *
 * Windows are in bytes (the RFC's are in segments); time is in ns outside, and in 1/1024 s within
 * the cubic function. Growth is counted by acknowledged bytes, so that it does not depend on how
 * the peer acknowledges (RFC 3465). Constants: C = 0.4, beta = 0.7.
 */
#ifndef LIB_TCP_CUBIC_H
#define LIB_TCP_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

#define CUBIC_WINDOW_MAX  ((uint32_t)1 << 30)
#define CUBIC_INITIAL     10u /* segments, at most CUBIC_INITIAL_MAX bytes but two (RFC 6928) */
#define CUBIC_INITIAL_MAX 14600u
#define CUBIC_MINIMUM     2u /* segments, after a reduction */

/* What a reduction changes, so that a needless one can be taken back (RFC 9438, 4.9). */
struct cubic_state {
    uint32_t window;    /* cwnd */
    uint32_t threshold; /* ssthresh */
    uint32_t peak;      /* W_max; 0: none yet */
    uint32_t prior;     /* cwnd_prior: the window before the last reduction */
    uint32_t origin;    /* the plateau of this epoch: W_max, or the window where it was above */
    uint32_t rise;      /* K: from the epoch's start to the plateau, in 1/1024 s */
    uint32_t friendly;  /* W_est: what Reno would have */
    uint64_t epoch;     /* when it began; 0: with the next acknowledgement */
};

struct cubic {
    struct cubic_state s;
    struct cubic_state before; /* the last reduction; window 0: none */
    uint32_t mss;
    uint64_t grown;        /* what acknowledged bytes have earned, times the window */
    uint64_t reno_grown;   /* the same for W_est */
    uint64_t unused_since; /* the window has not been used up since then; 0: it has */
};

void cubic_init(struct cubic *c, uint32_t mss);

/* Segments become shorter or longer: windows stay as they are in bytes, at least one segment. */
void cubic_set_mss(struct cubic *c, uint32_t mss);

static inline uint32_t cubic_window(const struct cubic *c)
{
    return c->s.window;
}

static inline bool cubic_slow_start(const struct cubic *c)
{
    return c->s.window < c->s.threshold;
}

/* New data was acknowledged, out of fast recovery. limited: the window bounds what is sent, not the
 * application or the receiver (otherwise it does not grow, and that time does not count: 5.8).
 * divisor: how much slower slow start is than by every byte (hystart.h). */
void cubic_acked(struct cubic *c, uint32_t bytes, bool limited, uint32_t divisor, uint64_t rtt,
                 uint64_t now);

/* A congestion event (4.6, 4.7): sets the threshold. The caller sets the window: by prr.h until the
 * recovery is over, then with cubic_settle. */
void cubic_reduce(struct cubic *c);
void cubic_settle(struct cubic *c); /* the window is the threshold */
void cubic_set_window(struct cubic *c, uint32_t window);

/* A retransmission timeout (4.8): one segment. first: not one of the same data again. */
void cubic_timeout(struct cubic *c, bool first);

/* The last reduction was needless: all is as before, or better. */
void cubic_undo(struct cubic *c);

/* Nothing was sent for longer than the timeout (RFC 5681, 4.1): the window is halved for each of
 * them that passed (RFC 2861), down to the initial one. */
void cubic_restart(struct cubic *c, uint64_t idle, uint64_t timeout);

/* Slow start ends here (hystart.h). */
void cubic_leave_slow_start(struct cubic *c);

#endif
