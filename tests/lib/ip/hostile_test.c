/*
 * Hostile frames: every kind of packet cut at every byte, and changed at random by the thousand.
 * Whatever comes, it is answered with few and well-formed frames, and all memory comes back.
 */
#include "tests/lib/ip/place.h"

static struct place p;

#define KINDS_MAX 40

static struct {
    uint8_t bytes[1600];
    size_t len;
} kinds[KINDS_MAX];
static size_t kind_count;

static void keep(struct slice s)
{
    assert_true(kind_count < KINDS_MAX && s.len <= sizeof(kinds[0].bytes));
    memcpy(kinds[kind_count].bytes, s.ptr, s.len);
    kinds[kind_count++].len = s.len;
}

static void keep_ip(const char *from, const char *to, uint8_t protocol, uint8_t hops,
                    const void *content, size_t len)
{
    uint8_t frame[1600];
    keep(make_ip(frame, from, to, protocol, hops, slice_of(content, len)));
}

/* One of each kind that is understood. */
static void make_kinds(void)
{
    static const uint8_t ra[] = {
        134,  0,    0,   0,    64, 0, 7, 8, 0,  0, 0,  0, 0,    0,   0,   0,    1,    1,
        2,    0,    0,   0,    0,  2, 5, 1, 0,  0, 0,  0, 5,    120, 3,   4,    64,   0xc0,
        0,    0,    7,   0,    0,  0, 7, 0, 0,  0, 0,  0, 0x20, 1,   0xd, 0xb8, 0,    9,
        0,    0,    0,   0,    0,  0, 0, 0, 0,  0, 24, 2, 48,   8,   0,   0,    7,    0,
        0x20, 1,    0xd, 0xb8, 0,  8, 0, 0, 25, 3, 0,  0, 0,    0,   7,   0,    0x20, 1,
        0xd,  0xb8, 0,   0,    0,  0, 0, 0, 0,  0, 0,  0, 0,    0x53};
    uint8_t b[1500] = {0}, frame[100];
    uint8_t zero[6] = {0};
    kind_count = 0;
    keep(make_arp(frame, 1, all_mac, peer_mac, "192.0.2.2", zero, "192.0.2.1"));
    keep(make_arp(frame, 2, our_mac, peer_mac, "192.0.2.77", our_mac, "192.0.2.1"));
    for (int v6 = 0; v6 < 2; v6++) {
        const char *from = v6 ? "2001:db8:1::7" : "198.51.100.7";
        const char *to = v6 ? "2001:db8::1" : "192.0.2.1";
        keep_ip(from, to, 17, 0, make_udp(b, 100).ptr, 108);
        keep_ip(from, to, 99, 0, b, 50);
        struct sim_frame t = {.source = A(from), .destination = A(to), .v6 = v6};
        t.tcp = (struct sim_tcp){
            .source = 1, .destination = 80, .flags = SIM_SYN, .options = SIM_HAS_MSS, .mss = 1460};
        memcpy(t.to, our_mac, 6);
        memcpy(t.from, peer_mac, 6);
        keep(slice_of(b, sim_frame_tcp(b, &t, slice_of(NULL, 0))));
        memset(b, 0, sizeof(b));
        b[0] = v6 ? 128 : 8;
        keep_ip(from, to, v6 ? 58 : 1, 0, b, 60);
        /* Errors, each with a quote of what we may have sent. */
        uint8_t udp[40], quote[100];
        struct slice q = slice_drop(make_ip(quote, to, from, 17, 0, make_udp(udp, 20)), 14);
        for (uint8_t type = 1; type < 13; type++) {
            if (v6 ? type > 4 : type != 3 && type != 5 && type < 11)
                continue;
            memset(b, 0, 8);
            b[0] = type;
            b[1] = v6 || type != 3 ? 0 : 4;
            memcpy(b + 8, q.ptr, q.len);
            keep_ip(from, to, v6 ? 58 : 1, 0, b, 8 + q.len);
        }
    }
    /* Pieces: of IPv4 by their field, of IPv6 by their header; with options around. */
    keep_ip("198.51.100.7", "192.0.2.1", 17, 0, make_udp(b, 100).ptr, 108);
    kinds[kind_count - 1].bytes[20] = 0x20;
    memset(b, 0, sizeof(b));
    memcpy(b, (uint8_t[]){17, 0, 0, 1, 0, 0, 0, 5}, 8);
    keep_ip("2001:db8:1::7", "2001:db8::1", 44, 0, b, 108);
    memcpy(b, (uint8_t[]){60, 0, 5, 2, 0, 0, 1, 0, 43, 0, 0x1e, 4, 0, 0, 0, 0,
                          44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0,    0, 0, 0, 0, 1},
           32);
    make_udp(b + 32, 8);
    keep_ip("2001:db8:1::7", "2001:db8::1", 0, 0, b, 48);
    /* The link's own. */
    keep_ip("fe80::2", "ff02::1", 58, 255, ra, sizeof(ra));
    for (uint8_t type = 135; type <= 137; type++) {
        memset(b, 0, 80);
        b[0] = type;
        memcpy(b + 8, A(type == 135 ? "2001:db8::1" : "2001:db8::2").bytes, 16);
        memcpy(b + 24, (uint8_t[]){(uint8_t)(type == 135 ? 1 : 2), 1, 2, 0, 0, 0, 0, 2}, 8);
        if (type == 137) {
            memcpy(b + 8, A("fe80::9").bytes, 16);
            memcpy(b + 24, A("2001:db8:9::1").bytes, 16);
            memcpy(b + 40, (uint8_t[]){2, 1, 2, 0, 0, 0, 0, 9}, 8);
        }
        keep_ip(type == 137 ? "fe80::2" : "2001:db8::2", "2001:db8::1", 58, 255, b,
                type == 137 ? 48 : 32);
    }
    memset(b, 0, 80);
    b[0] = 130;
    keep_ip("fe80::2", "ff02::1", 58, 1, b, 28);
}

