/*
 * HyStart++ (RFC 9406): slow start ends when round trips grow longer, before the queue on the way
 * overflows; a conservative phase makes sure first that it was no accident.
 *
 * What one acknowledgement adds is not limited (the RFC's L): receivers that merge arrivals
 * acknowledge many segments at once.
 */
#ifndef LIB_TCP_HYSTART_H
#define LIB_TCP_HYSTART_H

#include "lib/tcp/seq.h"
#include "signatures/clock.h"

#define HYSTART_SAMPLES        8u
#define HYSTART_RTT_MIN_THRESH (4 * CLOCK_MS)
#define HYSTART_RTT_MAX_THRESH (16 * CLOCK_MS)
#define HYSTART_RTT_DIVISOR    8u
#define HYSTART_GROWTH_DIVISOR 4u /* CSS_GROWTH_DIVISOR */
#define HYSTART_ROUNDS         5u /* CSS_ROUNDS */

enum hystart_phase { HYSTART_SLOW_START, HYSTART_CONSERVATIVE, HYSTART_DONE };

struct hystart {
    uint64_t last;     /* lowest round trip of the last round; UINT64_MAX: none */
    uint64_t current;  /* of this round */
    uint64_t baseline; /* when the conservative phase began */
    seq_t round_end;
    uint8_t samples;
    uint8_t rounds; /* of the conservative phase */
    uint8_t phase;
};

void hystart_init(struct hystart *h, seq_t next);

/* An acknowledgement in slow start: rtt 0, no sample. True: slow start ends now. */
bool hystart_acked(struct hystart *h, seq_t ack, seq_t next, uint64_t rtt);

static inline uint32_t hystart_divisor(const struct hystart *h)
{
    return h->phase == HYSTART_CONSERVATIVE ? HYSTART_GROWTH_DIVISOR : 1;
}

#endif
