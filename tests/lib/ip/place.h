/*
 * One instance of IP on a card that keeps what it is sent: frames are handed in by hand, each part in
 * a block of exactly its size, time passes when the test says so, and events are written down.
 */
#ifndef TESTS_LIB_IP_PLACE_H
#define TESTS_LIB_IP_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ip/internal.h"
#include "lib/ip/ndp.h"
#include "platform/sim/frame.h"
#include "signatures/memory.h"

#define FRAMES_MAX 4096u
#define TEXT_MAX   65536u

struct sent {
    uint8_t *bytes;
    size_t len;
    struct net_frame frame; /* without parts */
};

struct place {
    struct net net;
    struct ip *ip;
    uint64_t now;
    uint64_t seed;
    uint64_t completed; /* what net_completed says; UINT64_MAX: all */
    enum err refuse;    /* what net_send answers */
    struct sent frames[FRAMES_MAX];
    size_t count;
    bool scatter;               /* arrivals come in parts of 64 bytes after the first of 256 */
    enum net_checksum checksum; /* of arrivals */
    enum ip_verdict verdict;    /* of packets */
    char events[TEXT_MAX];      /* "+192.0.2.1 " and such */
    uint8_t packet[66000];      /* the last that was delivered */
    size_t packet_len;
    struct ip_arrival arrival; /* without parts */
    size_t packets;
    struct ip_complaint complaint;
    uint8_t complaint_header[64];
    size_t complaints;
    uint64_t blocks;
};

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2},
                     other_mac[6] = {2, 0, 0, 0, 0, 3};
static const uint8_t all_mac[6] = {255, 255, 255, 255, 255, 255};

static inline struct address A(const char *text) {
    struct address a;
    assert_true(address_parse(slice_text(text), &a));
    return a;
}

static inline enum err
place_send_op(struct net *n, const struct net_frame *f)
{
    struct place *p = (struct place *)(void *)n;
    if (p->refuse)
        return p->refuse;
    assert_in_range(f->count, 1, NET_PARTS_MAX);
    assert_true(f->parts[0].len <= NET_HEAD_MAX);
    assert_in_range(p->count, 0, FRAMES_MAX - 1);
    struct sent *s = &p->frames[p->count++];
    size_t len = parts_length(f->parts, f->count);
    *s = (struct sent){.bytes = malloc(len ? len : 1), .len = len, .frame = *f};
    parts_copy(f->parts, f->count, 0, s->bytes, len);
    s->frame.parts = NULL;
    return OK;
}

static inline uint64_t place_completed_op(struct net *n)
{
    struct place *p = (struct place *)(void *)n;
    return p->completed < n->sent ? p->completed : n->sent;
}

static inline bool place_link_op(const struct net *n)
{
    (void)n;
    return true;
}

static inline void place_note(struct place *p, const char *what, struct address a)
{
    char text[ADDRESS_TEXT_MAX];
    address_format(a, text);
    size_t at = strlen(p->events);
    snprintf(p->events + at, sizeof(p->events) - at, "%s%s ", what, text);
}

static inline enum ip_verdict place_on_packet(void *owner, const struct ip_arrival *a)
{
    struct place *p = owner;
    p->arrival = *a;
    p->packet_len = parts_copy(a->parts, a->count, 0, p->packet, sizeof(p->packet));
    p->arrival.parts = NULL;
    p->packets++;
    return p->verdict;
}

static inline void place_on_complaint(void *owner, const struct ip_complaint *c)
{
    struct place *p = owner;
    p->complaint = *c;
    struct slice head = slice_take(c->header, sizeof(p->complaint_header));
    memcpy(p->complaint_header, head.ptr, head.len);
    p->complaint.header = slice_of(p->complaint_header, head.len);
    p->complaints++;
}

static inline void place_on_address(void *owner, enum ip_address_event what, struct address a)
{
    static const char *const names[] = {"+", "=", "-"};
    place_note(owner, names[what], a);
}

static inline void place_on_router(void *owner, struct address router, bool present)
{
    place_note(owner, present ? "router+" : "router-", router);
}

static inline void place_on_resolver(void *owner, struct address resolver, uint64_t until)
{
    place_note(owner, until ? "dns+" : "dns-", resolver);
}

