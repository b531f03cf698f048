/*
 * Segments into a TCP that has an owner, a listener and a connection: the input says what arrives
 * (numbers are drawn near those that are in use, so that something is believed), what the owner does,
 * and how much time passes. Whatever comes, nothing breaks, what is held stays within its bounds, and
 * all of it is given back.
 */
#include <stdlib.h>

#include "lib/tcp/info.h"
#include "lib/tcp/segment.h"
#include "runtime/panic.h"
#include "runtime/reader.h"

#define FLOWS_MAX  8u
#define MEMORY_MAX ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct owner {
    struct flow *flow;
    bool ended, eof;
} owners[FLOWS_MAX];

static struct world {
    struct tcp *tcp;
    uint64_t now, sent, done, seed;
    struct tcp_segment last; /* that it sent */
    bool awake, full;
    uint8_t lent[3000];
    unsigned loans;
} w;

static const struct address here = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
static const struct address there = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}};

/* --- the world below --- */

static enum err send_packet(void *arg, const struct ip_packet *p)
{
    (void)arg;
    size_t total = p->header.len;
    uint8_t sum = 0;
    if (w.full)
        return ERR_AGAIN;
    for (size_t i = 0; i < p->payload_count; i++) {
        assert_always(p->payload[i].len > 0);
        total += p->payload[i].len;
        sum = (uint8_t)(sum + p->payload[i].ptr[0] + p->payload[i].ptr[p->payload[i].len - 1]);
    }
    w.seed += sum; /* read, so that the sanitizer sees it */
    assert_always(p->payload_count < NET_PARTS_MAX);
    assert_always(tcp_segment_parse(p->header, total, &w.last) == OK);
    assert_always(total <= 65535);
    w.sent++;
    return OK;
}

static uint64_t sent(void *arg)
{
    (void)arg;
    return w.sent;
}

static uint64_t completed(void *arg)
{
    (void)arg;
    return w.done;
}

static bool source(void *arg, struct address destination, struct address *into)
{
    (void)arg;
    (void)destination;
    *into = here;
    return true;
}

static uint32_t mtu(void *arg, struct address destination)
{
    (void)arg;
    (void)destination;
    return 1500;
}

static void learn(void *arg, struct address destination, uint32_t size)
{
    (void)arg;
    (void)destination;
    (void)size;
}

static void confirm(void *arg, struct address destination)
{
    (void)arg;
    (void)destination;
}

static void draw(void *arg, void *into, size_t len)
{
    (void)arg;
    for (size_t i = 0; i < len; i++) {
        w.seed = w.seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)into)[i] = (uint8_t)(w.seed >> 33);
    }
}

static void wake(void *arg)
{
    (void)arg;
    assert_always(!w.awake);
    w.awake = true;
}

static const struct tcp_below below = {send_packet, sent,  completed, source, mtu,
                                       mtu,         learn, confirm,   draw,   wake};

/* --- owners --- */

static void on_data(void *owner, struct slice bytes)
{
    struct owner *o = owner;
    assert_always(bytes.len > 0 && !o->ended && !o->eof);
    if (bytes.ptr[0] == 'c') {
        flow_close(o->flow);
        o->flow = NULL;
    } else if (bytes.ptr[0] == 'p') {
        flow_pause(o->flow, true);
    } else {
        flow_write(o->flow, bytes);
    }
}

static void on_eof(void *owner)
{
    struct owner *o = owner;
    assert_always(o->flow && !o->eof && !o->ended);
    o->eof = true;
}

static void on_room(void *owner)
{
    struct owner *o = owner;
    assert_always(flow_room(o->flow) > 0);
    flow_write(o->flow, SLICE("room"));
}

static void on_end(void *owner, enum err why)
{
    struct owner *o = owner;
    assert_always(why != OK && o->flow && !o->ended);
    o->ended = true;
}

static const struct flow_events events = {on_data, on_eof, on_room, on_end};

static void take(struct flow *flow)
{
    for (size_t i = 0; i < FLOWS_MAX; i++)
        if (!owners[i].flow) {
            owners[i] = (struct owner){.flow = flow};
            flow_own(flow, &events, &owners[i]);
            return;
        }
    flow_abort(flow);
}

