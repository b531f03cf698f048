/* Packets out and in, IPv4 and IPv6, as an independent reader of frames sees them. */
#include "tests/lib/ip/place.h"

static struct place p;

static const char *const ours[] = {"192.0.2.1", "2001:db8::1"};
static const char *const peers[] = {"192.0.2.2", "2001:db8::2"};
static const char *const far[] = {"198.51.100.7", "2001:db8:1::7"};

static void test_send(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        assert_int_equal(send_udp(&p, ours[v6], peers[v6], 100, false), OK);
        struct sim_frame f = place_read(&p);
        assert_int_equal(p.count, 1);
        assert_memory_equal(f.to, peer_mac, 6);
        assert_memory_equal(f.from, our_mac, 6);
        assert_int_equal(f.hops, 64);
        assert_int_equal(f.end - f.payload, 100);
        assert_int_equal(f.whole, v6);
        assert_int_equal(send_udp(&p, ours[v6], far[v6], 1400, true), OK);
        f = place_read(&p);
        assert_true(f.whole);
        assert_memory_equal(&f.destination, &(struct address[]){A(far[v6])}, 16);
        place_close(&p);
    }
}

/* The card sums: the field holds what it needs, and the frame says where. */
static void test_send_offloaded(void **state)
{
    (void)state;
    place_open_with(&p, NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6,
                    (struct ip_options){.no_autoconfiguration = true});
    struct mac peer;
    memcpy(peer.bytes, peer_mac, 6);
    for (int v6 = 0; v6 < 2; v6++) {
        assert_int_equal(ip_add_address(p.ip, p.now, A(ours[v6]), v6 ? 64 : 24, IP_CLAIM_AT_ONCE),
                         OK);
        assert_int_equal(ip_set_neighbour(p.ip, p.now, A(peers[v6]), peer), OK);
        static uint8_t payload[20000];
        uint8_t header[20] = {[12] = 0x50, [13] = 0x90};
        struct slice parts[] = {slice_of(payload, 9000), slice_of(payload, 11000)};
        struct ip_packet q = {.source = A(ours[v6]),
                              .destination = A(peers[v6]),
                              .protocol = IP_TCP,
                              .ecn = IP_ECT0,
                              .whole = true,
                              .header = slice_of(header, 20),
                              .checksum_at = 16,
                              .payload = parts,
                              .payload_count = 2,
                              .segment_size = 1400};
        assert_int_equal(ip_send(p.ip, p.now, &q), OK);
        const struct net_frame *f = &p.frames[p.count - 1].frame;
        size_t head = v6 ? 54 : 34;
        assert_int_equal(f->checksum_start, head);
        assert_int_equal(f->checksum_offset, 16);
        assert_int_equal(f->segment_size, 1400);
        assert_int_equal(f->head_size, head + 20);
        assert_int_equal(f->v6, v6);
        assert_true(f->ecn); /* CWR */
        struct sim_frame read;
        assert_null(sim_frame_read(place_last(&p), &read));
        assert_int_equal(read.ecn, 2);
        assert_int_equal(sim_get16(place_last(&p).ptr + head + 16), sim_sum_pseudo(&read));
        q.segment_size = (uint16_t)(1500 - (head - 14) - 20 + 1);
        assert_int_equal(ip_send(p.ip, p.now, &q), ERR_LIMIT);
        q.segment_size = 0;
        assert_int_equal(ip_send(p.ip, p.now, &q), ERR_LIMIT);
    }
    place_close(&p);
}

