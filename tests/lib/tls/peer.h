/*
 * A peer that is libssl itself, without our room around it, on the simulated network: a client that may
 * be as strange as libssl permits, and whose bytes a test may change on their way.
 */
#ifndef TESTS_LIB_TLS_PEER_H
#define TESTS_LIB_TLS_PEER_H

#include "tests/lib/tls/place.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

struct peer {
    SSL_CTX *context;
    SSL *ssl;
    struct sim_client *client;
    SSL_SESSION *ticket; /* the latest */
    struct pki *shown;   /* the certificate that it has, if any */
    size_t sent;         /* bytes, of all records */
    size_t flip;         /* the byte with this number is changed; 0: none */
    char subject[256];   /* of the server's certificate */
    struct slice spki;   /* the same, its key; points into keep */
    uint8_t keep[1024];
};

static inline enum ssl_verify_result_t peer_takes_all(SSL *ssl, uint8_t *alert)
{
    struct peer *p = SSL_get_app_data(ssl);
    const CRYPTO_BUFFER *b = sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl), 0);
    struct x509 x;
    (void)alert;
    assert_int_equal(x509_read(slice_of(CRYPTO_BUFFER_data(b), CRYPTO_BUFFER_len(b)), &x), OK);
    strcpy(p->subject, x.subject);
    memcpy(p->keep, x.spki.ptr, x.spki.len);
    p->spki = slice_of(p->keep, x.spki.len);
    return ssl_verify_ok;
}

static inline int peer_keeps_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct peer *p = SSL_get_app_data(ssl);
    SSL_SESSION_free(p->ticket);
    p->ticket = session;
    return 1;
}

static inline void peer_time(const SSL *ssl, struct timeval *into)
{
    (void)ssl;
    into->tv_sec = clock_wall() / (int64_t)CLOCK_SEC;
    into->tv_usec = 0;
}

static inline void peer_show(struct peer *p, const struct pki *certificate)
{
    CBS cbs;
    CBS_init(&cbs, certificate->key.ptr, certificate->key.len);
    EVP_PKEY *key = EVP_parse_private_key(&cbs);
    CRYPTO_BUFFER *b = CRYPTO_BUFFER_new(certificate->cert.ptr, certificate->cert.len, NULL);
    assert_int_equal(SSL_set_chain_and_key(p->ssl, &b, 1, key, NULL), 1);
    EVP_PKEY_free(key);
    CRYPTO_BUFFER_free(b);
}

static inline void peer_init(struct peer *p)
{
    *p = (struct peer){0};
    p->context = SSL_CTX_new(TLS_with_buffers_method());
    SSL_CTX_set_custom_verify(p->context, SSL_VERIFY_PEER, peer_takes_all);
    SSL_CTX_set_session_cache_mode(p->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(p->context, peer_keeps_ticket);
    SSL_CTX_set_current_time_cb(p->context, peer_time);
}

/* A connection that is not begun: the test may set p->ssl up. */
static inline void peer_dial(struct peer *p)
{
    p->ssl = SSL_new(p->context);
    SSL_set_app_data(p->ssl, p);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(p->ssl);
    if (p->ticket)
        SSL_set_session(p->ssl, p->ticket);
    p->client = sim_client_open(place.client_host, "192.0.2.1", 443);
}

static inline void peer_flush(struct peer *p)
{
    uint8_t bytes[4096];
    for (int n; (n = BIO_read(SSL_get_wbio(p->ssl), bytes, sizeof bytes)) > 0;) {
        for (int i = 0; i < n; i++)
            if (++p->sent == p->flip)
                bytes[i] ^= 1;
        sim_client_send(p->client, slice_of(bytes, (size_t)n));
    }
    struct slice got = sim_client_received(p->client);
    if (got.len)
        BIO_write(SSL_get_rbio(p->ssl), got.ptr, (int)got.len);
    sim_client_forget(p->client);
}

static inline bool peer_stands(void *arg)
{
    struct peer *p = arg;
    peer_flush(p);
    int r = SSL_do_handshake(p->ssl);
    peer_flush(p);
    return r == 1 || SSL_get_error(p->ssl, r) != SSL_ERROR_WANT_READ || sim_client_over(p->client);
}

static inline bool peer_shake(struct peer *p)
{
    sim_run(peer_stands, p, clock_monotonic() + 30 * CLOCK_SEC);
    ERR_clear_error();
    return SSL_is_init_finished(p->ssl);
}

struct peer_wait {
    struct peer *peer;
    uint8_t *into;
    int len, wanted;
};

static inline bool peer_has(void *arg)
{
    struct peer_wait *w = arg;
    peer_flush(w->peer);
    int n = SSL_read(w->peer->ssl, w->into + w->len, w->wanted - w->len);
    if (n > 0)
        w->len += n;
    ERR_clear_error();
    return w->len == w->wanted || sim_client_over(w->peer->client);
}

/* Sends, and reads as much back. */
static inline bool peer_echo(struct peer *p, const char *text)
{
    uint8_t back[256];
    int len = (int)strlen(text);
    struct peer_wait w = {p, back, 0, len};
    SSL_write(p->ssl, text, len);
    peer_flush(p);
    sim_run(peer_has, &w, clock_monotonic() + 30 * CLOCK_SEC);
    return w.len == len && memcmp(back, text, (size_t)len) == 0;
}

static inline void peer_hang_up(struct peer *p)
{
    SSL_shutdown(p->ssl);
    peer_flush(p);
    sim_client_close(p->client);
    SSL_free(p->ssl);
    p->ssl = NULL;
    ERR_clear_error();
}

static inline void peer_deinit(struct peer *p)
{
    SSL_SESSION_free(p->ticket);
    SSL_CTX_free(p->context);
}

#endif
