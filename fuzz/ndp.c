/*
 * Messages of ICMPv6 into an instance of IPv6 that configures itself: NDP, MLD, errors. The input is
 * a row of messages, each with its length, a byte that says between whom and with which hop limit,
 * and the message; its checksum is made right. Whatever routers and neighbours say, an address that
 * was added stays ours, and the tables keep to their bounds.
 */
#include <stdlib.h>

#include "lib/ip/checksum.h"
#include "lib/ip/ip.h"
#include "runtime/reader.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_MAX 1400u
#define HEAD        (ETHERNET_HEAD_SIZE + 40u)

struct place {
    struct net net;
    uint64_t now;
    uint64_t state;
};

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

static void check(bool good)
{
    if (!good)
        abort();
}

static enum err on_send(struct net *n, const struct net_frame *f)
{
    (void)n;
    check(f->count >= 1 && f->count <= NET_PARTS_MAX && f->parts[0].len <= NET_HEAD_MAX);
    return OK;
}

static uint64_t on_completed(struct net *n)
{
    return n->sent;
}

static bool on_link(const struct net *n)
{
    (void)n;
    return true;
}

static enum ip_verdict on_packet(void *owner, const struct ip_arrival *a)
{
    (void)owner;
    (void)a;
    abort(); /* only ICMPv6 comes in */
}

static void on_complaint(void *owner, const struct ip_complaint *c)
{
    (void)owner;
    check(c->header.len >= 8);
}

static void on_address(void *owner, enum ip_address_event what, struct address a)
{
    (void)owner;
    (void)what;
    (void)a;
}

static void on_router(void *owner, struct address router, bool present)
{
    (void)owner;
    (void)present;
    check(router.bytes[0] == 0xfe && (router.bytes[1] & 0xc0) == 0x80);
}

static void on_resolver(void *owner, struct address resolver, uint64_t until)
{
    (void)owner;
    (void)until;
    check(!address_is_v4(resolver));
}

static void on_managed(void *owner, bool addresses, bool settings)
{
    (void)owner;
    (void)addresses;
    (void)settings;
}

static void on_random(void *owner, void *into, size_t len)
{
    struct place *p = owner;
    for (size_t i = 0; i < len; i++) {
        p->state = p->state * UINT64_C(6364136223846793005) + 1;
        ((uint8_t *)into)[i] = (uint8_t)(p->state >> 56);
    }
}

static const struct address ours = {{0x20, 1, 0x0d, 0xb8, [15] = 1}},
                            peer = {{0x20, 1, 0x0d, 0xb8, [15] = 2}},
                            router = {{0xfe, 0x80, [15] = 2}}, other = {{0xfe, 0x80, [15] = 3}},
                            all = {{0xff, 2, [15] = 1}},
                            asked = {{0xff, 2, [11] = 1, [12] = 0xff, [15] = 1}},
                            far = {{0x20, 1, 0x0d, 0xb8, [5] = 9, [15] = 1}};

static void hand_in(struct place *p, struct ip *ip, struct slice message, uint8_t how)
{
    const struct address *sources[] = {&router, &other, &peer, &ADDRESS_ANY};
    const struct address *targets[] = {&all, &ours, &asked, &all};
    const struct address *from = sources[how & 3], *to = targets[how >> 2 & 3];
    uint8_t *frame = calloc(1, HEAD + message.len);
    check(frame);
    struct mac group = ethernet_group(*to);
    memcpy(frame, to == &ours ? mac : group.bytes, 6);
    frame[6] = 2;
    frame[11] = 2 + (how & 3);
    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[14] = 0x60;
    frame[18] = (uint8_t)(message.len >> 8);
    frame[19] = (uint8_t)message.len;
    frame[20] = IP_ICMPV6;
    frame[21] = how & 0x10 ? 1 : 255;
    memcpy(frame + 22, from->bytes, 16);
    memcpy(frame + 38, to->bytes, 16);
    if (message.len >= 4) {
        memcpy(frame + HEAD, message.ptr, message.len);
        frame[HEAD + 2] = frame[HEAD + 3] = 0;
        struct checksum c = {0};
        checksum_add_pseudo(&c, from, to, IP_ICMPV6, message.len);
        checksum_add(&c, slice_of(frame + HEAD, message.len));
        frame[HEAD + 2] = (uint8_t)(checksum_complement(&c) >> 8);
        frame[HEAD + 3] = (uint8_t)checksum_complement(&c);
    }
    struct slice part = slice_of(frame, HEAD + message.len);
    ip_input(ip, p->now, &(struct net_arrival){.parts = &part, .count = 1});
    free(frame);
}

static void pass(struct place *p, struct ip *ip, uint64_t ns)
{
    uint64_t end = p->now + ns;
    for (unsigned steps = 0; ip_deadline(ip) <= end; steps++) {
        check(steps < 10000);
        if (ip_deadline(ip) > p->now)
            p->now = ip_deadline(ip);
        ip_expire(ip, p->now);
    }
    p->now = end;
}

static void say(struct place *p, struct ip *ip, const struct address *to)
{
    static const uint8_t header[8] = {1, 0, 2, 0, 0, 8, 0, 0};
    (void)ip_send(ip, p->now,
                  &(struct ip_packet){.source = ours,
                                      .destination = *to,
                                      .protocol = IP_UDP,
                                      .header = slice_of(header, sizeof(header)),
                                      .checksum_at = 6});
}

static struct ip *open(struct place *p)
{
    static const struct net_ops ops = {.send = on_send, .completed = on_completed, .link = on_link};
    static const struct ip_events events = {on_packet,   on_complaint, on_address, on_router,
                                            on_resolver, on_managed,   on_random};
    *p = (struct place){.net = {.ops = &ops, .features = {.mtu = 1500}}, .now = CLOCK_SEC};
    memcpy(p->net.features.mac, mac, sizeof(mac));
    struct ip *ip = ip_open(&p->net, &events, p, &(struct ip_options){.no_v4 = true}, p->now);
    check(ip);
    check(!ip_add_address(ip, p->now, ours, 64, IP_CLAIM_AT_ONCE));
    return ip;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct place p;
    uint64_t blocks = memory_stats().blocks;
    struct ip *ip = open(&p);
    struct reader r = reader_of(slice_of(data, size));
    while (!r.bad && r.rest.len > 3) {
        size_t len = read_be16(&r) % MESSAGE_MAX;
        uint8_t how = read_u8(&r);
        hand_in(&p, ip, read_bytes(&r, len < r.rest.len ? len : r.rest.len), how);
        if (how & 0x20)
            pass(&p, ip, (uint64_t)how * CLOCK_SEC / 64);
        if (how & 0x40) {
            say(&p, ip, &peer);
            say(&p, ip, &far);
        }
        struct ip_route routes[IP_ROUTES_MAX];
        check(ip_routes(ip, routes, IP_ROUTES_MAX) < IP_ROUTES_MAX);
        check(ip_is_ours(ip, ours));
        check(ip_link_mtu(ip, ours) >= IP_MTU_MIN_V6 &&
              ip_path_mtu(ip, p.now, far) >= IP_MTU_MIN_V6);
    }
    pass(&p, ip, 100 * CLOCK_SEC);
    ip_close(ip);
    check(memory_stats().blocks == blocks);
    return 0;
}