static void on_accept(void *owner, struct flow *flow)
{
    (void)owner;
    take(flow);
}

static void on_answer(void *owner, enum err why, struct flow *flow)
{
    (void)owner;
    assert_always((why == OK) == (flow != NULL));
    if (flow)
        take(flow);
}

static void on_release(void *arg)
{
    (void)arg;
    assert_always(w.loans > 0);
    w.loans--;
}

/* --- what the input says --- */

/* Near a number that is in use: mostly the very one. */
static seq_t near(struct reader *r, seq_t n)
{
    uint8_t how = read_u8(r);
    if (how < 160)
        return n;
    if (how < 200)
        return n + (how - 180u);
    if (how < 230)
        return n + read_be16(r);
    return n - read_be32(r);
}

static struct tcp_segment drawn(struct reader *r)
{
    static const uint8_t usual[] = {TCP_ACK,           TCP_ACK | TCP_PSH, TCP_SYN,
                                    TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_RST,
                                    TCP_ACK,           TCP_ACK | TCP_ECE};
    uint8_t kind = read_u8(r), port = read_u8(r), options = read_u8(r);
    struct tcp_segment s = {
        .source =
            port < 200 && w.last.destination ? w.last.destination : (uint16_t)(1000 + port % 4),
        .destination = port & 1 && w.last.source ? w.last.source : 80,
        .flags = kind < 240 ? usual[kind % sizeof usual] : kind,
        .seq = near(r, w.last.ack),
        .ack = near(r, w.last.seq + tcp_segment_span(&w.last)),
        .window = read_be16(r),
        .stamped = options & 1,
    };
    if (s.stamped) {
        s.stamp = near(r, w.last.echo + 1);
        s.echo = near(r, w.last.stamp);
    }
    if (s.flags & TCP_SYN) {
        s.mss = options & 2 ? read_be16(r) : 0;
        s.scale = options & 4 ? options >> 4 : 0;
        s.sack_permitted = options & 8;
    } else if (options & 2) {
        s.block_count = 1 + (options >> 2) % 3;
        for (uint8_t i = 0; i < s.block_count; i++) {
            s.blocks[i].start = near(r, w.last.seq);
            s.blocks[i].end = s.blocks[i].start + read_be16(r);
        }
    }
    return s;
}

/* In two parts, each in a block of its own, so that reading beyond is seen. */
static void arrive(struct reader *r, bool raw)
{
    uint8_t header[TCP_HEADER_MAX];
    struct tcp_segment s = drawn(r);
    struct slice head = slice_of(header, tcp_segment_format(&s, header));
    struct slice payload = read_bytes(r, r->rest.len ? read_u8(r) % (r->rest.len + 1) : 0);
    if (raw) /* whatever it is */
        head = slice_take(payload, 60);
    uint8_t *first = malloc(head.len + !head.len), *second = malloc(payload.len + !payload.len);
    memcpy(first, head.ptr ? head.ptr : header, head.len);
    if (payload.len)
        memcpy(second, payload.ptr, payload.len);
    struct slice parts[2] = {slice_of(first, head.len), slice_of(second, payload.len)};
    struct ip_arrival a = {.source = there,
                           .destination = here,
                           .protocol = IP_TCP,
                           .ecn = (enum ip_ecn)(s.window & 3),
                           .parts = parts,
                           .count = payload.len ? 2 : 1};
    tcp_input(w.tcp, w.now, &a);
    free(first);
    free(second);
}

static void complain(struct reader *r)
{
    struct ip_complaint c = {.why = (enum ip_error)(read_u8(r) % 4), .mtu = read_be16(r)};
    uint8_t header[TCP_HEADER_MAX];
    struct tcp_segment s = w.last;
    s.seq = near(r, s.seq);
    c.source = here;
    c.destination = there;
    c.header = slice_of(header, tcp_segment_format(&s, header));
    tcp_complain(w.tcp, w.now, &c);
}

static void lend(struct owner *o, size_t len)
{
    len = len < sizeof w.lent ? len : sizeof w.lent;
    if (flow_lend(o->flow, slice_of(w.lent, len), (struct loan){on_release, NULL}) == OK)
        w.loans++;
}

