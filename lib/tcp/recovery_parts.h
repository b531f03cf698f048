/* What the files of recovery share; private to them. */
#ifndef LIB_TCP_RECOVERY_PARTS_H
#define LIB_TCP_RECOVERY_PARTS_H

#include "lib/tcp/recovery.h"

/* In flight; without SACK each duplicate acknowledgement stands for a segment that left. */
static inline uint32_t recovery_flight(const struct recovery *r)
{
    uint64_t left = (uint64_t)r->duplicates * r->cubic.mss;
    return left < r->sent.in_flight ? r->sent.in_flight - (uint32_t)left : 0;
}

/* Looks for losses by time; sets when to look again. Returns sequence numbers newly lost. */
uint32_t recovery_find_lost(struct recovery *r, uint64_t now);

/* Losses were found: whether they mean congestion (those of a path probe do not). */
bool recovery_is_congestion(struct recovery *r, uint32_t lost);

/* Fast recovery begins. */
void recovery_begin(struct recovery *r);

/* The window while it shrinks. lost: newly found. */
void recovery_shrink(struct recovery *r, uint32_t delivered, bool advanced, uint32_t lost);

/* Takes the last reduction back where an acknowledgement proves it needless. */
bool recovery_undo(struct recovery *r, const struct recovery_input *in,
                   const struct sent_news *news);

/* Sets the timers anew, after something was sent or heard. */
void recovery_arm_probe(struct recovery *r, uint64_t now);
void recovery_arm_timeout(struct recovery *r, uint64_t now);

#endif
