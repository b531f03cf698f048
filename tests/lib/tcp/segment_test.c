/* Segments: what is written is read again; whatever else comes is refused, or ignored as it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tcp/segment.h"
#include "platform/sim/sim.h"

static struct tcp_segment parsed(const void *bytes, size_t len, enum err expected)
{
    struct tcp_segment s;
    uint8_t *copy = malloc(len + !len); /* the sanitizer sees what is read beyond */
    memcpy(copy, bytes, len);
    assert_int_equal(tcp_segment_parse(slice_of(copy, len), len, &s), expected);
    free(copy);
    return s;
}

static void assert_same(const struct tcp_segment *a, const struct tcp_segment *b)
{
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->destination, b->destination);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->ack, b->ack);
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->mss, b->mss);
    assert_int_equal(a->scale, b->scale);
    assert_int_equal(a->sack_permitted, b->sack_permitted);
    assert_int_equal(a->stamped, b->stamped);
    assert_int_equal(a->stamp, b->stamp);
    assert_int_equal(a->echo, b->echo);
    assert_int_equal(a->block_count, b->block_count);
    for (int i = 0; i < a->block_count; i++) {
        assert_int_equal(a->blocks[i].start, b->blocks[i].start);
        assert_int_equal(a->blocks[i].end, b->blocks[i].end);
    }
}

static struct tcp_segment drawn(struct sim_random *r)
{
    struct tcp_segment s = {
        .source = (uint16_t)sim_random_next(r),
        .destination = (uint16_t)sim_random_next(r),
        .seq = (seq_t)sim_random_next(r),
        .ack = (seq_t)sim_random_next(r),
        .window = (uint16_t)sim_random_next(r),
        .flags =
            (uint8_t)(TCP_ACK | (sim_random_next(r) & (TCP_ECE | TCP_CWR | TCP_PSH | TCP_URG))),
        .stamped = sim_random_chance(r, 50),
    };
    if (s.stamped) {
        s.stamp = (uint32_t)sim_random_next(r);
        s.echo = (uint32_t)sim_random_next(r);
    }
    if (sim_random_chance(r, 50)) {
        s.flags |= TCP_SYN;
        s.mss = (uint16_t)sim_random_next(r);
        s.scale = (uint8_t)sim_random_range(r, 0, 15);
        s.sack_permitted = sim_random_chance(r, 50);
    } else {
        s.block_count = (uint8_t)sim_random_range(r, 0, s.stamped ? 3 : 4);
        for (int i = 0; i < s.block_count; i++)
            s.blocks[i] = (struct seq_range){(seq_t)sim_random_next(r), (seq_t)sim_random_next(r)};
    }
    return s;
}

static void test_round_trip(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 1);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[TCP_HEADER_MAX + 8] = {0};
        struct tcp_segment s = drawn(&r);
        size_t header = tcp_segment_format(&s, bytes);
        assert_true(header <= TCP_HEADER_MAX && header % 4 == 0);
        assert_true(bytes[16] == 0 && bytes[17] == 0);
        struct tcp_segment back = parsed(bytes, header + 8, OK);
        assert_same(&s, &back);
        assert_int_equal(back.header, header);
        assert_int_equal(back.length, 8);
    }
}

static const uint8_t plain[20] = {0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, TCP_ACK, 1, 0};

static void test_lengths(void **state)
{
    (void)state;
    for (size_t n = 0; n < 20; n++)
        parsed(plain, n, ERR_MALFORMED);
    assert_int_equal(parsed(plain, 20, OK).source, 0x1234);
    uint8_t bytes[20];
    memcpy(bytes, plain, 20);
    bytes[12] = 0x40; /* a header of 16 bytes */
    parsed(bytes, 20, ERR_MALFORMED);
    bytes[12] = 0x60; /* one that ends behind the packet */
    parsed(bytes, 20, ERR_MALFORMED);
}

static void test_flags(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 64; flags++) {
        uint8_t bytes[20];
        memcpy(bytes, plain, 20);
        bytes[13] = (uint8_t)flags;
        unsigned kinds =
            (flags & TCP_SYN ? 1u : 0) + (flags & TCP_RST ? 1u : 0) + (flags & TCP_FIN ? 1u : 0);
        bool sense = kinds < 2 && flags & (TCP_SYN | TCP_RST | TCP_ACK);
        parsed(bytes, 20, sense ? OK : ERR_MALFORMED);
    }
}

/* A SYN with these options. */
static struct tcp_segment with_options(const uint8_t *options, size_t len, enum err expected)
{
    uint8_t bytes[60];
    memcpy(bytes, plain, 20);
    memcpy(bytes + 20, options, len);
    bytes[13] = TCP_SYN;
    bytes[12] = (uint8_t)((20 + len) / 4 << 4);
    return parsed(bytes, 20 + len, expected);
}

#define OPTIONS(expected, ...) \
    with_options((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), expected)

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(OPTIONS(OK, 2, 4, 5, 0xb4).mss, 1460);
    assert_int_equal(OPTIONS(OK, 3, 3, 255, 0).scale, TCP_SCALE_MAX + 1); /* RFC 7323, 2.3 */
    assert_int_equal(OPTIONS(OK, 0, 2, 4, 5).mss, 0);                     /* behind the end */
    assert_int_equal(OPTIONS(OK, 254, 6, 1, 2, 3, 4, 1, 1).mss, 0);       /* unknown: skipped */
    OPTIONS(ERR_LIMIT, 254, 0, 0, 0);                                     /* MUST-7 */
    OPTIONS(ERR_LIMIT, 254, 1, 0, 0);
    OPTIONS(ERR_LIMIT, 1, 1, 1, 2);
    OPTIONS(ERR_LIMIT, 2, 5, 1, 2);
    OPTIONS(ERR_LIMIT, 2, 3, 1, 1);
    OPTIONS(ERR_LIMIT, 8, 10, 0, 0);
    OPTIONS(ERR_LIMIT, 8, 4, 0, 0);
    OPTIONS(ERR_LIMIT, 5, 4, 0, 0);
    OPTIONS(ERR_LIMIT, 4, 3, 0, 0);
    assert_int_equal(OPTIONS(OK, 5, 2, 1, 1).block_count, 0);
}

/* On a segment that is no SYN they have no meaning. */
static void test_options_of_a_syn_only(void **state)
{
    uint8_t bytes[28] = {0};
    (void)state;
    memcpy(bytes, plain, 20);
    memcpy(bytes + 20, (const uint8_t[]){2, 4, 5, 0xb4, 3, 3, 7, 0}, 8);
    bytes[12] = 0x70;
    struct tcp_segment s = parsed(bytes, sizeof bytes, OK);
    assert_true(s.mss == 0 && s.scale == 0);
}

static void test_anything(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 7);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[64];
        struct tcp_segment s;
        size_t n = (size_t)sim_random_range(&r, 0, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)sim_random_next(&r);
        if (n > 13)
            bytes[13] = TCP_ACK;
        if (tcp_segment_parse(slice_of(bytes, n), n, &s) == OK)
            assert_true(s.header >= 20 && s.header + s.length == n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_options_of_a_syn_only),
        cmocka_unit_test(test_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
