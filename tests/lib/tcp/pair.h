/*
 * Two instances of TCP on a wire that exists in a test only: packets take a time, and a test may look
 * at each of them, drop it, or put in others. Time is virtual.
 */
#ifndef TESTS_LIB_TCP_PAIR_H
#define TESTS_LIB_TCP_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tcp/info.h"
#include "lib/tcp/segment.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "signatures/wait.h"

#define PAIR_START (1000 * CLOCK_SEC)

struct pair;

/* A packet on its way. */
struct wire_packet {
    struct wire_packet *next;
    uint64_t at;
    struct ip_arrival arrival;
    struct slice whole; /* header and payload, in one piece of their own */
    struct tcp_segment segment;
    struct slice payload;
};

/* One side. */
struct end {
    struct pair *pair;
    struct end *other;
    struct tcp *tcp;
    struct address address;
    bool awake;
    uint32_t mtu; /* what its packets may have; more is refused (as IP does) */
    uint64_t sent;
    uint64_t packets;
    uint64_t lag; /* frames that its card is not done with */
    bool full;    /* its card takes nothing */
};

struct pair {
    struct end ends[2];
    uint64_t now, delay;
    struct wire_packet *first, *last;
    struct sim_random random;
    unsigned loss; /* percent */
    uint32_t path; /* larger packets vanish; 0: none do */
    uint64_t jitter;
    /* What a test does with a packet before it is under way: false drops it. */
    bool (*filter)(struct pair *p, struct end *from, struct wire_packet *w);
    void *arg;
    uint64_t blocks;
};

/* --- the world below --- */

static inline void wire_put(struct pair *p, struct wire_packet *w)
{
    struct wire_packet **at = &p->first;
    if (p->first && p->last->at <= w->at)
        at = &p->last->next; /* mostly */
    while (*at && (*at)->at <= w->at)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    if (!w->next)
        p->last = w;
}

static inline struct wire_packet *wire_packet_of(const struct ip_packet *p)
{
    size_t len = p->header.len, n = 0;
    for (size_t i = 0; i < p->payload_count; i++)
        len += p->payload[i].len;
    struct wire_packet *w = calloc(1, sizeof *w);
    uint8_t *bytes = malloc(len);
    memcpy(bytes, p->header.ptr, n = p->header.len);
    for (size_t i = 0; i < p->payload_count; i++) {
        memcpy(bytes + n, p->payload[i].ptr, p->payload[i].len);
        n += p->payload[i].len;
    }
    w->whole = slice_of(bytes, len);
    w->arrival = (struct ip_arrival){.source = p->source,
                                     .destination = p->destination,
                                     .protocol = IP_TCP,
                                     .ecn = p->ecn,
                                     .hops = 64,
                                     .parts = &w->whole,
                                     .count = 1,
                                     .segment_size = p->segment_size};
    assert_int_equal(tcp_segment_parse(w->whole, len, &w->segment), OK);
    w->payload = slice_drop(w->whole, w->segment.header);
    return w;
}

static inline void wire_free(struct wire_packet *w)
{
    free((void *)(uintptr_t)w->whole.ptr);
    free(w);
}

static inline enum err end_send(void *arg, const struct ip_packet *packet)
{
    struct end *e = arg;
    struct pair *p = e->pair;
    if (e->full)
        return ERR_AGAIN;
    struct wire_packet *w = wire_packet_of(packet);
    size_t size = w->whole.len + 20, unit = packet->segment_size;
    size_t largest = unit ? unit + w->segment.header + 20 : size;
    if (largest > e->mtu) {
        wire_free(w);
        return ERR_LIMIT;
    }
    e->sent++;
    e->packets++;
    w->at = p->now + p->delay;
    if (p->jitter)
        w->at += sim_random_range(&p->random, 0, p->jitter);
    bool lost = sim_random_chance(&p->random, p->loss) || (p->path && largest > p->path);
    if ((p->filter && !p->filter(p, e, w)) || lost)
        wire_free(w);
    else
        wire_put(p, w);
    return OK;
}

static inline uint64_t end_sent(void *arg)
{
    return ((struct end *)arg)->sent;
}

static inline uint64_t end_completed(void *arg)
{
    struct end *e = arg;
    return e->sent - (e->lag < e->sent ? e->lag : e->sent);
}

static inline bool end_source(void *arg, struct address destination, struct address *source)
{
    (void)destination;
    *source = ((struct end *)arg)->address;
    return true;
}

static inline uint32_t end_path_mtu(void *arg, struct address destination)
{
    (void)destination;
    return ((struct end *)arg)->mtu;
}

