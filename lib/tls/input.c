/* What comes in: the handshake, then records, as far as signer and owner are ready for it. */
#include "lib/tls/internal.h"
#include "signatures/memory.h"

/* The reason that an owner, or a connecting client, is told. */
static enum err reason_of(const struct tls_flow *f)
{
    switch (f->core.failure) {
    case TLS_MEMORY:
        return ERR_MEMORY;
    case TLS_NO_COMMON:
        return ERR_UNSUPPORTED;
    case TLS_CERTIFICATE:
        return ERR_DENIED;
    case TLS_OVERSIZED:
        return ERR_LIMIT;
    case TLS_ALERT:
        return ERR_REFUSED;
    case TLS_SIGNER:
        return ERR_IO;
    default:
        return ERR_MALFORMED;
    }
}

static void fail(struct tls_flow *f, enum tls_failure failure)
{
    f->core.failure = failure;
    f->core_failed = true;
    tls_flow_end(f, reason_of(f));
}

/* --- the handshake --- */

static void on_finished(struct tls_flow *f)
{
    struct tls_handshake *h = f->handshake;
    timer_stop(&f->timer);
    f->handshake = NULL;
    f->side->finished(f, h);
    tls_handshake_free(f, h);
}

/* True: go on with reading. */
static bool shake_hands(struct tls_flow *f)
{
    if (f->handshake->signing)
        return false;
    enum tls_step step = tls_core_handshake(&f->core);
    if (f->failed) {
        fail(f, TLS_MEMORY);
    } else if (step == TLS_STEP_DONE) {
        on_finished(f);
        return !f->dead;
    } else if (step == TLS_STEP_FAILED) {
        fail(f, f->handshake->signer_failed ? TLS_SIGNER : f->core.failure);
    } else if (step == TLS_STEP_CLOSED) {
        tls_flow_end(f, ERR_CLOSED);
    } else if (f->core.taken > TLS_HANDSHAKE_BYTES) {
        fail(f, TLS_OVERSIZED);
    }
    return false;
}

/* --- records --- */

static bool may_read(const struct tls_flow *f)
{
    return !f->paused && !f->ended && !f->closed && !f->dead && !f->peer_closed;
}

static void read_records(struct tls_flow *f)
{
    uint8_t bytes[TLS_RECORD_MAX];
    size_t len;
    while (may_read(f)) {
        enum tls_step step = tls_core_read(&f->core, bytes, &len);
        if (step == TLS_STEP_DONE) {
            f->flow.events->on_data(f->flow.owner, slice_of(bytes, len));
        } else if (step == TLS_STEP_CLOSED) {
            f->peer_closed = true;
        } else {
            if (step == TLS_STEP_FAILED || f->failed)
                fail(f, f->failed ? TLS_MEMORY : f->core.failure);
            return;
        }
    }
}

static void tell_eof(struct tls_flow *f)
{
    if (!f->peer_closed || f->eof_told || f->paused || f->closed || f->ended || f->dead)
        return;
    f->eof_told = true;
    if (f->flow.events->on_eof)
        f->flow.events->on_eof(f->flow.owner);
    else
        tls_flow_end(f, ERR_CLOSED);
}

/* The connection ended without close_notify: somebody may have cut it (RFC 8446, 6.1). */
static void tell_truncation(struct tls_flow *f)
{
    if (f->below_eof && !f->peer_closed && !f->ended && !f->dead && f->core.in.len == 0)
        tls_flow_end(f, ERR_RESET);
}

static void advance(struct tls_flow *f)
{
    if (f->handshake && !f->core.ssl && f->side->equip(f) != OK) {
        fail(f, TLS_MEMORY);
        return;
    }
    if (f->handshake && !shake_hands(f))
        return;
    if (f->flow.events)
        read_records(f);
    if (f->flow.events)
        tell_eof(f);
}

/* --- from the flow below --- */

/* Input that is not wanted yet is kept, and no more of it is taken. */
static void hold(struct tls_flow *f)
{
    if (f->core.in.len == 0 || f->ended || f->dead || f->closed || f->peer_closed)
        return;
    buf_put(&f->held, f->core.in);
    f->core.in.len = 0;
    if (f->held.err) {
        fail(f, f->held.err == ERR_MEMORY ? TLS_MEMORY : TLS_OVERSIZED);
        return;
    }
    if (!f->below_paused) {
        f->below_paused = true;
        flow_pause(f->below, true);
    }
}

static bool wants_input(const struct tls_flow *f)
{
    return f->handshake ? !f->handshake->signing : may_read(f);
}

void tls_input_work(struct tls_flow *f)
{
    struct slice held = buf_release(&f->held);
    tls_flow_enter(f);
    f->core.in = held;
    advance(f);
    hold(f);
    tell_truncation(f);
    f->core.in = slice_of(NULL, 0);
    if (f->below_paused && !f->below_closed && f->held.len == 0 && wants_input(f)) {
        f->below_paused = false;
        flow_pause(f->below, false);
    }
    tls_flow_leave(f);
    memory_free((void *)(uintptr_t)held.ptr);
}

static void on_data(void *owner, struct slice bytes)
{
    struct tls_flow *f = owner;
    if (f->ended || f->closed || f->dead)
        return;
    tls_flow_enter(f);
    f->core.in = bytes;
    if (f->held.len == 0)
        advance(f);
    hold(f);
    f->core.in = slice_of(NULL, 0);
    if (!f->ended && !f->dead)
        tls_output_work(f);
    tls_flow_leave(f);
}

static void on_eof(void *owner)
{
    struct tls_flow *f = owner;
    f->below_eof = true;
    if (f->handshake)
        tls_flow_end(f, ERR_RESET);
    else if (!f->ended && !f->dead && !f->closed && f->held.len == 0)
        tell_truncation(f);
}

static void on_room(void *owner)
{
    struct tls_flow *f = owner;
    if (!f->ended && !f->dead)
        tls_output_work(f);
}

static void on_end(void *owner, enum err why)
{
    tls_flow_end(owner, why);
}

const struct flow_events tls_below_events = {on_data, on_eof, on_room, on_end};
