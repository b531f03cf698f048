/* The settings of the network: lists of addresses, masks, devices, and what does not go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/settings_network.h"

static const struct setting_group *const groups[] = {&settings_network_group, NULL};
static char said[SETTINGS_ERROR_MAX + 1];

static int setup(void **state)
{
    (void)state;
    settings_preset(groups);
    return 0;
}

/* Reads up to four arguments and checks them together. */
static enum err give(const char *const *arguments)
{
    struct buf error;
    size_t count = 0;
    while (arguments[count])
        count++;
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(groups);
    enum err e = settings_arguments(groups, count, arguments, NULL, NULL, &error);
    if (!e)
        e = settings_check(groups, &error);
    if (error.len)
        memcpy(said, error.ptr, error.len);
    said[error.len] = 0;
    buf_deinit(&error);
    assert_int_equal(e != OK, said[0] != 0);
    return e;
}

#define GIVE(...) give((const char *const[]){__VA_ARGS__, NULL})

static void assert_next(struct slice *list, const char *address, unsigned bits)
{
    struct settings_prefix p;
    char text[ADDRESS_TEXT_MAX];
    assert_true(settings_network_next(list, &p));
    address_format(p.address, text);
    assert_string_equal(text, address);
    assert_int_equal(p.bits, bits);
}

static void test_defaults(void **state)
{
    struct slice name, list = settings_network.ip;
    struct settings_prefix p;
    (void)state;
    assert_false(settings_network_tap(&name));
    assert_true(settings_network.dhcp && settings_network.ipv6);
    assert_false(settings_network_next(&list, &p));
}

static void test_devices(void **state)
{
    struct slice name;
    (void)state;
    assert_int_equal(GIVE("--net", "tap:tap0"), OK);
    assert_true(settings_network_tap(&name));
    assert_true(slice_is(name, "tap0"));
    assert_int_equal(GIVE("--net", "tap:fifteen-letters"), OK);
    assert_int_equal(GIVE("--net", "tap:sixteen--letters"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--net", "tap:"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--net", "tap:../x"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--net", "tap:a b"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--net", "tun0"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--net", "host"), OK);
    assert_false(settings_network_tap(&name));
}

static void test_addresses(void **state)
{
    struct slice list;
    struct settings_prefix p;
    (void)state;
    assert_int_equal(GIVE("--ip", "192.0.2.2/24, 2001:db8::2/48,2001:db8::3"), OK);
    list = settings_network.ip;
    assert_next(&list, "192.0.2.2", 24);
    assert_next(&list, "2001:db8::2", 48);
    assert_next(&list, "2001:db8::3", 64);
    assert_false(settings_network_next(&list, &p));
    assert_int_equal(GIVE("--ip", "192.0.2.2", "--netmask", "255.255.240.0"), OK);
    list = settings_network.ip;
    assert_next(&list, "192.0.2.2", 20);
    assert_int_equal(GIVE("--ip", "192.0.2.2/30", "--netmask", "255.255.240.0"), OK);
    list = settings_network.ip;
    assert_next(&list, "192.0.2.2", 30);
}

static void test_addresses_that_are_none(void **state)
{
    static const char *const wrong[] = {
        "192.0.2.2/",  "192.0.2.2/33",    "192.0.2.2/0",
        "192.0.2.2/x", "::1/129",         ",192.0.2.2/24",
        "192.0.2/24",  "192.0.2.2/24/24", "1::,2::,3::,4::,5::,6::,7::,8::,9::"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(GIVE("--ip", wrong[i]), ERR_ARGUMENT);
}

static void test_masks(void **state)
{
    (void)state;
    assert_int_equal(GIVE("--netmask", "255.255.255.255"), OK);
    assert_int_equal(GIVE("--netmask", "128.0.0.0"), OK);
    assert_int_equal(GIVE("--netmask", "255.0.255.0"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--netmask", "0.0.0.0"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--netmask", "ffff::"), ERR_ARGUMENT);
}

static void test_what_does_not_go_together(void **state)
{
    (void)state;
    assert_int_equal(GIVE("--ip", "192.0.2.2"), ERR_ARGUMENT);
    assert_non_null(strstr(said, "192.0.2.2/24, or --netmask"));
    assert_int_equal(GIVE("--ip", "192.0.2.2/25", "--gateways", "192.0.2.129"), ERR_ARGUMENT);
    assert_non_null(strstr(said, "192.0.2.129 is in no network of --ip"));
    assert_int_equal(GIVE("--ip", "192.0.2.2/25", "--gateways", "192.0.2.126"), OK);
    assert_int_equal(GIVE("--ip", "192.0.2.2/25", "--gateways", "fe80::1,2001:db8::1"), OK);
    assert_int_equal(GIVE("--ip", "2001:db8::2/61", "--gateways", "2001:db8:0:7::1"), OK);
    assert_int_equal(GIVE("--ip", "2001:db8::2/61", "--gateways", "2001:db8:0:8::1"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--gateways", "10.0.0.1"), OK); /* DHCP may give the network */
    assert_int_equal(GIVE("--gateways", "10.0.0.1/8"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--resolver", "10.0.0.1,fd00::1"), OK);
    assert_int_equal(GIVE("--resolver", "dns.example"), ERR_ARGUMENT);
}

static void test_addresses_that_no_station_has(void **state)
{
    static const struct {
        const char *address, *why;
    } wrong[] = {
        {"127.0.0.2/8", "127.0.0.2 is every machine's own"},
        {"::1/64", "::1 is every machine's own"},
        {"224.0.0.1/24", "224.0.0.1 is that of a group"},
        {"255.255.255.255/32", "that of a group"},
        {"ff02::5/64", "ff02::5 is that of a group"},
        {"0.0.0.0/24", "0.0.0.0 is nobody's"},
        {"::/64", ":: is nobody's"},
        {"10.0.0.2/24,10.77.0.0/24", "10.77.0.0 is its network's, not a station's"},
        {"10.77.3.255/22", "10.77.3.255 is that of all stations of its network"},
        {"10.255.255.255/8", "that of all stations"},
        {"192.0.2.128/25", "its network's"},
    };
    static const char *const right[] = {"10.77.0.0/31", "10.77.0.1/31",   "10.77.0.0/32",
                                        "10.77.1.0/22", "10.77.2.255/22", "2001:db8::/64",
                                        "fe80::1/64"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(GIVE("--ip", wrong[i].address), ERR_ARGUMENT);
        assert_non_null(strstr(said, wrong[i].why));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_int_equal(GIVE("--ip", right[i]), OK);
    assert_int_equal(GIVE("--ip", "192.0.2.0", "--netmask", "255.255.255.0"), ERR_ARGUMENT);
    assert_int_equal(GIVE("--ip", "192.0.2.2/24,fd00::2", "--ipv6", "false"), ERR_ARGUMENT);
    assert_non_null(strstr(said, "fd00::2 is of IPv6, which --ipv6 turns off"));
    assert_int_equal(GIVE("--ip", "192.0.2.2/24", "--gateways", "192.0.2.1,192.0.2.2"),
                     ERR_ARGUMENT);
    assert_non_null(strstr(said, "--gateways: 192.0.2.2 is an address of --ip, our own"));
    assert_int_equal(GIVE("--ip", "fe80::1", "--gateways", "fe80::1"), ERR_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_devices),
        TEST(test_addresses),
        TEST(test_addresses_that_are_none),
        TEST(test_addresses_that_no_station_has),
        TEST(test_masks),
        TEST(test_what_does_not_go_together),
    };
    return cmocka_run_group_tests_name("settings of the network", tests, NULL, NULL);
}
