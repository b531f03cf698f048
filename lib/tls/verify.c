/*
 * Whether a peer's certificate is one to trust (RFC 5280, 6; RFC 6125): the chain up to an anchor,
 * validity, key usage and extended key usage, the host's name, and no signature or key that is too
 * weak. The library walks the chain; what it may not leave out is asked for here.
 */
#include "lib/tls/internal.h"

#include "lib/hash/sha256.h"
#include "lib/x509/x509.h"
#include "runtime/format.h"
#include "runtime/keyring.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define RSA_BITS_MIN 2048

/* --- anchors --- */

/* It has no certificate where it has no memory either. */
static enum err unread(void)
{
    enum err e = ERR_ARGUMENT;
    for (uint32_t each; (each = ERR_get_error()) != 0;)
        if (ERR_GET_REASON(each) == ERR_R_MALLOC_FAILURE)
            e = ERR_MEMORY;
    return e;
}

static enum err add_anchor(X509_STORE *store, struct slice der)
{
    const uint8_t *at = der.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    enum err e = x ? OK : unread();
    if (x && !X509_STORE_add_cert(store, x))
        e = ERR_MEMORY;
    X509_free(x);
    return e;
}

struct x509_store_st *tls_anchors_open(struct slice anchors, enum err *why)
{
    X509_STORE *store = X509_STORE_new();
    struct slice der;
    *why = store ? OK : ERR_MEMORY;
    while (!*why && keyring_der(&anchors, &der))
        *why = add_anchor(store, der);
    if (!*why && anchors.len)
        *why = ERR_ARGUMENT;
    if (*why) {
        X509_STORE_free(store);
        store = NULL;
    }
    ERR_clear_error();
    return store;
}

void tls_anchors_close(struct x509_store_st *store)
{
    X509_STORE_free(store);
}

/* --- what the peer showed --- */

static size_t shown(const SSL *ssl)
{
    return sk_CRYPTO_BUFFER_num(SSL_get0_peer_certificates(ssl));
}

static struct slice shown_der(const SSL *ssl, size_t i)
{
    const CRYPTO_BUFFER *b = sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl), i);
    return slice_of(CRYPTO_BUFFER_data(b), CRYPTO_BUFFER_len(b));
}

static X509 *shown_x509(const SSL *ssl, size_t i)
{
    return X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl), i));
}

static enum err refuse(char reason[TLS_REASON_MAX], const char *why)
{
    if (reason[0] == 0)
        format_text(reason, TLS_REASON_MAX, "%s", why);
    return ERR_DENIED;
}

/* --- names and times, checked by our own reader as well --- */

static enum err check_name(const struct x509 *leaf, struct slice host, char *reason)
{
    char name[96] = "nobody";
    if (x509_is_for(leaf, host))
        return OK;
    x509_name(leaf, 0, name, sizeof name);
    format_text(reason, TLS_REASON_MAX, "its certificate is for %s%s, not for %.*s", name,
                leaf->name_count > 1 ? " and others" : "", (int)(host.len < 64 ? host.len : 64),
                (const char *)host.ptr);
    return ERR_DENIED;
}

static enum err check_leaf(struct slice der, struct slice host, char *reason)
{
    struct x509 leaf;
    int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    if (x509_read(der, &leaf) != OK)
        return refuse(reason, "its certificate cannot be read");
    if (now < leaf.not_before)
        return refuse(reason, "its certificate is not valid yet");
    if (now > leaf.not_after)
        return refuse(reason, "its certificate has expired");
    return host.len ? check_name(&leaf, host, reason) : OK;
}

/* --- the chain --- */

static bool weak_signature(const X509 *x)
{
    switch (X509_get_signature_nid(x)) {
    case NID_md5WithRSAEncryption:
    case NID_sha1WithRSAEncryption:
    case NID_sha1WithRSA:
    case NID_ecdsa_with_SHA1:
        return true;
    default:
        return false;
    }
}

static bool weak_key(X509 *x)
{
    EVP_PKEY *key = X509_get_pubkey(x);
    bool weak = !key || (EVP_PKEY_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) < RSA_BITS_MIN);
    EVP_PKEY_free(key);
    return weak;
}

