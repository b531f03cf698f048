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

/* Sets the bits of all that a commit needs, itself included, without going beyond entries that
 * have one of the flags `skip`. ERR_NOT_FOUND and ERR_MALFORMED with the id in *missing. */
enum err store_reach(struct store *s, const struct oid *commit, uint8_t skip, uint64_t *seen,
                     struct oid *missing);

#endif
