/*
 * What ICMP says about our segments (RFC 9293, 3.9.2.2). Anybody can send such messages: they count
 * only where they quote a number that is in flight (RFC 5927, 4.1), and never end a connection that
 * is established; they are remembered as the likely reason, should it end for lack of answers.
 */
#include "lib/tcp/internal.h"

#include "runtime/reader.h"

static const uint8_t reasons[] = {
    [IP_ERROR_UNREACHABLE] = ERR_UNREACHABLE,
    [IP_ERROR_REFUSED] = ERR_REFUSED,
    [IP_ERROR_TIME] = ERR_UNREACHABLE,
    [IP_ERROR_TOO_BIG] = OK,
};

void tcp_path_shrinks(struct tcp_connection *c, uint32_t mtu)
{
    if (!tcp_synchronized(c) || !probe_complained(&c->probe, mtu, c->tcp->now))
        return;
    tcp_count(c->tcp, TCP_SHRUNK);
    tcp_set_mss(c);
    recovery_too_big(&c->recovery);
    tcp_schedule(c);
}

static bool in_flight(const struct tcp_connection *c, seq_t seq)
{
    if (!tcp_synchronized(c))
        return seq == tcp_una(c) - 1; /* the SYN */
    return seq_at_least(seq, tcp_una(c)) && seq_before(seq, tcp_next(c));
}

void tcp_complain(struct tcp *t, uint64_t now, const struct ip_complaint *m)
{
    struct reader r = reader_of(m->header);
    struct tcp_tuple tuple = {.local = m->source, .remote = m->destination};
    tuple.local_port = read_be16(&r);
    tuple.remote_port = read_be16(&r);
    seq_t seq = read_be32(&r);
    t->now = now;
    struct tcp_entry *e = r.bad ? NULL : tcp_table_find(&t->table, &tuple);
    struct tcp_connection *c = (struct tcp_connection *)(void *)e;
    if (!e || e->kind != TCP_KIND_CONNECTION || !in_flight(c, seq)) {
        tcp_count(t, TCP_COMPLAINTS_STRANGE);
        return;
    }
    tcp_count(t, TCP_COMPLAINTS);
    if (m->why == IP_ERROR_TOO_BIG) {
        t->below.learn_path_mtu(t->arg, m->destination, m->mtu);
        tcp_path_shrinks(c, m->mtu);
        return;
    }
    c->soft = reasons[m->why];
    if (m->why == IP_ERROR_REFUSED && c->state == TCP_SYN_SENT)
        tcp_end(c, ERR_REFUSED); /* RFC 9293, 3.9.2.2: hard, and nothing is lost by believing it */
}
