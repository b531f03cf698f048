/*
 * Time: one timer of the wheel for each connection, which runs to the earliest of its deadlines or to
 * an earlier time; most deadlines are moved on long before they are reached, and then nothing is done
 * but to note it.
 */
#include "lib/tcp/internal.h"

static uint64_t now_of(const struct tcp_connection *c)
{
    return c->tcp->now;
}

static bool waits_for_peer(const struct tcp_connection *c)
{
    bool end = (c->closed || c->finished) && !c->fin_sent;
    return tcp_next(c) != tcp_una(c) || tcp_unsent(c) || end;
}

/* When we lose patience with a peer that does not take what we have for it. A closed window is not a
 * reason, as long as it answers and somebody on this side still waits. */
static uint64_t patience(const struct tcp_connection *c)
{
    if (!tcp_synchronized(c))
        return c->progress_at + TCP_CONNECT_NS;
    if (!waits_for_peer(c))
        return UINT64_MAX;
    uint64_t since = c->progress_at;
    if (!c->closed && tcp_next(c) == tcp_una(c) && c->heard_at > since)
        since = c->heard_at;
    return since + tcp_user_timeout_of(c);
}

void tcp_set_timer(struct tcp_connection *c)
{
    uint64_t at = patience(c), recovery = UINT64_MAX;
    if (tcp_synchronized(c))
        recovery = recovery_deadline(&c->recovery);
    if (recovery < at)
        at = recovery;
    for (size_t i = 0; i < TCP_DUES; i++)
        if (c->due[i] < at)
            at = c->due[i];
    if (at == UINT64_MAX)
        return;
    if (!tcp_timer_running(&c->timer) || at >> TCP_TICK_SHIFT < c->timer.tick)
        tcp_wheel_start(&c->tcp->wheel, &c->timer, at);
}

static bool passed(struct tcp_connection *c, enum tcp_due which)
{
    if (c->due[which] > now_of(c))
        return false;
    c->due[which] = UINT64_MAX;
    return true;
}

/* --- what each of them means --- */

static void lose_patience(struct tcp_connection *c)
{
    enum err why = c->soft ? (enum err)c->soft : ERR_TIMEOUT;
    tcp_count(c->tcp, c->closed ? TCP_ORPHANS_TIMED_OUT : TCP_TIMED_OUT);
    tcp_cut(c, why);
}

/* Whether the oldest packet in flight is larger than what is tried when large ones seem to vanish. */
static bool is_large(const struct tcp_connection *c)
{
    const struct probe *p = &c->probe;
    uint32_t bytes = tcp_next(c) - tcp_una(c), payload = bytes < c->mss ? bytes : c->mss;
    uint32_t packet = tcp_headers(&c->entry.tuple) + (c->stamps ? TCP_STAMPS_SIZE : 0) + payload;
    uint32_t next = p->size > PROBE_BLACK_HOLE ? PROBE_BLACK_HOLE : 0;
    return packet > (next > p->floor ? next : p->floor);
}

static void retransmit(struct tcp_connection *c)
{
    enum recovery_action what = recovery_expired(&c->recovery, now_of(c));
    if (what == RECOVERY_PROBE)
        c->probe_loss = true;
    if (what != RECOVERY_TIMEOUT)
        return;
    if (!probe_timeout(&c->probe, is_large(c), now_of(c)))
        return;
    tcp_count(c->tcp, TCP_SHRUNK);
    tcp_set_mss(c);
    recovery_too_big(&c->recovery);
}

static void probe_window(struct tcp_connection *c)
{
    if (tcp_next(c) != tcp_una(c) || !waits_for_peer(c))
        return;
    c->tries = (uint8_t)(c->tries + (c->tries < UINT8_MAX));
    if (c->peer_window)
        c->push_small = true;
    else
        c->probe_window = true;
}

/* RFC 9293, 3.8.4. True: the peer does not answer any more. */
static bool keep_alive(struct tcp_connection *c)
{
    uint64_t idle = (uint64_t)c->keep_idle * CLOCK_MS;
    if (!c->keep_idle)
        return false;
    if (now_of(c) - c->heard_at < idle || tcp_next(c) != tcp_una(c)) {
        c->due[DUE_KEEP] = now_of(c) - c->heard_at < idle ? c->heard_at + idle : now_of(c) + idle;
        return false;
    }
    if (c->probes >= c->keep_probes)
        return true;
    c->probe_keep = true;
    c->due[DUE_KEEP] = now_of(c) + (uint64_t)c->keep_interval * CLOCK_MS;
    return false;
}

/* What comes soon after would take the memory again: only after some time without anything. */
static void rest(struct tcp_connection *c)
{
    uint64_t quiet = c->heard_at > c->progress_at ? c->heard_at : c->progress_at;
    if (tcp_next(c) != tcp_una(c) || now_of(c) - quiet < TCP_REST)
        return;
    recovery_idle(&c->recovery);
    assembly_idle(&c->assembly);
}

static void expire(struct tcp_connection *c)
{
    tcp_schedule(c); /* which sets the timer again */
    if (patience(c) <= now_of(c)) {
        lose_patience(c);
        return;
    }
    if (!tcp_synchronized(c))
        return; /* output sends the next SYN */
    if (recovery_deadline(&c->recovery) <= now_of(c))
        retransmit(c);
    if (passed(c, DUE_ACK))
        c->ack_now = true;
    if (passed(c, DUE_WINDOW))
        probe_window(c);
    if (passed(c, DUE_CORK))
        c->push_small = true;
    if (passed(c, DUE_REST))
        rest(c);
    if ((passed(c, DUE_KEEP) && keep_alive(c)) ||
        (passed(c, DUE_PATIENCE) && c->state == TCP_FIN_WAIT_2))
        lose_patience(c);
}

void tcp_timer_fired(struct tcp *t, struct tcp_timer *timer)
{
    if (timer->kind == TCP_KIND_HALF_OPEN)
        tcp_half_expire(t, CONTAINER(timer, struct tcp_half, timer));
    else
        expire(CONTAINER(timer, struct tcp_connection, timer));
}