static void test_send_refused(void **state)
{
    (void)state;
    place_open(&p);
    assert_int_equal(send_udp(&p, "192.0.2.9", "192.0.2.2", 1, false), ERR_UNREACHABLE);
    assert_int_equal(place_count(&p, IP_DROP_SEND_SOURCE), 1);
    assert_int_equal(send_udp(&p, "127.0.0.1", "192.0.2.2", 1, false), ERR_UNREACHABLE);
    assert_int_equal(send_udp(&p, "192.0.2.1", "2001:db8::2", 1, false), ERR_ARGUMENT);
    assert_int_equal(send_udp(&p, "192.0.2.1", "0.0.0.0", 1, false), ERR_UNREACHABLE);
    assert_int_equal(send_udp(&p, "2001:db8::1", "::", 1, false), ERR_UNREACHABLE);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.2", 1473, true), ERR_LIMIT);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.2", 65508, false), ERR_LIMIT);
    assert_int_equal(ip_remove_route(p.ip, A("0.0.0.0"), 0, A("192.0.2.254")), OK);
    assert_int_equal(send_udp(&p, "192.0.2.1", "198.51.100.7", 1, false), ERR_UNREACHABLE);
    assert_true(place_count(&p, IP_DROP_SEND_ROUTE) > 0);
    p.refuse = ERR_AGAIN;
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.2", 1, false), ERR_AGAIN);
    assert_int_equal(p.count, 0);
    p.refuse = OK;
    uint8_t header[8] = {0};
    struct ip_packet q = {.source = A("192.0.2.1"),
                          .destination = A("192.0.2.2"),
                          .protocol = IP_TCP,
                          .header = slice_of(header, 8),
                          .segment_size = 1000};
    assert_int_equal(ip_send(p.ip, p.now, &q), ERR_UNSUPPORTED);
    static uint8_t large[NET_HEAD_MAX];
    q.segment_size = 0;
    q.header = slice_of(large, sizeof(large));
    assert_int_equal(ip_send(p.ip, p.now, &q), ERR_ARGUMENT);
    place_close(&p);
}

/* DHCP's way: from nobody, to everybody, before there is an address. */
static void test_broadcast(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.no_v6 = true});
    assert_int_equal(send_udp(&p, "0.0.0.0", "255.255.255.255", 300, false), OK);
    struct sim_frame f = place_read(&p);
    assert_memory_equal(f.to, all_mac, 6);
    in_udp(&p, "192.0.2.2", "192.0.2.1", 3); /* not ours yet */
    assert_int_equal(p.packets, 0);
    in_udp(&p, "192.0.2.2", "255.255.255.255", 300);
    assert_int_equal(p.packets, 1);
    assert_true(p.arrival.to_many);
    assert_int_equal(ip_add_address(p.ip, p.now, A("192.0.2.1"), 24, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.255", 3, false), OK);
    assert_memory_equal(place_read(&p).to, all_mac, 6);
    assert_int_equal(send_udp(&p, "192.0.2.1", "224.0.0.251", 3, false), OK);
    static const uint8_t group[] = {1, 0, 0x5e, 0, 0, 251};
    assert_memory_equal(place_read(&p).to, group, 6);
    place_close(&p);
}

static void test_fragments_out(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        place_open(&p);
        assert_int_equal(send_udp(&p, ours[v6], peers[v6], 4000, false), OK);
        assert_int_equal(p.count, 3);
        assert_int_equal(place_count(&p, IP_SENT_FRAGMENTS), 3);
        /* The same that left comes in at another's, reassembled. */
        static struct place q;
        place_open(&q);
        ip_remove_address(q.ip, q.now, A(ours[v6]));
        assert_int_equal(ip_add_address(q.ip, q.now, A(peers[v6]), v6 ? 64 : 24, IP_CLAIM_AT_ONCE),
                         OK);
        for (size_t i = 3; i-- > 0;) {
            struct slice frame = place_frame(&p, i);
            assert_true(frame.len <= 1514);
            struct sim_frame f;
            assert_null(sim_frame_read(frame, &f));
            assert_true(f.fragment);
            assert_true(sim_frame_ip_sum_good(frame, &f));
            memcpy(p.frames[i].bytes, our_mac, 6);
            memcpy(p.frames[i].bytes + 6, peer_mac, 6);
            place_in(&q, frame);
        }
        assert_int_equal(q.packets, 1);
        assert_int_equal(q.packet_len, 4008);
        for (size_t i = 0; i < 4000; i++)
            assert_int_equal(q.packet[8 + i], (uint8_t)(i * 7 + (i >> 8)));
        place_close(&q);
        /* The largest there is. */
        place_clear(&p);
        assert_int_equal(send_udp(&p, ours[v6], peers[v6], 65507 - (v6 ? 20 : 0), false), OK);
        assert_int_equal(p.count, 45 + v6);
        place_close(&p);
    }
}

static void test_receive(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        int v6 = round & 1;
        place_open(&p);
        p.scatter = round & 2;
        in_udp(&p, far[v6], ours[v6], 1400);
        assert_int_equal(p.packets, 1);
        assert_int_equal(p.packet_len, 1408);
        assert_int_equal(p.arrival.protocol, IP_UDP);
        assert_int_equal(p.arrival.hops, 64);
        assert_memory_equal(&p.arrival.source, &(struct address[]){A(far[v6])}, 16);
        assert_memory_equal(&p.arrival.destination, &(struct address[]){A(ours[v6])}, 16);
        assert_false(p.arrival.to_many);
        place_close(&p);
    }
}