/* An instance that listens to everything. */
static void open_open(void)
{
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    struct mac peer;
    memcpy(peer.bytes, peer_mac, 6);
    ip_add_address(p.ip, p.now, A("192.0.2.1"), 24, IP_CLAIM_AT_ONCE);
    ip_add_address(p.ip, p.now, A("2001:db8::1"), 64, IP_CLAIM_AT_ONCE);
    ip_add_route(p.ip, A("0.0.0.0"), 0, A("192.0.2.2"));
    ip_add_route(p.ip, A("::"), 0, A("fe80::2"));
    ip_set_neighbour(p.ip, p.now, A("192.0.2.2"), peer);
    place_run(&p, 3 * CLOCK_SEC);
    place_clear(&p);
}

/* All that was sent can be read, and its checksums are right. */
static void sane(size_t most)
{
    assert_in_range(p.count, 0, most);
    for (size_t i = 0; i < p.count; i++) {
        struct slice s = place_frame(&p, i);
        struct sim_frame f;
        if (sim_get16(s.ptr + 12) == 0x0806)
            continue;
        assert_null(sim_frame_read(s, &f));
        assert_true(sim_frame_ip_sum_good(s, &f));
        /* MLD's report has a header in front that this reader does not pass. */
        assert_true(f.fragment || f.protocol == 0 || sim_frame_sum_good(s, &f));
    }
    place_clear(&p);
}

static void test_understood(void **state)
{
    (void)state;
    open_open();
    for (size_t k = 0; k < kind_count; k++)
        place_in(&p, slice_of(kinds[k].bytes, kinds[k].len));
    assert_int_equal(place_count(&p, IP_ADVERTISEMENTS), 1);
    assert_int_equal(place_count(&p, IP_ICMP_ECHOES), 2);
    assert_int_equal(place_count(&p, IP_DELIVERED), 7);
    assert_int_equal(p.complaints, 7);
    place_close(&p);
}

