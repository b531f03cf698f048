/*
 * Sequence numbers: 32 bits that wrap around (RFC 9293, 3.4). Two numbers can be compared where
 * they are less than 2^31 apart, which windows (RFC 7323, 2.3) guarantee.
 */
#ifndef LIB_TCP_SEQ_H
#define LIB_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t seq_t;

/* How far b lies behind a in the stream; negative where it stands before. */
static inline int32_t seq_distance(seq_t a, seq_t b)
{
    return (int32_t)(b - a);
}

static inline bool seq_before(seq_t a, seq_t b)
{
    return seq_distance(a, b) > 0;
}

static inline bool seq_after(seq_t a, seq_t b)
{
    return seq_before(b, a);
}

static inline bool seq_at_most(seq_t a, seq_t b)
{
    return !seq_before(b, a);
}

static inline bool seq_at_least(seq_t a, seq_t b)
{
    return !seq_before(a, b);
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
    return seq_before(b, a) ? b : a;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
    return seq_before(a, b) ? b : a;
}

/* The numbers from start to just before end. */
struct seq_range {
    seq_t start, end;
};

static inline uint32_t seq_length(struct seq_range r)
{
    return r.end - r.start;
}

static inline bool seq_within(struct seq_range r, seq_t n)
{
    return n - r.start < r.end - r.start;
}

#endif
