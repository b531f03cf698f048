/* How a stack finds its network: leases, links that come and go, its beginning and its end. */
#include "tests/lib/inet/network.h"

/* --- leases --- */

static void test_a_lease_and_what_comes_with_it(void **state)
{
    struct want t;
    (void)state;
    sim_console_clear();
    obtain();
    assert_int_equal(last_byte(), 77);
    begin_resolve(&t, "www.example");
    finish(&t, SEC);
    assert_int_equal(t.why, OK);
    assert_int_equal(t.count, 1);
    assert_int_equal(try_connect((struct endpoint){t.first, 53, 0}, SEC), OK);
    struct slice log = sim_console();
    assert_true(slice_search(log, SLICE("DHCP server 10.0.0.1 leases 10.0.0.77/16 for 600 "
                                        "seconds")) < log.len);
    assert_true(slice_search(log, SLICE("router 10.0.0.1, from DHCP")) < log.len);
    assert_true(slice_search(log, SLICE("address 10.0.0.77")) < log.len);
}

static void test_what_is_wanted_before_there_is_an_address(void **state)
{
    struct want c, r;
    (void)state;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    begin_connect(&c, to_server());
    begin_resolve(&r, "www.example");
    finish(&c, 5 * SEC);
    finish(&r, 5 * SEC);
    assert_int_equal(c.why, OK);
    assert_int_equal(r.why, OK);
    let_go(&c);
}

static void test_no_server_answers(void **state)
{
    uint64_t begun = clock_monotonic();
    (void)state;
    dhcp.silent = true;
    sim_console_clear();
    assert_int_equal(open_client(&WITH_DHCP), OK);
    struct want r;
    begin_resolve(&r, "www.example");
    assert_int_equal(try_connect(to_server(), 20 * SEC), ERR_UNREACHABLE);
    assert_in_range(clock_monotonic() - begun, INET_SETTLE_NS, INET_SETTLE_NS + SEC);
    finish(&r, SEC);
    assert_int_equal(r.why, ERR_UNREACHABLE);
    struct slice log = sim_console();
    assert_true(slice_search(log, SLICE("no DHCP server answers")) < log.len);
    /* From then on, at once. */
    assert_int_equal(try_connect(to_server(), 1), ERR_UNREACHABLE);
    assert_int_equal(try_resolve("www.example", 1), ERR_UNREACHABLE);
    dhcp.silent = false;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
    assert_int_equal(try_connect(to_server(), SEC), OK);
    assert_int_equal(try_resolve("www.example", SEC), OK);
}

static void test_a_lease_is_renewed_and_flows_live(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    world_run(2000 * SEC);
    assert_true(dhcp.seen[REQUEST] >= 6);
    assert_int_equal(dhcp.seen[DISCOVER], 1);
    assert_int_equal(t.ended, OK);
    let_go(&t);
}

/* Whether the client's network is the one of that many bits. */
static void assert_network(uint8_t bits)
{
    struct ip_route all[IP_ROUTES_MAX];
    struct ip_address ours[IP_ADDRESSES_MAX];
    size_t count = ip_routes(client->ip, all, IP_ROUTES_MAX), seen = 0;
    for (size_t i = 0; i < count; i++)
        if (address_is_v4(all[i].prefix) && all[i].bits > 0 && all[i].bits < 32) {
            assert_int_equal(all[i].bits, bits);
            seen++;
        }
    assert_int_equal(seen, 1);
    count = ip_addresses(client->ip, ours, IP_ADDRESSES_MAX);
    for (size_t i = 0; i < count; i++)
        if (address_is_v4(ours[i].address))
            assert_int_equal(ours[i].bits, bits);
}

/* All but the address may change when it is renewed, the network's size too; flows live. */
static void test_a_lease_with_another_mask(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    assert_network(16);
    dhcp.mask = 0xffffff00;
    world_run(400 * SEC);
    assert_network(24);
    assert_int_equal(t.ended, OK);
    let_go(&t);
    assert_int_equal(try_connect(to_server(), SEC), OK);
}

