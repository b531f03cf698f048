/*
 * The agenda: connections for which there is something to do, each once. What a turn of the loop
 * has brought, many segments and many writes, is answered together: one look at each connection.
 */
#include "lib/tcp/internal.h"

#define ROUNDS_ONCE \
    4 /* for what handlers have asked for meanwhile; then it is somebody else's turn */

void tcp_schedule(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->scheduled)
        return;
    c->scheduled = true;
    c->next_work = NULL;
    *t->agenda_end = c;
    t->agenda_end = &c->next_work;
    if (t->awake || t->working)
        return;
    t->awake = true;
    t->below.wake(t->arg);
}

/* --- what an owner has asked for --- */

static void begin_orphanage(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->orphan || c->state == TCP_CLOSED)
        return;
    if (t->orphans >= t->limits.orphans) {
        tcp_count(t, TCP_ORPHANS_SHED);
        tcp_cut(c, ERR_FULL);
        return;
    }
    c->orphan = true;
    t->orphans++;
    c->progress_at = t->now; /* our patience begins */
    if (c->state == TCP_FIN_WAIT_2)
        c->due[DUE_PATIENCE] = t->now + TCP_FIN_WAIT_NS;
    if (c->state == TCP_SYN_RECEIVED)
        tcp_cut(c, ERR_CANCELLED); /* nobody waits for it */
}

static void heed_owner(struct tcp_connection *c)
{
    if (c->state == TCP_SYN_SENT && c->closed)
        tcp_end(c, ERR_CANCELLED);
    else if (c->aborted)
        tcp_cut(c, ERR_CANCELLED);
    else if (c->closed)
        begin_orphanage(c);
}

/* Half of what may be queued is gone; or nearly all of it is under way, so that the sending would stop
 * before half of it is acknowledged. Not for less: an owner is not woken for crumbs. */
static bool has_room(const struct tcp_connection *c)
{
    size_t limit = tune_send_limit(cubic_window(&c->recovery.cubic), c->mss, tcp_scarce(c->tcp));
    size_t queued = tcp_queue_bytes(&c->out), some = limit / 8;
    return queued <= limit / 2 || (tcp_unsent(c) <= some && queued <= limit - some);
}

static void tell_room(struct tcp_connection *c)
{
    if (!c->wants_room || c->closed || c->ended || c->finished || !has_room(c))
        return;
    c->wants_room = false;
    if (c->flow.events && c->flow.events->on_room)
        c->flow.events->on_room(c->flow.owner);
}

/* It had no owner when it ended. */
static void tell_late_end(struct tcp_connection *c)
{
    if (!c->ended || c->told || c->closed || !c->flow.events)
        return;
    c->told = true;
    c->flow.events->on_end(c->flow.owner, c->ended);
}

void tcp_attend(struct tcp_connection *c)
{
    const struct tcp *t = c->tcp;
    if (c->lost_address)
        tcp_end(c, ERR_UNREACHABLE);
    if (!c->ended)
        tcp_deliver(c);
    if (c->closed)
        heed_owner(c);
    tell_late_end(c);
    if (c->state == TCP_CLOSED) {
        if (c->closed && !c->scheduled)
            tcp_free(c);
        return;
    }
    tcp_output(c);
    if (c->state == TCP_CLOSED)
        return; /* on the agenda again */
    if (c->due[DUE_REST] == UINT64_MAX && tcp_next(c) == tcp_una(c) && tcp_holds_memory(c))
        c->due[DUE_REST] = t->now + TCP_REST;
    tcp_set_timer(c);
    tell_room(c);
}

/* One round over those that are on the agenda now. */
static void round_of(struct tcp *t)
{
    struct tcp_connection *c = t->agenda, *next;
    t->agenda = NULL;
    t->agenda_end = &t->agenda;
    for (; c; c = next) {
        next = c->next_work;
        c->scheduled = false;
        tcp_attend(c);
    }
}

void tcp_flush(struct tcp *t, uint64_t now)
{
    t->now = now;
    t->awake = false;
    t->working = true;
    tcp_chunks_settle(&t->chunks, t->below.completed(t->arg));
    for (int i = 0; i < ROUNDS_ONCE && t->agenda && !t->blocked; i++)
        round_of(t);
    tcp_chunks_settle(&t->chunks, t->below.completed(t->arg));
    t->working = false;
    if (t->agenda && !t->blocked && !t->awake) {
        t->awake = true;
        t->below.wake(t->arg);
    }
}

void tcp_room(struct tcp *t, uint64_t now)
{
    t->blocked = false;
    tcp_flush(t, now);
}
