/*
 * The pure core of a TLS connection: libssl with bytes in and bytes out. Private to this room.
 *
 * Input is a slice that the core takes from as it needs to; output is handed to `put` while a call
 * is under way, and always taken. Nothing waits and nothing is kept from one input to the next but
 * an incomplete record.
 */
#ifndef LIB_TLS_CORE_H
#define LIB_TLS_CORE_H

#include "lib/tls/tls.h"

struct ssl_ctx_st;
struct ssl_st;
struct bio_method_st;

#define TLS_RECORD_MAX ((size_t)16 * 1024) /* bytes of content in one record (RFC 8446, 5.1) */

enum tls_step {
    TLS_STEP_DONE,   /* the handshake is finished; bytes were read or written */
    TLS_STEP_INPUT,  /* all input was taken, more is needed */
    TLS_STEP_SIGNER, /* a signature is needed: call again when it is there */
    TLS_STEP_CLOSED, /* the peer said close_notify */
    TLS_STEP_FAILED  /* see failure and reason; an alert went out where the protocol has one */
};

/* Why a handshake or a connection failed: what the counters tell apart. */
enum tls_failure {
    TLS_MALFORMED,
    TLS_OVERSIZED,
    TLS_NO_COMMON,
    TLS_PLAIN_HTTP,
    TLS_ALERT,
    TLS_CERTIFICATE,
    TLS_RENEGOTIATION,
    TLS_SIGNER,
    TLS_MEMORY
};

struct tls_core {
    struct ssl_st *ssl;
    struct slice in; /* what is left of the input */
    uint64_t taken;  /* bytes of input, from the beginning */
    void (*put)(void *arg, struct slice sealed);
    void *arg;
    enum tls_failure failure; /* after TLS_STEP_FAILED */
    char reason[64];          /* the same in a few words */
};

/* What all connections of a context share: how libssl reaches `in` and `put`. NULL: no memory. */
struct bio_method_st *tls_core_method(void);
void tls_core_method_free(struct bio_method_st *method);

/* app: what SSL_get_app_data gives in callbacks. ERR_MEMORY. */
enum err tls_core_open(struct tls_core *c, struct ssl_ctx_st *context, struct bio_method_st *method,
                       void *app, void (*put)(void *arg, struct slice sealed), void *arg);
void tls_core_close(struct tls_core *c); /* also one that was zeroed only */

enum tls_step tls_core_handshake(struct tls_core *c);

/* DONE: *len bytes, at least one, at most TLS_RECORD_MAX, which `into` has room for. */
enum tls_step tls_core_read(struct tls_core *c, uint8_t *into, size_t *len);

/* Seals one record of at most TLS_RECORD_MAX bytes. DONE or FAILED. */
enum tls_step tls_core_write(struct tls_core *c, struct slice bytes);

/* Says close_notify. */
void tls_core_shutdown(struct tls_core *c);

#endif
