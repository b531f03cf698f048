/* See core.h. */
#include "lib/tls/core.h"

#include "runtime/format.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* --- what libssl thinks is a connection --- */

static int take_input(BIO *bio, char *into, int size)
{
    struct tls_core *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (c->in.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct slice now = slice_take(c->in, (size_t)size);
    memcpy(into, now.ptr, now.len);
    c->in = slice_drop(c->in, now.len);
    c->taken += now.len;
    return (int)now.len;
}

static int put_output(BIO *bio, const char *from, int size)
{
    const struct tls_core *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size > 0)
        c->put(c->arg, slice_of(from, (size_t)size));
    return size;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

struct bio_method_st *tls_core_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "flow");
    if (m && BIO_meth_set_read(m, take_input) && BIO_meth_set_write(m, put_output) &&
        BIO_meth_set_ctrl(m, control))
        return m;
    BIO_meth_free(m);
    return NULL;
}

void tls_core_method_free(struct bio_method_st *method)
{
    BIO_meth_free(method);
}

enum err tls_core_open(struct tls_core *c, struct ssl_ctx_st *context, struct bio_method_st *method,
                       void *app, void (*put)(void *arg, struct slice sealed), void *arg)
{
    BIO *bio = BIO_new(method);
    c->ssl = bio ? SSL_new(context) : NULL;
    if (!c->ssl || !SSL_set_app_data(c->ssl, app)) {
        tls_core_close(c);
        BIO_free(bio);
        ERR_clear_error();
        return ERR_MEMORY;
    }
    c->put = put;
    c->arg = arg;
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_shed_handshake_config(c->ssl, 1);
    return OK;
}

void tls_core_close(struct tls_core *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

/* --- failures --- */

static enum tls_failure classify_ssl(int reason)
{
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return TLS_PLAIN_HTTP;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL_FOR_CUSTOM_KEY:
    case SSL_R_INAPPROPRIATE_FALLBACK:
        return TLS_NO_COMMON;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_KEY_USAGE_BIT_INCORRECT:
        return TLS_CERTIFICATE;
    case SSL_R_NO_RENEGOTIATION:
        return TLS_RENEGOTIATION;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        return TLS_OVERSIZED;
    case SSL_R_PRIVATE_KEY_OPERATION_FAILED:
        return TLS_SIGNER;
    default:
        return reason >= SSL_AD_REASON_OFFSET ? TLS_ALERT : TLS_MALFORMED;
    }
}

static const struct {
    int reason;
    const char *text;
} texts[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS"},
    {SSL_R_HTTP_REQUEST, "what came is HTTP in plain text"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "no version of TLS in common"},
    {SSL_R_NO_SHARED_CIPHER, "no cipher in common"},
    {SSL_R_NO_SHARED_GROUP, "no key exchange in common"},
    {SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, "no kind of signature in common"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no application protocol in common"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, "too large a message"},
    {SSL_R_KEY_USAGE_BIT_INCORRECT, "the certificate's key usage does not permit it"},
    {SSL_R_BAD_SIGNATURE, "a wrong signature"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was changed on its way"},
    {SSL_R_UNEXPECTED_MESSAGE, "a message out of turn"},
    {SSL_R_UNEXPECTED_RECORD, "a record out of turn"},
    {SSL_R_DECODE_ERROR, "a message that cannot be read"},
};

/* The library's own texts would be 60 KiB in every image, and ask for a C library's. */
static void keep_reason(struct tls_core *c, int reason)
{
    const char *text = NULL;
    if (c->failure == TLS_ALERT)
        text = SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && !text; i++)
        if (texts[i].reason == reason)
            text = texts[i].text;
    if (text)
        format_text(c->reason, sizeof c->reason, "%s", text);
    else
        format_text(c->reason, sizeof c->reason, "error %d", reason);
}

static enum tls_step fail(struct tls_core *c)
{
    uint32_t error = ERR_peek_error();
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        c->failure = TLS_MEMORY;
    else
        c->failure =
            ERR_GET_LIB(error) == ERR_LIB_SSL ? classify_ssl(ERR_GET_REASON(error)) : TLS_MALFORMED;
    keep_reason(c, ERR_GET_REASON(error));
    ERR_clear_error();
    return TLS_STEP_FAILED;
}

static enum tls_step step(struct tls_core *c, int result)
{
    if (result > 0)
        return TLS_STEP_DONE;
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_STEP_INPUT;
    case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION:
        return TLS_STEP_SIGNER;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_STEP_CLOSED;
    default:
        return fail(c);
    }
}

/* --- the steps --- */

enum tls_step tls_core_handshake(struct tls_core *c)
{
    ERR_clear_error();
    return step(c, SSL_do_handshake(c->ssl));
}

enum tls_step tls_core_read(struct tls_core *c, uint8_t *into, size_t *len)
{
    ERR_clear_error();
    int n = SSL_read(c->ssl, into, (int)TLS_RECORD_MAX);
    *len = n > 0 ? (size_t)n : 0;
    return step(c, n);
}

enum tls_step tls_core_write(struct tls_core *c, struct slice bytes)
{
    int n = SSL_write(c->ssl, bytes.ptr, (int)bytes.len);
    return n == (int)bytes.len ? TLS_STEP_DONE : fail(c);
}

void tls_core_shutdown(struct tls_core *c)
{
    ERR_clear_error();
    SSL_shutdown(c->ssl);
    ERR_clear_error();
}
