/*
 * Numbers that nobody can guess, made of secrets and the pair of endpoints: initial sequence numbers
 * (RFC 6528), where the timestamp clock begins (RFC 7323, 5.4 and 7.1), SYN cookies (RFC 4987, 3.6).
 *
 * For one pair of endpoints sequence numbers and timestamps only grow, so that a new connection is
 * told from an old one between the same; for any two pairs they are unrelated.
 *
 * A cookie is an initial sequence number that says what a half-open connection would have kept: 3
 * bits of an index of the peer's MSS, and 29 bits that only we can make of it, the endpoints, the
 * peer's number and the present minute. What else was agreed on stands in the low bits of the timestamp
 * beside it, which the peer echoes.
 */
#ifndef LIB_TCP_ISN_H
#define LIB_TCP_ISN_H

#include "lib/tcp/seq.h"
#include "lib/tcp/table.h"
#include "signatures/clock.h"

#define TCP_COOKIE_PERIOD (64 * CLOCK_SEC) /* a cookie is good in this one and the next */
#define TCP_STAMP_TICK    CLOCK_MS

struct tcp_secrets {
    struct sipkey sequence, stamps, cookies;
};

seq_t tcp_isn(const struct tcp_secrets *s, const struct tcp_tuple *tuple, uint64_t now);
uint32_t tcp_stamp_offset(const struct tcp_secrets *s, const struct tcp_tuple *tuple);

static inline uint32_t tcp_stamp(uint32_t offset, uint64_t now)
{
    return offset + (uint32_t)(now / TCP_STAMP_TICK);
}

/* When a stamp of ours was made: the start of its tick. False: it cannot be one of ours of the last
 * 24 days, or it lies in the future. */
bool tcp_stamp_time(uint32_t offset, uint32_t stamp, uint64_t now, uint64_t *at);

/* What a cookie keeps of a SYN. */
struct tcp_cookie {
    uint16_t mss;  /* rounded down to one of eight */
    uint8_t scale; /* shift + 1; 0: no scaling. This and the others need timestamps. */
    bool sack, ecn, stamps;
};

seq_t tcp_cookie_make(const struct tcp_secrets *s, const struct tcp_tuple *tuple, seq_t peer_first,
                      uint16_t mss, uint64_t now);
/* The timestamp that goes with it, at most 63 ticks older than tcp_stamp. */
uint32_t tcp_cookie_stamp(const struct tcp_cookie *c, uint32_t offset, uint64_t now);

/* Whether the number is a cookie of ours; then what it keeps. echo: its stamp, where stamped. */
bool tcp_cookie_check(const struct tcp_secrets *s, const struct tcp_tuple *tuple, seq_t peer_first,
                      seq_t cookie, bool stamped, uint32_t echo, uint64_t now,
                      struct tcp_cookie *into);

#endif
