/*
 * libssl's door to the private key: no key, but a way to ask the signer, who answers later. Until
 * then the handshake waits; when it goes on, libssl fetches what has come.
 */
#include "lib/tls/internal.h"
#include "runtime/keyring.h"
#include "signatures/memory.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

static void on_signature(void *owner, enum err why, struct slice signature)
{
    struct tls_flow *f = owner;
    struct tls_handshake *h = f->handshake;
    h->signing = NULL;
    h->signed_why = why;
    if (!why) {
        h->signature = memory_alloc(signature.len);
        h->signature_len = signature.len;
        if (h->signature)
            memcpy(h->signature, signature.ptr, signature.len);
        else
            h->signed_why = ERR_MEMORY;
    }
    tls_input_work(f);
}

static enum ssl_private_key_result_t refuse(struct tls_handshake *h)
{
    h->signer_failed = true;
    return ssl_private_key_failure;
}

static enum ssl_private_key_result_t sign(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                          uint16_t algorithm, const uint8_t *in, size_t in_len)
{
    struct tls_flow *f = tls_flow_of(ssl);
    struct tls_handshake *h = f->handshake;
    (void)out;
    (void)out_len;
    (void)max_out;
    enum err e = signer_sign(f->server->signer, h->key, algorithm, slice_of(in, in_len),
                             on_signature, f, &h->signing);
    return e ? refuse(h) : ssl_private_key_retry;
}

/* Key exchange by RSA encryption is not offered. */
static enum ssl_private_key_result_t decrypt(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out, const uint8_t *in, size_t in_len)
{
    (void)ssl;
    (void)out;
    (void)out_len;
    (void)max_out;
    (void)in;
    (void)in_len;
    return ssl_private_key_failure;
}

static enum ssl_private_key_result_t complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                              size_t max_out)
{
    struct tls_handshake *h = tls_flow_of(ssl)->handshake;
    if (h->signing)
        return ssl_private_key_retry;
    if (h->signed_why || h->signature_len > max_out)
        return refuse(h);
    memcpy(out, h->signature, h->signature_len);
    *out_len = h->signature_len;
    memory_free(h->signature);
    h->signature = NULL;
    return ssl_private_key_success;
}

static const SSL_PRIVATE_KEY_METHOD method = {
    .sign = sign, .decrypt = decrypt, .complete = complete};

/* --- with what a key may sign, the best first --- */

struct schemes {
    uint16_t list[6];
    size_t count;
};

static struct schemes schemes_of(enum signer_algorithm algorithm)
{
    switch (algorithm) {
    case SIGNER_ECDSA_P256:
        return (struct schemes){{SIGNER_ECDSA_P256_SHA256}, 1};
    case SIGNER_ECDSA_P384:
        return (struct schemes){{SIGNER_ECDSA_P384_SHA384}, 1};
    case SIGNER_ED25519:
        return (struct schemes){{SIGNER_PURE_ED25519}, 1};
    default:
        return (struct schemes){{SIGNER_RSA_PSS_SHA256, SIGNER_RSA_PSS_SHA384,
                                 SIGNER_RSA_PSS_SHA512, SIGNER_RSA_PKCS1_SHA256,
                                 SIGNER_RSA_PKCS1_SHA384, SIGNER_RSA_PKCS1_SHA512},
                                6};
    }
}

/* All of the chain, or false: half of one is one that clients cannot follow to its end. */
static bool read_chain(struct slice chain, CRYPTO_BUFFER *into[TLS_CHAIN_MAX], size_t *count)
{
    struct slice der;
    *count = 0;
    while (*count < TLS_CHAIN_MAX && keyring_der(&chain, &der)) {
        into[*count] = CRYPTO_BUFFER_new(der.ptr, der.len, NULL);
        if (!into[*count])
            return false;
        ++*count;
    }
    return *count > 0 && chain.len == 0;
}

/* The library does not survive it if it is refused the list that it makes of the chain, before all
 * else, and it has no function that takes a list of ours. So one is made first, and given back: nobody
 * else asks for memory in between, and each of our allocators gives the same blocks again, whatever
 * sizes it keeps apart. (That the list cannot grow, it survives.) What this does not withstand is an
 * allocator that refuses what it has: a test that has just that request fail. */
static bool has_room_for_a_list(void)
{
    STACK_OF(CRYPTO_BUFFER) *list = sk_CRYPTO_BUFFER_new_null();
    sk_CRYPTO_BUFFER_free(list);
    return list != NULL;
}

enum err tls_identity_set(struct ssl_ctx_st *context, struct slice chain,
                          enum signer_algorithm algorithm)
{
    CRYPTO_BUFFER *certificates[TLS_CHAIN_MAX];
    const struct schemes s = schemes_of(algorithm);
    size_t count;
    bool ok = read_chain(chain, certificates, &count) && has_room_for_a_list() &&
              SSL_CTX_set_chain_and_key(context, certificates, count, NULL, &method) == 1 &&
              SSL_CTX_set_signing_algorithm_prefs(context, s.list, s.count) == 1;
    uint32_t error = ERR_peek_error();
    bool memory = error == 0 || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    while (count)
        CRYPTO_BUFFER_free(certificates[--count]);
    ERR_clear_error();
    return ok ? OK : memory ? ERR_MEMORY : ERR_UNSUPPORTED;
}

bool tls_identity_use(struct ssl_st *ssl, const struct tls_identity *identity)
{
    tls_flow_of(ssl)->handshake->key = identity->key;
    return SSL_set_SSL_CTX(ssl, identity->context) == identity->context;
}
