/*
 * What arrives (RFC 9293, 3.10.7): found whom it is for, and whether it can be believed, in the order
 * of RFC 9293, 3.10.7.4 with the rules of RFC 7323 (PAWS) and RFC 5961 (blind attacks).
 */
#include "lib/tcp/internal.h"

static void now_ack(struct tcp_connection *c)
{
    c->ack_now = true;
    tcp_schedule(c);
}

/* An answer to what lies outside of the window. Without data it may itself be an answer to one of ours
 * that the peer finds strange: not more than one in a while. */
static void answer_strange(struct tcp_connection *c, const struct tcp_segment *s)
{
    uint32_t now = tcp_ms(c->tcp->now) | 1; /* 0: none was given yet */
    if (s->flags & TCP_RST)
        return;
    if (s->length == 0 && c->answer_at && now - c->answer_at < TCP_ANSWER_GAP / CLOCK_MS) {
        tcp_count(c->tcp, TCP_ACKS_LIMITED);
        return;
    }
    if (s->length == 0)
        c->answer_at = now;
    now_ack(c);
}

/* --- checks; false: the segment is done with --- */

static bool check_stamp(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (!c->stamps || !s->stamped || (int32_t)(s->stamp - c->stamp) >= 0)
        return true;
    if (tcp_ms(c->tcp->now) - c->stamp_at > TCP_STAMP_LIFE)
        return true;
    tcp_count(c->tcp, TCP_DROP_STAMP);
    answer_strange(c, s);
    return false;
}

/* Each is reported by an acknowledgement of its own (RFC 2883, 4): a sender counts them. */
static void note_duplicate(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (tcp_reports(c))
        (void)tcp_send(c, 0, tcp_next(c), NULL);
    assembly_duplicate(&c->assembly, (struct seq_range){s->seq, s->seq + s->length});
}

/* Acceptable where it begins within the window, or at its end (a peer that has used it up is still heard),
 * and does not end before what we have acknowledged. */
static bool check_sequence(struct tcp_connection *c, const struct tcp_segment *s)
{
    seq_t end = s->seq + tcp_segment_span(s), next = tcp_receive_next(c);
    if (!seq_after(s->seq, c->edge) && !seq_before(end, c->last_ack) &&
        !(s->length && seq_at_most(end, next)))
        return true;
    if (seq_at_most(end, next)) {
        tcp_count(c->tcp, TCP_DROP_OLD);
        if (s->length)
            note_duplicate(c, s);
    } else {
        tcp_count(c->tcp, TCP_DROP_WINDOW);
    }
    answer_strange(c, s);
    return false;
}

/* RFC 5961, 3.2. */
static void reset_input(struct tcp_connection *c, const struct tcp_segment *s)
{
    seq_t next = tcp_receive_next(c);
    if (s->seq == next) {
        tcp_count(c->tcp, TCP_RESET_BY_PEER);
        tcp_end(c, c->state == TCP_SYN_RECEIVED ? ERR_REFUSED : ERR_RESET);
        return;
    }
    tcp_count(c->tcp, TCP_DROP_RESET);
    if (seq_after(s->seq, next) && seq_before(s->seq, c->edge))
        tcp_challenge(c);
}

/* RFC 7323, 4.3; before the segment is acknowledged: an echo that is older than a retransmission would
 * tell the peer that the first sending had arrived (RFC 3522). */
static void note_stamp(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (!c->stamps || !s->stamped || seq_after(s->seq, c->last_ack))
        return;
    c->stamp = s->stamp;
    c->stamp_at = tcp_ms(c->tcp->now);
}

