/*
 * A private key's file, as openssl and ACME clients write it: PEM of PKCS#8 (RFC 5208), of PKCS#1
 * for RSA (RFC 8017, A.1.2) or of SEC 1 for elliptic curves (RFC 5915).
 *
 * Only the building machine reads such files: what goes into an image is the PKCS#8 form alone.
 */
#ifndef TOOL_PRIVATE_KEY_H
#define TOOL_PRIVATE_KEY_H

#include "lib/x509/x509.h"

#define PRIVATE_KEY_RSA_BITS_MIN 2048u
#define PRIVATE_KEY_RSA_BITS_MAX 8192u
#define PRIVATE_KEY_DER_MAX      ((size_t)8 * 1024) /* RSA with 8192 bits has some 4700 bytes */

struct private_key {
    struct buf pkcs8; /* PrivateKeyInfo, DER: a secret */
    struct buf spki;  /* SubjectPublicKeyInfo, DER: its public half */
    enum x509_key kind;
    uint32_t bits;
};

/* Reads the one private key of the text. NULL, and *into is to be given back with
 * private_key_wipe; or what is wrong with it (static, "is encrypted: ..."), and there is nothing in
 * *into. */
const char *private_key_read(struct slice text, struct private_key *into);

/* The same of PKCS#8 without the PEM around it. */
const char *private_key_parse(struct slice pkcs8, struct private_key *into);

/* Overwrites the secret, and gives the memory back. */
void private_key_wipe(struct private_key *key);

/* "RSA 2048", "ECDSA P-256", "Ed25519"; for others "of another kind". */
void private_key_put_kind(struct buf *into, enum x509_key kind, uint32_t bits);

/* Overwrites what a buffer holds or held, and gives its memory back. */
void secret_wipe(struct buf *secret);

#endif
