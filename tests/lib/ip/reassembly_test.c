/* Fragments: in any order, overlapping, too many, too late; of both families; and the extension
 * headers of IPv6 that stand around them. */
#include "tests/lib/ip/place.h"

static struct place p;

static const char *const ours[] = {"192.0.2.1", "2001:db8::1"};
static const char *const far[] = {"198.51.100.7", "2001:db8:1::7"};

/* A datagram of UDP whose checksum is right, from the transport's header on. */
static uint8_t whole[65536];
static size_t whole_len;

static void prepare(int v6, size_t payload)
{
    static uint8_t frame[66000], udp[66000];
    make_udp(udp, payload);
    for (size_t i = 0; i < payload; i++)
        udp[8 + i] = (uint8_t)(i ^ i >> 8);
    struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, slice_of(udp, 8 + payload));
    whole_len = 8 + payload;
    memcpy(whole, s.ptr + (v6 ? 54 : 34), whole_len);
}

struct piece_of {
    uint32_t from, to;
    uint16_t id;
    uint8_t ecn;
    bool more;
    const char *source; /* NULL: far */
};

static void in_piece(int v6, struct piece_of f)
{
    static uint8_t frame[66000], content[66000];
    size_t extra = v6 ? 8 : 0, len = f.to - f.from;
    const char *source = f.source ? f.source : far[v6];
    if (v6) {
        content[0] = 17;
        content[1] = 0;
        sim_put16(content + 2, (uint16_t)(f.from | f.more));
        sim_put32(content + 4, f.id);
    }
    memcpy(content + extra, whole + f.from, len);
    struct slice s =
        make_ip(frame, source, ours[v6], v6 ? 44 : 17, 0, slice_of(content, extra + len));
    if (v6) {
        frame[15] = (uint8_t)(f.ecn << 4);
    } else {
        frame[15] = f.ecn;
        sim_put16(frame + 18, f.id);
        sim_put16(frame + 20, (uint16_t)(f.from / 8 | (f.more ? 0x2000 : 0)));
        sim_put16(frame + 24, 0);
        sim_put16(frame + 24, (uint16_t)~sim_sum(slice_of(frame + 14, 20), 0));
    }
    place_in(&p, s);
}

/* The bytes from..to of the datagram. */
static void in(int v6, uint32_t from, uint32_t to)
{
    in_piece(v6, (struct piece_of){.from = from, .to = to, .id = 7, .more = to < whole_len});
}

static void arrived(void)
{
    assert_int_equal(p.packets, 1);
    assert_int_equal(p.packet_len, whole_len);
    assert_memory_equal(p.packet, whole, whole_len);
    assert_int_equal(p.ip->reassembly.bytes, 0);
    p.packets = 0;
}

/* All orders of four pieces. */
static void test_orders(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {0, 8, 1000, 1008, 1208};
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        prepare(v6, 1200);
        for (unsigned order = 0; order < 256; order++) {
            unsigned o[] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6};
            if ((1u << o[0] | 1u << o[1] | 1u << o[2] | 1u << o[3]) != 15)
                continue;
            for (unsigned i = 0; i < 4; i++) {
                assert_int_equal(p.packets, 0);
                in(v6, cuts[o[i]], cuts[o[i] + 1]);
            }
            arrived();
        }
        assert_int_equal(place_count(&p, IP_REASSEMBLED), 24);
        place_close(&p);
    }
}

static void test_duplicates(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        prepare(v6, 1200);
        in(v6, 0, 400);
        in(v6, 0, 400);
        in(v6, 800, 1208);
        in(v6, 800, 1208);
        in(v6, 400, 800);
        arrived();
        assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_DUPLICATE), 2);
        place_close(&p);
    }
}

/* An overlap ends the datagram, and what comes of it later is not taken for another. */
static void test_overlap(void **state)
{
    (void)state;
    static const uint32_t overlaps[][2] = {{392, 600}, {0, 392}, {0, 408}, {8, 400}, {96, 104}};
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < 5; i++) {
            place_open(&p);
            prepare(v6, 1200);
            in(v6, 0, 400);
            in(v6, overlaps[i][0], overlaps[i][1]);
            assert_int_equal(p.ip->reassembly.bytes, 0);
            in(v6, 0, 400);
            in(v6, 400, 1208);
            assert_int_equal(p.packets, 0);
            assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_OVERLAP), 3);
            place_run(&p, 61 * CLOCK_SEC);
            in(v6, 0, 400);
            in(v6, 400, 1208);
            arrived();
            place_close(&p);
        }
    }
}