static bool is_crossed_syn(const struct tcp_connection *c, const struct tcp_segment *s)
{
    return c->state == TCP_SYN_RECEIVED && s->seq + 1 == tcp_receive_next(c) &&
           (s->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && s->ack == tcp_una(c);
}

static bool check(struct tcp_connection *c, const struct tcp_segment *s)
{
    if (s->flags & TCP_RST) {
        reset_input(c, s);
        return false;
    }
    if (is_crossed_syn(c, s))
        return true;
    if (!check_stamp(c, s) || !check_sequence(c, s))
        return false;
    if (s->flags & TCP_SYN) { /* RFC 5961, 4.2 */
        tcp_count(c->tcp, TCP_DROP_SYN);
        tcp_challenge(c);
        return false;
    }
    return true; /* with an ACK: see segment.c */
}

/* RFC 3168, 6.1.3: what arrived marked is echoed until the peer says that it has slowed down. */
static void note_congestion(struct tcp_connection *c, const struct tcp_segment *s,
                            const struct tcp_payload *p)
{
    if (!c->ecn)
        return;
    if (s->flags & TCP_CWR)
        c->ecn_echo = false;
    if (p->marked && p->length)
        c->ecn_echo = true;
}

void tcp_connection_input(struct tcp_connection *c, const struct tcp_segment *s,
                          struct tcp_payload *p)
{
    if (c->state == TCP_CLOSED)
        return; /* its owner did so from inside of a handler, a moment ago */
    if (c->state == TCP_SYN_SENT) {
        tcp_syn_sent_input(c, s);
        return;
    }
    if (!check(c, s))
        return;
    c->heard_at = c->tcp->now;
    c->probes = 0;
    if (c->state == TCP_SYN_RECEIVED && !tcp_syn_received_input(c, s))
        return;
    if (!tcp_ack_input(c, s))
        return;
    note_congestion(c, s, p);
    note_stamp(c, s);
    tcp_receive(c, s, p);
    tcp_schedule(c);
}

/* --- whom it is for --- */

/* Where everything stood when it ended, once more. */
static void answer_wait(struct tcp *t, const struct tcp_wait *w)
{
    const struct tcp_tuple *tuple = &w->entry.tuple;
    struct tcp_segment r = {
        .source = tuple->local_port,
        .destination = tuple->remote_port,
        .seq = w->send_next,
        .ack = w->receive_next,
        .flags = TCP_ACK,
        .window = UINT16_MAX,
        .stamped = w->entry.flags & TCP_WAIT_STAMPS,
        .stamp = tcp_stamp(tcp_stamp_offset(&t->secrets, tuple), t->now),
        .echo = w->stamp,
    };
    (void)tcp_emit(t, tuple, &r, NULL);
}

/* RFC 6191: a SYN that cannot be an old one, by its timestamp or its number. */
static bool is_new(const struct tcp_wait *w, const struct tcp_segment *s)
{
    bool stamps = (w->entry.flags & TCP_WAIT_STAMPS) && s->stamped;
    if ((s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    if (stamps && s->stamp != w->stamp)
        return (int32_t)(s->stamp - w->stamp) > 0;
    return seq_after(s->seq, w->receive_next);
}

/* The new connection's first number lies beyond all of the old one's. */
static void open_again(struct tcp *t, struct tcp_wait *w, struct tcp_listener *l,
                       const struct tcp_segment *s, const struct ip_arrival *a)
{
    struct tcp_tuple tuple = w->entry.tuple;
    seq_t first = tcp_isn(&t->secrets, &tuple, t->now), beyond = w->send_next + UINT16_MAX;
    if (!seq_after(first, beyond))
        first = beyond + 1;
    tcp_count(t, TCP_TIME_WAITS_RECYCLED);
    tcp_waits_remove(&t->waits, w);
    tcp_half_open(t, l, &tuple, s, a, first);
}

/* TIME-WAIT (RFC 9293, 3.10.7.4). A reset is not heeded (RFC 1337). */
void tcp_wait_input(struct tcp *t, struct tcp_wait *w, const struct tcp_segment *s,
                    const struct ip_arrival *a)
{
    struct tcp_listener *l = tcp_listener_find(t, &w->entry.tuple);
    if (l && is_new(w, s)) {
        open_again(t, w, l, s, a);
        return;
    }
    tcp_count(t, TCP_DROP_TIME_WAIT);
    bool end_again = (s->flags & TCP_FIN) && s->seq + s->length + 1 == w->receive_next;
    if (end_again && s->ack == w->send_next)
        w = tcp_waits_renew(&t->waits, w, t->now, TCP_TIME_WAIT_NS);
    /* What just acknowledges is what two ends in TIME-WAIT would tell each other for ever. */
    bool silent = !s->length && !(s->flags & (TCP_SYN | TCP_FIN)) && w && s->seq == w->receive_next;
    if (w && !silent && !(s->flags & TCP_RST) && tcp_may_challenge(t))
        answer_wait(t, w);
}

/* Nothing is known of the pair: the connection that a cookie makes, or NULL. */
static struct tcp_connection *stranger_input(struct tcp *t, const struct tcp_tuple *tuple,
                                             const struct tcp_segment *s,
                                             const struct ip_arrival *a)
{
    struct tcp_listener *l = tcp_listener_find(t, tuple);
    struct tcp_connection *c = NULL;
    uint8_t kind = s->flags & (TCP_SYN | TCP_ACK | TCP_RST);
    if (l && kind == TCP_SYN) {
        tcp_half_open(t, l, tuple, s, a, tcp_isn(&t->secrets, tuple, t->now));
        return NULL;
    }
    if (l && kind == TCP_ACK)
        c = tcp_cookie_input(t, l, tuple, s);
    if (!c) {
        tcp_count(t, TCP_DROP_NO_PORT);
        tcp_reply_reset(t, tuple, s);
    }
    return c;
}

/* What follows the header. False: in more parts than can be. */
static bool payload_of(const struct ip_arrival *a, const struct tcp_segment *s,
                       struct tcp_payload *p)
{
    size_t skip = s->header;
    p->count = 0;
    p->start = s->seq;
    p->length = s->length;
    p->unit = a->segment_size;
    p->marked = a->ecn == IP_CE;
    if (s->length == 0)
        return true;
    for (size_t i = 0; i < a->count; i++) {
        struct slice part = slice_drop(a->parts[i], skip);
        skip = 0;
        if (!part.len)
            continue;
        if (p->count == TCP_PARTS_MAX)
            return false;
        p->parts[p->count++] = part;
    }
    return true;
}

static size_t bytes_of(const struct ip_arrival *a)
{
    size_t total = 0;
    for (size_t i = 0; i < a->count; i++)
        total += a->parts[i].len;
    return total;
}

static void count_arrival(struct tcp *t, const struct ip_arrival *a, size_t total)
{
    t->counters[TCP_RECEIVED]++;
    t->counters[TCP_RECEIVED_SEGMENTS] +=
        a->segment_size ? (total + a->segment_size - 1) / a->segment_size : 1;
}

static void dispatch(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s,
                     const struct ip_arrival *a, struct tcp_payload *p)
{
    struct tcp_entry *e = tcp_table_find(&t->table, tuple);
    struct tcp_connection *c = NULL;
    if (!e)
        c = stranger_input(t, tuple, s, a);
    else if (e->kind == TCP_KIND_CONNECTION)
        c = (struct tcp_connection *)(void *)e;
    else if (e->kind == TCP_KIND_HALF_OPEN)
        c = tcp_half_input(t, (struct tcp_half *)(void *)e, s);
    else
        tcp_wait_input(t, (struct tcp_wait *)(void *)e, s, a);
    if (c)
        tcp_connection_input(c, s, p);
}

void tcp_input(struct tcp *t, uint64_t now, const struct ip_arrival *a)
{
    struct tcp_segment s;
    struct tcp_payload p;
    size_t total = bytes_of(a);
    t->now = now;
    count_arrival(t, a, total);
    enum err e = a->count ? tcp_segment_parse(a->parts[0], total, &s) : ERR_MALFORMED;
    if (e || !payload_of(a, &s, &p)) {
        tcp_count(t, e == ERR_LIMIT ? TCP_DROP_OPTIONS : TCP_DROP_MALFORMED);
        return;
    }
    if (a->to_many) {
        tcp_count(t, TCP_DROP_TO_MANY);
        return;
    }
    struct tcp_tuple tuple = {.local = a->destination,
                              .remote = a->source,
                              .local_port = s.destination,
                              .remote_port = s.source};
    dispatch(t, &tuple, &s, a, &p);
}
