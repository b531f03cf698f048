/*
 * Certificates (X.509, RFC 5280) and the text that they are stored as (PEM, RFC 7468): read, not
 * verified. For settings, `ringlet keys`, days left; lib/tls verifies chains.
 */
#ifndef LIB_X509_X509_H
#define LIB_X509_X509_H

#include "runtime/buf.h"

#define X509_TEXT_MAX        256u                /* of a subject or issuer; longer ones are cut */
#define X509_NAMES_MAX       128u                /* subject alternative names that are looked at */
#define X509_CERTIFICATE_MAX ((size_t)64 * 1024) /* DER */
#define X509_CHAIN_MAX       8u
#define PEM_BLOCK_MAX        ((size_t)128 * 1024) /* DER of one block */

/* --- PEM --- */

struct pem_block {
    struct slice label;   /* "CERTIFICATE", "PRIVATE KEY": points into the text */
    struct slice headers; /* "Proc-Type: 4,ENCRYPTED" and the like (RFC 1421); empty in most */
};

/* Finds the next block in *text, advances *text behind it, and appends what it encodes to der (clear
 * it before, and before its memory is given back if it was a secret). Text outside of blocks is
 * skipped. ERR_NOT_FOUND: no more blocks; ERR_MALFORMED; ERR_LIMIT; ERR_MEMORY. */
enum err pem_next(struct slice *text, struct pem_block *block, struct buf *der);

/* All certificates of the text, in order, DER, one after the other: a chain, or anchors. Other
 * blocks are ERR_ARGUMENT (a private key in a certificates' file, say); none: ERR_NOT_FOUND. */
enum err pem_certificates(struct slice text, struct buf *der, size_t *count);

void pem_write(struct buf *into, const char *label, struct slice der);

/* --- certificates --- */

enum x509_key {
    X509_KEY_OTHER,
    X509_KEY_RSA,
    X509_KEY_ECDSA_P256,
    X509_KEY_ECDSA_P384,
    X509_KEY_ED25519
};

struct x509 {
    struct slice der;
    struct slice spki;       /* SubjectPublicKeyInfo, DER: points into der */
    struct slice issuer_der; /* names as they stand there, to compare */
    struct slice subject_der;
    char subject[X509_TEXT_MAX]; /* "CN=example.org, O=Example"; control bytes as '?' */
    char issuer[X509_TEXT_MAX];
    int64_t not_before, not_after; /* seconds since 1970; both included */
    enum x509_key key;
    uint32_t key_bits;  /* 2048 for RSA, 256 for P-256 */
    bool authority;     /* it may issue certificates (basic constraints) */
    bool self_issued;   /* subject and issuer are the same */
    bool names_cut;     /* there are more than X509_NAMES_MAX */
    size_t name_count;  /* DNS names and addresses that it is for */
    struct slice names; /* GeneralNames (RFC 5280, 4.2.1.6): points into der; empty if none */
};

/* Reads one certificate; der must stay as long as *into. ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY. */
enum err x509_read(struct slice der, struct x509 *into);

/* The n-th name that it is for: a DNS name (maybe with a leading "*.") or an address as text.
 * Returns its length (cut where it is longer than the space), 0 beyond name_count. */
size_t x509_name(const struct x509 *x, size_t n, char *into, size_t size);

/* What people call it by: its subject; where that is empty, as modern authorities leave it, its first name. */
const char *x509_called(const struct x509 *x, char into[X509_TEXT_MAX]);

/* Whether it is for this host: a DNS name (case does not matter; "*." in the certificate stands for
 * one label, RFC 6125, 6.4.3) or an address as text. The subject's common name does not count. */
bool x509_is_for(const struct x509 *x, struct slice host);

/* Checks a chain, leaf first: each certificate is signed by the next, which is an authority. Which
 * one is wrong comes in *index. ERR_MALFORMED; ERR_MISMATCH: it has not issued the one before; ERR_LIMIT: more
 * than X509_CHAIN_MAX; ERR_NOT_FOUND: it is empty. Validity times are not looked at. */
enum err x509_chain_check(struct slice chain, size_t *count, size_t *index);

/* Whole days until not_after, rounded down; negative when it is over. */
int64_t x509_days_left(const struct x509 *x, int64_t now_seconds);

#endif
