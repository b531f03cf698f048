/* What the files of sent share; private to them. */
#ifndef LIB_TCP_SENT_PARTS_H
#define LIB_TCP_SENT_PARTS_H

#include "lib/tcp/sent.h"

static inline struct sent_entry *sent_entry(const struct sent *s, uint32_t number)
{
    return &s->entries[number & (s->room - 1)];
}

static inline struct sent_resent *sent_resent(const struct sent *s, uint32_t number)
{
    return &s->resents[number & (s->resent_room - 1)];
}

/* The units below n; n is 0..64. */
static inline uint64_t units_below(uint32_t n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static inline uint64_t entry_all(const struct sent_entry *e)
{
    return units_below(e->units);
}

static inline seq_t entry_end(const struct sent_entry *e)
{
    return e->start + e->length;
}

/* The end of unit i. */
static inline seq_t unit_end(const struct sent_entry *e, uint32_t i)
{
    return i + 1u >= e->units ? entry_end(e) : e->start + (i + 1u) * e->unit;
}

/* Sequence numbers of a set of units. */
static inline uint32_t units_length(const struct sent_entry *e, uint64_t units)
{
    if (units == 0 || units == entry_all(e)) /* mostly; bits are counted by many instructions */
        return units ? e->length : 0;
    uint32_t length = (uint32_t)__builtin_popcountll(units) * e->unit;
    if (units >> (e->units - 1) & 1)
        length -= e->units * e->unit - e->length;
    return length;
}

/* Index of the highest unit of a set that is not empty. */
static inline uint32_t units_highest(uint64_t units)
{
    return 63u - (uint32_t)__builtin_clzll(units);
}

/* Number of the entry that holds n, or head + count. */
uint32_t sent_find(const struct sent *s, seq_t n);

/* The latest retransmission of a unit that was repeated, or NULL where it is not known any more. */
struct sent_resent *sent_latest(const struct sent *s, uint32_t entry, uint64_t unit);

/* These units of an entry, and their retransmissions, are lost: of those that are not done. Returns
 * sequence numbers newly waiting. */
uint32_t sent_lose(struct sent *s, uint32_t entry, uint64_t units);

#endif
