/* What goes out: records as large as there is content for, a bounded number of them ahead. */
#include "lib/tls/segment.h"

static bool may_seal(const struct tls_flow *f)
{
    return f->queued > 0 && f->ahead < TLS_AHEAD_MAX && list_empty(&f->unsent) && !f->ended &&
           !f->dead && !f->handshake;
}

static void seal(struct tls_flow *f)
{
    uint8_t scratch[TLS_RECORD_MAX];
    while (may_seal(f)) {
        struct slice next = tls_segments_peek(f, scratch);
        if (tls_core_write(&f->core, next) != TLS_STEP_DONE || f->failed) {
            f->core.failure = TLS_MEMORY;
            f->core_failed = true;
            tls_flow_end(f, ERR_MEMORY);
            return;
        }
        tls_segments_consume(f, next.len);
    }
}

static void tell_room(struct tls_flow *f)
{
    if (!f->wants_room || f->closed || f->ended || f->dead || f->queued > TLS_QUEUE_MAX / 2)
        return;
    f->wants_room = false;
    if (f->flow.events && f->flow.events->on_room)
        f->flow.events->on_room(f->flow.owner);
}

/* All is sealed: what is left is the flow below's to send. */
static void finish(struct tls_flow *f)
{
    if (f->queued > 0)
        return;
    if (!f->shut) {
        f->shut = true;
        tls_core_shutdown(&f->core);
    }
    if (list_empty(&f->unsent)) {
        f->below_closed = true;
        flow_close(f->below);
        tls_flow_drop(f);
    }
}

void tls_output_work(struct tls_flow *f)
{
    tls_flow_enter(f);
    tls_chunks_retry(f);
    seal(f);
    tell_room(f);
    seal(f); /* what the owner wrote into the room */
    if (f->closed && !f->ended && !f->dead)
        finish(f);
    tls_flow_leave(f);
}
