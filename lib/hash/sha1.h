/*
 * SHA-1 (FIPS 180-4) as git uses it: with the detection of collision attacks (Stevens 2013).
 *
 * SHA-1 is broken: two inputs with one hash can be bought. Every known way of making them leaves a
 * trace in the bytes, which is looked for while hashing, so that a prepared file is refused.
 */
#ifndef LIB_HASH_SHA1_H
#define LIB_HASH_SHA1_H

#include "runtime/slice.h"

#define SHA1_BYTES 20

/* Storage of the caller's; without pointers, so that it may be copied. */
struct sha1 {
    uint64_t opaque[24];
};

void sha1_init(struct sha1 *h);
void sha1_update(struct sha1 *h, struct slice bytes);

/* False: the bytes hold a block made for a collision; the digest is then not to be trusted. */
bool sha1_final(struct sha1 *h, uint8_t digest[SHA1_BYTES]);

#endif
