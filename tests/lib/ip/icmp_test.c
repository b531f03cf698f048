/* ICMP and ICMPv6: echoes, errors that we send, errors that we hear of. */
#include "tests/lib/ip/place.h"

static struct place p;

static const char *const ours[] = {"192.0.2.1", "2001:db8::1"};
static const char *const peers[] = {"192.0.2.2", "2001:db8::2"};
static const char *const far[] = {"198.51.100.7", "2001:db8:1::7"};
static const uint8_t icmp[] = {1, 58};

static void in_echo(const char *from, const char *to, size_t n)
{
    uint8_t *echo = calloc(1, 8 + n);
    bool v6 = !address_is_v4(A(from));
    echo[0] = v6 ? 128 : 8;
    sim_put32(echo + 4, 0x12345678);
    for (size_t i = 0; i < n; i++)
        echo[8 + i] = (uint8_t)i;
    in_ip(&p, from, to, icmp[v6], 0, slice_of(echo, 8 + n));
    free(echo);
}

static void test_echo(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        int v6 = round & 1;
        place_open(&p);
        p.scatter = round & 2;
        for (size_t n = 0; n < 1450; n += 29) {
            in_echo(far[v6], ours[v6], n);
            struct sim_frame f = place_read(&p);
            struct slice s = place_last(&p);
            assert_int_equal(f.protocol, icmp[v6]);
            assert_memory_equal(&f.destination, &(struct address[]){A(far[v6])}, 16);
            assert_memory_equal(&f.source, &(struct address[]){A(ours[v6])}, 16);
            assert_int_equal(s.ptr[f.transport], v6 ? 129 : 0);
            assert_int_equal(sim_get32(s.ptr + f.transport + 4), 0x12345678);
            assert_int_equal(f.end - f.transport, 8 + n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(s.ptr[f.transport + 8 + i], (uint8_t)i);
            place_clear(&p);
        }
        assert_int_equal(place_count(&p, IP_ICMP_ECHOES), 50);
        place_close(&p);
    }
}

/* To many: IPv6's all nodes are answered from an address of ours, IPv4's broadcast is not. */
static void test_echo_to_many(void **state)
{
    (void)state;
    place_open(&p);
    in_echo(peers[1], "ff02::1", 10);
    struct sim_frame f = place_read(&p);
    assert_memory_equal(&f.source, &(struct address[]){A(ours[1])}, 16);
    in_echo(peers[0], "192.0.2.255", 10);
    in_echo(peers[0], "224.0.0.1", 10);
    assert_int_equal(p.count, 1);
    assert_int_equal(place_count(&p, IP_DROP_ICMP_MANY), 2);
    place_close(&p);
}

static void test_echo_limit(void **state)
{
    (void)state;
    place_open(&p);
    for (unsigned i = 0; i < 1200; i++)
        in_echo(far[0], ours[0], 1);
    assert_int_equal(place_count(&p, IP_DROP_ECHO_LIMITED), 200);
    place_run(&p, CLOCK_SEC / 100);
    in_echo(far[0], ours[0], 1);
    assert_int_equal(place_count(&p, IP_DROP_ECHO_LIMITED), 200);
    place_close(&p);
}

/* An error that we sent: its type and code, and whether it quotes that much of the frame. */
static void is_error(struct slice about, uint8_t type, uint8_t code, uint32_t what)
{
    struct sim_frame f = place_read(&p);
    struct slice s = place_last(&p);
    assert_int_equal(s.ptr[f.transport], type);
    assert_int_equal(s.ptr[f.transport + 1], code);
    assert_int_equal(sim_get32(s.ptr + f.transport + 4), what);
    assert_true(s.len - 14 <= (f.v6 ? 1280 : 576));
    size_t quoted = f.end - f.transport - 8, all = about.len - 14;
    size_t most = f.v6 ? 1280 - 48 : 576 - 28;
    assert_int_equal(quoted, all < most ? all : most);
    assert_memory_equal(s.ptr + f.transport + 8, about.ptr + 14, quoted);
}

