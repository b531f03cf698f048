/*
 * A TLS connection as a flow: its life, and what its owner may do.
 *
 * What the owner asks for is only noted; it is done by a task, or at the end of the handler that the
 * flow below has called: tls_input_work, then tls_output_work.
 */
#include "lib/tls/segment.h"
#include "signatures/memory.h"

#include <openssl/ssl.h>

static struct tls_flow *self(const struct flow *f)
{
    return (struct tls_flow *)(uintptr_t)f;
}

/* --- the end --- */

void tls_handshake_free(struct tls_flow *f, struct tls_handshake *h)
{
    if (!h)
        return;
    if (h->signing)
        signer_cancel(f->server->signer, h->signing);
    memory_free(h->signature);
    memory_free((void *)(uintptr_t)h->host.ptr);
    memory_free(h);
}

static void destroy(struct tls_flow *f)
{
    if (!f->below_closed) {
        f->below_closed = true;
        flow_abort(f->below);
    }
    timer_stop(&f->timer);
    task_cancel(&f->task);
    tls_segments_drop(f);
    tls_chunks_drop(f);
    tls_handshake_free(f, f->handshake);
    tls_core_close(&f->core);
    buf_deinit(&f->held);
    f->side->gone(f);
    memory_free(f);
}

void tls_flow_enter(struct tls_flow *f)
{
    f->busy++;
}

void tls_flow_leave(struct tls_flow *f)
{
    if (--f->busy == 0 && f->dead)
        destroy(f);
}

void tls_flow_drop(struct tls_flow *f)
{
    f->dead = true;
    if (f->busy == 0)
        destroy(f);
}

static void close_below(struct tls_flow *f)
{
    if (f->below_closed)
        return;
    f->below_closed = true;
    if (list_empty(&f->unsent))
        flow_close(f->below);
    else
        flow_abort(f->below); /* an alert that it does not even take */
}

/* It is no TLS that is answered so. Where there is no room for it, it is left out. */
static void answer_plain_http(struct tls_flow *f)
{
    if (f->server && f->core_failed && f->core.failure == TLS_PLAIN_HTTP &&
        f->server->plain_answer.len > 0)
        flow_write(f->below, f->server->plain_answer);
}

static void tell_end(struct tls_flow *f)
{
    if (f->told || f->closed || !f->flow.events)
        return;
    f->told = true;
    f->flow.events->on_end(f->flow.owner, f->ended);
}

void tls_flow_end(struct tls_flow *f, enum err why)
{
    if (f->ended)
        return;
    f->ended = why;
    if (!f->below_closed)
        answer_plain_http(f);
    close_below(f);
    tls_flow_enter(f);
    tls_segments_drop(f);
    if (f->handshake) {
        f->side->failed(f, why);
        f->dead = true;
    } else {
        timer_stop(&f->timer);
        if (!f->closed)
            f->side->broken(f, why);
        tell_end(f);
        f->dead |= f->closed;
    }
    tls_flow_leave(f);
}

/* --- work --- */

static void work(struct tls_flow *f)
{
    tls_flow_enter(f);
    if (!f->ended)
        tls_input_work(f);
    if (!f->ended && !f->dead)
        tls_output_work(f);
    if (f->ended && !f->dead)
        tell_end(f); /* it had no owner when it ended */
    tls_flow_leave(f);
}

static void on_task(struct task *t)
{
    work(CONTAINER(t, struct tls_flow, task));
}

void tls_flow_post(struct tls_flow *f)
{
    task_post(&f->task);
}

static void on_timer(struct timer *t)
{
    struct tls_flow *f = CONTAINER(t, struct tls_flow, timer);
    if (f->handshake)
        tls_flow_end(f, ERR_TIMEOUT);
    else
        tls_flow_drop(f); /* closed, and the peer takes nothing */
}

/* --- operations; see signatures/flow.h --- */

static enum err may_write(struct tls_flow *f, size_t needed)
{
    if (f->ended)
        return f->ended;
    if (needed > TLS_QUEUE_MAX)
        return ERR_LIMIT;
    if (f->queued < TLS_QUEUE_MAX && needed <= TLS_QUEUE_MAX - f->queued)
        return OK;
    f->wants_room = true;
    return ERR_AGAIN;
}

static enum err flow_tls_write(struct flow *flow, struct slice bytes)
{
    struct tls_flow *f = self(flow);
    enum err e = may_write(f, bytes.len);
    if (!e)
        e = tls_segment_copy(f, bytes);
    if (!e)
        tls_flow_post(f);
    return e;
}