static void test_a_lease_that_is_over(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    dhcp.silent = true;
    world_run(700 * SEC);
    assert_false(has_address(NULL));
    assert_int_equal(t.ended, ERR_UNREACHABLE);
    let_go(&t);
    dhcp.silent = false;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
}

static void test_a_lease_that_is_refused(void **state)
{
    (void)state;
    obtain();
    dhcp.nak = true;
    world_run(310 * SEC);
    dhcp.nak = false;
    dhcp.next = 99;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
    assert_int_equal(last_byte(), 99);
}

static void test_an_address_that_is_taken(void **state)
{
    (void)state;
    dhcp.next = 2; /* of `other` */
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 15 * SEC));
    assert_int_equal(dhcp.seen[DECLINE], 1);
    assert_int_equal(last_byte(), 3);
}

static bool is_declined(void *ignored)
{
    (void)ignored;
    return dhcp.seen[DECLINE] > 0;
}

static void test_it_takes_ten_seconds_to_try_again(void **state)
{
    (void)state;
    dhcp.next = 2;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(is_declined, NULL, clock_monotonic() + 5 * SEC));
    assert_false(sim_run(has_address, NULL, clock_monotonic() + 9 * SEC));
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 5 * SEC));
}

static void test_a_lease_is_given_back(void **state)
{
    (void)state;
    obtain();
    end();
    world_run(SEC);
    assert_int_equal(dhcp.seen[RELEASE], 1);
}

/* Also where the server has to be found first, whose answer takes a while. */
static void test_a_lease_is_given_back_far_away(void **state)
{
    (void)state;
    sim_wire_harm_all(w.wire, &(struct sim_harm){.delay = 100 * CLOCK_MS});
    obtain();
    end();
    world_run(SEC);
    assert_int_equal(dhcp.seen[RELEASE], 1);
}

static void test_a_smaller_mtu(void **state)
{
    (void)state;
    dhcp.mtu = 1400;
    obtain();
    assert_int_equal(ip_link_mtu(client->ip, server->v4), 1400);
    assert_int_equal(try_connect(to_server(), SEC), OK);
}

/* --- the link --- */

static void test_the_link_goes_and_comes(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    sim_wire_link(card, false);
    world_run(30 * SEC);
    assert_true(has_address(NULL));
    sim_wire_link(card, true);
    world_run(5 * SEC);
    assert_int_equal(dhcp.seen[REQUEST], 2); /* it was confirmed */
    assert_int_equal(dhcp.seen[DISCOVER], 1);
    assert_int_equal(t.ended, OK);
    assert_int_equal(try_connect(to_server(), SEC), OK);
    let_go(&t);
}

static void test_the_link_comes_late(void **state)
{
    (void)state;
    sim_wire_link(card, false);
    assert_int_equal(open_client(&WITH_DHCP), OK);
    world_run(60 * SEC);
    assert_int_equal(dhcp.seen[DISCOVER], 0);
    assert_int_equal(try_connect(to_server(), 1), ERR_UNREACHABLE);
    sim_wire_link(card, true);
    /* Addresses may be found again: what is wanted meanwhile waits. */
    assert_int_equal(try_connect(to_server(), 5 * SEC), OK);
}

/* --- opening and closing --- */

static void test_addresses_that_cannot_be(void **state)
{
    struct inet_config c = {.address_count = 1, .quiet = true};
    (void)state;
    c.addresses[0] = (struct inet_prefix){address_v4(224, 0, 0, 1), 24};
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    c.addresses[0] = (struct inet_prefix){address_v4(10, 0, 0, 50), 33};
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    c.address_count = INET_STATIC_MAX + 1;
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    client = NULL;
}