static void test_refused(void **state)
{
    (void)state;
    static uint8_t udp[2000], frame[2300];
    for (int round = 0; round < 4; round++) {
        int v6 = round & 1;
        place_open(&p);
        p.scatter = round & 2;
        p.verdict = IP_NO_PORT;
        for (size_t n = 0; n < 1400; n += 100) {
            struct slice s = make_ip(frame, far[v6], ours[v6], 17, 0, make_udp(udp, n));
            place_in(&p, s);
            is_error(s, v6 ? 1 : 3, v6 ? 4 : 3, 0);
        }
        p.verdict = IP_NO_PROTOCOL;
        struct slice s = make_ip(frame, far[v6], ours[v6], 99, 0, make_udp(udp, 5));
        place_in(&p, s);
        is_error(s, v6 ? 4 : 3, v6 ? 1 : 2, v6 ? 6 : 0);
        assert_int_equal(place_count(&p, IP_DROP_NO_PORT), 14);
        assert_int_equal(place_count(&p, IP_DROP_NO_PROTOCOL), 1);
        place_close(&p);
    }
}

/* Nothing is said about what was sent to many, or about errors; and only so often. */
static void test_error_rules(void **state)
{
    (void)state;
    uint8_t message[100] = {3, 1};
    place_open(&p);
    p.verdict = IP_NO_PORT;
    in_udp(&p, peers[0], "192.0.2.255", 5);
    in_udp(&p, peers[0], "224.0.0.1", 5);
    in_udp(&p, peers[1], "ff02::1", 5);
    assert_int_equal(p.packets, 3);
    assert_int_equal(place_count(&p, IP_DROP_ICMP_FORBIDDEN), 3);
    in_ip(&p, far[0], ours[0], 1, 0, slice_of(message, sizeof(message)));
    assert_int_equal(p.count, 0);
    for (unsigned i = 0; i < 200; i++)
        in_udp(&p, far[i & 1], ours[i & 1], 5);
    assert_in_range(p.count, RATE_ERRORS.at_once / 3, RATE_ERRORS.at_once);
    assert_int_equal(place_count(&p, IP_DROP_ICMP_LIMITED) + p.count, 200);
    place_close(&p);
}

/* Somebody complains of a packet of ours. */
static void in_error(const char *from, uint8_t type, uint8_t code, uint32_t what,
                     struct slice quote)
{
    uint8_t *message = malloc(8 + quote.len);
    bool v6 = !address_is_v4(A(from));
    sim_put32(message, (uint32_t)type << 24 | (uint32_t)code << 16);
    sim_put32(message + 4, what);
    memcpy(message + 8, quote.ptr, quote.len);
    in_ip(&p, from, ours[v6], icmp[v6], 0, slice_of(message, 8 + quote.len));
    free(message);
}

