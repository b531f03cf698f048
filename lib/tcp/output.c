/*
 * What we send (RFC 9293, 3.7 and 3.8): first what was lost, then what is new, as far as the path
 * (recovery.h) and the peer's window permit; as full segments, many at once where the card cuts
 * them. Small segments are sent when they are all there is (3.8.6.2.1), unless held by cork or
 * Nagle.
 */
#include "lib/tcp/internal.h"

#define HEADERS_MAX 120u /* of IP and TCP with all options */

static uint64_t now_of(const struct tcp_connection *c)
{
    return c->tcp->now;
}

/* --- how much --- */

/* Bytes in the peer's window that were not used yet. */
static uint32_t usable(const struct tcp_connection *c)
{
    uint32_t outstanding = tcp_next(c) - tcp_una(c);
    return c->peer_window > outstanding ? c->peer_window - outstanding : 0;
}

static bool card_cuts(const struct tcp_connection *c)
{
    bool v4 = address_is_v4(c->entry.tuple.remote);
    return c->tcp->offloads & (v4 ? NET_SEGMENTS_V4 : NET_SEGMENTS_V6);
}

/* Bytes in one hand-over to the card: whole segments. */
static uint32_t hand_over(const struct tcp_connection *c)
{
    if (!card_cuts(c))
        return c->mss;
    uint32_t segments = (TCP_PACKET_MAX - HEADERS_MAX) / c->mss;
    return c->mss * (segments < SENT_UNITS_MAX ? segments : SENT_UNITS_MAX);
}

static bool end_is_due(const struct tcp_connection *c)
{
    return (c->closed || c->finished) && !c->fin_sent;
}

/* --- one hand-over --- */

/* How many parts hold the first `length` bytes; the last is cut to that. */
static size_t trim_parts(struct slice *parts, size_t length)
{
    size_t n = 0;
    for (; length; n++) {
        parts[n] = slice_take(parts[n], length);
        length -= parts[n].len;
    }
    return n;
}

/* Bytes [seq, seq + *length), and our end where *fin. Fewer where they lie in too many parts:
 * *length says how many, and then *fin is no longer set. */
static enum err hand(struct tcp_connection *c, seq_t seq, uint32_t *length, bool *fin,
                     uint8_t flags, bool capable)
{
    struct slice parts[NET_PARTS_MAX - 1];
    struct tcp_load load = {.parts = parts, .unit = c->mss, .capable = capable};
    uint64_t from = c->out.begin + (seq - tcp_una(c));
    uint32_t asked = *length;
    if (asked) {
        load.length = tcp_queue_gather(&c->out, from, asked, parts, NET_PARTS_MAX - 1, &load.count);
        if (load.length < asked && load.length > c->mss)
            load.length -= load.length % c->mss;
        *length = (uint32_t)load.length;
        load.count = trim_parts(parts, load.length);
    }
    *fin = *fin && *length == asked;
    flags |= *fin ? TCP_FIN : 0;
    enum err e = tcp_send(c, flags, seq, asked ? &load : NULL);
    if (!e && asked)
        tcp_queue_carried(&c->out, from, load.length, c->tcp->below.sent(c->tcp->arg));
    return e;
}

/* The packet did not fit: IP knows of less than we thought. */
static void heed_refusal(struct tcp_connection *c, enum err e)
{
    struct tcp *t = c->tcp;
    if (e == ERR_UNREACHABLE)
        c->soft = (uint8_t)e;
    if (e == ERR_LIMIT)
        tcp_path_shrinks(c, t->below.path_mtu(t->arg, c->entry.tuple.remote));
}

/* --- again --- */

static bool send_again(struct tcp_connection *c, uint32_t room)
{
    struct recovery *r = &c->recovery;
    struct seq_range range;
    uint32_t most = hand_over(c);
    if (!recovery_next(r, room < most ? room : most, &range) || !recovery_ready(r))
        return false;
    seq_t end = tcp_una(c) + (seq_t)tcp_queue_bytes(&c->out);
    for (seq_t at = range.start; seq_before(at, range.end);) {
        bool fin = c->fin_sent && range.end == end + 1 && range.end - at <= most + 1;
        uint32_t length = range.end - at - (c->fin_sent && range.end == end + 1);
        length = length < most ? length : most;
        enum err e = hand(c, at, &length, &fin, range.end == end ? TCP_PSH : 0, false);
        if (e == ERR_AGAIN)
            return false;
        heed_refusal(c, e);
        at += length + fin;
        if (!length && !fin)
            return false;
    }
    recovery_resent(r, range, now_of(c));
    return true;
}