/* Lengths that cannot be: not in units of eight, beyond the end, beyond 64 KiB, two ends, nothing. */
static void test_malformed(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        prepare(v6, 1200);
        in(v6, 0, 401);
        in_piece(v6, (struct piece_of){.from = 65528, .to = 65536, .id = 8});
        in_piece(v6, (struct piece_of){.from = 8, .to = 8, .id = 9, .more = true});
        assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_MALFORMED), 3);
        in(v6, 800, 1208);
        in_piece(v6, (struct piece_of){.from = 1208, .to = 1216, .id = 7, .more = true});
        assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_MALFORMED), 4);
        in_piece(v6, (struct piece_of){.from = 800, .to = 1208, .id = 10});
        in_piece(v6, (struct piece_of){.from = 400, .to = 408, .id = 10});
        assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_MALFORMED), 5);
        assert_int_equal(p.packets, 0);
        assert_int_equal(p.count, v6 ? 5 : 0); /* IPv6's sender is told */
        place_close(&p);
    }
}

static void test_time(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        prepare(v6, 1200);
        in(v6, 0, 800);
        in_piece(v6, (struct piece_of){.from = 800, .to = 1208, .id = 8});
        place_run(&p, (v6 ? 59 : 29) * CLOCK_SEC);
        assert_int_equal(p.count, 0);
        place_run(&p, 2 * CLOCK_SEC);
        assert_int_equal(place_count(&p, IP_DROP_REASSEMBLY_TIME), 2);
        assert_int_equal(p.count, 1); /* of the one whose first piece came */
        struct sim_frame f = place_read(&p);
        struct slice s = place_last(&p);
        assert_int_equal(s.ptr[f.transport], v6 ? 3 : 11);
        assert_int_equal(s.ptr[f.transport + 1], 1);
        assert_int_equal(ip_deadline(p.ip), WAIT_FOREVER);
        place_close(&p);
    }
}

/* Datagrams, of one source and in all; pieces; bytes. */
static void test_limits(void **state)
{
    (void)state;
    char source[32];
    place_open(&p);
    prepare(0, 60000);
    for (uint16_t id = 0; id < 20; id++)
        in_piece(0, (struct piece_of){.to = 8, .id = id, .more = true});
    assert_int_equal(place_count(&p, IP_DROP_REASSEMBLY_SOURCE), 20 - REASSEMBLY_PER_SOURCE);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(source, sizeof(source), "203.0.113.%u", i);
        in_piece(0, (struct piece_of){.to = 8, .id = 1, .more = true, .source = source});
    }
    assert_int_equal(place_count(&p, IP_DROP_REASSEMBLY_FULL),
                     100 - (REASSEMBLY_MAX - REASSEMBLY_PER_SOURCE));
    place_run(&p, 31 * CLOCK_SEC);
    for (uint32_t i = 0; i < REASSEMBLY_PIECES + 10; i++)
        in_piece(0, (struct piece_of){.from = i * 16, .to = i * 16 + 8, .id = 2, .more = true});
    assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_LIMIT), 1);
    assert_int_equal(p.ip->reassembly.bytes, 0);
    place_run(&p, 31 * CLOCK_SEC);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(source, sizeof(source), "203.0.113.%u", i);
        for (uint32_t at = 0; at < 57600; at += 1440)
            in_piece(0, (struct piece_of){
                            .from = at, .to = at + 1440, .id = 3, .more = true, .source = source});
        assert_true(p.ip->reassembly.bytes <= REASSEMBLY_BYTES);
    }
    assert_true(p.ip->reassembly.bytes > REASSEMBLY_BYTES / 2);
    place_close(&p);
}

static void test_largest(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        prepare(v6, 65507 - (v6 ? 20 : 0));
        for (uint32_t at = 0; at < whole_len; at += 1440)
            in(v6, at, at + 1440 < whole_len ? at + 1440 : (uint32_t)whole_len);
        arrived();
        place_close(&p);
    }
}

/* RFC 3168, 5.3. */
static void test_ecn(void **state)
{
    (void)state;
    static const uint8_t cases[][4] = {{2, 2, 2, 1}, {2, 3, 3, 1}, {1, 3, 3, 1}, {0, 0, 0, 1},
                                       {0, 3, 0, 0}, {2, 1, 2, 1}, {0, 2, 0, 1}};
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < 7; i++) {
            place_open(&p);
            prepare(v6, 100);
            in_piece(v6, (struct piece_of){.to = 48, .ecn = cases[i][0], .more = true});
            in_piece(v6, (struct piece_of){.from = 48, .to = 108, .ecn = cases[i][1]});
            assert_int_equal(p.packets, cases[i][3]);
            if (p.packets)
                assert_int_equal(p.arrival.ecn, cases[i][2]);
            assert_int_equal(place_count(&p, IP_DROP_REASSEMBLY_ECN), !cases[i][3]);
            place_close(&p);
        }
    }
}

