/* One packet: its header from what a connection knows, and down it goes. */
#include "lib/tcp/internal.h"

static void count_sent(struct tcp *t, const struct tcp_segment *s, const struct tcp_load *load)
{
    uint64_t segments = 1;
    if (load && load->unit)
        segments = (load->length + load->unit - 1) / load->unit;
    t->counters[TCP_SENT]++;
    t->counters[TCP_SENT_SEGMENTS] += segments;
    t->counters[TCP_SENT_RESETS] += (s->flags & TCP_RST) != 0;
    t->counters[TCP_SENT_ACKS] += !load && !(s->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

enum err tcp_emit(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s,
                  const struct tcp_load *load)
{
    uint8_t header[TCP_HEADER_MAX];
    struct ip_packet p = {
        .source = tuple->local,
        .destination = tuple->remote,
        .protocol = IP_TCP,
        .whole = true,
        .header = slice_of(header, tcp_segment_format(s, header)),
        .checksum_at = TCP_CHECKSUM_AT,
    };
    if (load) {
        p.ecn = load->capable ? IP_ECT0 : IP_NOT_ECT;
        p.payload = load->parts;
        p.payload_count = load->count;
        p.segment_size = load->length > load->unit ? load->unit : 0;
    }
    enum err e = t->below.send(t->arg, &p);
    if (!e) {
        count_sent(t, s, load);
    } else if (e == ERR_AGAIN) {
        t->blocked = true;
        tcp_count(t, TCP_CARD_FULL);
    } else {
        tcp_count(t, TCP_UNSENDABLE);
    }
    return e;
}

/* The SACK blocks that go along, where there is room beside the payload. False: there are some that
 * found none. */
static bool put_blocks(struct tcp_connection *c, struct tcp_segment *s, size_t length)
{
    struct assembly *a = &c->assembly;
    if (!c->recovery.sack || (!assembly_gaps(a) && !tcp_reports(c)))
        return true;
    size_t most = c->stamps ? TCP_BLOCKS_MAX - 1 : TCP_BLOCKS_MAX;
    if (length + 4 + 8 * most > c->mss)
        return false;
    s->block_count = (uint8_t)assembly_blocks(a, s->blocks, most);
    return true;
}

static void put_stamps(const struct tcp_connection *c, struct tcp_segment *s)
{
    s->stamped = c->stamps;
    s->stamp = tcp_stamp(c->stamp_offset, c->tcp->now);
    s->echo = c->stamp;
}

enum err tcp_send(struct tcp_connection *c, uint8_t flags, seq_t seq, const struct tcp_load *load)
{
    uint32_t window = tcp_receive_window(c) >> c->scale;
    struct tcp_segment s = {
        .source = c->entry.tuple.local_port,
        .destination = c->entry.tuple.remote_port,
        .seq = seq,
        .ack = tcp_receive_next(c),
        .window = (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX),
        .flags = (uint8_t)(flags | TCP_ACK | (c->ecn_echo ? TCP_ECE : 0)),
    };
    if (c->stamps)
        put_stamps(c, &s);
    bool said_all = put_blocks(c, &s, load ? load->length : 0);
    enum err e = tcp_emit(c->tcp, &c->entry.tuple, &s, load);
    if (e)
        return e;
    c->last_ack = s.ack;
    c->batch = 0;
    if (said_all)
        c->ack_now = c->ack_later = false;
    c->due[DUE_ACK] = UINT64_MAX;
    return OK;
}

/* Of SYN-SENT, or of SYN-RECEIVED where both ends opened. ECN is asked for once: who does not answer
 * may be behind something that does not know it (RFC 3168, 6.1.1.1). */
enum err tcp_send_syn(struct tcp_connection *c)
{
    bool answer = c->state == TCP_SYN_RECEIVED;
    struct tcp_segment s = {
        .source = c->entry.tuple.local_port,
        .destination = c->entry.tuple.remote_port,
        .seq = tcp_una(c) - 1,
        .ack = answer ? tcp_receive_next(c) : 0,
        .window = (uint16_t)(c->tune.window < UINT16_MAX ? c->tune.window : UINT16_MAX),
        .flags = answer ? TCP_SYN | TCP_ACK : TCP_SYN,
        .mss = c->offered_mss,
        .scale = answer && !c->scaled ? 0 : (uint8_t)(tune_scale(TUNE_RECEIVE_MAX) + 1),
        .sack_permitted = !answer || c->recovery.sack,
    };
    if (answer ? c->ecn : c->tries == 0)
        s.flags |= answer ? TCP_ECE : TCP_ECE | TCP_CWR;
    if (!answer || c->stamps) {
        put_stamps(c, &s);
        s.stamped = true;
    }
    c->edge = s.ack + s.window;
    c->last_ack = s.ack;
    return tcp_emit(c->tcp, &c->entry.tuple, &s, NULL);
}