static inline void place_on_managed(void *owner, bool addresses, bool settings)
{
    struct place *p = owner;
    size_t at = strlen(p->events);
    snprintf(p->events + at, sizeof(p->events) - at, "managed%d%d ", addresses, settings);
}

/* SplitMix64. */
static inline uint64_t place_draw(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void place_random(void *owner, void *into, size_t len)
{
    struct place *p = owner;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)into)[i] = (uint8_t)place_draw(&p->seed);
}

static inline void place_open_with(struct place *p, uint32_t offloads, struct ip_options options)
{
    static const struct net_ops ops = {
        .send = place_send_op, .completed = place_completed_op, .link = place_link_op};
    static const struct ip_events events = {place_on_packet, place_on_complaint, place_on_address,
                                            place_on_router, place_on_resolver,  place_on_managed,
                                            place_random};
    memset(p, 0, sizeof(*p));
    p->blocks = memory_stats().blocks;
    p->net.ops = &ops;
    p->net.features.mtu = 1500;
    p->net.features.offloads = offloads;
    memcpy(p->net.features.mac, our_mac, 6);
    p->completed = UINT64_MAX;
    p->now = CLOCK_SEC;
    p->seed = 1;
    p->ip = ip_open(&p->net, &events, p, &options, p->now);
    assert_non_null(p->ip);
}

static inline void place_clear(struct place *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->frames[i].bytes);
    p->count = 0;
    p->events[0] = 0;
    p->packets = p->complaints = 0;
}

static inline void place_close(struct place *p)
{
    ip_close(p->ip);
    place_clear(p);
    assert_int_equal(memory_stats().blocks, p->blocks);
}

/* Lets time pass, and what is due happen. */
static inline void place_run(struct place *p, uint64_t ns)
{
    uint64_t end = p->now + ns;
    for (unsigned steps = 0;; steps++) {
        assert_in_range(steps, 0, 100000);
        uint64_t due = ip_deadline(p->ip);
        if (due > end)
            break;
        if (due > p->now)
            p->now = due;
        ip_expire(p->ip, p->now);
    }
    p->now = end;
}

static inline void place_in(struct place *p, struct slice frame)
{
    struct slice parts[64];
    uint8_t *blocks[64];
    size_t n = 0;
    do {
        size_t len = frame.len;
        if (p->scatter && len > (n == 0 ? NET_HEAD_MAX : 64))
            len = n == 0 ? NET_HEAD_MAX : 64;
        if (n == 63)
            len = frame.len;
        blocks[n] = malloc(len ? len : 1);
        if (len)
            memcpy(blocks[n], frame.ptr, len);
        parts[n] = slice_of(blocks[n], len);
        frame = slice_drop(frame, len);
        n++;
    } while (frame.len > 0);
    ip_input(p->ip, p->now,
             &(struct net_arrival){.parts = parts, .count = n, .checksum = p->checksum});
    while (n > 0)
        free(blocks[--n]);
}

/* A frame that was sent. */
static inline struct slice place_frame(const struct place *p, size_t i)
{
    assert_true(i < p->count);
    return slice_of(p->frames[i].bytes, p->frames[i].len);
}

static inline struct slice place_last(const struct place *p)
{
    assert_true(p->count > 0);
    return place_frame(p, p->count - 1);
}

/* The last frame, read by somebody else; its checksums are right. */
static inline struct sim_frame place_read(const struct place *p)
{
    struct sim_frame f;
    struct slice s = place_last(p);
    const char *fault = sim_frame_read(s, &f);
    if (fault)
        fail_msg("%s", fault);
    assert_true(sim_frame_ip_sum_good(s, &f));
    assert_true(f.fragment || sim_frame_sum_good(s, &f));
    return f;
}

static inline uint64_t place_count(const struct place *p, enum ip_counter which)
{
    return ip_counter(p->ip, which);
}

/* --- frames from the peer --- */

static inline struct slice make_arp(uint8_t into[42], uint16_t operation, const uint8_t *to,
                                    const uint8_t *from, const char *sender,
                                    const uint8_t *target_mac, const char *target)
{
    static const uint8_t fixed[] = {8, 6, 0, 1, 8, 0, 6, 4, 0};
    memcpy(into, to, 6);
    memcpy(into + 6, from, 6);
    memcpy(into + 12, fixed, sizeof(fixed));
    into[21] = (uint8_t)operation;
    memcpy(into + 22, from, 6);
    memcpy(into + 28, A(sender).bytes + 12, 4);
    memcpy(into + 32, target_mac, 6);
    memcpy(into + 38, A(target).bytes + 12, 4);
    return slice_of(into, 42);
}