static enum err flow_tls_lend(struct flow *flow, struct slice bytes, struct loan loan)
{
    struct tls_flow *f = self(flow);
    enum err e = may_write(f, 0);
    if (!e)
        e = tls_segment_lend(f, bytes, loan);
    if (!e)
        tls_flow_post(f);
    return e;
}

static size_t flow_tls_room(const struct flow *flow)
{
    const struct tls_flow *f = self(flow);
    return f->ended || f->queued >= TLS_QUEUE_MAX ? 0 : TLS_QUEUE_MAX - f->queued;
}

/* What the flow below holds counts with the overhead of records, but never as more than was given. */
static size_t flow_tls_queued(const struct flow *flow)
{
    const struct tls_flow *f = self(flow);
    if (f->below_closed)
        return f->queued;
    uint64_t below = flow_queued(f->below);
    return f->queued + (size_t)(below < f->sealed ? below : f->sealed);
}

static void flow_tls_pause(struct flow *flow, bool paused)
{
    struct tls_flow *f = self(flow);
    f->paused = paused;
    if (f->below_closed) {
        tls_flow_post(f);
        return;
    }
    if (paused && !f->below_paused) {
        f->below_paused = true;
        flow_pause(f->below, true);
    } else if (!paused) {
        tls_flow_post(f);
    }
}

static void flow_tls_close(struct flow *flow)
{
    struct tls_flow *f = self(flow);
    f->closed = true;
    if (f->ended || !timer_start(&f->timer, clock_monotonic() + TLS_CLOSE_NS))
        tls_flow_drop(f);
    else
        tls_flow_post(f);
}

static void flow_tls_abort(struct flow *flow)
{
    struct tls_flow *f = self(flow);
    f->closed = true;
    tls_flow_drop(f);
}

static struct endpoint flow_tls_peer(const struct flow *flow)
{
    const struct tls_flow *f = self(flow);
    return f->peer;
}

static const struct flow_ops ops = {
    .write = flow_tls_write,
    .lend = flow_tls_lend,
    .room = flow_tls_room,
    .queued = flow_tls_queued,
    .pause = flow_tls_pause,
    .close = flow_tls_close,
    .abort = flow_tls_abort,
    .peer = flow_tls_peer,
};

/* --- the beginning --- */

struct tls_flow *tls_flow_open(struct flow *below, const struct tls_side *side)
{
    struct tls_flow *f = memory_zalloc(sizeof *f);
    struct tls_handshake *h = memory_zalloc(sizeof *h);
    if (!f || !h) {
        memory_free(f);
        memory_free(h);
        flow_abort(below);
        return NULL;
    }
    f->flow.ops = &ops;
    f->below = below;
    f->side = side;
    f->handshake = h;
    f->peer = flow_peer(below);
    f->paused = true;
    list_init(&f->link);
    list_init(&f->segments);
    list_init(&f->unsent);
    list_init(&f->lent);
    buf_init(&f->held, TLS_HELD_MAX);
    timer_init(&f->timer, on_timer);
    task_init(&f->task, on_task);
    return f;
}

static void put(void *arg, struct slice sealed)
{
    struct tls_flow *f = arg;
    if (!tls_chunk_put(f, sealed))
        f->failed = true;
}

enum err tls_flow_equip(struct tls_flow *f, struct ssl_ctx_st *context,
                        struct bio_method_st *method)
{
    return tls_core_open(&f->core, context, method, f, put, f);
}

bool tls_flow_begin(struct tls_flow *f)
{
    if (!timer_start(&f->timer, clock_monotonic() + TLS_HANDSHAKE_NS)) {
        tls_flow_drop(f);
        return false;
    }
    flow_own(f->below, &tls_below_events, f);
    return true;
}

/* --- what is known --- */

void tls_flow_info(const struct flow *flow, struct tls_info *into)
{
    const struct tls_flow *f = self(flow);
    const SSL *ssl = f->core.ssl;
    const uint8_t *protocol;
    unsigned protocol_len;
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_get0_alpn_selected(ssl, &protocol, &protocol_len);
    *into = (struct tls_info){
        .version = (uint16_t)SSL_version(ssl),
        .group = SSL_get_group_id(ssl),
        .cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)),
        .protocol = slice_of(protocol, protocol_len),
        .host = slice_text(host),
        .resumed = SSL_session_reused(ssl) == 1,
        .authenticated = f->authenticated,
    };
    const SSL_SESSION *session = SSL_get_session(ssl);
    const uint8_t *sha256 = NULL;
    size_t len = 0;
    if (session && SSL_SESSION_has_peer_sha256(session))
        SSL_SESSION_get0_peer_sha256(session, &sha256, &len);
    if (len == sizeof into->certificate_sha256)
        memcpy(into->certificate_sha256, sha256, len);
}
