/*
 * RACK-TLP (RFC 8985): loss is told from time. A segment is lost when one that was sent later has
 * arrived, and a reordering window has passed; when nothing arrives for two round trips, a probe
 * makes the receiver say what it has.
 *
 * The window starts at a quarter of the lowest round trip once reordering was seen (before: 0 while
 * recovering, or after three duplicates), and grows by a quarter for each round trip in which a D-SACK shows
 * that a retransmission was needless, up to the smoothed round trip.
 */
#ifndef LIB_TCP_RACK_H
#define LIB_TCP_RACK_H

#include "lib/tcp/rtt.h"
#include "lib/tcp/sent.h"

#define RACK_PERSIST    16u /* recoveries after which the window is narrow again */
#define RACK_PROBE_MIN  (10 * CLOCK_MS)
#define RACK_PROBE_WAIT (200 * CLOCK_MS) /* for a delayed acknowledgement of one segment */

struct rack {
    uint64_t at;      /* sending time of the youngest segment that arrived */
    uint64_t rtt;     /* its round trip */
    seq_t end;        /* its end */
    seq_t round;      /* D-SACKs count again once this is acknowledged */
    seq_t probe_end;  /* next when the probe was sent */
    uint8_t quarters; /* of the window, in minimum round trips / 4 */
    uint8_t persist;  /* recoveries until it is narrow again */
    bool reordering;  /* was seen on this connection */
    bool widened;     /* within this round */
    bool probing;     /* a probe is out: TLP.is_retrans or a new segment */
    bool probe_again; /* it was a retransmission */
    bool probe_round; /* one probe per flight was sent: wait for an acknowledgement of it */
};

void rack_init(struct rack *k, seq_t next);

/* Takes in what an acknowledgement meant (steps 1 to 4 of 6.2). */
void rack_heard(struct rack *k, const struct sent *s, const struct rtt *r,
                const struct sent_news *news, uint64_t now);

/* Marks what is lost by now (step 5); recovering: a recovery is under way. Returns when to ask again,
 * or UINT64_MAX. */
uint64_t rack_detect(struct rack *k, struct sent *s, const struct rtt *r, bool recovering,
                     uint32_t duplicates, uint64_t now, uint32_t *lost);

/* A recovery ended in good order: the window becomes narrow again after some of them. */
void rack_recovered(struct rack *k);

/* How long to wait before probing (7.2); one: a single segment is in flight. */
uint64_t rack_probe_timeout(const struct rtt *r, bool one);

/* A probe went out: `again`, a retransmission of the last segment. */
void rack_probed(struct rack *k, const struct sent *s, bool again);

/* After an acknowledgement: whether the probe repaired a loss, so that the congestion window is to be
 * reduced (7.4.2). */
bool rack_probe_repaired(struct rack *k, const struct sent_news *news, seq_t ack);

#endif
