/*
 * Half-open connections (SYN-RECEIVED of a listener), in a structure much smaller than a connection's.
 * While their table is full, nothing is kept of a SYN: its answer is a cookie (isn.h), and the
 * connection begins with the acknowledgement of that.
 */
#include "lib/tcp/internal.h"

/* What the answer to a SYN says. */
struct answer {
    seq_t first, ack;
    uint16_t mss;
    uint32_t stamp, echo;
    bool stamps, scaled, sack, ecn;
};

static void send_syn_ack(struct tcp *t, const struct tcp_tuple *tuple, const struct answer *n)
{
    struct tcp_segment s = {
        .source = tuple->local_port,
        .destination = tuple->remote_port,
        .seq = n->first,
        .ack = n->ack,
        .window = (uint16_t)(TUNE_RECEIVE_FIRST < UINT16_MAX ? TUNE_RECEIVE_FIRST : UINT16_MAX),
        .flags = (uint8_t)(TCP_SYN | TCP_ACK | (n->ecn ? TCP_ECE : 0)),
        .mss = n->mss,
        .scale = n->scaled ? (uint8_t)(tune_scale(TUNE_RECEIVE_MAX) + 1) : 0,
        .sack_permitted = n->sack,
        .stamped = n->stamps,
        .stamp = n->stamp,
        .echo = n->echo,
    };
    (void)tcp_emit(t, tuple, &s, NULL);
}