static inline void end_learn(void *arg, struct address destination, uint32_t mtu)
{
    (void)arg;
    (void)destination;
    (void)mtu;
}

static inline void end_confirm(void *arg, struct address destination)
{
    (void)arg;
    (void)destination;
}

static inline void end_random(void *arg, void *into, size_t len)
{
    struct end *e = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)into)[i] = (uint8_t)sim_random_next(&e->pair->random);
}

static inline void end_wake(void *arg)
{
    struct end *e = arg;
    assert_false(e->awake);
    e->awake = true;
}

static const struct tcp_below end_below = {end_send,     end_sent,     end_completed, end_source,
                                           end_path_mtu, end_path_mtu, end_learn,     end_confirm,
                                           end_random,   end_wake};

/* --- running --- */

static inline void pair_open(struct pair *p, uint64_t seed, const struct tcp_limits *limits,
                             uint32_t offloads)
{
    *p = (struct pair){.now = PAIR_START, .delay = 10 * CLOCK_MS};
    p->blocks = memory_stats().blocks;
    sim_random_seed(&p->random, seed);
    for (int i = 0; i < 2; i++) {
        struct end *e = &p->ends[i];
        e->pair = p;
        e->other = &p->ends[1 - i];
        e->address = address_v4(10, 0, 0, (uint8_t)(i + 1));
        e->mtu = 1500;
        e->tcp = tcp_open(&end_below, e, limits, offloads, p->now);
        assert_non_null(e->tcp);
    }
}

static inline void pair_flush(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        while (p->ends[i].awake) {
            p->ends[i].awake = false;
            tcp_flush(p->ends[i].tcp, p->now);
        }
}

static inline uint64_t pair_next(struct pair *p)
{
    uint64_t at = p->first ? p->first->at : UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        uint64_t deadline = tcp_deadline(p->ends[i].tcp);
        at = deadline < at ? deadline : at;
    }
    return at < p->now ? p->now : at;
}

static inline void pair_deliver(struct pair *p)
{
    struct wire_packet *w = p->first;
    struct end *to = NULL;
    p->first = w->next;
    for (int i = 0; i < 2; i++)
        if (memcmp(&p->ends[i].address, &w->arrival.destination, 16) == 0)
            to = &p->ends[i];
    if (to)
        tcp_input(to->tcp, p->now, &w->arrival);
    wire_free(w);
}

/* Until done(arg) or the time has passed: whether it is done. */
static inline bool pair_run(struct pair *p, bool (*done)(void *arg), void *arg, uint64_t ns)
{
    uint64_t end = p->now + ns;
    pair_flush(p);
    while (!done || !done(arg)) {
        uint64_t at = pair_next(p);
        if (at > end) {
            p->now = end;
            return false;
        }
        p->now = at;
        while (p->first && p->first->at <= p->now)
            pair_deliver(p);
        for (int i = 0; i < 2; i++)
            if (tcp_deadline(p->ends[i].tcp) <= p->now)
                tcp_expire(p->ends[i].tcp, p->now);
        pair_flush(p);
    }
    return true;
}

static inline void pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        tcp_close(p->ends[i].tcp);
    while (p->first) {
        struct wire_packet *w = p->first;
        p->first = w->next;
        wire_free(w);
    }
    assert_int_equal(memory_stats().blocks, p->blocks);
}

/* A packet by hand, from an address of its own or that of an end. */
static inline void pair_inject(struct pair *p, struct address source, struct address destination,
                               const struct tcp_segment *s, struct slice payload)
{
    uint8_t header[TCP_HEADER_MAX];
    struct ip_packet packet = {.source = source, .destination = destination};
    packet.header = slice_of(header, tcp_segment_format(s, header));
    packet.payload = &payload;
    packet.payload_count = payload.len > 0;
    struct wire_packet *w = wire_packet_of(&packet);
    w->at = p->now;
    wire_put(p, w);
}

/* --- an owner that keeps what it is told --- */

struct side {
    struct flow *flow;
    struct listener_side *from;
    uint8_t *received;
    size_t length, room, taken;
    bool eof, ended, closed, pause, close_on_eof, echo, refused;
    unsigned answers, rooms, calls;
    enum err why;
    uint64_t pattern_sent; /* of side_feed */
    uint64_t total;        /* to be sent by side_feed */
    uint64_t checked;      /* bytes that were seen to be right */
    bool check;            /* against the pattern, instead of keeping */
};

static inline uint8_t pattern(uint64_t i)
{
    return (uint8_t)((i * 2654435761u) >> 13 ^ i);
}

static inline void side_close(struct side *s)
{
    s->closed = true;
    flow_close(s->flow);
}

