/*
 * One instance of lib/tcp by itself, with the packets of its peers made by hand: for what needs many
 * connections, or many segments, and nothing else in between. Time stands still unless moved.
 * Included by one program each.
 */
#ifndef TESTS_LIB_TCP_BARE_H
#define TESTS_LIB_TCP_BARE_H

#include <stdio.h>
#include <stdlib.h>

#include "lib/tcp/info.h"
#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "signatures/wait.h"

#define BARE_PORT 80u

enum { BARE_FIN = 1, BARE_SYN = 2, BARE_RST = 4, BARE_PSH = 8, BARE_ACK = 16 };

/* What the instance sent last. */
struct bare_sent {
    uint32_t seq, ack;
    uint16_t port; /* of the peer */
    uint16_t window;
    uint8_t flags;
    size_t length;
};

struct bare {
    struct tcp *tcp;
    void (*hear)(const struct ip_packet *p); /* each packet that it sends; may be NULL */
    uint64_t now;
    uint64_t sent; /* packets */
    uint64_t random;
    struct bare_sent last;
    struct tcp_listener *listener;
    bool woken;
};

/* A peer's end of a connection. */
struct bare_peer {
    struct address address;
    uint16_t port;
    uint32_t seq, ack;
};

static inline uint32_t bare_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void bare_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline enum err bare_on_send(void *arg, const struct ip_packet *p)
{
    struct bare *b = arg;
    const uint8_t *h = p->header.ptr;
    size_t length = 0;
    for (size_t i = 0; i < p->payload_count; i++)
        length += p->payload[i].len;
    b->last = (struct bare_sent){.seq = bare_be32(h + 4), .ack = bare_be32(h + 8), .flags = h[13]};
    b->last.port = (uint16_t)(h[2] << 8 | h[3]);
    b->last.window = (uint16_t)(h[14] << 8 | h[15]);
    b->last.length = length;
    b->sent++;
    if (b->hear)
        b->hear(p);
    return OK;
}

static inline uint64_t bare_on_sent(void *arg)
{
    return ((struct bare *)arg)->sent;
}

static inline bool bare_on_source(void *arg, struct address destination, struct address *source)
{
    (void)arg, (void)destination;
    *source = address_v4(10, 0, 0, 1);
    return true;
}

static inline uint32_t bare_on_mtu(void *arg, struct address destination)
{
    (void)arg, (void)destination;
    return 1500;
}

static inline void bare_on_learn(void *arg, struct address destination, uint32_t mtu)
{
    (void)arg, (void)destination, (void)mtu;
}

static inline void bare_on_confirm(void *arg, struct address destination)
{
    (void)arg, (void)destination;
}

static inline void bare_on_random(void *arg, void *into, size_t len)
{
    struct bare *b = arg;
    for (size_t i = 0; i < len; i++) {
        b->random = b->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)into)[i] = (uint8_t)(b->random >> 56);
    }
}

static inline void bare_on_wake(void *arg)
{
    ((struct bare *)arg)->woken = true;
}

static inline void bare_open(struct bare *b, const struct tcp_limits *limits)
{
    static const struct tcp_below below = {
        .send = bare_on_send,
        .sent = bare_on_sent,
        .completed = bare_on_sent,
        .source = bare_on_source,
        .path_mtu = bare_on_mtu,
        .link_mtu = bare_on_mtu,
        .learn_path_mtu = bare_on_learn,
        .confirm = bare_on_confirm,
        .random = bare_on_random,
        .wake = bare_on_wake,
    };
    *b = (struct bare){.now = CLOCK_SEC, .random = 1};
    b->tcp = tcp_open(&below, b, limits, 0, b->now);
    assert_always(b->tcp != NULL);
}

static inline void bare_flush(struct bare *b)
{
    for (; b->woken; tcp_flush(b->tcp, b->now))
        b->woken = false;
}

/* Time passes, and what is due happens. */
static inline void bare_advance(struct bare *b, uint64_t ns)
{
    uint64_t until = b->now + ns;
    for (uint64_t next; (next = tcp_deadline(b->tcp)) <= until;) {
        if (next > b->now)
            b->now = next;
        tcp_expire(b->tcp, b->now);
        bare_flush(b);
    }
    b->now = until;
}

static inline struct bare_peer bare_peer(uint32_t number)
{
    struct bare_peer p = {.port = (uint16_t)(1024 + number % 60000), .seq = number * 7919u};
    uint32_t host = number / 60000;
    p.address = address_v4(10, 1, (uint8_t)(host >> 8), (uint8_t)host);
    return p;
}

/* A segment from the peer: its numbers go on by what it says. */
static inline void bare_segment(struct bare *b, struct bare_peer *p, uint8_t flags,
                                struct slice options, struct slice payload)
{
    uint8_t bytes[60 + 1500] = {(uint8_t)(p->port >> 8), (uint8_t)p->port, 0, BARE_PORT};
    size_t head = 20 + options.len;
    bare_put32(bytes + 4, p->seq);
    bare_put32(bytes + 8, flags & BARE_ACK ? p->ack : 0);
    bytes[12] = (uint8_t)(head / 4 << 4);
    bytes[13] = flags;
    bytes[14] = 0xff;
    bytes[15] = 0xff;
    if (options.len)
        memcpy(bytes + 20, options.ptr, options.len);
    if (payload.len)
        memcpy(bytes + head, payload.ptr, payload.len);
    struct slice part = slice_of(bytes, head + payload.len);
    struct ip_arrival a = {.source = p->address, .protocol = IP_TCP, .hops = 64};
    a.destination = address_v4(10, 0, 0, 1);
    a.parts = &part;
    a.count = 1;
    tcp_input(b->tcp, b->now, &a);
    bare_flush(b);
    p->seq += (uint32_t)payload.len + !!(flags & BARE_SYN) + !!(flags & BARE_FIN);
}

static const uint8_t bare_syn_options[] = {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};

/* Shakes hands: false where the instance did not answer. */
static inline bool bare_connect(struct bare *b, struct bare_peer *p)
{
    uint64_t before = b->sent;
    bare_segment(b, p, BARE_SYN, slice_of(bare_syn_options, sizeof bare_syn_options),
                 slice_of(NULL, 0));
    if (b->sent == before || b->last.flags != (BARE_SYN | BARE_ACK))
        return false;
    p->ack = b->last.seq + 1;
    bare_segment(b, p, BARE_ACK, slice_of(NULL, 0), slice_of(NULL, 0));
    return true;
}

static inline void bare_listen(struct bare *b, accept_fn *accept, void *owner)
{
    struct endpoint any = {.port = BARE_PORT};
    assert_always(!tcp_listen(b->tcp, any, accept, owner, &b->listener));
}

#endif