static void test_complaints(void **state)
{
    (void)state;
    static const struct {
        uint8_t v6, type, code;
        uint32_t what;
        enum ip_error why;
        uint32_t mtu;
    } cases[] = {{0, 3, 0, 0, IP_ERROR_UNREACHABLE, 0},   {0, 3, 1, 0, IP_ERROR_UNREACHABLE, 0},
                 {0, 3, 2, 0, IP_ERROR_REFUSED, 0},       {0, 3, 3, 0, IP_ERROR_REFUSED, 0},
                 {0, 3, 4, 1400, IP_ERROR_TOO_BIG, 1400}, {0, 3, 4, 68, IP_ERROR_TOO_BIG, 552},
                 {0, 3, 4, 0, IP_ERROR_TOO_BIG, 1006},    {0, 3, 13, 0, IP_ERROR_UNREACHABLE, 0},
                 {0, 11, 0, 0, IP_ERROR_TIME, 0},         {0, 12, 0, 0, IP_ERROR_UNREACHABLE, 0},
                 {1, 1, 0, 0, IP_ERROR_UNREACHABLE, 0},   {1, 1, 4, 0, IP_ERROR_REFUSED, 0},
                 {1, 2, 0, 1400, IP_ERROR_TOO_BIG, 1400}, {1, 2, 0, 600, IP_ERROR_TOO_BIG, 1280},
                 {1, 3, 0, 0, IP_ERROR_TIME, 0},          {1, 4, 1, 0, IP_ERROR_REFUSED, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t v6 = cases[i].v6;
        place_open(&p);
        assert_int_equal(send_udp(&p, ours[v6], far[v6], 1300, true), OK);
        struct slice quote = slice_drop(place_last(&p), 14);
        in_error(far[v6], cases[i].type, cases[i].code, cases[i].what, slice_take(quote, 60));
        assert_int_equal(p.complaints, 1);
        assert_int_equal(p.complaint.why, cases[i].why);
        assert_int_equal(p.complaint.mtu, cases[i].mtu);
        assert_int_equal(p.complaint.protocol, IP_UDP);
        assert_int_equal(sim_get16(p.complaint_header), 1000);
        /* By itself it changes nothing. */
        assert_int_equal(ip_path_mtu(p.ip, p.now, A(far[v6])), 1500);
        place_close(&p);
    }
}

/* A quote cut anywhere, of another's packet, or of a later piece: nobody hears of it. */
static void test_quotes(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t quote[300], udp[64];
        size_t head = v6 ? 40 : 20;
        uint8_t type = v6 ? 1 : 3;
        place_open(&p);
        struct slice s =
            slice_drop(make_ip(quote, ours[v6], far[v6], 17, 0, make_udp(udp, 20)), 14);
        uint8_t *q = quote + 14;
        for (size_t n = 0; n < s.len; n++) {
            in_error(far[v6], type, 1, 0, slice_take(s, n));
            assert_int_equal(p.complaints, n >= head + 8);
            p.complaints = 0;
        }
        q[v6 ? 23 : 15] ^= 1; /* another's */
        in_error(far[v6], type, 1, 0, s);
        q[v6 ? 23 : 15] ^= 1;
        q[0] = 0x50;
        in_error(far[v6], type, 1, 0, s);
        q[0] = v6 ? 0x60 : 0x45;
        if (!v6) {
            q[7] = 1; /* a later piece */
            in_error(far[v6], type, 1, 0, s);
            q[7] = 0;
            q[0] = 0x4f; /* options that are not there */
            in_error(far[v6], type, 1, 0, slice_take(s, 40));
        }
        assert_int_equal(p.complaints, 0);
        assert_true(place_count(&p, IP_DROP_ICMP_QUOTE) > head);
        place_close(&p);
    }
}

static void test_types(void **state)
{
    (void)state;
    uint8_t message[64] = {0};
    place_open(&p);
    for (unsigned type = 0; type < 256; type++) {
        message[0] = (uint8_t)type;
        in_ip(&p, far[0], ours[0], 1, 0, slice_of(message, sizeof(message)));
        in_ip(&p, far[1], ours[1], 58, 0, slice_of(message, sizeof(message)));
    }
    assert_int_equal(p.count, 2);                                /* echoes */
    assert_int_equal(place_count(&p, IP_DROP_ICMP_REDIRECT), 1); /* of IPv4: never */
    assert_int_equal(p.complaints, 0);
    for (size_t n = 0; n < 8; n++) {
        for (int v6 = 0; v6 < 2; v6++) {
            uint8_t frame[200];
            struct slice s = make_ip(frame, far[v6], ours[v6], icmp[v6], 0, slice_of(message, n));
            if (!v6)
                sim_put16(frame + 24, 0);
            if (!v6)
                sim_put16(frame + 24, (uint16_t)~sim_sum(slice_of(frame + 14, 20), 0));
            place_in(&p, s);
        }
    }
    assert_int_equal(place_count(&p, IP_DROP_ICMP_MALFORMED), 16);
    uint8_t frame[200];
    for (int v6 = 0; v6 < 2; v6++) {
        struct slice s = make_ip(frame, far[v6], ours[v6], icmp[v6], 0, slice_of(message, 20));
        frame[s.len - 1] ^= 4;
        place_in(&p, s);
    }
    assert_int_equal(place_count(&p, IP_DROP_ICMP_CHECKSUM), 2);
    place_close(&p);
}

