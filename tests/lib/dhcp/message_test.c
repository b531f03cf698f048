/* DHCP: what a lease may hold, and messages that are not for us, or lie. */
#include "tests/lib/dhcp/server.h"

/* --- what a lease may hold --- */

static void test_classless_routes_replace_routers(void **state)
{
    static const uint8_t routes[] = {0,  192, 0, 2, 254, /* the default */
                                     24, 10,  1, 2, 192, 0, 2, 253, 32, 10, 9, 9, 9, 0, 0, 0, 0};
    struct reply ack = usual(ACK);
    (void)state;
    put(&ack, 121, routes, sizeof routes);
    become_bound_by(ack);
    assert_int_equal(d.lease.route_count, 3);
    assert_int_equal(d.lease.routes[0].gateway.bytes[15], 254);
    assert_int_equal(d.lease.routes[1].prefix, 24);
    assert_int_equal(d.lease.routes[1].network.bytes[14], 2);
    assert_int_equal(d.lease.routes[1].network.bytes[15], 0);
    assert_int_equal(d.lease.routes[2].prefix, 32);
}

static void test_broken_classless_routes_leave_the_routers(void **state)
{
    struct reply ack = usual(ACK);
    (void)state;
    put(&ack, 121, "\x21\x0a\0\0\0\0\xc0\0\x02\xfe", 10); /* 33 bits */
    become_bound_by(ack);
    assert_int_equal(d.lease.route_count, 1);
    assert_int_equal(d.lease.routes[0].gateway.bytes[15], 1);
}

static void test_options_in_parts_are_joined(void **state)
{
    static const uint8_t route[] = {24, 10, 1, 2, 192, 0, 2, 253};
    struct reply ack = usual(ACK);
    (void)state;
    put(&ack, 121, route, 5);
    put(&ack, 121, route + 5, 3);
    become_bound_by(ack);
    assert_int_equal(d.lease.route_count, 1);
    assert_int_equal(d.lease.routes[0].gateway.bytes[15], 253);
}

static void test_options_in_other_fields(void **state)
{
    struct reply ack = begin(ACK);
    (void)state;
    put(&ack, 52, "\3", 1);
    memcpy(ack.bytes + 108, "\x33\x04\0\0\x0e\x10\xff", 7); /* file: 3600 s */
    memcpy(ack.bytes + 44, "\0\x01\x04\xff\xff\0\0\x03\x04\xc0\0\x02\x05\xff", 14); /* sname */
    become_bound_by(ack);
    assert_int_equal(d.lease.seconds, 3600);
    assert_int_equal(d.lease.prefix, 16);
    assert_int_equal(d.lease.routes[0].gateway.bytes[15], 5);
}

static void test_the_mtu(void **state)
{
    struct reply ack = usual(ACK);
    (void)state;
    put(&ack, 26, "\x05\x78", 2);
    become_bound_by(ack);
    assert_int_equal(d.lease.mtu, 1400);
}

static void test_an_mtu_that_is_too_small(void **state)
{
    struct reply ack = usual(ACK);
    (void)state;
    put(&ack, 26, "\0\x44", 2);
    become_bound_by(ack);
    assert_int_equal(d.lease.mtu, 0);
}

static void test_lists_are_cut(void **state)
{
    uint8_t many[40], routes[17 * 5];
    struct reply ack = begin(ACK);
    (void)state;
    for (size_t i = 0; i < 10; i++)
        memcpy(many + 4 * i, (uint8_t[]){192, 0, 2, (uint8_t)(10 + i)}, 4);
    for (size_t i = 0; i < 17; i++)
        memcpy(routes + 5 * i, (uint8_t[]){0, 192, 0, 2, (uint8_t)(10 + i)}, 5);
    put_seconds(&ack, 51, 3600);
    put(&ack, 6, many, sizeof many);
    put(&ack, 121, routes, sizeof routes);
    become_bound_by(ack);
    assert_int_equal(d.lease.resolver_count, DHCP_RESOLVERS_MAX);
    assert_int_equal(d.lease.route_count, DHCP_ROUTES_MAX);
    assert_int_equal(d.counters.cut, 6 + 1);
}

static void test_routers_are_cut(void **state)
{
    uint8_t many[40];
    struct reply ack = begin(ACK);
    (void)state;
    for (size_t i = 0; i < 10; i++)
        memcpy(many + 4 * i, (uint8_t[]){192, 0, 2, (uint8_t)(10 + i)}, 4);
    put_seconds(&ack, 51, 3600);
    put(&ack, 3, many, sizeof many);
    become_bound_by(ack);
    assert_int_equal(d.lease.route_count, DHCP_ROUTERS_MAX);
    assert_int_equal(d.counters.cut, 10 - DHCP_ROUTERS_MAX);
}

/* --- messages that are not for us, or lie --- */

static void assert_dropped(struct reply r, uint64_t *counter)
{
    uint64_t before = *counter;
    enum dhcp_state state = d.state;
    hear(r);
    assert_int_equal(*counter, before + 1);
    assert_int_equal(step.event, DHCP_NOTHING);
    assert_int_equal(step.len, 0);
    assert_int_equal(d.state, state);
}

