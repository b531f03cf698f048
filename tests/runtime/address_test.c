/* Addresses: what RFC 4291 and RFC 5952 say, what they forbid, and the host's own parser as judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "platform/sim/sim.h"
#include "runtime/address.h"

static void check_text(const char *text, const char *canonical)
{
    struct address a;
    char out[ADDRESS_TEXT_MAX];
    if (!address_parse(slice_text(text), &a))
        fail_msg("'%s' is not understood", text);
    address_format(a, out);
    assert_string_equal(out, canonical);
}

static void test_canonical_text(void **state)
{
    (void)state;
    check_text("::", "::");
    check_text("::1", "::1");
    check_text("1::", "1::");
    check_text("2001:DB8::0:1", "2001:db8::1");
    check_text("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
    check_text("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* 4.2.2: not for one group */
    check_text("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");          /* 4.2.3: the longest */
    check_text("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");    /* 4.2.3: the first of equals */
    check_text("2001:db8::1:0:0:1", "2001:db8::1:0:0:1");
    check_text("0:0:0:0:0:0:0:0", "::");
    check_text("1:0:0:0:0:0:0:0", "1::");
    check_text("0001:00ab::000f", "1:ab::f");
    check_text("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
    check_text("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"); /* a gap of one group is permitted to read */
    check_text("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
    check_text("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
    check_text("::1.2.3.4", "::102:304");
    check_text("1::1.2.3.4", "1::102:304");
    check_text("::ffff:192.0.2.33", "192.0.2.33");
    check_text("::ffff:c000:221", "192.0.2.33");
    check_text("192.0.2.33", "192.0.2.33");
    check_text("0.0.0.0", "0.0.0.0");
    check_text("255.255.255.255", "255.255.255.255");
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        ":",
        ":::",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.",
        ".1.2.3.4",
        "1..2.3",
        "0x1.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:80",
        "-1.2.3.4",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "12345::",
        "g::",
        "::1%eth0",
        "[::1]",
        "::1.2.3",
        "::1.2.3.4.5",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::01.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        ":::1",
        "1:::2",
        "::1:",
        "1.2.3.4::1.2.3.4",
        "::-1",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    (void)state;
    struct address a;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (address_parse(slice_text(texts[i]), &a))
            fail_msg("'%s' is taken for an address", texts[i]);
    assert_false(address_parse(slice_of("1.2.3.4\0", 8), &a));
    assert_false(address_parse(slice_of(NULL, 0), &a));
}

/* What we write is read back as the same, and the host reads and writes the same. */
static void test_round_trip(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 11);
    for (int i = 0; i < 50000; i++) {
        struct address a = {{0}}, b;
        char text[ADDRESS_TEXT_MAX], hosts[INET6_ADDRSTRLEN];
        for (int k = 0; k < 16; k++)
            if (sim_random_chance(&r, 40))
                a.bytes[k] = (uint8_t)sim_random_next(&r);
        if (a.bytes[0] == 0)
            a.bytes[0] = 0x20; /* there the host writes embedded IPv4 in its own way */
        address_format(a, text);
        assert_true(address_parse(slice_text(text), &b));
        assert_memory_equal(&a, &b, sizeof a);
        inet_ntop(AF_INET6, &a, hosts, sizeof hosts);
        assert_string_equal(text, hosts);
    }
}

/* Texts of the right letters in random order: we and the host agree on which are addresses. */
static void test_random_texts(void **state)
{
    static const char letters[] = ":::::...0012aAfF9";
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 12);
    for (int i = 0; i < 300000; i++) {
        char text[24];
        size_t n = (size_t)sim_random_range(&r, 1, 16);
        for (size_t k = 0; k < n; k++)
            text[k] = letters[sim_random_range(&r, 0, sizeof letters - 2)];
        text[n] = 0;
        struct address a;
        struct in6_addr v6;
        struct in_addr v4;
        bool expected = inet_pton(AF_INET6, text, &v6) == 1 || inet_pton(AF_INET, text, &v4) == 1;
        if (address_parse(slice_text(text), &a) != expected)
            fail_msg("'%s': the host says %d", text, expected);
    }
}

static void test_endpoints(void **state)
{
    char text[ENDPOINT_TEXT_MAX];
    (void)state;
    endpoint_format((struct endpoint){address_v4(192, 0, 2, 1), 80, 0}, text);
    assert_string_equal(text, "192.0.2.1:80");
    struct endpoint e = {.port = 65535, .zone = 3};
    assert_true(address_parse(SLICE("fe80::1"), &e.address));
    endpoint_format(e, text);
    assert_string_equal(text, "[fe80::1%3]:65535");
    memset(&e.address, 0xfe, sizeof e.address); /* as long as it gets */
    e.zone = UINT32_MAX;
    endpoint_format(e, text);
    assert_string_equal(text, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:65535");
}

static void test_kinds(void **state)
{
    struct address a;
    (void)state;
    assert_true(address_is_v4(address_v4(0, 0, 0, 0)));
    assert_false(address_is_v4(ADDRESS_ANY));
    assert_true(address_is_loopback(address_v4(127, 255, 0, 9)));
    assert_false(address_is_loopback(address_v4(128, 0, 0, 1)));
    assert_true(address_parse(SLICE("::1"), &a) && address_is_loopback(a));
    assert_true(address_parse(SLICE("::2"), &a) && !address_is_loopback(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_endpoints),      cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
