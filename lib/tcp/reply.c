/* Answers that a stranger can make us give, each no more often than its limit. */
#include "lib/tcp/internal.h"

static bool take(struct tcp *t, struct tcp_limit *l, uint32_t rate)
{
    if (tcp_limit_over(l, t->now))
        tcp_limit_draw(l, rate, tcp_random(t), t->now);
    return tcp_limit_take(l);
}

/* RFC 9293, 3.10.7.1. */
void tcp_reply_reset(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s)
{
    if (s->flags & TCP_RST)
        return;
    if (!take(t, &t->resets, TCP_RESETS_RATE)) {
        tcp_count(t, TCP_RESETS_LIMITED);
        return;
    }
    struct tcp_segment r = {
        .source = tuple->local_port, .destination = tuple->remote_port, .flags = TCP_RST};
    if (s->flags & TCP_ACK) {
        r.seq = s->ack;
    } else {
        r.flags |= TCP_ACK;
        r.ack = s->seq + tcp_segment_span(s);
    }
    (void)tcp_emit(t, tuple, &r, NULL);
}

bool tcp_may_challenge(struct tcp *t)
{
    bool may = take(t, &t->challenges, TCP_CHALLENGES_RATE);
    tcp_count(t, may ? TCP_CHALLENGES : TCP_CHALLENGES_LIMITED);
    return may;
}

void tcp_challenge(struct tcp_connection *c)
{
    if (!tcp_may_challenge(c->tcp))
        return;
    c->ack_now = true;
    tcp_schedule(c);
}
