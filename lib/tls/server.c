/* The server's side: whom a connection is served as, whom it asks, what is counted. See tls.h. */
#include "lib/tls/internal.h"
#include "signatures/memory.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#define TICKET_SECONDS (TLS_TICKET_KEY_NS / CLOCK_SEC)
#define PROTOCOLS_MAX  ((size_t)TLS_ALPN_MAX * 256)

static struct tls_server *server_of(const SSL *ssl)
{
    return tls_flow_of(ssl)->server;
}

/* --- called by libssl in a handshake --- */

static struct slice host_of(const SSL *ssl)
{
    return slice_text(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

static int choose_certificate(SSL *ssl, void *arg)
{
    const struct tls_server *s = server_of(ssl);
    (void)arg;
    return tls_identity_use(ssl, tls_identities_choose(s->identities, host_of(ssl)));
}

/* The first of ours that the client has; the offer is a list as in RFC 7301, 3.1, which libssl has
 * checked. */
static int choose_protocol(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                           unsigned in_len, void *arg)
{
    const struct tls_server *s = server_of(ssl);
    (void)arg;
    for (size_t i = 0; i < s->protocol_count; i++) {
        struct slice ours = slice_text(s->protocols[i]), rest = slice_of(in, in_len);
        while (rest.len) {
            struct slice theirs = slice_take(slice_drop(rest, 1), rest.ptr[0]);
            rest = slice_drop(rest, 1 + theirs.len);
            if (slice_equal(ours, theirs)) {
                *out = theirs.ptr;
                *out_len = (uint8_t)theirs.len;
                return SSL_TLSEXT_ERR_OK;
            }
        }
    }
    return s->protocol_count ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

static enum ssl_verify_result_t verify_client(SSL *ssl, uint8_t *alert)
{
    struct tls_flow *f = tls_flow_of(ssl);
    struct tls_server *s = f->server;
    if (!s->anchors)
        return ssl_verify_ok; /* the caller looks at the fingerprint */
    if (tls_verify_chain(ssl, s->anchors, TLS_ROLE_CLIENT, slice_of(NULL, 0),
                         f->handshake->reason) == OK)
        return ssl_verify_ok;
    *alert = SSL_AD_BAD_CERTIFICATE;
    return ssl_verify_invalid;
}

static size_t ticket_overhead(SSL *ssl)
{
    (void)ssl;
    return TICKET_OVERHEAD;
}

static int ticket_seal(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out, const uint8_t *in,
                       size_t in_len)
{
    struct tls_server *s = server_of(ssl);
    return max_out >= in_len + TICKET_OVERHEAD &&
           tls_ticket_seal(&s->tickets, clock_monotonic(), host_of(ssl), slice_of(in, in_len), out,
                           out_len);
}

static enum ssl_ticket_aead_result_t ticket_open(SSL *ssl, uint8_t *out, size_t *out_len,
                                                 size_t max_out, const uint8_t *in, size_t in_len)
{
    struct tls_server *s = server_of(ssl);
    return tls_ticket_open(&s->tickets, clock_monotonic(), host_of(ssl), slice_of(in, in_len), out,
                           max_out, out_len)
               ? ssl_ticket_aead_success
               : ssl_ticket_aead_ignore_ticket;
}

/* --- connections --- */

static enum err equip(struct tls_flow *f)
{
    enum err e = tls_flow_equip(f, f->server->context, f->server->method);
    if (!e)
        SSL_set_accept_state(f->core.ssl);
    return e;
}

static void leave_unfinished(struct tls_flow *f)
{
    if (list_empty(&f->link))
        return;
    list_remove(&f->link);
    f->server->counters.unfinished--;
}

static void finished(struct tls_flow *f, const struct tls_handshake *h)
{
    struct tls_counters *c = &f->server->counters;
    struct tls_info info;
    leave_unfinished(f);
    c->open++;
    c->finished++;
    f->counted_open = true;
    tls_flow_info(&f->flow, &info);
    c->resumed += info.resumed;
    c->tls12 += info.version == TLS1_2_VERSION;
    f->authenticated =
        f->server->anchors && SSL_SESSION_has_peer_sha256(SSL_get_session(f->core.ssl));
    h->accept(h->owner, &f->flow);
}

static uint64_t *counter_of(struct tls_counters *c, enum tls_failure failure)
{
    switch (failure) {
    case TLS_OVERSIZED:
        return &c->oversized;
    case TLS_NO_COMMON:
        return &c->no_common;
    case TLS_PLAIN_HTTP:
        return &c->plain_http;
    case TLS_ALERT:
        return &c->alerts;
    case TLS_CERTIFICATE:
        return &c->certificates_refused;
    case TLS_RENEGOTIATION:
        return &c->renegotiations;
    case TLS_SIGNER:
        return &c->signer_failures;
    case TLS_MEMORY:
        return &c->no_memory;
    default:
        return &c->malformed;
    }
}

static void failed(struct tls_flow *f, enum err why)
{
    struct tls_counters *c = &f->server->counters;
    if (why == ERR_TIMEOUT)
        c->timeouts++;
    else if (f->core_failed)
        ++*counter_of(c, f->core.failure);
    else
        c->lost++;
}

static void broken(struct tls_flow *f, enum err why)
{
    struct tls_counters *c = &f->server->counters;
    if (f->core_failed && f->core.failure != TLS_MALFORMED)
        ++*counter_of(c, f->core.failure);
    else if (f->core_failed)
        c->broken_records++;
    else if (f->below_eof && why == ERR_RESET)
        c->truncated++;
}

static void gone(struct tls_flow *f)
{
    struct tls_server *s = f->server;
    leave_unfinished(f);
    s->counters.open -= f->counted_open;
    s->flows--;
    tls_server_release(s);
}

static const struct tls_side side = {
    .equip = equip, .finished = finished, .failed = failed, .broken = broken, .gone = gone};

/* One more than permitted: the oldest that has not finished makes room. */
static void shed(struct tls_server *s)
{
    s->counters.shed++;
    tls_flow_drop(CONTAINER(s->unfinished.next, struct tls_flow, link));
}

void tls_server_accept(struct tls_server *s, struct flow *below, accept_fn *accept, void *owner)
{
    s->counters.accepted++;
    if (s->counters.unfinished >= s->handshakes)
        shed(s);
    struct tls_flow *f = tls_flow_open(below, &side);
    if (!f) {
        s->counters.no_memory++;
        return;
    }
    f->server = s;
    f->spares = &s->spares;
    f->handshake->accept = accept;
    f->handshake->owner = owner;
    s->flows++;
    s->counters.unfinished++;
    list_append(&s->unfinished, &f->link);
    if (!tls_flow_begin(f))
        s->counters.no_memory++;
}

/* --- the server itself --- */

static bool configure(SSL_CTX *c, const struct tls_server *s)
{
    static const SSL_TICKET_AEAD_METHOD tickets = {ticket_overhead, ticket_seal, ticket_open};
    static const uint8_t session_context[] = "ringlet";
    const int verify[] = {
        [TLS_CLIENT_ASK] = SSL_VERIFY_PEER,
        [TLS_CLIENT_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_cert_cb(c, choose_certificate, NULL);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
    SSL_CTX_set_ticket_aead_method(c, &tickets);
    SSL_CTX_set_timeout(c, (uint32_t)TICKET_SECONDS);
    SSL_CTX_set_session_psk_dhe_timeout(c, (uint32_t)TICKET_SECONDS);
    if (s->client_auth != TLS_CLIENT_NONE)
        SSL_CTX_set_custom_verify(c, verify[s->client_auth], verify_client);
    return SSL_CTX_set_session_id_context(c, session_context, sizeof session_context - 1) == 1;
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *s)
{
    SSL_CTX *c = tls_context();
    if (c && !configure(c, s)) {
        SSL_CTX_free(c);
        c = NULL;
    }
    return c;
}

/* What the library makes once and cannot do without is made while a failure can still be told. */
static bool warm_up(void)
{
    uint8_t bytes[16];
    return RAND_bytes(bytes, sizeof bytes) == 1;
}

static enum err set_up(struct tls_server *s, const struct tls_server_config *config)
{
    enum err e = OK;
    struct buf list;
    buf_init(&list, PROTOCOLS_MAX);
    e = tls_protocols_write(config->protocols, config->protocol_count, &list);
    buf_deinit(&list);
    if (e)
        return e;
    s->protocol_count = config->protocol_count;
    if (s->protocol_count)
        memcpy(s->protocols, config->protocols, s->protocol_count * sizeof *s->protocols);
    if (config->client_auth != TLS_CLIENT_NONE && config->client_anchors.len)
        s->anchors = tls_anchors_open(config->client_anchors, &e);
    s->context = tls_server_context(s);
    s->method = tls_core_method();
    if (!e && (!s->context || !s->method || !warm_up()))
        e = ERR_MEMORY;
    ERR_clear_error();
    return e;
}

enum err tls_server_open(const struct tls_server_config *config, struct tls_server **into,
                         struct buf *error)
{
    struct tls_server *s = memory_zalloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    list_init(&s->unfinished);
    list_init(&s->stacks);
    tls_spares_init(&s->spares);
    s->signer = config->signer;
    s->client_auth = config->client_auth;
    s->plain_answer = config->plain_answer;
    s->handshakes = config->handshakes ? config->handshakes : TLS_HANDSHAKES_MAX;
    enum err e = set_up(s, config);
    if (!e)
        e = tls_server_certificates(s, config->certificates, error);
    if (e && error->len == 0)
        buf_printf(error, "TLS cannot be set up: %s", err_text(e));
    if (e)
        tls_server_close(s);
    else
        *into = s;
    return e;
}

void tls_server_release(struct tls_server *s)
{
    if (!s->closed || s->flows)
        return;
    tls_tickets_deinit(&s->tickets);
    tls_spares_deinit(&s->spares);
    tls_identities_close(s->identities);
    tls_anchors_close(s->anchors);
    SSL_CTX_free(s->context);
    tls_core_method_free(s->method);
    memory_free(s);
}

void tls_server_close(struct tls_server *s)
{
    for (struct list *l; (l = list_shift(&s->stacks)) != NULL;)
        memory_free(l); /* the link comes first */
    while (!list_empty(&s->unfinished))
        tls_flow_drop(CONTAINER(s->unfinished.next, struct tls_flow, link));
    s->closed = true;
    tls_server_release(s);
}

enum err tls_server_certificates(struct tls_server *s, struct slice section, struct buf *error)
{
    struct tls_identities *ids;
    enum err e = tls_identities_open(s, section, &ids, error);
    if (e)
        return e;
    tls_identities_close(s->identities);
    s->identities = ids;
    return OK;
}

void tls_server_rotate(struct tls_server *s)
{
    tls_tickets_rotate(&s->tickets, clock_monotonic());
}

struct tls_counters tls_server_counters(const struct tls_server *s)
{
    return s->counters;
}
