/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables whose keys an attacker picks. */
#ifndef RUNTIME_SIPHASH_H
#define RUNTIME_SIPHASH_H

#include "runtime/slice.h"

struct sipkey {
    uint64_t k0, k1;
};

uint64_t siphash(struct sipkey key, struct slice bytes);

#endif