static void test_checksum(void **state)
{
    (void)state;
    place_open(&p);
    p.checksum = NET_CHECKSUM_GOOD; /* of a piece it says nothing */
    prepare(0, 100);
    whole[50] ^= 1;
    in(0, 0, 48);
    in(0, 48, 108);
    assert_int_equal(p.packets, 0);
    assert_int_equal(place_count(&p, IP_DROP_CHECKSUM), 1);
    place_close(&p);
}

/* --- extension headers --- */

/* A packet of IPv6 with these headers, given in order, before a datagram of UDP. The first byte of
 * each is its type; of its own two first bytes the next type is put in. */
static void in_headers(const char *to, const uint8_t *const *headers, const size_t *sizes, size_t n,
                       uint8_t last)
{
    static uint8_t content[4000], frame[5000], udp[64];
    uint8_t made[300];
    size_t at = 0;
    struct slice s = make_ip(made, far[1], to, 17, 0, make_udp(udp, 10));
    for (size_t i = 0; i < n; i++) {
        memcpy(content + at, headers[i] + 1, sizes[i] - 1);
        content[at] = i + 1 < n ? headers[i + 1][0] : last;
        at += sizes[i] - 1;
    }
    memcpy(content + at, s.ptr + 54, s.len - 54);
    s = make_ip(frame, far[1], to, n ? headers[0][0] : last, 0, slice_of(content, at + s.len - 54));
    place_in(&p, s);
}

#define HEADERS(to, last, ...)                            \
    do {                                                  \
        static const struct {                             \
            uint8_t bytes[40];                            \
            size_t size;                                  \
        } h_[] = {__VA_ARGS__};                           \
        const uint8_t *all_[16];                          \
        size_t sizes_[16], n_ = sizeof(h_) / sizeof(*h_); \
        for (size_t i_ = 0; i_ < n_; i_++) {              \
            all_[i_] = h_[i_].bytes;                      \
            sizes_[i_] = h_[i_].size;                     \
        }                                                 \
        in_headers(to, all_, sizes_, n_, last);           \
    } while (0)

#define PADDING 0, 0, 1, 4, 0, 0, 0, 0
#define HOP(...)            \
    {                       \
        {0, __VA_ARGS__}, 9 \
    }
#define DEST(...)            \
    {                        \
        {60, __VA_ARGS__}, 9 \
    }
#define ROUTE(...)           \
    {                        \
        {43, __VA_ARGS__}, 9 \
    }
#define PIECE(...)           \
    {                        \
        {44, __VA_ARGS__}, 9 \
    }

static uint8_t told(void)
{
    struct sim_frame f = place_read(&p);
    struct slice s = place_last(&p);
    assert_int_equal(s.ptr[f.transport], 4);
    return s.ptr[f.transport + 1];
}

static uint32_t pointer(void)
{
    struct sim_frame f = place_read(&p);
    return sim_get32(place_last(&p).ptr + f.transport + 4);
}

static void test_extensions(void **state)
{
    (void)state;
    place_open(&p);
    HEADERS(ours[1], 17, HOP(PADDING));
    HEADERS(ours[1], 17, HOP(PADDING), DEST(PADDING), ROUTE(0, 0, 0, 0, 0, 0, 0, 0), DEST(PADDING));
    HEADERS(ours[1], 17, HOP(0, 0, 5, 2, 0, 0, 1, 0));     /* router alert */
    HEADERS(ours[1], 17, DEST(0, 0, 0x1e, 3, 0, 0, 0, 0)); /* unknown, to be skipped */
    HEADERS(ours[1], 17, PIECE(0, 0, 0, 0, 1, 2, 3, 4));   /* a datagram of one piece */
    HEADERS(ours[1], 17, DEST(PADDING), PIECE(0, 0, 0, 0, 1, 2, 3, 4), DEST(PADDING));
    assert_int_equal(p.packets, 6);
    assert_int_equal(p.count, 0);
    HEADERS(ours[1], 17, DEST(PADDING), HOP(PADDING)); /* not the first */
    assert_int_equal(told(), 1);
    assert_int_equal(pointer(), 40);
    HEADERS(ours[1], 17, ROUTE(0, 0, 0, 1, 0, 0, 0, 0)); /* type 0, one segment left */
    assert_int_equal(told(), 0);
    assert_int_equal(pointer(), 42);
    HEADERS(ours[1], 17, HOP(0, 0, 0x5e, 3, 0, 0, 0, 0)); /* drop in silence */
    assert_int_equal(p.count, 2);
    HEADERS(ours[1], 17, HOP(0, 0, 0x9e, 3, 0, 0, 0, 0)); /* tell, whoever it was for */
    assert_int_equal(told(), 2);
    assert_int_equal(pointer(), 42);
    HEADERS("ff02::1", 17, HOP(0, 0, 0x9e, 3, 0, 0, 0, 0));
    assert_int_equal(p.count, 4);
    HEADERS(ours[1], 17, HOP(0, 0, 0xde, 3, 0, 0, 0, 0)); /* tell, unless it was for many */
    assert_int_equal(p.count, 5);
    HEADERS("ff02::1", 17, HOP(0, 0, 0xde, 3, 0, 0, 0, 0));
    assert_int_equal(p.count, 5);
    assert_int_equal(place_count(&p, IP_DROP_V6_OPTION), 5);
    HEADERS(ours[1], 59, DEST(PADDING));
    assert_int_equal(place_count(&p, IP_DROP_V6_NEXT), 1);
    p.verdict = IP_NO_PROTOCOL;
    HEADERS(ours[1], 99, DEST(PADDING));
    assert_int_equal(told(), 1);
    assert_int_equal(pointer(), 40);
    place_close(&p);
}