static void test_answers_to_others_are_dropped(void **state)
{
    struct reply r;
    (void)state;
    dhcp_start(&d, now, &step);
    r = usual(OFFER);
    r.bytes[4] ^= 1; /* transaction */
    assert_dropped(r, &d.counters.dropped_foreign);
    r = usual(OFFER);
    r.bytes[28] ^= 1; /* card */
    assert_dropped(r, &d.counters.dropped_foreign);
    r = usual(OFFER);
    r.bytes[1] = 6;
    assert_dropped(r, &d.counters.dropped_foreign);
    r = usual(OFFER);
    put(&r, 61, "\1\2\0\0\0\0\x0a", 7);
    assert_dropped(r, &d.counters.dropped_foreign);
    r = usual(OFFER);
    put(&r, 61, "\1\2\0\0\0\0\x09", 7);
    hear(r);
    assert_said(REQUEST);
    r = usual(ACK);
    r.bytes[240 + 3 + 2 + 3] = 9; /* another server than the one that was asked */
    assert_dropped(r, &d.counters.dropped_foreign);
    r = usual(ACK);
    r.bytes[19] = 78; /* another address */
    assert_dropped(r, &d.counters.dropped_foreign);
    r = begin(NAK);
    r.bytes[240 + 3 + 2 + 3] = 9;
    assert_dropped(r, &d.counters.dropped_foreign);
}

static void test_answers_out_of_turn_are_dropped(void **state)
{
    (void)state;
    dhcp_start(&d, now, &step);
    assert_dropped(usual(ACK), &d.counters.dropped_state);
    assert_dropped(begin(NAK), &d.counters.dropped_state);
    hear(usual(OFFER));
    assert_dropped(usual(OFFER), &d.counters.dropped_state);
    hear(usual(ACK));
    assert_dropped(usual(ACK), &d.counters.dropped_state);
    assert_dropped(begin(NAK), &d.counters.dropped_state);
}

static void test_leases_that_cannot_be(void **state)
{
    static const uint8_t addresses[][4] = {{0, 0, 0, 0},         {127, 0, 0, 1}, {224, 0, 0, 1},
                                           {255, 255, 255, 255}, {192, 0, 2, 0}, {192, 0, 2, 255}};
    static const uint8_t masks[][4] = {{0, 0, 0, 0}, {255, 0, 255, 0}, {0, 255, 255, 255}};
    struct reply r;
    (void)state;
    dhcp_start(&d, now, &step);
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        r = usual(OFFER);
        memcpy(r.bytes + 16, addresses[i], 4);
        assert_dropped(r, &d.counters.dropped_content);
    }
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        r = begin(OFFER);
        put_seconds(&r, 51, 3600);
        put(&r, 1, masks[i], 4);
        assert_dropped(r, &d.counters.dropped_content);
    }
    r = begin(OFFER); /* no time */
    assert_dropped(r, &d.counters.dropped_content);
    put_seconds(&r, 51, 0);
    assert_dropped(r, &d.counters.dropped_content);
}

static void test_malformed_messages(void **state)
{
    struct reply r = usual(OFFER);
    (void)state;
    dhcp_start(&d, now, &step);
    r.bytes[0] = 1;
    assert_dropped(r, &d.counters.dropped_malformed);
    r = usual(OFFER);
    r.bytes[239] = 0;
    assert_dropped(r, &d.counters.dropped_malformed);
    r = begin(DISCOVER);
    assert_dropped(r, &d.counters.dropped_malformed);
    r = usual(OFFER);
    r.bytes[243 + 1] = 0; /* the server's identifier, without bytes: the rest is out of step */
    r.len = 245;
    assert_dropped(r, &d.counters.dropped_malformed);
    r = usual(OFFER);
    for (size_t len = 0; len < r.len; len++) { /* cut anywhere */
        dhcp_input(&d, now, slice_of(r.bytes, len), &step);
        if (step.len) { /* what was left out was optional */
            assert_said(REQUEST);
            dhcp_pause(&d);
            dhcp_start(&d, now, &step);
            memcpy(r.bytes + 4, &(uint32_t){__builtin_bswap32(d.xid)}, 4);
        }
    }
}

/* Whatever is said: what is in force stays sound. */
static void test_random_messages(void **state)
{
    struct sim_random random;
    (void)state;
    sim_random_seed(&random, 3);
    for (unsigned i = 0; i < 20000; i++) {
        struct reply r = usual((uint8_t)sim_random_range(&random, 0, 8));
        for (uint64_t k = sim_random_range(&random, 0, 6); k > 0; k--)
            r.bytes[sim_random_range(&random, 0, r.len - 1)] = (uint8_t)sim_random_next(&random);
        switch (sim_random_range(&random, 0, 5)) {
        case 0:
            dhcp_start(&d, now, &step);
            break;
        case 1:
            now += sim_random_range(&random, 0, 100 * SEC);
            dhcp_expire(&d, now, &step);
            break;
        default:
            hear(r);
        }
        assert_in_range(step.len, 0, DHCP_MESSAGE_MAX);
        if (dhcp_has_lease(&d))
            assert_in_range(d.lease.address.bytes[12], 1, 223);
    }
}

static void test_hostnames_that_are_none_are_left_out(void **state)
{
    (void)state;
    dhcp_init(&d, mac, SLICE("no good"), fill, NULL);
    dhcp_start(&d, now, &step);
    assert_null(said(12, 7));
    dhcp_init(&d, mac,
              SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
              fill, NULL);
    assert_int_equal(d.hostname[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_classless_routes_replace_routers),
        TEST(test_broken_classless_routes_leave_the_routers),
        TEST(test_options_in_parts_are_joined),
        TEST(test_options_in_other_fields),
        TEST(test_the_mtu),
        TEST(test_an_mtu_that_is_too_small),
        TEST(test_lists_are_cut),
        TEST(test_routers_are_cut),
        TEST(test_answers_to_others_are_dropped),
        TEST(test_answers_out_of_turn_are_dropped),
        TEST(test_leases_that_cannot_be),
        TEST(test_malformed_messages),
        TEST(test_random_messages),
        TEST(test_hostnames_that_are_none_are_left_out),
    };
    return cmocka_run_group_tests_name("dhcp messages", tests, NULL, NULL);
}
