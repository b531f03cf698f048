/*
 * Reachability, and sets of entries as bits (this room only).
 */
#ifndef LIB_STORE_REACH_H
#define LIB_STORE_REACH_H

#include "lib/store/internal.h"

static inline bool store_bit(const uint64_t *bits, uint32_t number)
{
    return bits[number / 64] >> number % 64 & 1;
}

static inline void store_bit_set(uint64_t *bits, uint32_t number)
{
    bits[number / 64] |= UINT64_C(1) << number % 64;
}

static inline size_t store_bits_bytes(uint32_t count)
{
    return ((size_t)count + 63) / 64 * sizeof(uint64_t);
}

/* A walk to all that a commit needs, itself included, that does not go beyond entries which have one
 * of the flags `skip`. Between turns the store keeps it. */
struct reach {
    struct store *s;
    uint8_t skip;
    uint64_t *seen;      /* bits of what was reached */
    struct oid missing;  /* or why not */
    struct numbers list; /* entries that are reached and not looked into */
};

/* Begins, and puts it into s->reach; on an error it is there as well. ERR_NOT_FOUND and
 * ERR_MALFORMED with the id in `missing`. */
enum err store_reach_begin(struct store *s, const struct oid *commit, uint8_t skip,
                           const struct oid *known);

/* One turn. ERR_AGAIN: another one is needed. */
enum err store_reach_turn(struct reach *r);
void store_reach_drop(struct store *s);

#endif
