/* What clients and servers of this room have in common: versions, suites, groups, signatures, time. */
#include "lib/tls/internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Forward secrecy and AEAD only, in our order: AES-128 is the fastest of the three wherever there is
 * AES in hardware, and no weaker in practice. */
#define SUITES_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_TLS12                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519MLKEM768:X25519:P-256:P-384"

/* What a peer may sign with. */
static const uint16_t verifiable[] = {
    SIGNER_ECDSA_P256_SHA256, SIGNER_PURE_ED25519,     SIGNER_ECDSA_P384_SHA384,
    SIGNER_RSA_PSS_SHA256,    SIGNER_RSA_PSS_SHA384,   SIGNER_RSA_PSS_SHA512,
    SIGNER_RSA_PKCS1_SHA256,  SIGNER_RSA_PKCS1_SHA384, SIGNER_RSA_PKCS1_SHA512,
};

static void tell_time(const SSL *ssl, struct timeval *into)
{
    uint64_t now = (uint64_t)(clock_wall() > 0 ? clock_wall() : 0);
    (void)ssl;
    into->tv_sec = (time_t)(now / CLOCK_SEC);
    into->tv_usec = (long)(now % CLOCK_SEC / CLOCK_US);
}

static bool configure(SSL_CTX *c)
{
    SSL_CTX_set_current_time_cb(c, tell_time);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_retain_only_sha256_of_client_certs(c, 1);
    return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
           SSL_CTX_set_strict_cipher_list(c, SUITES_TLS12) &&
           SSL_CTX_set_ciphersuites(c, SUITES_TLS13) && SSL_CTX_set1_groups_list(c, GROUPS) &&
           SSL_CTX_set_verify_algorithm_prefs(c, verifiable,
                                              sizeof verifiable / sizeof verifiable[0]);
}

struct ssl_ctx_st *tls_context(void)
{
    SSL_CTX *c = SSL_CTX_new(TLS_with_buffers_method());
    if (c && !configure(c)) {
        SSL_CTX_free(c);
        c = NULL;
    }
    ERR_clear_error();
    return c;
}

struct tls_flow *tls_flow_of(const struct ssl_st *ssl)
{
    return SSL_get_app_data(ssl);
}

enum err tls_protocols_write(const char *const *protocols, size_t count, struct buf *into)
{
    if (count > TLS_ALPN_MAX)
        return ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_text(protocols[i]);
        if (name.len == 0 || name.len > 255)
            return ERR_ARGUMENT;
        buf_byte(into, (uint8_t)name.len);
        buf_put(into, name);
    }
    return into->err;
}
