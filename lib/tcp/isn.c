/* See isn.h. */
#include "lib/tcp/isn.h"

#define SEQUENCE_SHIFT 12u /* the clock of RFC 6528: a number every 4 us */

seq_t tcp_isn(const struct tcp_secrets *s, const struct tcp_tuple *tuple, uint64_t now)
{
    uint64_t hash = siphash(s->sequence, slice_of(tuple, sizeof *tuple));
    return (seq_t)hash + (seq_t)(now >> SEQUENCE_SHIFT);
}

/* --- timestamps --- */

uint32_t tcp_stamp_offset(const struct tcp_secrets *s, const struct tcp_tuple *tuple)
{
    return (uint32_t)siphash(s->stamps, slice_of(tuple, sizeof *tuple));
}

bool tcp_stamp_time(uint32_t offset, uint32_t stamp, uint64_t now, uint64_t *at)
{
    uint64_t tick = now / TCP_STAMP_TICK;
    uint32_t age = tcp_stamp(offset, now) - stamp;
    if (age > INT32_MAX || age > tick)
        return false;
    *at = (tick - age) * TCP_STAMP_TICK;
    return true;
}

/* --- cookies --- */

/* What is common on the way (1460, 1440, 1452 and some tunnels), and two for the rest. */
static const uint16_t sizes[8] = {216, 536, 1220, 1340, 1380, 1412, 1440, 1460};

#define SIZE_SHIFT 29u
#define MAC_MASK   ((UINT32_C(1) << SIZE_SHIFT) - 1)
#define SCALE_MASK 15u /* shift; 15: no scaling */
#define SACK_BIT   16u
#define ECN_BIT    32u
#define STAMP_BITS 63u

static uint32_t mac(const struct tcp_secrets *s, const struct tcp_tuple *tuple, seq_t peer_first,
                    uint32_t size, uint32_t period)
{
    struct {
        struct tcp_tuple tuple;
        uint32_t peer_first, size, period;
    } said = {*tuple, peer_first, size, period};
    _Static_assert(sizeof said == 48, "hashed as bytes: no padding");
    return (uint32_t)siphash(s->cookies, slice_of(&said, sizeof said)) & MAC_MASK;
}

static uint32_t size_index(uint16_t mss)
{
    uint32_t i = 7;
    while (i > 0 && sizes[i] > mss)
        i--;
    return i;
}

static uint32_t period_of(uint64_t now)
{
    return (uint32_t)(now / TCP_COOKIE_PERIOD);
}

seq_t tcp_cookie_make(const struct tcp_secrets *s, const struct tcp_tuple *tuple, seq_t peer_first,
                      uint16_t mss, uint64_t now)
{
    uint32_t size = size_index(mss);
    return size << SIZE_SHIFT | mac(s, tuple, peer_first, size, period_of(now));
}

uint32_t tcp_cookie_stamp(const struct tcp_cookie *c, uint32_t offset, uint64_t now)
{
    uint32_t bits = c->scale ? c->scale - 1u : SCALE_MASK;
    bits |= (c->sack ? SACK_BIT : 0) | (c->ecn ? ECN_BIT : 0);
    uint32_t tick = (uint32_t)(now / TCP_STAMP_TICK), stamp = (tick & ~STAMP_BITS) | bits;
    return offset + (stamp - tick <= STAMP_BITS && stamp != tick ? stamp - STAMP_BITS - 1 : stamp);
}

static void read_stamp(struct tcp_cookie *c, uint32_t bits)
{
    c->stamps = true;
    c->scale = (bits & SCALE_MASK) == SCALE_MASK ? 0 : (uint8_t)((bits & SCALE_MASK) + 1);
    c->sack = bits & SACK_BIT;
    c->ecn = bits & ECN_BIT;
}

bool tcp_cookie_check(const struct tcp_secrets *s, const struct tcp_tuple *tuple, seq_t peer_first,
                      seq_t cookie, bool stamped, uint32_t echo, uint64_t now,
                      struct tcp_cookie *into)
{
    uint32_t size = cookie >> SIZE_SHIFT, period = period_of(now);
    if ((cookie & MAC_MASK) != mac(s, tuple, peer_first, size, period) &&
        (cookie & MAC_MASK) != mac(s, tuple, peer_first, size, period - 1))
        return false;
    *into = (struct tcp_cookie){.mss = sizes[size]};
    if (stamped)
        read_stamp(into, (echo - tcp_stamp_offset(s, tuple)) & STAMP_BITS);
    return true;
}