static void test_extension_limits(void **state)
{
    (void)state;
    place_open(&p);
    HEADERS(ours[1], 17, DEST(PADDING), DEST(PADDING), DEST(PADDING), DEST(PADDING), DEST(PADDING),
            DEST(PADDING), DEST(PADDING), DEST(PADDING));
    assert_int_equal(p.packets, 1);
    HEADERS(ours[1], 17, DEST(PADDING), DEST(PADDING), DEST(PADDING), DEST(PADDING), DEST(PADDING),
            DEST(PADDING), DEST(PADDING), DEST(PADDING), DEST(PADDING));
    HEADERS(ours[1], 17, DEST(0, 200, 1, 4, 0, 0, 0, 0)); /* longer than the packet */
    HEADERS(ours[1], 17, DEST(0, 0, 1, 5, 0, 0, 0, 0));   /* an option beyond its header */
    HEADERS(ours[1], 17, DEST(0, 0, 0, 0, 0, 0, 0, 1));   /* an option without a length */
    HEADERS(ours[1], 17,
            {{60, 0, 4, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3,
              0,  3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3, 0, 3},
             40}); /* too many */
    assert_int_equal(p.packets, 1);
    assert_int_equal(place_count(&p, IP_DROP_V6_EXTENSION), 5);
    /* A fragment within what fragments gave. */
    static uint8_t udp[64], made[300];
    struct slice s = make_ip(made, far[1], ours[1], 17, 0, make_udp(udp, 10));
    whole[0] = 17;
    memset(whole + 1, 0, 7);
    whole[3] = 8; /* offset 8 */
    memcpy(whole + 8, s.ptr + 54, 18);
    whole_len = 26;
    static uint8_t content[100], frame[300];
    for (int i = 0; i < 2; i++) {
        memcpy(content, (uint8_t[]){44, 0, 0, (uint8_t)(i ? 16 : 1), 0, 0, 0, 9}, 8);
        memcpy(content + 8, whole + (i ? 16 : 0), i ? 10 : 16);
        place_in(&p, make_ip(frame, far[1], ours[1], 44, 0, slice_of(content, i ? 18 : 24)));
    }
    assert_int_equal(place_count(&p, IP_REASSEMBLED), 1);
    assert_int_equal(place_count(&p, IP_DROP_FRAGMENT_MALFORMED), 1);
    assert_int_equal(p.packets, 1);
    place_close(&p);
}

/* Headers before the fragment header are kept, and read once more. */
static void test_extension_and_pieces(void **state)
{
    (void)state;
    static uint8_t content[2000], frame[2300];
    place_open(&p);
    prepare(1, 1000);
    for (uint32_t at = 0; at < 1008; at += 504) {
        memcpy(content, (uint8_t[]){44, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 5}, 16);
        sim_put16(content + 10, (uint16_t)(at | (at == 0)));
        size_t len = 504;
        memcpy(content + 16 + (at == 0 ? 8 : 0), whole + at, len);
        if (at == 0)
            memcpy(content + 16, (uint8_t[]){17, 0, 1, 4, 0, 0, 0, 0}, 8);
        if (at == 0)
            len += 8;
        else
            sim_put16(content + 10, (uint16_t)(at + 8));
        place_in(&p, make_ip(frame, far[1], ours[1], 60, 0, slice_of(content, 16 + len)));
    }
    arrived();
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_ecn),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_extension_limits),
        cmocka_unit_test(test_extension_and_pieces),
    };
    return cmocka_run_group_tests_name("ip reassembly", tests, NULL, NULL);
}
