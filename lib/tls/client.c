/* The client's side: whom to trust, and a connection that is handed out verified or not at all. */
#include "lib/tls/internal.h"
#include "runtime/format.h"
#include "signatures/memory.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#define PROTOCOLS_MAX ((size_t)TLS_ALPN_MAX * 256)
#define HOST_MAX      253u

struct tls_client {
    struct ssl_ctx_st *context;
    struct bio_method_st *method;
    struct x509_store_st *anchors; /* NULL: pins instead */
    struct tls_pin pins[TLS_PINS_MAX];
    size_t pin_count;
    struct tls_spares spares;
    uint64_t flows;
    bool closed;
};

/* What is handed out for cancelling is the flow itself. */
struct tls_connecting {
    struct tls_flow flow;
};

static void release(struct tls_client *c)
{
    if (!c->closed || c->flows)
        return;
    tls_spares_deinit(&c->spares);
    tls_anchors_close(c->anchors);
    SSL_CTX_free(c->context);
    tls_core_method_free(c->method);
    memory_free(c);
}

/* --- verification --- */

static enum ssl_verify_result_t verify_server(SSL *ssl, uint8_t *alert)
{
    struct tls_flow *f = tls_flow_of(ssl);
    const struct tls_client *c = f->client;
    struct tls_handshake *h = f->handshake;
    enum err e = c->anchors ? tls_verify_chain(ssl, c->anchors, TLS_ROLE_SERVER, h->host, h->reason)
                            : tls_verify_pins(ssl, c->pins, c->pin_count, h->host, h->reason);
    f->authenticated = e == OK;
    *alert = SSL_AD_BAD_CERTIFICATE;
    return e ? ssl_verify_invalid : ssl_verify_ok;
}

/* --- a connection --- */

static bool is_address(struct slice host)
{
    struct address a;
    return address_parse(host, &a);
}

/* Names go to the server, too; addresses do not (RFC 6066, 3). */
static bool name_host(SSL *ssl, struct slice host)
{
    char text[HOST_MAX + 1];
    if (is_address(host))
        return true;
    if (slice_ends(host, SLICE(".")))
        host.len--;
    memcpy(text, host.ptr, host.len);
    text[host.len] = 0;
    return SSL_set_tlsext_host_name(ssl, text) == 1;
}

static enum err equip(struct tls_flow *f)
{
    enum err e = tls_flow_equip(f, f->client->context, f->client->method);
    if (e)
        return e;
    SSL_set_connect_state(f->core.ssl);
    return name_host(f->core.ssl, f->handshake->host) ? OK : ERR_ARGUMENT;
}

static void finished(struct tls_flow *f, const struct tls_handshake *h)
{
    h->answer(h->owner, OK, "", &f->flow);
}

static const char *explain(const struct tls_flow *f, enum err why, char text[TLS_REASON_MAX])
{
    if (f->handshake->reason[0])
        return f->handshake->reason;
    if (why == ERR_TIMEOUT)
        return "it did not finish the TLS handshake in time";
    if (!f->core_failed)
        return "it ended the connection within the TLS handshake";
    if (f->core.failure == TLS_MEMORY)
        return "there is not enough memory for TLS";
    if (f->core.failure == TLS_ALERT)
        format_text(text, TLS_REASON_MAX, "it refused the TLS handshake: %s", f->core.reason);
    else
        format_text(text, TLS_REASON_MAX, "the TLS handshake failed: %s", f->core.reason);
    return text;
}

static void failed(struct tls_flow *f, enum err why)
{
    char text[TLS_REASON_MAX];
    const struct tls_handshake *h = f->handshake;
    h->answer(h->owner, why, explain(f, why, text), NULL);
}

static void broken(struct tls_flow *f, enum err why)
{
    (void)f;
    (void)why;
}

static void gone(struct tls_flow *f)
{
    f->client->flows--;
    release(f->client);
}

static const struct tls_side side = {
    .equip = equip, .finished = finished, .failed = failed, .broken = broken, .gone = gone};

enum err tls_connect(struct tls_client *c, struct flow *below, struct slice host,
                     tls_connect_fn *answer, void *owner, struct tls_connecting **into)
{
    uint8_t *copy = host.len && host.len <= HOST_MAX ? memory_alloc(host.len) : NULL;
    struct tls_flow *f = copy ? tls_flow_open(below, &side) : NULL;
    if (!f) {
        if (!copy)
            flow_abort(below);
        memory_free(copy);
        return host.len && host.len <= HOST_MAX ? ERR_MEMORY : ERR_ARGUMENT;
    }
    memcpy(copy, host.ptr, host.len);
    f->client = c;
    f->spares = &c->spares;
    f->handshake->host = slice_of(copy, host.len);
    f->handshake->answer = answer;
    f->handshake->owner = owner;
    c->flows++;
    if (!tls_flow_begin(f))
        return ERR_MEMORY;
    tls_flow_post(f); /* says its hello */
    *into = (struct tls_connecting *)(void *)f;
    return OK;
}

void tls_cancel(struct tls_connecting *t)
{
    tls_flow_drop(&t->flow);
}

/* --- the client itself --- */

static bool offer_protocols(SSL_CTX *c, const struct buf *list)
{
    return list->len == 0 || SSL_CTX_set_alpn_protos(c, list->ptr, list->len) == 0;
}

static enum err set_up(struct tls_client *c, const struct tls_client_config *config)
{
    enum err e = OK;
    uint8_t bytes[16];
    struct buf list;
    if (config->pin_count > TLS_PINS_MAX || (!config->pin_count && !config->anchors.len))
        return ERR_ARGUMENT;
    c->pin_count = config->pin_count;
    if (c->pin_count)
        memcpy(c->pins, config->pins, c->pin_count * sizeof *c->pins);
    else
        c->anchors = tls_anchors_open(config->anchors, &e);
    c->context = tls_context();
    c->method = tls_core_method();
    buf_init(&list, PROTOCOLS_MAX);
    if (!e)
        e = tls_protocols_write(config->protocols, config->protocol_count, &list);
    if (!e && (!c->context || !c->method || RAND_bytes(bytes, sizeof bytes) != 1 ||
               !offer_protocols(c->context, &list)))
        e = ERR_MEMORY;
    if (!e)
        SSL_CTX_set_custom_verify(c->context, SSL_VERIFY_PEER, verify_server);
    buf_deinit(&list);
    ERR_clear_error();
    return e;
}

enum err tls_client_open(const struct tls_client_config *config, struct tls_client **into)
{
    struct tls_client *c = memory_zalloc(sizeof *c);
    if (!c)
        return ERR_MEMORY;
    tls_spares_init(&c->spares);
    enum err e = set_up(c, config);
    if (e)
        tls_client_close(c);
    else
        *into = c;
    return e;
}

void tls_client_close(struct tls_client *c)
{
    c->closed = true;
    release(c);
}

bool tls_pin_parse(struct slice text, struct tls_pin *into)
{
    const struct slice prefix = SLICE("sha256:");
    if (!slice_starts(text, prefix))
        return false;
    text = slice_drop(text, prefix.len);
    for (size_t i = 0; i < sizeof into->sha256; i++) {
        uint64_t byte;
        if (i && text.len && text.ptr[0] == ':')
            text = slice_drop(text, 1);
        if (text.len < 2 || !slice_hex(slice_take(text, 2), 255, &byte))
            return false;
        into->sha256[i] = (uint8_t)byte;
        text = slice_drop(text, 2);
    }
    return text.len == 0;
}
