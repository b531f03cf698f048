/*
 * The keys, certificates and trust anchors of an image, as they lie in its sections. All integers
 * are big-endian; a section that begins with a zero byte holds nothing (so does an empty one).
 *
 *     .ringlet.keys     KEYRING_KEYS_SIZE bytes, zeros after the end, in pages of their own.
 *         "RINGKEYS"  u32 count, then for each key:  u16 length, name;  u32 length, private key
 *         A private key is an unencrypted PKCS#8 PrivateKeyInfo, DER (RFC 5208). Only a platform's
 *         signer reads this section (platform/keys); the program has no pointer to it.
 *
 *     .ringlet.certs    KEYRING_CERTS_SIZE bytes, zeros after the end.
 *         "RINGCERT"  u32 count, then for each chain:  u16 length, name;  u32 length, chain
 *         A chain is the DER of its certificates, leaf first, one after the other (DER tells its
 *         own length). The first one is the default for clients that name no host, or none of ours.
 *
 *     .ringlet.anchors  as long as it is: certificates' DER, one after the other, in no order.
 *
 * Sizes of the first two are fixed, so that `ringlet keys` can replace them in a finished image.
 * A chain is served with the key whose public half its leaf certifies, whatever their names.
 */
#ifndef RUNTIME_KEYRING_H
#define RUNTIME_KEYRING_H

#include "runtime/buf.h"
#include "runtime/reader.h"

#define KEYRING_KEYS_SIZE   ((size_t)32 * 1024)
#define KEYRING_CERTS_SIZE  ((size_t)64 * 1024)
#define KEYRING_ENTRIES_MAX 32u
#define KEYRING_NAME_MAX    253u

enum keyring_kind { KEYRING_KEYS, KEYRING_CERTS };

struct keyring_entry {
    struct slice name;
    struct slice bytes; /* a private key, or a chain */
};

/* Walks the entries of a section: keyring_open, then keyring_next until it is false. */
struct keyring {
    struct reader rest;
    uint32_t left;
};

/* ERR_MALFORMED: not such a section. OK with nothing in it for an empty one. */
enum err keyring_open(struct keyring *k, enum keyring_kind kind, struct slice section);

/* The slices point into the section. False at the end, and where it is malformed: ask keyring_bad
 * after the last. */
bool keyring_next(struct keyring *k, struct keyring_entry *into);
bool keyring_bad(const struct keyring *k);

/* Appends a whole section of `count` entries, without the zeros after its end. ERR_LIMIT: too many
 * entries, too long a name, or more than the section's fixed size. ERR_MEMORY by the buffer. */
enum err keyring_write(struct buf *into, enum keyring_kind kind,
                       const struct keyring_entry *entries, size_t count);

/* Takes the first DER value (of any type, with its tag and length) off *rest. False at the end and
 * for bytes that are none: then *rest is not empty. */
bool keyring_der(struct slice *rest, struct slice *value);

#endif
