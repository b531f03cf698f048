/*
 * RACK-TLP (RFC 8985): loss is told from time. A segment is lost when one that was sent later has
 * arrived, and a reordering window has passed; when nothing arrives for two round trips, a probe
 * makes the receiver say what it has.
 *
 * The window: none before reordering was seen on the connection, once three segments were overtaken
 * or a recovery is under way; else a quarter of the lowest round trip, and one more for each round
 * trip in which a D-SACK shows that a retransmission was needless (6.2, step 4). Beyond the RFC: a
 * segment that arrives late tells how late, and the window is at once as wide as that. It is never
 * wider than the smoothed round trip, and narrow again after RACK_PERSIST recoveries.
 */
#ifndef LIB_TCP_RACK_H
#define LIB_TCP_RACK_H

#include "lib/tcp/rtt.h"
#include "lib/tcp/sent.h"

#define RACK_PERSIST     16u /* recoveries without needless retransmissions */
#define RACK_QUARTERS    255u
#define RACK_OVERTAKEN   3u              /* DupThresh */
#define RACK_PROBE_FIRST (1 * CLOCK_SEC) /* where no round trip was measured */
#define RACK_PROBE_FLOOR (2 * CLOCK_MS)  /* added to two round trips, for clocks and queues */
/* ... for a single segment, whose answer may be delayed: as long as most receivers wait, and the
 * longest (WCDelAckT) once a probe has proved needless. */
#define RACK_PROBE_DELAY     (50 * CLOCK_MS)
#define RACK_PROBE_DELAY_MAX (200 * CLOCK_MS)

struct rack {
    uint64_t at;       /* sending time of the youngest segment that arrived; 0: none */
    uint64_t rtt;      /* its round trip */
    uint64_t lateness; /* by how much segments were overtaken */
    seq_t end;         /* its end */
    seq_t round;       /* D-SACKs widen again once this is acknowledged */
    seq_t probe_end;   /* what was next when the probe had been sent */
    uint8_t quarters;  /* of the lowest round trip: the window by D-SACKs */
    uint8_t persist;   /* recoveries until it is narrow again */
    bool reordering;   /* was seen on this connection */
    bool widened;      /* in this round */
    bool probing;      /* no other probe before probe_end is acknowledged */
    bool probe_again;  /* the probe repeated a segment */
    bool patient;      /* the receiver delays its acknowledgements for long */
};

void rack_init(struct rack *k);

/* Takes in what an acknowledgement meant (6.2, steps 1 to 4). */
void rack_heard(struct rack *k, const struct sent *s, const struct sent_news *news, uint64_t now);

/* Marks what is lost by now (step 5). recovering: a recovery is under way; overtaken: how many
 * segments arrived beyond a gap. Adds sequence numbers newly lost to *lost; returns when to ask
 * again, or UINT64_MAX. */
uint64_t rack_detect(struct rack *k, struct sent *s, const struct rtt *r, bool recovering,
                     uint32_t overtaken, uint64_t now, uint32_t *lost);

/* A recovery ended in good order. */
void rack_recovered(struct rack *k);

/* How long to wait for an answer before probing (7.2); single: one segment is in flight. */
uint64_t rack_probe_timeout(const struct rack *k, const struct rtt *r, bool single);

/* A probe went out; again: a segment once more, else a new one (7.3). */
void rack_probed(struct rack *k, const struct sent *s, bool again);

/* After an acknowledgement: true where the probe repaired a loss, so that the congestion window
 * is to be reduced (7.4.2). duplicate: it said nothing new (RFC 5681, 2). */
bool rack_probe_repaired(struct rack *k, const struct sent *s, const struct sent_news *news,
                         bool duplicate);

#endif