/* --- new --- */

struct portion {
    uint32_t bytes;
    bool fin;
};

/* Whether less than a full segment waits for more. */
static bool is_held(struct tcp_connection *c, uint32_t bytes, bool all)
{
    if (c->push_small)
        return false;
    if (!all) /* the window is too small: not worth it unless it is half of what it ever was */
        return bytes < c->peer_window_max / 2;
    if (c->corked) {
        if (c->due[DUE_CORK] == UINT64_MAX)
            c->due[DUE_CORK] = now_of(c) + TCP_CORK_NS;
        return true;
    }
    return c->nagle && tcp_next(c) != tcp_una(c);
}

/* What may go out now, of what was never sent. */
static struct portion portion_of(struct tcp_connection *c, uint32_t room)
{
    size_t unsent = tcp_unsent(c);
    uint32_t window = usable(c), most = hand_over(c);
    if (most > room)
        most = room < c->mss ? room : room - room % c->mss;
    if (most > window)
        most = window;
    struct portion p = {.bytes = unsent < most ? (uint32_t)unsent : most};
    bool all = p.bytes == unsent;
    if (!all && room < c->mss)
        return (struct portion){0, false};
    p.fin = all && end_is_due(c) && window > p.bytes && p.bytes < SENT_UNITS_MAX * c->mss;
    if (!all && p.bytes > c->mss)
        p.bytes -= p.bytes % c->mss;
    if (p.bytes && p.bytes < c->mss && !p.fin && is_held(c, p.bytes, all))
        p.bytes = 0;
    return p;
}

