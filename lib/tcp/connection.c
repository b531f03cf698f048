/* Connections: how they begin, which states they go through, how they end. */
#include "lib/tcp/internal.h"

_Static_assert(offsetof(struct tcp_connection, entry) == 0, "found by its entry");
_Static_assert(
    sizeof(struct tcp_connection) <= 984,
    "an idle connection costs at most 1 KiB: this, 8 bytes of its pool, 32 of the table");

uint32_t tcp_headers(const struct tcp_tuple *tuple)
{
    return TCP_HEADER_MIN + (address_is_v4(tuple->remote) ? 20u : 40u);
}

/* --- the beginning --- */

struct tcp_connection *tcp_connection_new(struct tcp *t, const struct tcp_tuple *tuple)
{
    struct tcp_connection *c = pool_take(&t->connections);
    if (!c)
        return NULL;
    c->entry.tuple = *tuple;
    c->entry.kind = TCP_KIND_CONNECTION;
    c->tcp = t;
    c->flow.ops = &tcp_flow_ops;
    c->paused = true;
    c->progress_at = c->heard_at = t->now;
    for (size_t i = 0; i < TCP_DUES; i++)
        c->due[i] = UINT64_MAX;
    c->stamp_offset = tcp_stamp_offset(&t->secrets, tuple);
    tcp_table_add(&t->table, &c->entry);
    c->in_table = true;
    return c;
}

uint32_t tcp_payload_of(const struct tcp_connection *c, uint32_t packet)
{
    uint32_t mss = packet - tcp_headers(&c->entry.tuple);
    if (mss > c->peer_mss)
        mss = c->peer_mss;
    return mss - (c->stamps ? TCP_STAMPS_SIZE : 0);
}

void tcp_set_mss(struct tcp_connection *c)
{
    uint32_t mss = tcp_payload_of(c, c->probe.size);
    if (mss == c->mss)
        return;
    c->mss = (uint16_t)mss;
    recovery_set_mss(&c->recovery, mss);
}

static uint16_t believed_mss(const struct tcp_connection *c, uint16_t said)
{
    if (said == 0)
        return address_is_v4(c->entry.tuple.remote) ? TCP_MSS_DEFAULT_V4 : TCP_MSS_DEFAULT_V6;
    return said < TCP_MSS_MIN ? TCP_MSS_MIN : said;
}

static void settle_path(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct address remote = c->entry.tuple.remote;
    uint32_t path = t->below.path_mtu(t->arg, remote);
    uint32_t link = t->below.link_mtu ? t->below.link_mtu(t->arg, remote) : path;
    probe_init(&c->probe, path, link, !address_is_v4(remote), t->now);
    c->mss = (uint16_t)tcp_payload_of(c, c->probe.size);
}

void tcp_connection_settle(struct tcp_connection *c, const struct tcp_settled *s)
{
    struct tcp *t = c->tcp;
    c->peer_mss = believed_mss(c, s->mss);
    c->offered_mss = s->offered_mss;
    c->stamps = s->stamps;
    c->stamp = s->stamp;
    c->stamp_at = tcp_ms(t->now);
    c->scaled = s->scale != 0;
    c->scale = s->scale ? tune_scale(TUNE_RECEIVE_MAX) : 0;
    c->peer_scale = s->scale ? (uint8_t)(s->scale - 1) : 0;
    c->ecn = s->ecn;
    c->quick = TCP_QUICK_ACKS;
    c->receive_mss = TCP_MSS_DEFAULT_V4;
    settle_path(c);
    struct recovery_options o = {c->mss, s->sack, s->ecn};
    recovery_init(&c->recovery, &o, s->first + 1, &t->recovery_counters);
    assembly_init(&c->assembly, s->peer_first + 1, &t->assembly);
    tune_init(&c->tune, s->scale ? TUNE_RECEIVE_MAX : UINT16_MAX, s->peer_first + 1, t->now);
    c->last_ack = s->peer_first + 1;
    c->edge = c->last_ack + (c->tune.window < UINT16_MAX ? c->tune.window : UINT16_MAX);
    c->window_seq = s->peer_first;
    c->window_ack = s->first + 1;
}

/* --- states --- */

void tcp_set_state(struct tcp_connection *c, enum tcp_state state)
{
    c->tcp->transitions[c->state][state]++;
    c->state = (uint8_t)state;
}

static void leave_table(struct tcp_connection *c)
{
    if (!c->in_table)
        return;
    c->in_table = false;
    tcp_table_remove(&c->tcp->table, &c->entry);
}

static void tell_end(struct tcp_connection *c, enum err why)
{
    if (c->connecting) {
        c->connecting = false;
        c->closed = true;
        tcp_count(c->tcp, TCP_CONNECTS_FAILED);
        c->answer(c->flow.owner, why, NULL);
    } else if (!c->told && !c->closed && c->flow.events) {
        c->told = true;
        c->flow.events->on_end(c->flow.owner, why);
    }
}

/* What is left of it: its structure, until tcp_attend frees it. */
static void die(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->state != TCP_CLOSED)
        tcp_set_state(c, TCP_CLOSED);
    leave_table(c);
    tcp_wheel_stop(&t->wheel, &c->timer);
    tcp_queue_drop(&t->chunks, &c->out, UINT64_MAX);
    t->orphans -= c->orphan;
    c->orphan = false;
    tcp_schedule(c);
}

void tcp_end(struct tcp_connection *c, enum err why)
{
    if (c->state == TCP_CLOSED)
        return;
    die(c);
    c->ended = (uint8_t)why;
    tell_end(c, why);
}

void tcp_cut(struct tcp_connection *c, enum err why)
{
    if (c->state >= TCP_SYN_RECEIVED) {
        (void)tcp_send(c, TCP_RST, tcp_next(c), NULL);
        tcp_count(c->tcp, TCP_RESET_BY_US);
    }
    tcp_end(c, why);
}

void tcp_enter_time_wait(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    tcp_set_state(c, TCP_TIME_WAIT);
    leave_table(c);
    struct tcp_wait *w = tcp_waits_add(&t->waits, &c->entry.tuple, t->now, TCP_TIME_WAIT_NS);
    t->counters[TCP_TIME_WAITS_SHED] = t->waits.shed;
    if (w) {
        tcp_count(t, TCP_TIME_WAITS);
        w->send_next = tcp_next(c);
        w->receive_next = tcp_receive_next(c);
        w->stamp = c->stamp;
        w->entry.flags = c->stamps ? TCP_WAIT_STAMPS : 0;
    }
    /* What acknowledges the peer's end: the connection will not be there any more to do it. */
    (void)tcp_send(c, 0, tcp_next(c), NULL);
    tcp_over(c);
}

void tcp_over(struct tcp_connection *c)
{
    tcp_count(c->tcp, TCP_ENDED);
    if (c->closed)
        tcp_end(c, ERR_CLOSED);
    else
        die(c);
}

void tcp_free(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->state != TCP_CLOSED)
        die(c);
    recovery_deinit(&c->recovery);
    assembly_deinit(&c->assembly);
    pool_give(&t->connections, c);
}