static void owner_acts(struct reader *r)
{
    struct owner *o = &owners[read_u8(r) % FLOWS_MAX];
    uint8_t what = read_u8(r);
    if (!o->flow)
        return;
    switch (what % 10) {
    case 0:
        flow_close(o->flow);
        o->flow = NULL;
        break;
    case 1:
        flow_abort(o->flow);
        o->flow = NULL;
        break;
    case 2:
        tcp_finish(o->flow);
        break;
    case 3:
        flow_pause(o->flow, what & 16);
        break;
    case 4:
        lend(o, read_be16(r));
        break;
    case 5:
        tcp_cork(o->flow, what & 16);
        break;
    case 6:
        tcp_keep_alive(o->flow, CLOCK_SEC, CLOCK_SEC, 3);
        break;
    default:
        flow_write(o->flow, slice_of(w.lent, read_be16(r) % sizeof w.lent));
    }
}

static void pass_time(struct reader *r)
{
    w.now += (uint64_t)1 << (read_u8(r) % 38);
    while (tcp_deadline(w.tcp) <= w.now) {
        uint64_t at = tcp_deadline(w.tcp);
        w.awake = false; /* it flushes, too */
        tcp_expire(w.tcp, w.now);
        if (tcp_deadline(w.tcp) <= at)
            break; /* at once again: the limbo, or the card is full */
    }
}

static void step(struct reader *r)
{
    uint8_t what = read_u8(r);
    if (what < 150)
        arrive(r, false);
    else if (what < 160)
        arrive(r, true);
    else if (what < 200)
        owner_acts(r);
    else if (what < 230)
        pass_time(r);
    else if (what < 240)
        complain(r);
    else if (what < 245)
        w.done = w.sent;
    else if (what < 248)
        w.full = true;
    if (what >= 248 && w.full) {
        w.full = w.awake = false;
        tcp_room(w.tcp, w.now);
    }
    if (what & 1 || what >= 248)
        for (int i = 0; i < 3 && w.awake; i++) {
            w.awake = false;
            tcp_flush(w.tcp, w.now);
        }
    assert_always(tcp_usage(w.tcp).memory <= MEMORY_MAX + 300000);
}

/* A connection that a well-behaved peer opens. */
static void open_one(void)
{
    struct tcp_segment s = {.source = 1000, .destination = 80, .flags = TCP_SYN, .window = 65535};
    uint8_t header[TCP_HEADER_MAX];
    s.mss = 1460;
    s.scale = 8;
    s.sack_permitted = true;
    s.stamped = true;
    s.seq = 5000;
    for (int i = 0; i < 2; i++) {
        struct slice whole = slice_of(header, tcp_segment_format(&s, header));
        struct ip_arrival a = {.source = there, .destination = here, .parts = &whole, .count = 1};
        tcp_input(w.tcp, w.now, &a);
        s = (struct tcp_segment){.source = 1000,
                                 .destination = 80,
                                 .flags = TCP_ACK,
                                 .window = 65535,
                                 .seq = 5001,
                                 .ack = w.last.seq + 1,
                                 .stamped = true,
                                 .echo = w.last.stamp};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_limits limits = {
        .connections = 16, .half_open = 4, .time_wait = 8, .orphans = 4, .memory = MEMORY_MAX};
    struct reader r = reader_of(slice_of(data, size));
    struct tcp_listener *l;
    struct tcp_connection *c;
    w = (struct world){.now = 1000 * CLOCK_SEC, .seed = 1};
    memset(owners, 0, sizeof owners);
    w.tcp = tcp_open(&below, NULL, &limits, read_u8(&r) & 1 ? NET_SEGMENTS_V4 : 0, w.now);
    assert_always(w.tcp != NULL);
    assert_always(tcp_listen(w.tcp, (struct endpoint){here, 80, 0}, on_accept, NULL, &l) == OK);
    if (read_u8(&r) & 1)
        (void)tcp_connect(w.tcp, (struct endpoint){there, 1001, 0}, on_answer, NULL, &c);
    open_one();
    while (r.rest.len && !r.bad)
        step(&r);
    for (size_t i = 0; i < FLOWS_MAX; i++)
        if (owners[i].flow)
            flow_close(owners[i].flow);
    tcp_close(w.tcp);
    assert_always(w.loans == 0);
    return 0;
}
