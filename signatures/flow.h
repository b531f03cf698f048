/*
 * Flow: a reliable byte stream, such as a TCP connection, or TLS over one.
 *
 * A handle with operations; who hands one out (a stack's listener or connect, a TLS layer) says
 * with which events it reports. Rules that bind every implementation:
 *
 * - The owner calls flow_close or flow_abort exactly once, at any time, also from inside of a
 *   handler. From then on no handler is called; the handle must not be used any more.
 * - After on_end the flow carries nothing: every write answers with the same reason. The owner
 *   still has to close.
 * - on_data is never called with an empty slice, and never while paused. The bytes are valid until
 *   the handler returns; the owner takes all of them.
 * - What is written goes out in order, gathered: at the latest when control returns to the loop.
 * - A write is taken whole or not at all.
 * - Closing a layered flow closes the one below.
 */
#ifndef SIGNATURES_FLOW_H
#define SIGNATURES_FLOW_H

#include "runtime/address.h"
#include "runtime/err.h"
#include "runtime/slice.h"

struct flow;

/* What the owner is told. All handlers are called from the loop, never from inside of a call that
 * the owner makes. */
struct flow_events {
    /* Bytes arrived. */
    void (*on_data)(void *owner, struct slice bytes);
    /* The peer will send no more; writing is still possible. At most once. NULL: as on_end with
     * ERR_CLOSED. */
    void (*on_eof)(void *owner);
    /* There is room again after a write was refused with ERR_AGAIN. May be NULL for an owner that
     * never writes more than flow_room says. */
    void (*on_room)(void *owner);
    /* The stream is over, and why (never OK). Not called when the owner closed. At most once. */
    void (*on_end)(void *owner, enum err why);
};

/* Bytes lent to a flow: released exactly once, when they will not be read again (sent and
 * acknowledged, or the flow is gone), possibly after flow_close has returned. */
struct loan {
    void (*release)(void *arg); /* NULL: the bytes live as long as the program */
    void *arg;
};

struct flow_ops {
    enum err (*write)(struct flow *f, struct slice bytes);
    enum err (*lend)(struct flow *f, struct slice bytes, struct loan loan);
    size_t (*room)(const struct flow *f);
    size_t (*queued)(const struct flow *f);
    void (*pause)(struct flow *f, bool paused);
    void (*close)(struct flow *f);
    void (*abort)(struct flow *f);
    struct endpoint (*peer)(const struct flow *f);
};

/* The head of every implementation's own structure. */
struct flow {
    const struct flow_ops *ops;
    const struct flow_events *events;
    void *owner;
};

/* Sets who is told from now on: a flow handed out to a listener starts without an owner, paused
 * until this is called. */
static inline void flow_own(struct flow *f, const struct flow_events *events, void *owner)
{
    f->events = events;
    f->owner = owner;
    f->ops->pause(f, false);
}

/* Queues a copy. ERR_AGAIN: not enough room now, wait for on_room; ERR_LIMIT: more than there is
 * ever room for; other reasons: see on_end. */
static inline enum err flow_write(struct flow *f, struct slice bytes)
{
    return f->ops->write(f, bytes);
}

/* Queues without a copy: the bytes must not change until released. On any answer but OK nothing was
 * taken and release is not called. A loan is taken whatever its length as long as flow_room is
 * not 0. */
static inline enum err flow_lend(struct flow *f, struct slice bytes, struct loan loan)
{
    return f->ops->lend(f, bytes, loan);
}

/* How many bytes a flow_write would take now. */
static inline size_t flow_room(const struct flow *f)
{
    return f->ops->room(f);
}

/* How many bytes, written and lent, the flow still holds: what it was given less this is what the
 * peer has taken. By it an owner tells a slow reader from one who reads nothing. */
static inline size_t flow_queued(const struct flow *f)
{
    return f->ops->queued(f);
}

/* Back-pressure: while paused no on_data is called and the peer is slowed down. */
static inline void flow_pause(struct flow *f, bool paused)
{
    f->ops->pause(f, paused);
}

/* Ends in good order: what was queued is still sent (for as long as the peer goes on taking it; the
 * time without progress is bounded), then the end is told to the peer. */
static inline void flow_close(struct flow *f)
{
    f->ops->close(f);
}

/* Ends at once: queued bytes are dropped and the peer is told by a reset. */
static inline void flow_abort(struct flow *f)
{
    f->ops->abort(f);
}

static inline struct endpoint flow_peer(const struct flow *f)
{
    return f->ops->peer(f);
}

#endif
