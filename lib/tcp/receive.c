/*
 * What the peer sends (RFC 9293, 3.10.7.4, seventh and eighth): bytes in order go straight from the
 * arrival to the owner; what is early, or what its owner does not want yet, is kept (assembly.h). When
 * to acknowledge (RFC 9293, 3.8.6.3; RFC 5681, 4.2), and the window to offer (3.8.6.2.2).
 */
#include "lib/tcp/internal.h"

/* --- the window --- */

static uint32_t offered(const struct tcp_connection *c)
{
    seq_t next = tcp_receive_next(c);
    return seq_after(c->edge, next) ? c->edge - next : 0;
}

static uint32_t wanted(const struct tcp_connection *c)
{
    uint32_t window = tune_window(&c->tune, assembly_ready_bytes(&c->assembly), tcp_scarce(c->tcp));
    uint32_t most = (uint32_t)UINT16_MAX << c->scale;
    return window < most ? window : most;
}

/* How much the edge must move for it to be worth telling: else the peer sends small segments. */
static uint32_t worth(const struct tcp_connection *c)
{
    uint32_t half = c->tune.window / 2;
    return c->receive_mss < half ? c->receive_mss : half;
}

uint32_t tcp_receive_window(struct tcp_connection *c)
{
    uint32_t now = offered(c), window = wanted(c);
    if (window < now || window - now < worth(c))
        return now;
    c->edge = tcp_receive_next(c) + window;
    return window;
}

/* After the owner took what had waited: is the peer to be told at once? */
bool tcp_window_has_grown(const struct tcp_connection *c)
{
    uint32_t now = offered(c), window = wanted(c), step = 2 * worth(c);
    return window > now && window - now >= step && now < c->tune.window / 2;
}

/* --- to the owner --- */

static bool may_deliver(const struct tcp_connection *c)
{
    return !c->closed && !c->paused && !c->ended && c->flow.events;
}

static void took(struct tcp_connection *c, size_t bytes)
{
    c->received += bytes;
    tune_taken(&c->tune, (uint32_t)bytes, c->receive_mss, tcp_scarce(c->tcp), c->tcp->now);
}

static void discard(struct tcp_connection *c, uint32_t bytes)
{
    tcp_count(c->tcp, TCP_DROP_CLOSED);
    c->discarded += bytes;
    if (c->discarded > TCP_DRAIN_MAX)
        tcp_cut(c, ERR_LIMIT);
}

static void tell_eof(struct tcp_connection *c)
{
    c->eof_told = true;
    if (c->flow.events->on_eof) {
        c->flow.events->on_eof(c->flow.owner);
        return;
    }
    c->ended = ERR_CLOSED; /* for its owner. What it has written is still sent. */
    c->told = true;
    c->flow.events->on_end(c->flow.owner, ERR_CLOSED);
}

void tcp_deliver(struct tcp_connection *c)
{
    struct slice ready;
    bool waited = false;
    while ((c->closed || may_deliver(c)) && (ready = assembly_ready(&c->assembly)).len) {
        waited = true;
        if (c->closed) {
            discard(c, (uint32_t)ready.len);
        } else {
            c->flow.events->on_data(c->flow.owner, ready);
            took(c, ready.len);
        }
        if (c->ended)
            return;
        assembly_take(&c->assembly, (uint32_t)ready.len);
    }
    if (waited && tcp_window_has_grown(c))
        c->ack_now = true;
    if (c->fin_received && !c->eof_told && may_deliver(c) && !assembly_ready_bytes(&c->assembly))
        tell_eof(c);
}

/* --- from the segment --- */

/* Takes n bytes off the front. */
static void skip(struct tcp_payload *p, uint32_t n)
{
    size_t first = 0;
    p->start += n;
    p->length -= n;
    while (n) {
        uint32_t part = (uint32_t)slice_take(p->parts[first], n).len;
        p->parts[first] = slice_drop(p->parts[first], part);
        first += p->parts[first].len == 0;
        n -= part;
    }
    p->count -= first;
    memmove(p->parts, p->parts + first, p->count * sizeof(p->parts[0]));
}

/* Leaves n bytes. */
static void cut(struct tcp_payload *p, uint32_t n)
{
    p->length = n;
    p->count = 0;
    for (size_t left = n; left; p->count++) {
        p->parts[p->count] = slice_take(p->parts[p->count], left);
        left -= p->parts[p->count].len;
    }
}

/* What is in the window, and not behind the peer's end. */
static void trim(struct tcp_connection *c, struct tcp_payload *p)
{
    seq_t next = c->assembly.next, end = c->fin_known ? seq_min(c->peer_end, c->edge) : c->edge;
    if (seq_after(p->start + p->length, end)) {
        tcp_count(c->tcp,
                  c->fin_known && end == c->peer_end ? TCP_DROP_AFTER_FIN : TCP_DROP_TRIMMED);
        cut(p, seq_after(end, p->start) ? end - p->start : 0);
        c->ack_now = true;
    }
    uint32_t old = seq_before(p->start, next) ? next - p->start : 0;
    if (!old || !p->length)
        return;
    old = old < p->length ? old : p->length;
    assembly_duplicate(&c->assembly, (struct seq_range){p->start, p->start + old});
    c->ack_now = true;
    skip(p, old);
}

/* Early data is the first that is not kept when memory is short: the peer still has it. */
static bool may_keep_early(const struct tcp_connection *c)
{
    bool much = assembly_bytes(&c->assembly) >= TCP_EARLY_WHEN_SCARCE;
    return !tcp_spent(c->tcp) && !(much && tcp_scarce(c->tcp));
}