/* Behind the packet may be padding; UDP's own length may say less than IP's. */
static void test_padding(void **state)
{
    (void)state;
    uint8_t udp[32], frame[200] = {0};
    place_open(&p);
    struct slice s = make_ip(frame, far[0], ours[0], 17, 0, make_udp(udp, 3));
    place_in(&p, slice_of(frame, 60));
    assert_int_equal(p.packets, 1);
    assert_int_equal(p.packet_len, 11);
    assert_true(s.len < 60);
    place_close(&p);
}

/* Every byte of a good packet changed: nothing comes through but what no checksum covers. */
static void test_checksums(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t udp[64], frame[300];
        place_open(&p);
        struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, make_udp(udp, 20));
        for (size_t i = 14; i < s.len; i++) {
            frame[i] ^= 0x10;
            place_in(&p, s);
            bool unguarded = v6 && (i < 14 + 4 || i == 14 + 7 || i == 14 + 6);
            if (!unguarded)
                assert_int_equal(p.packets, 0);
            p.packets = 0;
            frame[i] ^= 0x10;
        }
        p.checksum = NET_CHECKSUM_GOOD;
        frame[s.len - 1] ^= 1;
        place_in(&p, s);
        assert_int_equal(p.packets, 1);
        place_close(&p);
    }
}

static void test_tcp_checksum(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t tcp[40] = {[12] = 5 << 4, [33] = 7}, frame[300];
        struct checksum c = {0};
        struct address from, to;
        assert_true(address_parse(slice_text(far[v6]), &from));
        assert_true(address_parse(slice_text(ours[v6]), &to));
        checksum_add_pseudo(&c, &from, &to, 6, sizeof tcp);
        checksum_add(&c, slice_of(tcp, sizeof tcp));
        sim_put16(tcp + 16, checksum_complement(&c));
        place_open(&p);
        struct slice s = make_ip(frame, far[v6], ours[v6], 6, 0, slice_of(tcp, sizeof tcp));
        place_in(&p, s);
        assert_int_equal(p.packets, 1);
        frame[s.len - 1] ^= 1;
        place_in(&p, s);
        assert_int_equal(p.packets, 1);
        assert_int_equal(place_count(&p, IP_DROP_CHECKSUM), 1);
        place_close(&p);
    }
}

static void test_no_udp_checksum(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t udp[64], frame[300];
        place_open(&p);
        struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, make_udp(udp, 20));
        sim_put16(frame + (v6 ? 60 : 40), 0);
        place_in(&p, s);
        assert_int_equal(p.packets, !v6);
        assert_int_equal(place_count(&p, IP_DROP_CHECKSUM), v6);
        place_close(&p);
    }
}

/* The addresses of a frame, put in by force. */
static void in_between(const char *from, const char *to)
{
    uint8_t udp[64], frame[300];
    bool v6 = !address_is_v4(A(from)) || !address_is_v4(A(to));
    struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, make_udp(udp, 20));
    struct sim_frame f;
    if (v6) {
        memcpy(frame + 22, A(from).bytes, 16);
        memcpy(frame + 38, A(to).bytes, 16);
    } else {
        memcpy(frame + 26, A(from).bytes + 12, 4);
        memcpy(frame + 30, A(to).bytes + 12, 4);
    }
    assert_null(sim_frame_read(s, &f));
    sim_frame_sum(frame, &f);
    place_in(&p, s);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const impossible[] = {"127.0.0.1",       "0.0.0.0",   "192.0.2.255",
                                             "255.255.255.255", "224.0.0.1", "192.0.2.1",
                                             "240.1.2.3",       "0.1.2.3"};
    static const char *const impossible_v6[] = {"::1",         "::",      "ff02::1",
                                                "2001:db8::1", "ff0e::5", "::ffff:198.51.100.7"};
    place_open(&p);
    for (size_t i = 0; i < sizeof(impossible) / sizeof(*impossible); i++)
        in_between(impossible[i], "192.0.2.1");
    for (size_t i = 0; i < sizeof(impossible_v6) / sizeof(*impossible_v6); i++)
        in_between(impossible_v6[i], "2001:db8::1");
    assert_int_equal(place_count(&p, IP_DROP_SOURCE), 14);
    in_between("198.51.100.7", "192.0.2.3");
    in_between("198.51.100.7", "127.0.0.1");
    in_between("2001:db8:1::7", "2001:db8::3");
    in_between("2001:db8:1::7", "::1");
    in_between("2001:db8:1::7", "::ffff:192.0.2.1");
    assert_int_equal(place_count(&p, IP_DROP_NOT_OURS), 5);
    in_between("198.51.100.7", "224.0.0.5");
    in_between("2001:db8:1::7", "ff02::5");
    assert_int_equal(place_count(&p, IP_DROP_GROUP), 2);
    assert_int_equal(p.packets, 0);
    place_close(&p);
}

