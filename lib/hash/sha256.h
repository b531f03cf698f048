/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104).
 */
#ifndef LIB_HASH_SHA256_H
#define LIB_HASH_SHA256_H

#include "runtime/slice.h"

#define SHA256_BYTES 32

/* Storage of the caller's; without pointers, so that it may be copied. */
struct sha256 {
    uint64_t opaque[16];
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, struct slice bytes);
void sha256_final(struct sha256 *h, uint8_t digest[SHA256_BYTES]);

/* The digest of bytes that lie together. */
void sha256_of(struct slice bytes, uint8_t digest[SHA256_BYTES]);

/* The authentication code of a message. Compare it with slice_equal_secret only. */
void hmac_sha256(struct slice key, struct slice message, uint8_t code[SHA256_BYTES]);

#endif
