/*
 * Frames into an instance of IP with addresses of both families. The input is a row of frames, each
 * with its length in two bytes, a byte of flags (scatter, let time pass, mend the checksums), and the
 * frame. Nothing that is sent may be malformed, and all memory comes back.
 */
#include <stdlib.h>

#include "lib/ip/ip.h"
#include "runtime/reader.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_SENT_MAX 100000u
#define FRAME_MAX       4096u

struct place {
    struct net net;
    uint64_t now;
    uint64_t state; /* of the random numbers */
    uint64_t sent;
};

static void check(bool good)
{
    if (!good)
        abort();
}

static enum err on_send(struct net *n, const struct net_frame *f)
{
    struct place *p = (struct place *)(void *)n;
    size_t len = 0;
    check(f->count >= 1 && f->count <= NET_PARTS_MAX && f->parts[0].len <= NET_HEAD_MAX);
    for (size_t i = 0; i < f->count; i++)
        len += f->parts[i].len;
    check(len >= ETHERNET_HEAD_SIZE && len <= ETHERNET_HEAD_SIZE + 1500u);
    check(++p->sent < FRAMES_SENT_MAX);
    return p->sent % 7 ? OK : ERR_AGAIN;
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
    struct place *p = owner;
    size_t len = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < a->parts[i].len; k++, len++)
            sum ^= a->parts[i].ptr[k];
    p->state += sum;
    check(len <= UINT16_MAX);
    return (enum ip_verdict)(len % 3);
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
    (void)router;
    (void)present;
}

static void on_resolver(void *owner, struct address resolver, uint64_t until)
{
    (void)owner;
    (void)resolver;
    (void)until;
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

/* The frame as parts, each in a block of its own. */
static void hand_in(struct place *p, struct ip *ip, struct slice frame, bool scatter, bool good)
{
    struct slice parts[IP_PARTS_MAX];
    uint8_t *blocks[IP_PARTS_MAX];
    size_t n = 0;
    do {
        size_t most = !scatter ? SIZE_MAX : n == 0 ? NET_HEAD_MAX : 99;
        struct slice s = slice_take(frame, n + 1 < IP_PARTS_MAX ? most : SIZE_MAX);
        blocks[n] = malloc(s.len + !s.len);
        check(blocks[n]);
        if (s.len)
            memcpy(blocks[n], s.ptr, s.len);
        parts[n] = slice_of(blocks[n], s.len);
        n++;
        frame = slice_drop(frame, s.len);
    } while (frame.len > 0);
    ip_input(ip, p->now,
             &(struct net_arrival){.parts = parts,
                                   .count = n,
                                   .checksum = good ? NET_CHECKSUM_GOOD : NET_CHECKSUM_UNKNOWN});
    while (n > 0)
        free(blocks[--n]);
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

static void say(struct place *p, struct ip *ip, struct address from, struct address to)
{
    static const uint8_t header[8] = {1, 0, 2, 0, 5, 0, 0, 0};
    static const uint8_t payload[2000];
    struct slice part = slice_of(payload, sizeof(payload));
    (void)ip_send(ip, p->now,
                  &(struct ip_packet){.source = from,
                                      .destination = to,
                                      .protocol = IP_UDP,
                                      .header = slice_of(header, sizeof(header)),
                                      .checksum_at = 6,
                                      .payload = &part,
                                      .payload_count = 1});
}

static const struct address v6 = {{0x20, 1, 0x0d, 0xb8, [15] = 1}},
                            far_v6 = {{0x20, 1, 0x0d, 0xb8, [5] = 9, [15] = 1}};

static struct ip *open(struct place *p)
{
    static const struct net_ops ops = {.send = on_send, .completed = on_completed, .link = on_link};
    static const struct ip_events events = {on_packet,   on_complaint, on_address, on_router,
                                            on_resolver, on_managed,   on_random};
    *p = (struct place){.net = {.ops = &ops, .features = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500}},
                        .now = CLOCK_SEC};
    struct ip *ip = ip_open(&p->net, &events, p, &(struct ip_options){.secret = {1, 2}}, p->now);
    check(ip);
    check(!ip_add_address(ip, p->now, address_v4(192, 0, 2, 1), 24, IP_CLAIM_AT_ONCE));
    check(!ip_add_address(ip, p->now, v6, 64, IP_CLAIM_AT_ONCE));
    check(!ip_add_route(ip, address_v4(0, 0, 0, 0), 0, address_v4(192, 0, 2, 2)));
    pass(p, ip, 3 * CLOCK_SEC);
    return ip;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct place p;
    uint64_t blocks = memory_stats().blocks;
    struct ip *ip = open(&p);
    struct reader r = reader_of(slice_of(data, size));
    while (!r.bad && r.rest.len > 3) {
        size_t len = read_be16(&r) % FRAME_MAX;
        uint8_t flags = read_u8(&r);
        hand_in(&p, ip, read_bytes(&r, len < r.rest.len ? len : r.rest.len), flags & 1, flags & 2);
        if (flags & 4)
            pass(&p, ip, (uint64_t)flags * CLOCK_SEC / 8);
        if (flags & 8) {
            say(&p, ip, address_v4(192, 0, 2, 1), address_v4(192, 0, 2, flags));
            say(&p, ip, v6, far_v6);
        }
    }
    pass(&p, ip, 100 * CLOCK_SEC);
    ip_close(ip);
    check(memory_stats().blocks == blocks);
    return 0;
}