static void test_truncated(void **state)
{
    (void)state;
    for (int scatter = 0; scatter < 2; scatter++) {
        open_open();
        p.scatter = scatter;
        for (size_t k = 0; k < kind_count; k++) {
            for (size_t n = 0; n < kinds[k].len; n++)
                place_in(&p, slice_of(kinds[k].bytes, n));
            sane(200);
            place_run(&p, CLOCK_SEC);
        }
        assert_int_equal(p.packets, 0);
        place_run(&p, 100 * CLOCK_SEC);
        place_close(&p);
    }
}

/* The lengths inside say less than there is, or more: cut, with the header's length mended. */
static void test_shortened(void **state)
{
    (void)state;
    open_open();
    for (size_t k = 2; k < kind_count; k++) {
        for (size_t n = 34; n < kinds[k].len; n++) {
            uint8_t copy[1600];
            struct sim_frame f;
            memcpy(copy, kinds[k].bytes, n);
            if (copy[12] == 8)
                sim_put16(copy + 16, (uint16_t)(n - 14));
            else if (n >= 54)
                sim_put16(copy + 18, (uint16_t)(n - 54));
            if (!sim_frame_read(slice_of(copy, n), &f) && f.transport)
                sim_frame_sum(copy, &f);
            place_in(&p, slice_of(copy, n));
        }
        sane(300);
        place_run(&p, CLOCK_SEC);
    }
    place_run(&p, 100 * CLOCK_SEC);
    sane(100);
    place_close(&p);
}

/* A few bytes changed, mostly with the checksums put right again, so that it gets far. */
static void mutate(uint64_t *seed)
{
    uint8_t copy[1600];
    size_t k = place_draw(seed) % kind_count, len = kinds[k].len;
    memcpy(copy, kinds[k].bytes, len);
    for (uint64_t n = 1 + place_draw(seed) % 4; n > 0; n--) {
        size_t at = 14 + place_draw(seed) % (len - 14);
        static const uint8_t likely[] = {0, 1, 2, 8, 0x7f, 0x80, 0xff, 58};
        uint64_t r = place_draw(seed);
        copy[at] = (uint8_t)(r & 1   ? likely[r >> 8 & 7]
                             : r & 2 ? r >> 8
                                     : copy[at] ^ 1u << (r >> 8 & 7));
    }
    struct sim_frame f;
    if (place_draw(seed) % 8 && !sim_frame_read(slice_of(copy, len), &f))
        sim_frame_sum(copy, &f);
    p.scatter = place_draw(seed) % 2;
    p.verdict = (enum ip_verdict)(place_draw(seed) % 3);
    place_in(&p, slice_of(copy, len));
}

static void test_mutations(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (unsigned round = 0; round < 40; round++) {
        open_open();
        for (unsigned i = 0; i < 2000; i++) {
            mutate(&seed);
            if (i % 16)
                continue;
            place_run(&p, place_draw(&seed) % CLOCK_SEC);
            (void)send_udp(&p, "2001:db8::1", "2001:db8:9::1", 100, false);
            (void)send_udp(&p, "192.0.2.1", "192.0.2.77", 100, false);
            sane(400);
        }
        /* Whatever was said, the peers are served. */
        place_run(&p, 10 * CLOCK_SEC);
        place_clear(&p);
        assert_true(ip_is_ours(p.ip, A("192.0.2.1")));
        in_udp(&p, "198.51.100.7", "192.0.2.1", 100);
        assert_int_equal(p.packets, 1);
        place_close(&p);
    }
}

/* Without memory: drops, and counts, and goes on. */
static void test_random_frames(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint8_t bytes[200];
    open_open();
    for (unsigned i = 0; i < 50000; i++) {
        size_t len = place_draw(&seed) % sizeof(bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)place_draw(&seed);
        static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x88cc};
        memcpy(bytes, our_mac, 6);
        memcpy(bytes + 6, peer_mac, 6);
        sim_put16(bytes + 12, types[place_draw(&seed) % 4]);
        bytes[14] = place_draw(&seed) % 2 ? 0x45 : 0x60;
        place_in(&p, slice_of(bytes, len));
    }
    sane(10);
    place_close(&p);
}

int main(void)
{
    make_kinds();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_understood),    cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_shortened),     cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_random_frames),
    };
    return cmocka_run_group_tests_name("ip hostile frames", tests, NULL, NULL);
}