/* The path's MTU: learned, bounded, forgotten in time, followed by fragments. */
static void test_path_mtu(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct address to = A(far[v6]);
        place_open(&p);
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), 1500);
        ip_learn_path_mtu(p.ip, p.now, to, 1400);
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), 1400);
        ip_learn_path_mtu(p.ip, p.now, to, 9000);
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), 1400);
        ip_learn_path_mtu(p.ip, p.now, to, 1450); /* a probe came through */
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), 1450);
        ip_learn_path_mtu(p.ip, p.now, to, 100);
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), v6 ? 1280 : 552);
        assert_int_equal(place_count(&p, IP_MTU_REFUSED), 1);
        assert_int_equal(send_udp(&p, ours[v6], far[v6], 1400, true), OK);
        assert_int_equal(p.count, 1); /* whole: the sender knows what it does */
        assert_int_equal(send_udp(&p, ours[v6], far[v6], 1400, false), OK);
        assert_int_equal(p.count, 1 + (v6 ? 2 : 3));
        assert_int_equal(ip_path_mtu(p.ip, p.now, A(peers[v6])), 1500);
        place_run(&p, 601 * CLOCK_SEC);
        assert_int_equal(ip_path_mtu(p.ip, p.now, to), 1500);
        place_clear(&p);
        assert_int_equal(send_udp(&p, ours[v6], far[v6], 1400, false), OK);
        assert_int_equal(p.count, 1);
        place_close(&p);
    }
}

static void test_path_mtu_bounds(void **state)
{
    (void)state;
    char to[32];
    place_open(&p);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(to, sizeof(to), "10.0.%u.%u", i / 256, i % 256);
        ip_learn_path_mtu(p.ip, p.now, A(to), 1000);
        assert_int_equal(ip_path_mtu(p.ip, p.now, A(to)), 1000);
    }
    assert_true(place_count(&p, IP_DESTINATIONS_EVICTED) >= 5000 - DESTINATIONS_MAX);
    ip_set_mtu(p.ip, 1400);
    assert_int_equal(ip_link_mtu(p.ip, A("10.0.0.1")), 1400);
    assert_int_equal(ip_link_mtu(p.ip, A("2001:db8::2")), 1500);
    assert_int_equal(send_udp(&p, ours[0], far[0], 1400, true), ERR_LIMIT);
    ip_set_mtu(p.ip, 0);
    assert_int_equal(send_udp(&p, ours[0], far[0], 1400, true), OK);
    place_close(&p);
}

/* Echoes that were too big for a path of IPv6 come in pieces from then on. Anybody can say so of any path: what the
 * others are believed to take stays as it was. */
static void test_echo_too_big(void **state)
{
    (void)state;
    place_open(&p);
    in_echo(far[1], ours[1], 1400);
    assert_int_equal(p.count, 1);
    in_error("2001:db8:5::1", 2, 0, 1280, slice_take(slice_drop(place_last(&p), 14), 1000));
    in_echo(far[1], ours[1], 1400);
    assert_int_equal(p.count, 3);
    in_echo(far[1], ours[1], 1280 - 48);
    assert_int_equal(p.count, 4);
    assert_int_equal(p.complaints, 0);
    assert_int_equal(place_count(&p, IP_MTU_LEARNED), 0);
    assert_int_equal(ip_path_mtu(p.ip, p.now, A(far[1])), 1500);
    assert_int_equal(send_udp(&p, ours[1], far[1], 1400, false), OK);
    assert_int_equal(p.count, 5);
    place_run(&p, 601 * CLOCK_SEC);
    place_clear(&p);
    in_echo(far[1], ours[1], 1400);
    assert_int_equal(p.count, 1);
    place_close(&p);
}

/* Of what is none of our echoes nothing follows. */
static void test_echo_that_is_none(void **state)
{
    static const uint8_t types[] = {128, 1, 133, 136};
    (void)state;
    place_open(&p);
    in_echo(far[1], ours[1], 1400);
    in_error("2001:db8:5::1", 2, 0, 1500, slice_take(slice_drop(place_last(&p), 14), 1000));
    for (size_t i = 0; i < sizeof types; i++) {
        uint8_t quote[1000];
        memcpy(quote, place_last(&p).ptr + 14, sizeof quote);
        quote[40] = types[i];
        in_error("2001:db8:5::1", 2, 0, 1280, slice_of(quote, sizeof quote));
    }
    in_echo(far[1], ours[1], 1400);
    assert_int_equal(p.count, 2);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),         cmocka_unit_test(test_echo_to_many),
        cmocka_unit_test(test_echo_limit),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_error_rules),  cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_quotes),       cmocka_unit_test(test_types),
        cmocka_unit_test(test_path_mtu),     cmocka_unit_test(test_path_mtu_bounds),
        cmocka_unit_test(test_echo_too_big), cmocka_unit_test(test_echo_that_is_none),
    };
    return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