static void test_opening_without_memory(void **state)
{
    struct inet_config c = WITH_DHCP;
    (void)state;
    card = sim_wire_card(w.wire, &(struct sim_card){.mtu = 1500}); /* done with frames at once */
    uint64_t blocks = memory_stats().blocks;
    c.quiet = c.ipv6 = true;
    for (uint64_t nth = 1;; nth++) {
        sim_memory_fail_nth(nth);
        enum err e = open_client(&c);
        bool refused = sim_memory_requests() >= nth;
        sim_memory_fail_nth(0);
        if (e == OK)
            inet_close(client);
        assert_true(e == OK || e == ERR_MEMORY || e == ERR_FULL);
        assert_int_equal(memory_stats().blocks, blocks);
        client = NULL;
        if (!refused)
            break;
        assert_true(nth < 100);
    }
}

/* --- no memory for timers --- */

static struct timer greedy[4000];
static size_t taken;

/* As soon as a place is free, it is taken. */
static void on_greedy(struct timer *t)
{
    t->fire = on_greedy;
    while (taken < sizeof greedy / sizeof *greedy) {
        timer_init(&greedy[taken], on_greedy);
        if (!timer_start(&greedy[taken], client->timer.deadline))
            break;
        taken++;
    }
    (void)timer_start(t, client->timer.deadline > clock_monotonic() ? client->timer.deadline
                                                                    : clock_monotonic() + SEC);
}

/* The stack's timer keeps its place: once there is memory again, all goes on. */
static void test_others_take_all_timers(void **state)
{
    (void)state;
    obtain();
    taken = 1;
    timer_init(&greedy[0], on_greedy);
    sim_memory_fail_every(1);
    on_greedy(&greedy[0]);
    assert_true(taken > 10);
    for (unsigned i = 0; i < 1000; i++) {
        world_run(SEC);
        assert_true(timer_running(&client->timer));
    }
    assert_true(taken < sizeof greedy / sizeof *greedy); /* there was never room for all */
    for (size_t i = 0; i < taken; i++)
        timer_stop(&greedy[i]);
    sim_memory_fail_every(0);
    unsigned asked = dhcp.seen[DISCOVER] + dhcp.seen[REQUEST];
    world_run(600 * SEC);
    assert_true(dhcp.seen[DISCOVER] + dhcp.seen[REQUEST] > asked);
    assert_int_equal(try_connect(to_server(), SEC), OK);
}

static bool drains;

static bool drained(struct net *n)
{
    (void)n;
    return drains;
}

/* The end is when the card has sent what it took, not when that may be freed. */
static void test_the_last_frames_are_waited_for(void **state)
{
    (void)state;
    const struct net_ops *plain = card->ops;
    struct net_ops slow = *plain;
    assert_int_equal(open_client(&(struct inet_config){.quiet = true}), OK);
    slow.drained = drained;
    card->ops = &slow;
    drains = false;
    assert_false(sim_run(ended, NULL, clock_monotonic() + SEC));
    drains = true;
    end();
    card->ops = plain;
}

static void test_closing_in_the_middle_of_everything(void **state)
{
    static struct want t[6];
    (void)state;
    card = sim_wire_card(w.wire, &(struct sim_card){.mtu = 1500}); /* done with frames at once */
    obtain();
    dns.silent = true;
    begin_connect(&t[0], to_server());
    begin_resolve(&t[1], "a.example");
    begin_resolve(&t[2], "10.0.0.1");
    begin_connect(&t[3], (struct endpoint){address_v4(10, 0, 9, 9), 1, 0});
    begin_connect(&t[4], (struct endpoint){{{0xfd, [15] = 1}}, 1, 0});
    world_run(2 * CLOCK_MS);
    begin_connect(&t[5], to_server());
    if (t[0].flow)
        flow_close(t[0].flow);
    inet_close(client);
    client = NULL;
}

/* --- lines that others cause --- */

static struct address link_local_of(const struct world_host *h)
{
    struct ip_address all[IP_ADDRESSES_MAX];
    size_t count = ip_addresses(h->inet->ip, all, IP_ADDRESSES_MAX);
    for (size_t i = 0; i < count; i++)
        if (all[i].automatic)
            return all[i].address;
    fail();
    return ADDRESS_ANY;
}

