/*
 * Signer: the only door to private keys.
 *
 * A handle: a program is given one that holds the keys of its image. It tells the public half of
 * each key and signs with it; no function returns a byte of the private half, and an implementation
 * keeps those bytes where the program cannot read them (the process target: in another process).
 *
 * Signing takes time and may take place elsewhere: the answer comes later, from the loop.
 */
#ifndef SIGNATURES_SIGNER_H
#define SIGNATURES_SIGNER_H

#include "runtime/err.h"
#include "runtime/slice.h"

#define SIGNER_KEYS_MAX      32u
#define SIGNER_NAME_MAX      253u  /* bytes of a key's name */
#define SIGNER_MESSAGE_MAX   1024u /* TLS signs at most some 250 bytes */
#define SIGNER_SIGNATURE_MAX 1024u /* RSA with 8192 bits */

/* Of which kind a key is. RSA has 2048 to 8192 bits. */
enum signer_algorithm {
    SIGNER_RSA = 1,
    SIGNER_ECDSA_P256,
    SIGNER_ECDSA_P384,
    SIGNER_ED25519,
    SIGNER_ALGORITHMS_END_
};

/* What a signature is made of and how: the SignatureScheme of TLS 1.3 (RFC 8446, 4.2.3), by its
 * numbers. An ECDSA key signs with its own curve's scheme only. */
enum signer_scheme {
    SIGNER_RSA_PKCS1_SHA256 = 0x0401,
    SIGNER_RSA_PKCS1_SHA384 = 0x0501,
    SIGNER_RSA_PKCS1_SHA512 = 0x0601,
    SIGNER_ECDSA_P256_SHA256 = 0x0403,
    SIGNER_ECDSA_P384_SHA384 = 0x0503,
    SIGNER_RSA_PSS_SHA256 = 0x0804,
    SIGNER_RSA_PSS_SHA384 = 0x0805,
    SIGNER_RSA_PSS_SHA512 = 0x0806,
    SIGNER_PURE_ED25519 = 0x0807
};

/* The public half. The slices live as long as the signer. */
struct signer_key {
    struct slice name; /* under which it stands in the image: "server", "example.org" */
    struct slice spki; /* SubjectPublicKeyInfo, DER (RFC 5280, 4.1.2.7) */
    enum signer_algorithm algorithm;
};

struct signer;
struct signing; /* opaque: a signature being made */

/* The answer: OK and the signature in the form that TLS carries (ECDSA: DER), valid until the
 * handler returns; or why there is none: ERR_IO: the keys are out of reach, now and for ever. Called
 * exactly once unless cancelled, from the loop, never from inside of signer_sign. */
typedef void signer_fn(void *owner, enum err why, struct slice signature);

struct signer_ops {
    size_t (*count)(const struct signer *s);
    struct signer_key (*key)(const struct signer *s, size_t index);
    enum err (*sign)(struct signer *s, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *answer, void *owner, struct signing **into);
    void (*cancel)(struct signer *s, struct signing *g);
};

struct signer {
    const struct signer_ops *ops;
};

/* How many keys there are; 0 in an image without. They never change while the program runs. */
static inline size_t signer_count(const struct signer *s)
{
    return s->ops->count(s);
}

/* index below signer_count. */
static inline struct signer_key signer_key(const struct signer *s, size_t index)
{
    return s->ops->key(s, index);
}

/* Starts to sign the message (which is hashed by the signer, and copied) with the key. The handle is
 * good for cancelling until answer is called. ERR_ARGUMENT: the key cannot do that scheme;
 * ERR_LIMIT: longer than SIGNER_MESSAGE_MAX; ERR_FULL: too many signatures are being made
 * (the implementation names the limit and counts); ERR_IO: as above. */
static inline enum err signer_sign(struct signer *s, size_t index, uint16_t scheme,
                                   struct slice message, signer_fn *answer, void *owner,
                                   struct signing **into)
{
    return s->ops->sign(s, index, scheme, message, answer, owner, into);
}

/* Nobody is told. */
static inline void signer_cancel(struct signer *s, struct signing *g)
{
    s->ops->cancel(s, g);
}

#endif
