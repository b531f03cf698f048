/*
 * Keys and certificates for tests, made on the spot: sound ones, and with every fault on demand.
 */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include "runtime/buf.h"
#include "signatures/signer.h"

/* 2026-06-01T00:00:00Z, in the middle of what is valid unless told otherwise; seconds. */
#define PKI_NOW INT64_C(1780272000)
#define PKI_DAY INT64_C(86400)

struct pki_request {
    const char *name;                /* the subject's common name; "": the subject is empty */
    const char *hosts;               /* "DNS:a.example,DNS:*.b.example,IP:192.0.2.1"; NULL: none */
    enum signer_algorithm algorithm; /* 0: ECDSA P-256 */
    unsigned rsa_bits;               /* 0: 2048 */
    int64_t not_before, not_after;   /* seconds since 1970; 0: 100 days around PKI_NOW */
    bool authority;
    const char *usage;    /* of the key: "keyCertSign"; NULL: what fits */
    const char *extended; /* "serverAuth,clientAuth"; NULL: that; "": no such extension */
    bool sha1;            /* signed with it */
    struct slice key;     /* PKCS#8, to be certified; empty: a new one */
};

struct pki {
    struct slice key;  /* PKCS#8; owned */
    struct slice cert; /* owned */
};

/* issuer NULL: self-signed. Fails the test if it cannot be made. */
struct pki pki_make(const struct pki_request *r, const struct pki *issuer);
void pki_free(struct pki *p);

/* The SubjectPublicKeyInfo of its certificate. */
struct slice pki_spki(const struct pki *p);

/* An image's sections (runtime/keyring.h). chain: a list of certificates, leaf first, NULL at the end;
 * the leaf's key goes with it. */
struct pki_entry {
    const char *name;
    const struct pki *chain[8];
};
void pki_keys(struct buf *into, const struct pki_entry *entries, size_t count);
void pki_certs(struct buf *into, const struct pki_entry *entries, size_t count);

#endif
