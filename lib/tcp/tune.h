/*
 * Buffers that grow with the path: the window that we offer (dynamic right-sizing: four times what
 * the owner took within one round trip, so that a sender may double), and how much the sender may
 * queue (twice its congestion window).
 */
#ifndef LIB_TCP_TUNE_H
#define LIB_TCP_TUNE_H

#include "lib/tcp/seq.h"

#define TUNE_RECEIVE_FIRST ((uint32_t)65535)
#define TUNE_RECEIVE_MAX   ((uint32_t)8 << 20)
#define TUNE_SEND_FIRST    ((uint32_t)64 << 10)
#define TUNE_SEND_MAX      ((uint32_t)8 << 20)
#define TUNE_SCALE_MAX     14u /* RFC 7323, 2.3 */

struct tune {
    uint64_t round_at; /* when this round began */
    uint64_t rtt;      /* as the receiver sees it; 0: not known */
    uint64_t mark_at;  /* without timestamps: when mark was set */
    seq_t mark;        /* without timestamps: a window's worth ahead */
    uint32_t window;   /* bytes that may be held and under way */
    uint32_t max;
    uint32_t taken; /* by the owner in this round */
    uint32_t last;  /* in the round before */
};

/* The smallest shift with which 16 bits express max (RFC 7323, 2). */
uint8_t tune_scale(uint32_t max);

/* max: TUNE_RECEIVE_MAX, or what the scale that was agreed on permits. next: RCV.NXT. */
void tune_init(struct tune *t, uint32_t max, seq_t next, uint64_t now);

/* Measures the round trip of the sender's data: echo_rtt from an echoed timestamp in a data
 * segment, or 0: then by the time in which one window arrives. next: RCV.NXT after the segment. */
void tune_arrived(struct tune *t, seq_t next, uint64_t echo_rtt, uint64_t now);

/* The owner took bytes. scarce: memory of the instance is short: the window does not grow. */
void tune_taken(struct tune *t, uint32_t bytes, uint32_t mss, bool scarce, uint64_t now);

/* The window to offer while `held` bytes wait for the owner; the caller rounds, and never takes
 * back what it has offered. scarce: half of what is left of it. */
uint32_t tune_window(const struct tune *t, uint32_t held, bool scarce);

/* How many bytes the owner may have queued, sent and unsent. */
uint32_t tune_send_limit(uint32_t congestion_window, uint32_t mss, bool scarce);

#endif
