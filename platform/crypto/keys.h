/*
 * Private keys: read out of an image's section, and signed with. Shared by the platforms' signers; no
 * one else includes this. Freestanding.
 */
#ifndef PLATFORM_CRYPTO_KEYS_H
#define PLATFORM_CRYPTO_KEYS_H

#include "runtime/buf.h"
#include "signatures/signer.h"

#define KEYS_RSA_BITS_MIN 2048u
#define KEYS_RSA_BITS_MAX 8192u

struct keys; /* opaque */

/* Reads all keys of a section (runtime/keyring.h), checks that each is sound, and makes the public
 * halves. The section may go afterwards. A failure puts one line into error, which names the key and
 * holds nothing of it: ERR_MALFORMED, ERR_UNSUPPORTED (of no kind in signer.h, or RSA of less than
 * KEYS_RSA_BITS_MIN), ERR_MEMORY. An empty section gives no keys. */
enum err keys_open(struct slice section, struct keys **into, struct buf *error);
void keys_close(struct keys *k);

size_t keys_count(const struct keys *k);

/* The slices live as long as the keys. */
struct signer_key keys_key(const struct keys *k, size_t index);

/* ERR_ARGUMENT: no such key, or a scheme that it cannot do. */
enum err keys_sign(const struct keys *k, size_t index, uint16_t scheme, struct slice message,
                   uint8_t signature[SIGNER_SIGNATURE_MAX], size_t *len);

/* Whether a key of this kind can do that scheme. */
bool keys_fits(enum signer_algorithm algorithm, uint16_t scheme);

#endif
