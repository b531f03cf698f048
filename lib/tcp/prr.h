/*
 * Proportional rate reduction (RFC 6937, and its successor's rule for when to be bold): while
 * recovering, the window shrinks evenly over one round trip from what was in flight to the slow
 * start threshold, and what arrives clocks out what is sent.
 *
 * All in bytes.
 */
#ifndef LIB_TCP_PRR_H
#define LIB_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
    uint32_t flight;    /* RecoverFS: in flight when the recovery began */
    uint64_t delivered; /* since then */
    uint64_t out;       /* sent since then */
};

void prr_begin(struct prr *p, uint32_t flight);

/* The congestion window after an acknowledgement. good: it moved una and nothing more was found
 * lost ("SafeACK"). first: nothing was sent again in this recovery yet, so that something must
 * be. */
uint32_t prr_window(struct prr *p, uint32_t delivered, uint32_t in_flight, uint32_t threshold,
                    uint32_t mss, bool good, bool first);

static inline void prr_sent(struct prr *p, uint32_t bytes)
{
    p->out += bytes;
}

#endif
