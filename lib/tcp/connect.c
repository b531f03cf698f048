/* Opening a connection ourselves (RFC 9293, 3.10.1 and 3.10.7.3), also when both ends do it at once. */
#include "lib/tcp/internal.h"

/* A port may be drawn where nothing is known of the pair; or only that it has ended, a second ago at
 * least, with timestamps by which the peer tells the new connection from the old (RFC 6191's reasoning,
 * seen from this end). */
static bool is_free(void *arg, const struct tcp_tuple *tuple)
{
    struct tcp *t = arg;
    if (tcp_port_listens(t, tuple->local_port))
        return false;
    struct tcp_entry *e = tcp_table_find(&t->table, tuple);
    if (!e)
        return true;
    if (e->kind != TCP_KIND_TIME_WAIT)
        return false;
    struct tcp_wait *w = (struct tcp_wait *)(void *)e;
    uint32_t age = (uint32_t)((t->now + TCP_TIME_WAIT_NS) / TCP_WAIT_TICK) - w->expiry;
    if (!(e->flags & TCP_WAIT_STAMPS) || age < CLOCK_SEC / TCP_WAIT_TICK || age > INT32_MAX)
        return false;
    tcp_count(t, TCP_TIME_WAITS_RECYCLED);
    tcp_waits_remove(&t->waits, w);
    return true;
}

static enum err refuse(struct tcp *t, enum err why)
{
    tcp_count(t, TCP_CONNECTS_REFUSED);
    return why;
}

/* What we ask for. The peer's answer settles it. */
static void begin(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct tcp_settled wished = {
        .first = tcp_isn(&t->secrets, &c->entry.tuple, t->now),
        .offered_mss = tcp_offer_mss(t, &c->entry.tuple),
    };
    tcp_connection_settle(c, &wished);
    tcp_set_state(c, TCP_SYN_SENT);
    c->due[DUE_PATIENCE] = t->now; /* the first SYN */
    tcp_schedule(c);
}

/* The pair of endpoints. */
static enum err choose(struct tcp *t, struct endpoint local, struct endpoint remote,
                       struct tcp_tuple *tuple)
{
    *tuple = (struct tcp_tuple){local.address, remote.address, local.port, remote.port};
    if (remote.port == 0)
        return ERR_ARGUMENT;
    if (address_equal(&local.address, &ADDRESS_ANY) &&
        !t->below.source(t->arg, remote.address, &tuple->local))
        return ERR_UNREACHABLE;
    if (local.port)
        return is_free(t, tuple) ? OK : ERR_EXISTS;
    return tcp_ports_draw(&t->ports, tuple, is_free, t) ? OK : ERR_FULL;
}

enum err tcp_connect_from(struct tcp *t, struct endpoint local, struct endpoint remote,
                          connect_fn *answer, void *owner, struct tcp_connection **into)
{
    struct tcp_tuple tuple;
    if (t->connections.used >= t->limits.connections)
        return refuse(t, ERR_FULL);
    enum err e = choose(t, local, remote, &tuple);
    if (e)
        return refuse(t, e);
    struct tcp_connection *c = tcp_connection_new(t, &tuple);
    if (!c)
        return refuse(t, ERR_MEMORY);
    c->connecting = true;
    c->answer = answer;
    c->flow.owner = owner;
    begin(c);
    *into = c;
    return OK;
}

enum err tcp_connect(struct tcp *t, struct endpoint remote, connect_fn *answer, void *owner,
                     struct tcp_connection **into)
{
    return tcp_connect_from(t, (struct endpoint){.port = 0}, remote, answer, owner, into);
}

void tcp_cancel(struct tcp *t, struct tcp_connection *c)
{
    (void)t;
    c->connecting = false;
    c->closed = true;
    tcp_schedule(c);
}

/* --- the answer --- */

/* Both SYNs are exchanged: what was agreed on. */
static void settle(struct tcp_connection *c, const struct tcp_segment *s)
{
    bool both = s->flags & TCP_ACK;
    uint8_t asked = s->flags & (TCP_ECE | TCP_CWR);
    struct tcp_settled d = {
        .first = tcp_una(c) - 1,
        .peer_first = s->seq,
        .mss = s->mss,
        .offered_mss = c->offered_mss,
        .scale = s->scale,
        .stamps = s->stamped,
        .sack = s->sack_permitted,
        .stamp = s->stamp,
        /* RFC 3168, 6.1.1: ECE alone says yes to our asking. */
        .ecn = both ? asked == TCP_ECE && c->tries <= 1 : asked == (TCP_ECE | TCP_CWR),
    };
    recovery_deinit(&c->recovery);
    assembly_deinit(&c->assembly);
    tcp_connection_settle(c, &d);
    c->peer_window = c->peer_window_max = s->window; /* never scaled in a SYN */
}

void tcp_established(struct tcp_connection *c)
{
    connect_fn *answer = c->connecting ? c->answer : NULL;
    uint64_t rtt = c->tries > 1 ? 0 : c->tcp->now - c->progress_at;
    recovery_established(&c->recovery, rtt, c->tries > 2, c->tcp->now);
    tcp_set_state(c, TCP_ESTABLISHED);
    c->due[DUE_PATIENCE] = UINT64_MAX;
    c->tries = 0;
    c->ack_now = true;
    c->progress_at = c->tcp->now;
    tcp_count(c->tcp, TCP_CONNECTED);
    tcp_schedule(c);
    c->connecting = false;
    c->received = 0;
    if (!answer)
        return;
    void *owner = c->flow.owner;
    c->flow.owner = NULL;
    answer(owner, OK, &c->flow);
}

void tcp_syn_sent_input(struct tcp_connection *c, const struct tcp_segment *s)
{
    struct tcp *t = c->tcp;
    bool answers = s->flags & TCP_ACK;
    if (answers && s->ack != tcp_una(c)) {
        tcp_count(t, TCP_DROP_ACK);
        tcp_reply_reset(t, &c->entry.tuple, s);
        return;
    }
    if (s->flags & TCP_RST) {
        if (answers)
            tcp_end(c, ERR_REFUSED);
        else
            tcp_count(t, TCP_DROP_RESET);
        return;
    }
    if (!(s->flags & TCP_SYN)) {
        tcp_count(t, TCP_DROP_HALF_OPEN);
        return;
    }
    settle(c, s);
    if (answers) {
        tcp_established(c);
        return;
    }
    tcp_count(t, TCP_SIMULTANEOUS);
    tcp_set_state(c, TCP_SYN_RECEIVED);
    c->tries = 0;
    c->due[DUE_PATIENCE] = t->now;
    tcp_schedule(c);
}

/* Where both ends have opened: the answer to our SYN, with or without the peer's once more. False:
 * done with it. */
bool tcp_syn_received_input(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (s->ack != tcp_una(c)) {
        tcp_count(c->tcp, TCP_DROP_ACK);
        tcp_reply_reset(c->tcp, &c->entry.tuple, s);
        return false;
    }
    c->peer_window = (uint32_t)s->window << (s->flags & TCP_SYN ? 0 : c->peer_scale);
    tcp_established(c);
    return !(s->flags & TCP_SYN);
}