/* A frame to many with a packet to us would make many answer. */
static void test_link_group(void **state)
{
    (void)state;
    uint8_t udp[64], frame[300];
    place_open(&p);
    for (int v6 = 0; v6 < 2; v6++) {
        struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, make_udp(udp, 20));
        memcpy(frame, all_mac, 6);
        place_in(&p, s);
    }
    assert_int_equal(p.packets, 0);
    assert_int_equal(place_count(&p, IP_DROP_LINK_GROUP), 2);
    struct slice s = make_ip(frame, far[0], ours[0], 17, 0, make_udp(udp, 20));
    memcpy(frame, other_mac, 6);
    place_in(&p, s);
    assert_int_equal(place_count(&p, IP_DROP_FRAME_STRANGE), 1);
    place_close(&p);
}

/* The header of IPv4 with options: skipped, malformed, or asking for a route. */
static void in_options(const uint8_t *options, size_t len)
{
    uint8_t frame[200] = {0}, udp[16];
    struct slice s = make_ip(frame, far[0], ours[0], 17, 0, make_udp(udp, 4));
    memmove(frame + 34 + len, frame + 34, s.len - 34);
    memcpy(frame + 34, options, len);
    frame[14] = (uint8_t)(0x45 + len / 4);
    sim_put16(frame + 16, (uint16_t)(s.len - 14 + len));
    sim_put16(frame + 24, 0);
    sim_put16(frame + 24, (uint16_t)~sim_sum(slice_of(frame + 14, 20 + len), 0));
    place_in(&p, slice_of(frame, s.len + len));
}

static void test_options(void **state)
{
    (void)state;
    place_open(&p);
    in_options((const uint8_t[]){1, 1, 7, 7, 4, 0, 0, 0, 0, 0, 0, 0}, 12);
    in_options((const uint8_t[]){148, 4, 0, 0}, 4);
    assert_int_equal(p.packets, 2);
    in_options((const uint8_t[]){131, 3, 4, 0}, 4);
    in_options((const uint8_t[]){1, 137, 3, 4}, 4);
    assert_int_equal(place_count(&p, IP_DROP_V4_SOURCE_ROUTE), 2);
    in_options((const uint8_t[]){7, 0, 0, 0}, 4);
    in_options((const uint8_t[]){7, 1, 0, 0}, 4);
    in_options((const uint8_t[]){7, 5, 0, 0}, 4);
    in_options((const uint8_t[]){1, 1, 1, 7}, 4);
    assert_int_equal(place_count(&p, IP_DROP_V4_OPTIONS), 4);
    assert_int_equal(p.packets, 2);
    place_close(&p);
}

/* Packets to ourselves come from the next expiry, not from inside of the call. */
static void test_loop(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"192.0.2.1", "192.0.2.1"},
                                           {"127.0.0.1", "127.0.0.1"},
                                           {"127.0.0.1", "127.3.2.1"},
                                           {"2001:db8::1", "2001:db8::1"},
                                           {"::1", "::1"},
                                           {"192.0.2.1", "127.0.0.1"}};
    place_open(&p);
    for (size_t i = 0; i < 6; i++) {
        p.packets = 0;
        assert_int_equal(send_udp(&p, pairs[i][0], pairs[i][1], 5000, false), OK);
        assert_int_equal(p.packets, 0);
        assert_int_equal(ip_deadline(p.ip), 0);
        ip_expire(p.ip, p.now);
        assert_int_equal(p.packets, 1);
        assert_int_equal(p.packet_len, 5008);
    }
    struct address source;
    assert_true(ip_source(p.ip, A("127.0.0.1"), &source));
    assert_memory_equal(&source, &(struct address[]){A("127.0.0.1")}, 16);
    assert_true(ip_source(p.ip, A("2001:db8::1"), &source));
    assert_memory_equal(&source, &(struct address[]){A("2001:db8::1")}, 16);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(send_udp(&p, "::1", "::1", 5, false), OK);
    assert_int_equal(place_count(&p, IP_DROP_LOOP_FULL), 100 - LOOP_MAX);
    assert_int_equal(p.count, 0);
    place_close(&p);
}