static void keep(struct tcp_connection *c, struct tcp_payload *p)
{
    bool early = p->start != c->assembly.next;
    enum err e = early && !may_keep_early(c)
                     ? ERR_MEMORY
                     : assembly_put(&c->assembly, p->start, p->parts, p->count);
    if (e)
        tcp_count(c->tcp, e == ERR_FULL ? TCP_DROP_ISLANDS : TCP_DROP_MEMORY);
    if (e || early)
        c->ack_now = true;
}

/* In order, and its owner is there to take it. The owner may stop at any part, and a part may reach
 * what came early: the rest is kept. */
static void pass(struct tcp_connection *c, struct tcp_payload *p)
{
    while (p->count && may_deliver(c) && !assembly_ready_bytes(&c->assembly)) {
        struct slice part = p->parts[0];
        c->flow.events->on_data(c->flow.owner, part);
        if (c->state == TCP_CLOSED)
            return;
        assembly_pass(&c->assembly, (uint32_t)part.len);
        took(c, part.len);
        skip(p, (uint32_t)part.len);
    }
    if (p->count)
        keep(c, p);
}

/* True: something was or is missing (RFC 5681, 4.2: what fills a gap, in part or whole, is acknowledged
 * at once). */
static bool take(struct tcp_connection *c, struct tcp_payload *p)
{
    bool gaps = assembly_gaps(&c->assembly);
    seq_t next = c->assembly.next;
    bool straight = p->start == next && assembly_ready_bytes(&c->assembly) == 0;
    if (straight && c->closed && p->length) {
        assembly_pass(&c->assembly, p->length);
        discard(c, p->length);
    } else if (straight && may_deliver(c)) {
        pass(c, p);
    } else if (p->length) {
        keep(c, p);
    }
    if (c->assembly.next != next)
        c->apart = 0;
    gaps |= assembly_gaps(&c->assembly);
    c->ack_now |= gaps;
    return gaps;
}

/* --- the peer's end --- */

static void end_received(struct tcp_connection *c)
{
    c->fin_received = true;
    c->ack_now = true;
    if (c->state == TCP_ESTABLISHED)
        tcp_set_state(c, TCP_CLOSE_WAIT);
    else if (c->state == TCP_FIN_WAIT_1)
        tcp_set_state(c, TCP_CLOSING);
    else if (c->state == TCP_FIN_WAIT_2)
        tcp_enter_time_wait(c);
}

/* --- acknowledging --- */

static void note_size(struct tcp_connection *c, const struct tcp_payload *p)
{
    uint32_t size = p->unit && p->unit < p->length ? p->unit : p->length;
    if (size > c->receive_mss && size <= c->offered_mss)
        c->receive_mss = (uint16_t)size;
}

/* The second full segment is acknowledged at once; of the first ones each, and of those behind a gap:
 * a sender that has just slowed down, or has not been fast yet, grows the sooner. */
static void schedule_ack(struct tcp_connection *c, uint32_t length, bool gaps)
{
    uint32_t waiting = tcp_receive_next(c) - c->last_ack;
    c->ack_later = true;
    if (waiting >= 2u * c->receive_mss)
        c->ack_now = true;
    if (gaps) {
        c->quick = TCP_QUICK_ACKS;
    } else if (c->quick && length >= c->receive_mss) {
        c->quick--;
        c->ack_now = true;
    }
}

/* A turn of the loop may bring hundreds of segments. The sender's clock, and the few SACK blocks of an
 * acknowledgement, want to be told of them more often than once; each second one costs half as much
 * again, and makes a Linux sender no faster (0.95 through 1 % loss at 50 ms). But the first ones after a
 * gap are told one by one: for each of them the sender sends something new, before it takes what is
 * missing for lost and slows down (RFC 3042). And each duplicate: one acknowledgement reports one. */
static void acknowledge_batch(struct tcp_connection *c, bool gaps)
{
    bool first = gaps && c->apart < TCP_APART_MAX, apart = first || tcp_reports(c);
    c->apart = (uint8_t)(c->apart + first);
    if (!c->ack_now || c->tcp->blocked || (!apart && ++c->batch < TCP_BATCH_MAX))
        return;
    (void)tcp_send(c, 0, tcp_next(c), NULL);
}

void tcp_receive(struct tcp_connection *c, const struct tcp_segment *s, struct tcp_payload *p)
{
    uint64_t at, rtt = 0;
    uint32_t length = p->length;
    bool fin = s->flags & TCP_FIN;
    if (!length && !fin)
        return;
    if (c->fin_received) { /* sent again: our acknowledgement was lost */
        tcp_count(c->tcp,
                  seq_after(s->seq + length, c->peer_end) ? TCP_DROP_AFTER_FIN : TCP_DROP_OLD);
        c->ack_now = true;
        return;
    }
    if (fin && !c->fin_known && seq_at_most(s->seq + s->length, c->edge)) {
        c->fin_known = true;
        c->peer_end = s->seq + s->length;
    }
    if (length) {
        note_size(c, p);
        if (c->stamps && s->stamped && tcp_stamp_time(c->stamp_offset, s->echo, c->tcp->now, &at))
            rtt = c->tcp->now - at;
        trim(c, p);
        bool gaps = take(c, p);
        if (c->state == TCP_CLOSED)
            return;
        tune_arrived(&c->tune, c->assembly.next, rtt, c->tcp->now);
        schedule_ack(c, length, gaps);
        acknowledge_batch(c, gaps);
    }
    if (c->fin_known && c->assembly.next == c->peer_end)
        end_received(c);
    else if (fin)
        c->ack_now = true;
    if (!c->ended)
        tcp_deliver(c);
}
