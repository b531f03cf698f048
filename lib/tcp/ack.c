/*
 * What the peer has taken (RFC 9293, 3.10.7.4, fifth): acknowledgements, its window, and the states
 * that follow when our end was acknowledged. What they mean for losses and congestion is
 * recovery.h's.
 */
#include "lib/tcp/internal.h"

/* RFC 5961, 5.2. Sets *old where it acknowledges less than is acknowledged already. */
static bool check_ack(struct tcp_connection *c, const struct tcp_segment *s, bool *old)
{
    *old = seq_before(s->ack, tcp_una(c));
    if (seq_after(s->ack, tcp_next(c)) ||
        (*old && tcp_una(c) - s->ack > c->peer_window_max + (c->peer_window_max == 0))) {
        tcp_count(c->tcp, TCP_DROP_ACK);
        tcp_challenge(c);
        return false;
    }
    return true;
}

/* True: the window is as it was. */
static bool update_window(struct tcp_connection *c, const struct tcp_segment *s)
{
    uint32_t window = (uint32_t)s->window << c->peer_scale;
    if (seq_after(c->window_seq, s->seq) ||
        (c->window_seq == s->seq && seq_after(c->window_ack, s->ack)))
        return true;
    bool same = window == c->peer_window;
    c->peer_window = window;
    c->window_seq = s->seq;
    c->window_ack = s->ack;
    if (window > c->peer_window_max)
        c->peer_window_max = window;
    if (same)
        return true;
    c->due[DUE_WINDOW] = UINT64_MAX; /* output sees what it is good for */
    c->tries = 0;
    return false;
}

static void take_stamp(const struct tcp_connection *c, const struct tcp_segment *s,
                       struct recovery_input *in)
{
    uint64_t at;
    in->report.echo_end = UINT64_MAX;
    if (!c->stamps || !s->stamped || !tcp_stamp_time(c->stamp_offset, s->echo, c->tcp->now, &at))
        return;
    in->report.echo_end = at + TCP_STAMP_TICK;
    if (seq_after(s->ack, tcp_una(c)))
        in->echo_rtt = c->tcp->now - at;
}

/* Bytes leave the queue; our end has no byte in it. */
static void release(struct tcp_connection *c, uint32_t acked)
{
    size_t queued = tcp_queue_bytes(&c->out), bytes = acked < queued ? acked : queued;
    tcp_queue_drop(&c->tcp->chunks, &c->out, c->out.begin + bytes);
}

static void path_news(struct tcp_connection *c, seq_t ack)
{
    struct tcp *t = c->tcp;
    if (probe_acknowledged(&c->probe, ack, t->now)) {
        tcp_count(t, TCP_GROWN);
        t->below.learn_path_mtu(t->arg, c->entry.tuple.remote, c->probe.size);
        tcp_set_mss(c);
    }
    if (recovery_path_probe_lost(&c->recovery))
        probe_lost(&c->probe, t->now);
}

/* Something has arrived over there. Its neighbour need not hear of it more than once a second. */
static void note_progress(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (t->now / CLOCK_SEC != c->progress_at / CLOCK_SEC)
        t->below.confirm(t->arg, c->entry.tuple.remote);
    c->progress_at = t->now;
}

static void progress(struct tcp_connection *c, const struct sent_news *news, seq_t ack)
{
    c->tries = 0;
    c->soft = OK;
    release(c, news->acked);
    if (news->acked >= c->mss)
        probe_passed(&c->probe);
    path_news(c, ack);
}

static void acknowledge(struct tcp_connection *c, const struct tcp_segment *s, bool same_window)
{
    struct recovery_input in = {
        .report = {.ack = s->ack, .count = s->block_count},
        .duplicate = s->ack == tcp_una(c) && s->length == 0 && same_window && !(s->flags & TCP_FIN),
        .congestion = c->ecn && (s->flags & TCP_ECE),
        .fresh = tcp_unsent(c) && c->peer_window > tcp_next(c) - s->ack,
    };
    struct sent_news news;
    /* Output is gathered per batch of arrivals. What the earlier ones of this batch have earned
     * goes out before this one tells of a loss: else the reduction would take it. */
    if (s->block_count && c->recovery.phase == RECOVERY_OPEN && !c->recovery.sent.sacked &&
        tcp_unsent(c))
        tcp_output(c);
    for (uint8_t i = 0; i < s->block_count; i++)
        in.report.blocks[i] = s->blocks[i];
    take_stamp(c, s, &in);
    recovery_acknowledged(&c->recovery, &in, c->tcp->now, &news);
    if (news.delivered)
        note_progress(c);
    if (news.acked)
        progress(c, &news, s->ack);
}

/* Our end is acknowledged (eighth step, and "fifth" of each state). */
static void end_acknowledged(struct tcp_connection *c)
{
    if (c->state == TCP_FIN_WAIT_1) {
        tcp_set_state(c, TCP_FIN_WAIT_2);
        if (c->closed)
            c->due[DUE_PATIENCE] = c->tcp->now + TCP_FIN_WAIT_NS;
    } else if (c->state == TCP_CLOSING) {
        tcp_enter_time_wait(c);
    } else if (c->state == TCP_LAST_ACK) {
        tcp_over(c);
    }
}

bool tcp_ack_input(struct tcp_connection *c, const struct tcp_segment *s)
{
    bool old, outstanding = tcp_next(c) != tcp_una(c);
    if (!check_ack(c, s, &old))
        return false;
    if (old)
        return true;
    bool same_window = update_window(c, s);
    if (outstanding)
        acknowledge(c, s, same_window);
    if (outstanding && c->fin_sent && s->ack == tcp_next(c))
        end_acknowledged(c);
    return c->state != TCP_CLOSED;
}