/* Nothing that the card has not given back is freed; what it has is. */
static void test_lent(void **state)
{
    (void)state;
    uint8_t echo[1208] = {8, 0, 0, 0, 1, 2, 3, 4};
    place_open(&p);
    p.completed = 0;
    uint64_t before = memory_stats().blocks;
    for (size_t i = 0; i < 3; i++)
        in_ip(&p, far[0], ours[0], 1, 0, slice_of(echo, sizeof(echo)));
    assert_int_equal(p.count, 3);
    assert_int_equal(memory_stats().blocks, before + 3);
    p.completed = p.net.sent - 1;
    ip_expire(p.ip, p.now);
    assert_int_equal(memory_stats().blocks, before + 1);
    place_clear(&p);
    for (size_t i = 0; i < 4000; i++)
        in_ip(&p, far[0], ours[0], 1, 0, slice_of(echo, sizeof(echo)));
    assert_true(place_count(&p, IP_DROP_SEND_LENT) + place_count(&p, IP_DROP_ECHO_LIMITED) > 0);
    place_close(&p);
}

static enum err send_large(unsigned host)
{
    static const uint8_t payload[60000];
    static const uint8_t header[20] = {[12] = 0x50, [13] = 0x10};
    struct slice part = slice_of(payload, sizeof payload);
    return ip_send(p.ip, p.now,
                   &(struct ip_packet){.source = A(ours[0]),
                                       .destination = address_v4(192, 0, 2, (uint8_t)host),
                                       .protocol = IP_TCP,
                                       .whole = true,
                                       .header = slice_of(header, sizeof header),
                                       .checksum_at = 16,
                                       .payload = &part,
                                       .payload_count = 1,
                                       .segment_size = 1400});
}

/* Where too much waits for neighbours a packet is lost on the way. That the card is full nobody is told: he would
 * wait for it to have room, which it has. */
static void test_too_much_waits(void **state)
{
    (void)state;
    enum err e = OK;
    place_open_with(&p, NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4,
                    (struct ip_options){.no_autoconfiguration = true});
    assert_int_equal(ip_add_address(p.ip, p.now, A(ours[0]), 24, IP_CLAIM_AT_ONCE), OK);
    for (unsigned i = 0; i < 16 * WAITING_MAX && !e; i++)
        e = send_large(10 + i / WAITING_MAX);
    assert_int_equal(e, ERR_FULL);
    assert_int_equal(place_count(&p, IP_DROP_SEND_LENT), 1);
    place_close(&p);
}

/* What the card has given back is used again, also where nothing else has asked for it meanwhile. */
static void test_lent_again(void **state)
{
    (void)state;
    uint8_t echo[1208] = {8, 0, 0, 0, 1, 2, 3, 4};
    place_open(&p);
    p.completed = 0;
    for (size_t i = 0; i < 4000 && !place_count(&p, IP_DROP_SEND_LENT); i++) {
        p.now += CLOCK_MS;
        place_clear(&p);
        in_ip(&p, far[0], ours[0], 1, 0, slice_of(echo, sizeof(echo)));
    }
    assert_int_equal(place_count(&p, IP_DROP_SEND_LENT), 1);
    p.completed = p.net.sent;
    in_ip(&p, far[0], ours[0], 1, 0, slice_of(echo, sizeof(echo)));
    assert_int_equal(place_count(&p, IP_DROP_SEND_LENT), 1);
    assert_int_equal(p.count, 1);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send),          cmocka_unit_test(test_send_offloaded),
        cmocka_unit_test(test_send_refused),  cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_fragments_out), cmocka_unit_test(test_receive),
        cmocka_unit_test(test_padding),       cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_tcp_checksum),  cmocka_unit_test(test_no_udp_checksum),
        cmocka_unit_test(test_addresses),     cmocka_unit_test(test_link_group),
        cmocka_unit_test(test_options),       cmocka_unit_test(test_loop),
        cmocka_unit_test(test_lent),          cmocka_unit_test(test_too_much_waits),
        cmocka_unit_test(test_lent_again),
    };
    return cmocka_run_group_tests_name("ip packets", tests, NULL, NULL);
}