static void advertise(uint8_t flags, uint16_t seconds)
{
    uint8_t message[16] = {134, [4] = 64, flags, (uint8_t)(seconds >> 8), (uint8_t)seconds};
    const struct ip_packet p = {.source = link_local_of(other),
                                .destination = {{0xff, 2, [15] = 1}},
                                .protocol = IP_ICMPV6,
                                .hops = 255,
                                .whole = true,
                                .header = slice_of(message, sizeof message),
                                .checksum_at = 2};
    assert_int_equal(ip_send(other->inet->ip, clock_monotonic(), &p), OK);
    world_run(100 * CLOCK_MS);
}

static unsigned heard(struct slice words)
{
    struct slice rest = sim_console();
    unsigned times = 0;
    for (size_t at; (at = slice_search(rest, words)) < rest.len; times++)
        rest = slice_drop(rest, at + 1);
    return times;
}

/* Each change is said, but not for ever each of them. */
static void test_a_router_that_cannot_decide(void **state)
{
    const struct inet_config with_v6 = {.ipv6 = true};
    struct buf b;
    (void)state;
    assert_int_equal(open_client(&with_v6), OK);
    world_run(5 * SEC);
    sim_console_clear();
    for (unsigned i = 0; i < 10; i++)
        advertise(i & 1 ? 0 : 0x80, 1800);
    assert_int_equal(heard(SLICE("by DHCPv6 only")), 5);
    for (unsigned i = 0; i < 2000; i++) /* 200 seconds */
        advertise(i & 1 ? 0 : 0x80, i & 2 ? 0 : 1800);
    unsigned lines = heard(SLICE("\n")) - heard(SLICE("warning"));
    assert_in_range(lines, INET_LINES_MAX, INET_LINES_MAX + 201 * SEC / INET_LINES_EVERY);
    assert_int_equal(heard(SLICE("others are left out")), 1);
    buf_init(&b, 1 << 16);
    stack_status(stack, &b);
    assert_true(slice_search(buf_slice(&b), SLICE("inet lines_left_out: 19")) < b.len);
    buf_deinit(&b);
    world_run(INET_LINES_MAX * INET_LINES_EVERY);
    sim_console_clear();
    advertise(0x80, 1800);
    assert_int_equal(heard(SLICE("by DHCPv6 only")), 1);
}

static void test_status(void **state)
{
    struct buf b;
    (void)state;
    obtain();
    assert_int_equal(try_resolve("www.example", SEC), OK);
    buf_init(&b, 1 << 16);
    stack_status(stack, &b);
    assert_int_equal(b.err, OK);
    static const char *const lines[] = {
        "link: up\n",          "address: 10.0.0.77/16\n", "route: 0.0.0.0/0 10.0.0.1\n",
        "dhcp state: bound\n", "dns answers: ",           "tcp connections: 0\n",
        "udp received: ",      "ip received_frames: "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (slice_search(buf_slice(&b), slice_text(lines[i])) == b.len)
            fail_msg("%s is missing in\n%.*s", lines[i], (int)b.len, (const char *)b.ptr);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lease_and_what_comes_with_it),
        TEST(test_what_is_wanted_before_there_is_an_address),
        TEST(test_no_server_answers),
        TEST(test_a_lease_is_renewed_and_flows_live),
        TEST(test_a_lease_with_another_mask),
        TEST(test_a_lease_that_is_over),
        TEST(test_a_lease_that_is_refused),
        TEST(test_an_address_that_is_taken),
        TEST(test_it_takes_ten_seconds_to_try_again),
        TEST(test_a_lease_is_given_back),
        TEST(test_a_lease_is_given_back_far_away),
        TEST(test_a_smaller_mtu),
        TEST(test_the_link_goes_and_comes),
        TEST(test_the_link_comes_late),
        TEST(test_addresses_that_cannot_be),
        TEST(test_opening_without_memory),
        TEST(test_others_take_all_timers),
        TEST(test_the_last_frames_are_waited_for),
        TEST(test_closing_in_the_middle_of_everything),
        TEST(test_a_router_that_cannot_decide),
        TEST(test_status),
    };
    return cmocka_run_group_tests_name("inet setup", tests, NULL, NULL);
}
