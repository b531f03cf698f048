/* Names, asked of servers over UDP and TCP. */
#include "tests/lib/inet/network.h"

/* --- names --- */

static void test_answers_over_tcp(void **state)
{
    (void)state;
    obtain();
    dns.cut = true;
    assert_int_equal(try_resolve("www.example", SEC), OK);
    assert_int_equal(dns.asked_tcp, 1);
    world_run(SEC);
    assert_null(dns.flow); /* was closed */
}

static void test_answers_over_tcp_that_are_too_long(void **state)
{
    (void)state;
    obtain();
    dns.cut = true;
    dns.tcp_len = 0xff;
    assert_int_not_equal(try_resolve("www.example", 12 * SEC), OK);
    world_run(SEC);
    assert_null(dns.flow);
}

static void test_lookups_that_are_cancelled(void **state)
{
    struct want udp, tcp;
    (void)state;
    obtain();
    dns.silent = true;
    begin_resolve(&udp, "a.example");
    world_run(500 * CLOCK_MS);
    stack_cancel_resolve(stack, udp.resolve);
    dns.silent = false;
    dns.cut = true;
    begin_resolve(&tcp, "b.example");
    world_run(200 * CLOCK_US); /* about when the connection is made */
    if (!tcp.told)
        stack_cancel_resolve(stack, tcp.resolve);
    world_run(20 * SEC);
    assert_false(udp.told);
    assert_int_equal(client->messages.used, 0);
}

static void test_a_silent_server(void **state)
{
    (void)state;
    obtain();
    dns.silent = true;
    assert_int_equal(try_resolve("www.example", 11 * SEC), ERR_TIMEOUT);
    assert_in_range(dns.asked, 4, 2 * DNS_TRIES_MAX);
}

static void test_nobody_listens_for_names(void **state)
{
    const struct inet_config c = {.address_count = 1,
                                  .addresses = {{address_v4(10, 0, 0, 50), 16}},
                                  .resolver_count = 1,
                                  .resolvers = {address_v4(10, 0, 0, 2)},
                                  .quiet = true};
    (void)state;
    assert_int_equal(open_client(&c), OK);
    uint64_t begun = clock_monotonic();
    assert_int_equal(try_resolve("www.example", 11 * SEC), ERR_UNREACHABLE); /* ICMP says so */
    assert_true(clock_monotonic() - begun <= DNS_LOOKUP_NS);
}

static void test_names_that_need_no_network(void **state)
{
    struct want t;
    (void)state;
    sim_wire_link(card, false);
    assert_int_equal(open_client(&WITH_DHCP), OK);
    begin_resolve(&t, "10.0.0.9");
    finish(&t, 1);
    assert_int_equal(t.first.bytes[15], 9);
    begin_resolve(&t, "localhost");
    finish(&t, 1);
    assert_int_equal(t.count, 2);
}

static struct address advertised(unsigned number)
{
    return (struct address){{0xfe, 0x80, [15] = (uint8_t)number}};
}

static void test_advertised_resolvers_are_bounded(void **state)
{
    uint64_t until = clock_monotonic() + 3600 * SEC;
    (void)state;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    for (unsigned n = 0; n < INET_RESOLVERS_MAX + 3; n++)
        inet_on_resolver(client, advertised(n), until);
    inet_on_resolver(client, advertised(0), until + SEC); /* again */
    assert_int_equal(client->advertised_count, INET_RESOLVERS_MAX);
    assert_int_equal(client->resolvers_left_out, 3);
    inet_on_resolver(client, advertised(1), 0); /* withdrawn */
    assert_int_equal(client->advertised_count, INET_RESOLVERS_MAX - 1);
    inet_on_resolver(client, advertised(INET_RESOLVERS_MAX), until);
    assert_int_equal(client->advertised_count, INET_RESOLVERS_MAX);
    assert_int_equal(client->resolvers_left_out, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers_over_tcp),
        TEST(test_answers_over_tcp_that_are_too_long),
        TEST(test_lookups_that_are_cancelled),
        TEST(test_a_silent_server),
        TEST(test_nobody_listens_for_names),
        TEST(test_names_that_need_no_network),
        TEST(test_advertised_resolvers_are_bounded),
    };
    return cmocka_run_group_tests_name("inet names", tests, NULL, NULL);
}