static inline void side_feed(struct side *s)
{
    static uint8_t block[16384];
    while (s->pattern_sent < s->total && !s->ended && !s->closed) {
        size_t n = flow_room(s->flow);
        n = n < sizeof block ? n : sizeof block;
        n = n < s->total - s->pattern_sent ? n : (size_t)(s->total - s->pattern_sent);
        if (n == 0) {
            uint8_t one = pattern(s->pattern_sent);
            assert_int_equal(flow_write(s->flow, slice_of(&one, 1)), ERR_AGAIN);
            return;
        }
        for (size_t i = 0; i < n; i++)
            block[i] = pattern(s->pattern_sent + i);
        assert_int_equal(flow_write(s->flow, slice_of(block, n)), OK);
        s->pattern_sent += n;
    }
}

static inline void side_on_data(void *owner, struct slice bytes)
{
    struct side *s = owner;
    assert_false(s->closed || s->pause || s->eof || s->ended);
    assert_true(bytes.len > 0);
    s->calls++;
    if (s->check) {
        for (size_t i = 0; i < bytes.len; i++)
            assert_int_equal(bytes.ptr[i], pattern(s->checked + i));
        s->checked += bytes.len;
        return;
    }
    if (s->length + bytes.len > s->room) {
        s->room = (s->length + bytes.len) * 2;
        s->received = realloc(s->received, s->room);
    }
    memcpy(s->received + s->length, bytes.ptr, bytes.len);
    s->length += bytes.len;
    if (s->echo)
        assert_int_equal(flow_write(s->flow, bytes), OK);
}

static inline void side_on_eof(void *owner)
{
    struct side *s = owner;
    assert_false(s->closed || s->eof);
    s->eof = true;
    if (s->close_on_eof)
        side_close(s);
}

static inline void side_on_room(void *owner)
{
    struct side *s = owner;
    assert_false(s->closed);
    s->rooms++;
    if (s->total)
        side_feed(s);
}

static inline void side_on_end(void *owner, enum err why)
{
    struct side *s = owner;
    assert_false(s->closed || s->ended);
    assert_int_not_equal(why, OK);
    s->ended = true;
    s->why = why;
}

static const struct flow_events side_events = {side_on_data, side_on_eof, side_on_room,
                                               side_on_end};

static inline void side_on_accept(void *owner, struct flow *flow)
{
    struct side *s = owner;
    assert_null(s->flow);
    s->flow = flow;
    flow_own(flow, &side_events, s);
}

static inline void side_on_answer(void *owner, enum err why, struct flow *flow)
{
    struct side *s = owner;
    s->answers++;
    s->why = why;
    s->flow = flow;
    if (flow)
        flow_own(flow, &side_events, s);
}

static inline void side_free(struct side *s)
{
    free(s->received);
    s->received = NULL;
}

/* Two sides of one connection, client at end 0, server at end 1. */
struct session {
    struct pair pair;
    struct side client, server;
    struct tcp_listener *listener;
    struct tcp_connection *connecting;
};

static inline bool is_connected(void *arg)
{
    struct session *s = arg;
    return s->client.flow && s->server.flow;
}

static inline void session_open(struct session *s, uint64_t seed, uint32_t offloads)
{
    *s = (struct session){.client = {.why = OK}};
    pair_open(&s->pair, seed, NULL, offloads);
    struct endpoint local = {ADDRESS_ANY, 80, 0};
    assert_int_equal(
        tcp_listen(s->pair.ends[1].tcp, local, side_on_accept, &s->server, &s->listener), OK);
}

static inline void session_connect(struct session *s)
{
    struct endpoint remote = {s->pair.ends[1].address, 80, 0};
    assert_int_equal(
        tcp_connect(s->pair.ends[0].tcp, remote, side_on_answer, &s->client, &s->connecting), OK);
}

static inline void session_start(struct session *s, uint64_t seed, uint32_t offloads)
{
    session_open(s, seed, offloads);
    session_connect(s);
    assert_true(pair_run(&s->pair, is_connected, s, 10 * CLOCK_SEC));
}

static inline void session_end(struct session *s)
{
    struct side *sides[2] = {&s->client, &s->server};
    for (int i = 0; i < 2; i++) {
        if (sides[i]->flow && !sides[i]->closed)
            flow_abort(sides[i]->flow);
        side_free(sides[i]);
    }
    pair_run(&s->pair, NULL, NULL, CLOCK_SEC);
    tcp_unlisten(s->pair.ends[1].tcp, s->listener);
    pair_close(&s->pair);
}

static inline uint64_t counted(const struct end *e, enum tcp_counter which)
{
    return tcp_counter(e->tcp, which);
}

#endif