/* RFC 3168, 6.1.1: ECE and CWR together ask for it. */
static bool asks_ecn(const struct tcp_segment *s)
{
    return (s->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

/* --- a connection comes of it --- */

static struct tcp_connection *promote(struct tcp *t, struct tcp_listener *l,
                                      const struct tcp_tuple *tuple, const struct tcp_settled *d,
                                      uint32_t window)
{
    struct tcp_connection *c = tcp_connection_new(t, tuple);
    if (!c) {
        tcp_count(t, TCP_DROP_CONNECTIONS);
        return NULL;
    }
    tcp_connection_settle(c, d);
    c->peer_window = c->peer_window_max = window;
    c->state = TCP_SYN_RECEIVED;
    tcp_set_state(c, TCP_ESTABLISHED);
    tcp_count(t, TCP_ACCEPTED);
    l->accept(l->owner, &c->flow);
    return c;
}

/* --- cookies --- */

static void send_cookie(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s)
{
    struct tcp_cookie keep = {
        .scale = s->stamped ? s->scale : 0,
        .sack = s->stamped && s->sack_permitted,
        .ecn = s->stamped && asks_ecn(s),
    };
    struct answer n = {
        .first = tcp_cookie_make(&t->secrets, tuple, s->seq, s->mss ? s->mss : TCP_MSS_DEFAULT_V4,
                                 t->now),
        .ack = s->seq + 1,
        .mss = tcp_offer_mss(t, tuple),
        .stamp = tcp_cookie_stamp(&keep, tcp_stamp_offset(&t->secrets, tuple), t->now),
        .echo = s->stamp,
        .stamps = s->stamped,
        .scaled = keep.scale != 0,
        .sack = keep.sack,
        .ecn = keep.ecn,
    };
    t->cookies_until = t->now + 2 * TCP_COOKIE_PERIOD;
    tcp_count(t, TCP_COOKIES_SENT);
    send_syn_ack(t, tuple, &n);
}

struct tcp_connection *tcp_cookie_input(struct tcp *t, struct tcp_listener *l,
                                        const struct tcp_tuple *tuple, const struct tcp_segment *s)
{
    struct tcp_cookie k;
    if (t->now >= t->cookies_until)
        return NULL;
    if (!tcp_cookie_check(&t->secrets, tuple, s->seq - 1, s->ack - 1, s->stamped, s->echo, t->now,
                          &k)) {
        tcp_count(t, TCP_COOKIES_WRONG);
        return NULL;
    }
    tcp_count(t, TCP_COOKIES_ACCEPTED);
    struct tcp_settled d = {
        .first = s->ack - 1,
        .peer_first = s->seq - 1,
        .mss = k.mss,
        .offered_mss = tcp_offer_mss(t, tuple),
        .scale = k.scale,
        .stamps = k.stamps,
        .sack = k.sack,
        .ecn = k.ecn,
        .stamp = s->stamp,
    };
    uint32_t window = (uint32_t)s->window << (k.scale ? k.scale - 1 : 0);
    struct tcp_connection *c = promote(t, l, tuple, &d, window);
    if (c)
        recovery_established(&c->recovery, 0, false, t->now);
    return c;
}

/* --- half-open --- */

static void answer_syn(struct tcp *t, struct tcp_half *h)
{
    struct answer n = {
        .first = h->first,
        .ack = h->peer_first + 1,
        .mss = h->offered_mss,
        .stamp = tcp_stamp(tcp_stamp_offset(&t->secrets, &h->entry.tuple), t->now),
        .echo = h->stamp,
        .stamps = h->stamps,
        .scaled = h->scale != 0,
        .sack = h->sack,
        .ecn = h->ecn,
    };
    h->sent_at = t->now;
    send_syn_ack(t, &h->entry.tuple, &n);
    tcp_wheel_start(&t->wheel, &h->timer, t->now + (TCP_RETRY_FIRST << h->tries));
}

void tcp_half_open(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tuple,
                   const struct tcp_segment *s, const struct ip_arrival *a, seq_t first)
{
    tcp_count(t, TCP_SYNS);
    if (t->connections.used >= t->limits.connections) {
        tcp_count(t, TCP_DROP_CONNECTIONS);
        return;
    }
    if (tcp_spent(t)) {
        tcp_count(t, TCP_DROP_MEMORY_SYN);
        return;
    }
    struct tcp_half *h = pool_take(&t->halves);
    if (!h) {
        send_cookie(t, tuple, s);
        return;
    }
    t->transitions[TCP_LISTEN][TCP_SYN_RECEIVED]++;
    h->entry.tuple = *tuple;
    h->entry.kind = TCP_KIND_HALF_OPEN;
    h->timer.kind = TCP_KIND_HALF_OPEN;
    h->listener = l;
    h->first = first;
    h->peer_first = s->seq;
    h->stamp = s->stamp;
    h->window = s->window;
    h->mss = s->mss;
    h->offered_mss = tcp_offer_mss(t, tuple);
    h->scale = s->scale;
    h->stamps = s->stamped;
    h->sack = s->sack_permitted;
    h->ecn = asks_ecn(s) && a->ecn == IP_NOT_ECT;
    list_append(&l->halves, &h->link);
    tcp_table_add(&t->table, &h->entry);
    answer_syn(t, h);
}

void tcp_half_close(struct tcp *t, struct tcp_half *h)
{
    tcp_table_remove(&t->table, &h->entry);
    tcp_wheel_stop(&t->wheel, &h->timer);
    list_remove(&h->link);
    pool_give(&t->halves, h);
}

void tcp_half_expire(struct tcp *t, struct tcp_half *h)
{
    if (h->tries >= TCP_SYN_ACK_TRIES) {
        tcp_count(t, TCP_HALF_OPEN_TIMED_OUT);
        t->transitions[TCP_SYN_RECEIVED][TCP_CLOSED]++;
        tcp_half_close(t, h);
        return;
    }
    h->tries++;
    tcp_count(t, TCP_SYN_ACKS_AGAIN);
    answer_syn(t, h);
}

/* The last step of the handshake. */
static struct tcp_connection *complete(struct tcp *t, struct tcp_half *h,
                                       const struct tcp_segment *s)
{
    struct tcp_settled d = {
        .first = h->first,
        .peer_first = h->peer_first,
        .mss = h->mss,
        .offered_mss = h->offered_mss,
        .scale = h->scale,
        .stamps = h->stamps,
        .sack = h->sack,
        .ecn = h->ecn,
        .stamp = h->stamp,
    };
    struct tcp_tuple tuple = h->entry.tuple;
    struct tcp_listener *l = h->listener;
    uint32_t window = (uint32_t)s->window << (h->scale ? h->scale - 1 : 0);
    uint64_t rtt = t->now - h->sent_at;
    bool again = h->tries > 0, again_and_again = h->tries > 1;
    tcp_half_close(t, h);
    struct tcp_connection *c = promote(t, l, &tuple, &d, window);
    if (c)
        recovery_established(&c->recovery, again ? 0 : rtt, again_and_again, t->now);
    return c;
}

/* RFC 5961, 3: only the very number that we wait for is believed. */
static void reset_input(struct tcp *t, struct tcp_half *h, const struct tcp_segment *s)
{
    if (s->seq != h->peer_first + 1) {
        tcp_count(t, TCP_DROP_RESET);
        return;
    }
    tcp_count(t, TCP_RESET_BY_PEER);
    t->transitions[TCP_SYN_RECEIVED][TCP_LISTEN]++;
    tcp_half_close(t, h);
}

static void syn_again(struct tcp *t, struct tcp_half *h, const struct tcp_segment *s)
{
    tcp_count(t, TCP_SYNS_AGAIN);
    if (s->seq == h->peer_first || tcp_may_challenge(t))
        answer_syn(t, h);
}

struct tcp_connection *tcp_half_input(struct tcp *t, struct tcp_half *h,
                                      const struct tcp_segment *s)
{
    if (s->flags & TCP_RST) {
        reset_input(t, h, s);
    } else if (s->flags & TCP_SYN) {
        syn_again(t, h, s);
    } else if (s->ack != h->first + 1) {
        tcp_count(t, TCP_DROP_HALF_OPEN);
        tcp_reply_reset(t, &h->entry.tuple, s);
    } else if (s->seq - (h->peer_first + 1) > TUNE_RECEIVE_FIRST ||
               (h->stamps && s->stamped && (int32_t)(s->stamp - h->stamp) < 0)) {
        tcp_count(t, TCP_DROP_HALF_OPEN);
    } else {
        return complete(t, h, s);
    }
    return NULL;
}
