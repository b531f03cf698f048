/* The Internet checksum against the plainest way to compute it. */
#include "tests/lib/ip/place.h"

/* RFC 1071, 4.1, a byte at a time. */
static uint16_t plain(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint64_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void test_lengths(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t len = 0; len < 300; len++) {
        for (size_t shift = 0; shift < 9; shift++) {
            uint8_t *bytes = malloc(len + shift + 1);
            for (size_t i = 0; i < len; i++)
                bytes[shift + i] = (uint8_t)place_draw(&seed);
            assert_int_equal(checksum_of(slice_of(bytes + shift, len)), plain(bytes + shift, len));
            free(bytes);
        }
    }
}

static void test_extremes(void **state)
{
    (void)state;
    static uint8_t bytes[65536];
    memset(bytes, 0xff, sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len += 4093)
        assert_int_equal(checksum_of(slice_of(bytes, len)), plain(bytes, len));
    assert_int_equal(checksum_of(slice_of(bytes, sizeof(bytes))), 0);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(checksum_of(slice_of(bytes, sizeof(bytes))), 0xffff);
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(checksum_of(slice_of(example, 8)), (uint16_t)~0xddf2); /* RFC 1071, 3 */
}

/* However the bytes are cut, odd pieces and empty ones too. */
static void test_parts(void **state)
{
    (void)state;
    uint64_t seed = 3;
    uint8_t bytes[3000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)place_draw(&seed);
    for (unsigned round = 0; round < 2000; round++) {
        struct checksum c = {0};
        for (size_t at = 0; at < sizeof(bytes);) {
            size_t n = place_draw(&seed) % (round % 2 ? 5 : 1500);
            struct slice part = slice_take(slice_of(bytes + at, sizeof(bytes) - at), n);
            checksum_add(&c, part);
            at += part.len;
        }
        assert_int_equal(checksum_complement(&c), plain(bytes, sizeof(bytes)));
        assert_int_equal(checksum_sum(&c), (uint16_t)~plain(bytes, sizeof(bytes)));
    }
}

static void pseudo(const char *from, const char *to, const uint8_t *expected, size_t len,
                   size_t length)
{
    struct checksum c = {0};
    struct address source = A(from), destination = A(to);
    checksum_add_pseudo(&c, &source, &destination, 17, length);
    checksum_add(&c, slice_text("abc"));
    uint8_t all[64] = {0};
    memcpy(all, expected, len);
    memcpy(all + len, "abc", 3);
    assert_int_equal(checksum_complement(&c), plain(all, len + 3));
}

static void test_pseudo(void **state)
{
    (void)state;
    static const uint8_t v4[] = {192, 0, 2, 1, 198, 51, 100, 7, 0, 17, 0x12, 0x34};
    static const uint8_t v6[] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0,
                                 0,    1, 0xfe, 0x80, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0,
                                 0,    0, 0,    2,    0, 1, 0x23, 0x45, 0, 0, 0, 17};
    pseudo("192.0.2.1", "198.51.100.7", v4, sizeof(v4), 0x1234);
    pseudo("2001:db8::1", "fe80::2", v6, sizeof(v6), 0x12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_pseudo),
    };
    return cmocka_run_group_tests_name("ip checksum", tests, NULL, NULL);
}