static void end_sent(struct tcp_connection *c)
{
    c->fin_sent = true;
    tcp_set_state(c, c->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
}

static void note_sent(struct tcp_connection *c, uint32_t bytes, bool fin, uint16_t unit)
{
    if (tcp_next(c) == tcp_una(c))
        c->progress_at = now_of(c);
    if (fin)
        end_sent(c);
    recovery_sent(&c->recovery, bytes + fin, unit, now_of(c));
    c->due[DUE_WINDOW] = UINT64_MAX;
    if (bytes < c->mss ||
        tcp_unsent(c) == 0) /* what the override was for: the next one waits anew */
        c->push_small = false;
    if (tcp_unsent(c) == 0)
        c->due[DUE_CORK] = UINT64_MAX;
}

static bool send_new(struct tcp_connection *c, uint32_t room)
{
    struct portion p = portion_of(c, room);
    if ((!p.bytes && !p.fin) || !recovery_ready(&c->recovery))
        return false;
    bool reduced = c->ecn && p.bytes && recovery_says_reduced(&c->recovery);
    if (reduced && !(c->tcp->offloads & NET_SEGMENTS_ECN) && p.bytes > c->mss) {
        p.bytes = c->mss;
        p.fin = false;
    }
    uint8_t flags =
        (uint8_t)((p.bytes && p.bytes == tcp_unsent(c) ? TCP_PSH : 0) | (reduced ? TCP_CWR : 0));
    enum err e = hand(c, tcp_next(c), &p.bytes, &p.fin, flags, c->ecn);
    if (e == ERR_AGAIN) {
        c->recovery.say_reduced |= reduced;
        return false;
    }
    note_sent(c, p.bytes, p.fin, p.bytes && p.bytes < c->mss ? (uint16_t)p.bytes : c->mss);
    heed_refusal(c, e);
    return true;
}

/* --- a larger packet, to see whether it passes (RFC 4821, 7.3) --- */

static void send_path_probe(struct tcp_connection *c)
{
    uint32_t size = probe_wanted(&c->probe, now_of(c));
    if (!size || c->recovery.phase != RECOVERY_OPEN)
        return;
    uint32_t bytes = tcp_payload_of(c, size), room = recovery_room(&c->recovery, now_of(c));
    if (bytes <= c->mss || tcp_unsent(c) < 2 * (size_t)bytes || usable(c) < 2 * bytes ||
        room < 2 * bytes || !recovery_ready(&c->recovery))
        return;
    uint16_t mss = c->mss;
    uint32_t length = bytes;
    bool fin = false;
    seq_t start = tcp_next(c);
    c->mss = (uint16_t)bytes; /* one segment of it */
    enum err e = hand(c, start, &length, &fin, 0, false);
    c->mss = mss;
    if (e == ERR_AGAIN)
        return;
    struct seq_range flight = {start, start + length};
    note_sent(c, length, false, (uint16_t)length);
    if (length == bytes) {
        probe_sent(&c->probe, size, flight);
        recovery_path_probe(&c->recovery, flight);
    }
    if (e == ERR_LIMIT)
        probe_lost(&c->probe, now_of(c));
}

/* --- all of it --- */

static bool send_some(struct tcp_connection *c)
{
    if (!c->recovery.sent.waiting && !tcp_unsent(c) && !end_is_due(c))
        return false;
    if (c->tcp->blocked) {
        tcp_schedule(c);
        return false;
    }
    uint32_t room = recovery_room(&c->recovery, now_of(c));
    return room && (send_again(c, room) || send_new(c, room));
}

/* RFC 8985, 7.3: something new where there is, else the last segment once more. */
static void send_loss_probe(struct tcp_connection *c)
{
    struct recovery *r = &c->recovery;
    struct seq_range range;
    c->probe_loss = false;
    if (tcp_next(c) == tcp_una(c))
        return;
    if (usable(c) && (tcp_unsent(c) || end_is_due(c)) && send_new(c, c->mss)) {
        recovery_probed(r, false, now_of(c));
    } else if (recovery_probe(r, &range) && recovery_ready(r)) {
        seq_t end = tcp_una(c) + (seq_t)tcp_queue_bytes(&c->out);
        bool fin = c->fin_sent && range.end == end + 1;
        uint32_t length = range.end - range.start - fin;
        if (length > c->mss) /* the path has shrunk since: the timeout will repair it */
            return;
        if (hand(c, range.start, &length, &fin, length ? TCP_PSH : 0, false) == ERR_AGAIN)
            return;
        recovery_resent(r, range, now_of(c));
        recovery_probed(r, true, now_of(c));
    }
}

/* An acknowledgement of a number before the window, which makes the peer tell where it stands (RFC
 * 9293, 3.8.4 and 3.8.6.1). */
static void send_empty_probe(struct tcp_connection *c)
{
    tcp_count(c->tcp, c->probe_window ? TCP_ZERO_PROBES : TCP_KEEP_PROBES);
    c->probe_window = c->probe_keep = false;
    c->probes = (uint8_t)(c->probes + (c->probes < UINT8_MAX));
    (void)tcp_send(c, 0, tcp_una(c) - 1, NULL);
}

static uint64_t persist_interval(const struct tcp_connection *c)
{
    uint64_t ns = rtt_timeout(&c->recovery.rtt);
    if (ns < TCP_PERSIST_MIN)
        ns = TCP_PERSIST_MIN;
    for (uint8_t i = 0; i < c->tries && ns < TCP_PERSIST_MAX; i++)
        ns *= 2;
    return ns < TCP_PERSIST_MAX ? ns : TCP_PERSIST_MAX;
}

/* Something waits, and nothing is under way whose acknowledgement would bring news. */
static void wait_for_window(struct tcp_connection *c)
{
    bool held = c->corked || c->nagle;
    if ((!tcp_unsent(c) && !end_is_due(c)) || tcp_next(c) != tcp_una(c) ||
        (held && usable(c) > c->mss) || c->due[DUE_WINDOW] != UINT64_MAX)
        return;
    c->due[DUE_WINDOW] = now_of(c) + persist_interval(c);
}

static void send_ack(struct tcp_connection *c)
{
    if (c->ack_now && tcp_send(c, 0, tcp_next(c), NULL) == ERR_AGAIN)
        tcp_schedule(c);
    else if (c->ack_later && c->due[DUE_ACK] == UINT64_MAX)
        c->due[DUE_ACK] = now_of(c) + TCP_DELAYED_ACK;
}

/* SYN-SENT, SYN-RECEIVED. */
static void handshake(struct tcp_connection *c)
{
    if (c->due[DUE_PATIENCE] > now_of(c))
        return;
    if (c->tries == 0)
        c->progress_at = now_of(c);
    if (tcp_send_syn(c) == ERR_AGAIN) {
        tcp_schedule(c);
        return;
    }
    c->due[DUE_PATIENCE] = now_of(c) + (TCP_RETRY_FIRST << c->tries);
    c->tries++;
}

void tcp_output(struct tcp_connection *c)
{
    if (!tcp_synchronized(c)) {
        handshake(c);
        return;
    }
    if (c->probe_window || c->probe_keep)
        send_empty_probe(c);
    if (c->probe_loss)
        send_loss_probe(c);
    send_path_probe(c);
    while (send_some(c))
        ;
    wait_for_window(c);
    send_ack(c);
}