/* The anchor's own signature does not count: it is trusted as it is. */
static enum err check_strength(STACK_OF(X509) * chain, char *reason)
{
    size_t count = sk_X509_num(chain);
    for (size_t i = 0; i < count; i++) {
        X509 *x = sk_X509_value(chain, i);
        if (i + 1 < count && weak_signature(x))
            return refuse(reason, "its chain has a signature by SHA-1 or MD5");
        if (weak_key(x))
            return refuse(reason, "its chain has an RSA key of less than 2048 bits");
    }
    return OK;
}

static void ask_for(X509_STORE_CTX *c, enum tls_role role)
{
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(c);
    X509_STORE_CTX_set_default(c, role == TLS_ROLE_SERVER ? "ssl_server" : "ssl_client");
    X509_VERIFY_PARAM_set_depth(p, (int)TLS_CHAIN_MAX);
    X509_VERIFY_PARAM_set_time_posix(p, clock_wall() / (int64_t)CLOCK_SEC);
    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN |
                                       X509_V_FLAG_X509_STRICT);
}

static enum err walk(X509_STORE *anchors, X509 *leaf, STACK_OF(X509) * others, enum tls_role role,
                     char *reason)
{
    X509_STORE_CTX *c = X509_STORE_CTX_new();
    enum err e = ERR_MEMORY;
    if (c && X509_STORE_CTX_init(c, anchors, leaf, others)) {
        ask_for(c, role);
        if (X509_verify_cert(c) == 1)
            e = check_strength(X509_STORE_CTX_get0_chain(c), reason);
        else
            e = refuse(reason, X509_verify_cert_error_string(X509_STORE_CTX_get_error(c)));
    }
    X509_STORE_CTX_free(c);
    return e;
}

static enum err gather(const SSL *ssl, X509 **leaf, STACK_OF(X509) * others)
{
    *leaf = shown_x509(ssl, 0);
    for (size_t i = 1; *leaf && others && i < shown(ssl); i++) {
        X509 *x = shown_x509(ssl, i);
        if (!x || !sk_X509_push(others, x)) {
            X509_free(x);
            return ERR_DENIED;
        }
    }
    return *leaf && others ? OK : ERR_DENIED;
}

enum err tls_verify_chain(const struct ssl_st *ssl, struct x509_store_st *anchors,
                          enum tls_role role, struct slice host, char reason[TLS_REASON_MAX])
{
    X509 *leaf = NULL;
    if (shown(ssl) == 0 || shown(ssl) > TLS_CHAIN_MAX)
        return refuse(reason, "it shows no certificate, or too many");
    STACK_OF(X509) *others = sk_X509_new_null();
    enum err e = gather(ssl, &leaf, others);
    if (e)
        refuse(reason, "its chain cannot be read");
    else
        e = walk(anchors, leaf, others, role, reason);
    if (!e)
        e = check_leaf(shown_der(ssl, 0), host, reason);
    X509_free(leaf);
    sk_X509_pop_free(others, X509_free);
    ERR_clear_error();
    return e;
}

/* --- pins --- */

static bool pinned(struct slice bytes, const struct tls_pin *pins, size_t count)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes, digest);
    for (size_t i = 0; i < count; i++)
        if (memcmp(digest, pins[i].sha256, sizeof digest) == 0)
            return true;
    return false;
}

static bool fit_for_servers(const SSL *ssl)
{
    X509 *leaf = shown_x509(ssl, 0);
    bool ok = leaf && X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) == 1;
    X509_free(leaf);
    ERR_clear_error();
    return ok;
}

enum err tls_verify_pins(const struct ssl_st *ssl, const struct tls_pin *pins, size_t count,
                         struct slice host, char reason[TLS_REASON_MAX])
{
    struct x509 leaf;
    if (shown(ssl) == 0)
        return refuse(reason, "it shows no certificate");
    struct slice der = shown_der(ssl, 0);
    if (x509_read(der, &leaf) != OK)
        return refuse(reason, "its certificate cannot be read");
    if (!pinned(der, pins, count) && !pinned(leaf.spki, pins, count))
        return refuse(reason, "neither its certificate nor its key is the one that is pinned");
    if (!fit_for_servers(ssl))
        return refuse(reason, "its certificate is not for servers");
    return check_leaf(der, host, reason);
}