static inline void in_arp(struct place *p, uint16_t operation, const uint8_t *to,
                          const uint8_t *from, const char *sender, const char *target)
{
    uint8_t frame[42];
    const uint8_t *target_mac = operation == 2 ? to : (const uint8_t[6]){0};
    place_in(p, make_arp(frame, operation, to, from, sender, target_mac, target));
}

/* content: the transport's header and payload; checksums are put in. */
static inline struct slice make_ip(uint8_t *into, const char *from, const char *to,
                                   uint8_t protocol, uint8_t hops, struct slice content)
{
    struct sim_frame f = {
        .source = A(from), .destination = A(to), .protocol = protocol, .hops = hops};
    f.v6 = !address_is_v4(f.source);
    memcpy(f.to, our_mac, 6);
    if (address_is_multicast(&f.destination))
        memcpy(f.to, ethernet_group(f.destination).bytes, 6);
    memcpy(f.from, peer_mac, 6);
    return slice_of(into, sim_frame_ip(into, &f, content));
}

static inline void in_ip(struct place *p, const char *from, const char *to, uint8_t protocol,
                         uint8_t hops, struct slice content)
{
    uint8_t *frame = malloc(content.len + NET_HEAD_MAX);
    place_in(p, make_ip(frame, from, to, protocol, hops, content));
    free(frame);
}

/* A datagram of UDP with a payload of n bytes. */
static inline struct slice make_udp(uint8_t *into, size_t n)
{
    memset(into, 'u', 8 + n);
    sim_put16(into, 1000);
    sim_put16(into + 2, 2000);
    sim_put16(into + 4, (uint16_t)(8 + n));
    sim_put16(into + 6, 0);
    return slice_of(into, 8 + n);
}

static inline void in_udp(struct place *p, const char *from, const char *to, size_t n)
{
    uint8_t *udp = malloc(8 + n);
    in_ip(p, from, to, 17, 0, make_udp(udp, n));
    free(udp);
}

/* --- a packet to send --- */

static inline enum err send_udp(struct place *p, const char *from, const char *to, size_t n,
                                bool whole)
{
    static uint8_t payload[66000];
    uint8_t header[8];
    make_udp(header, 0);
    sim_put16(header + 4, (uint16_t)(8 + n));
    for (size_t i = 0; i < n; i++)
        payload[i] = (uint8_t)(i * 7 + (i >> 8));
    struct slice part = slice_of(payload, n);
    return ip_send(p->ip, p->now,
                   &(struct ip_packet){.source = A(from),
                                       .destination = A(to),
                                       .protocol = IP_UDP,
                                       .whole = whole,
                                       .header = slice_of(header, 8),
                                       .checksum_at = 6,
                                       .payload = &part,
                                       .payload_count = n > 0});
}

/* 192.0.2.1/24 and 2001:db8::1/64 with gateways .254 and fe80::2, the peers' stations known. */
static inline void place_open(struct place *p)
{
    place_open_with(p, 0, (struct ip_options){.no_autoconfiguration = true});
    struct mac peer;
    memcpy(peer.bytes, peer_mac, 6);
    static const char *const known[] = {"192.0.2.2", "192.0.2.254", "2001:db8::2", "fe80::2"};
    assert_int_equal(ip_add_address(p->ip, p->now, A("192.0.2.1"), 24, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(ip_add_address(p->ip, p->now, A("2001:db8::1"), 64, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(ip_add_address(p->ip, p->now, A("fe80::1"), 64, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(ip_add_route(p->ip, A("0.0.0.0"), 0, A("192.0.2.254")), OK);
    assert_int_equal(ip_add_route(p->ip, A("::"), 0, A("fe80::2")), OK);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        assert_int_equal(ip_set_neighbour(p->ip, p->now, A(known[i]), peer), OK);
    place_run(p, 10 * CLOCK_SEC);
    place_clear(p);
}

#endif
