/* The tables by themselves: neighbours, routes, destinations, paths, buckets, and no memory. */
#include "platform/sim/sim.h"
#include "tests/lib/ip/place.h"

static struct place p;

static void test_bucket(void **state)
{
    (void)state;
    struct bucket b = {0};
    struct bucket_rate rate = {100, 10};
    uint64_t now = 5 * CLOCK_SEC;
    for (unsigned i = 0; i < 10; i++)
        assert_true(bucket_take(&b, rate, 1, now));
    assert_false(bucket_take(&b, rate, 1, now));
    now += 10 * CLOCK_MS;
    assert_true(bucket_take(&b, rate, 1, now));
    assert_false(bucket_take(&b, rate, 1, now));
    now += CLOCK_SEC;
    assert_false(bucket_take(&b, rate, 11, now));
    assert_true(bucket_take(&b, rate, 10, now));
    assert_false(bucket_take(&b, rate, 1, now));
}

static void test_solicitor(void **state)
{
    (void)state;
    struct solicitor s;
    solicitor_init(&s);
    assert_false(solicitor_expire(&s, UINT64_MAX - 1));
    solicitor_begin(&s, 0, 0);
    uint64_t gaps[20], before = 0;
    for (size_t i = 0; i < 20; i++) {
        uint64_t now = s.due;
        if (now > 0)
            assert_false(solicitor_expire(&s, now - 1));
        assert_true(solicitor_expire(&s, now));
        gaps[i] = now - before;
        before = now;
    }
    assert_int_equal(gaps[2], 4 * CLOCK_SEC);
    assert_true(gaps[6] > gaps[5]);
    assert_int_equal(gaps[19], 3600 * CLOCK_SEC);
}

static struct address numbered(unsigned n)
{
    return address_v4(10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

/* Who gives way: what failed, then what is stale, then what is asked, then what is known; the
 * longest unused first; never a permanent one, nor a router that answers. */
static void test_neighbour_worth(void **state)
{
    (void)state;
    static struct neighbours t;
    struct mac mac = {{2}};
    neighbours_init(&t, (struct sipkey){1, 2});
    for (unsigned i = 0; i < NEIGHBOURS_MAX; i++) {
        struct address a = numbered(i);
        struct neighbour *n = neighbour_add(&t, &a, 1000 + i);
        assert_non_null(n);
        neighbour_tell(n, mac);
        if (i % 4 == 1)
            neighbour_confirm(&t, n, 1000, 0);
        else if (i % 4 == 2)
            n->state = NEIGHBOUR_PERMANENT;
        else if (i % 4 == 3)
            n->router = true;
    }
    struct address a = numbered(9999);
    assert_null(neighbour_add(&t, &a, 1));
    unsigned stale = 0, reachable = 0;
    for (struct neighbour *v, *last = NULL; (v = neighbour_victim(&t)); last = v) {
        stale += v->state == NEIGHBOUR_STALE;
        reachable += v->state == NEIGHBOUR_REACHABLE;
        assert_true(reachable == 0 || stale == NEIGHBOURS_MAX / 4);
        if (last)
            assert_true(v->used > last->used || v->state != NEIGHBOUR_STALE);
        neighbour_remove(&t, v);
    }
    assert_int_equal(stale, NEIGHBOURS_MAX / 4);
    assert_int_equal(reachable, NEIGHBOURS_MAX / 4);
    for (unsigned i = 0; i < NEIGHBOURS_MAX; i++) {
        a = numbered(i);
        assert_int_equal(neighbour_find(&t, &a) != NULL, i % 4 >= 2);
    }
}

static void test_routes(void **state)
{
    (void)state;
    struct routes t;
    struct route gone;
    routes_init(&t);
    for (unsigned i = 0; i < ROUTES_MAX; i++) {
        struct route r = {
            .prefix = numbered(i << 8), .bits = 120, .until = 1000 + i, .advertised = true};
        assert_int_equal(route_put(&t, &r), i < ROUTES_ADVERTISED_MAX ? OK : ERR_FULL);
        assert_int_equal(route_put(&t, &r), i < ROUTES_ADVERTISED_MAX ? OK : ERR_FULL);
    }
    /* One that is added stays when its time as an advertised one would be over. */
    struct route r = {.prefix = numbered(0), .bits = 120, .until = WAIT_FOREVER};
    assert_int_equal(route_put(&t, &r), OK);
    assert_int_equal(t.advertised, ROUTES_ADVERTISED_MAX - 1);
    r.until = 2000;
    r.advertised = true;
    assert_int_equal(route_put(&t, &r), OK); /* heard, and not heeded */
    assert_false(route_expire(&t, 1000, &gone));
    unsigned ended = 0;
    while (route_expire(&t, 1010, &gone))
        assert_int_equal(gone.until, 1001 + ended++);
    assert_int_equal(ended, 10);
    assert_int_equal(t.due, 1011);
    while (route_expire(&t, 5000, &gone))
        ended++;
    assert_int_equal(ended, ROUTES_ADVERTISED_MAX - 1);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.advertised, 0);
    assert_int_equal(t.due, WAIT_FOREVER);
}

static void test_prefixes(void **state)
{
    (void)state;
    struct address a = A("2001:db8:ffff:ffff::1"), b = A("2001:db8:ffff:fffe::1");
    for (unsigned bits = 0; bits <= 128; bits++) {
        assert_int_equal(address_in_prefix(&a, &b, (uint8_t)bits), bits <= 63);
        struct address prefix = address_prefix(a, (uint8_t)bits);
        struct address last = address_last(a, (uint8_t)bits);
        assert_true(address_in_prefix(&prefix, &a, (uint8_t)bits));
        assert_true(address_in_prefix(&last, &a, (uint8_t)bits));
        if (bits < 128)
            assert_int_equal(address_common_bits(&prefix, &last, 128), bits);
    }
    assert_int_equal(address_common_bits(&a, &b, 128), 63);
    assert_int_equal(address_common_bits(&a, &b, 40), 40);
    assert_int_equal(address_common_bits(&a, &a, 128), 128);
}

/* Whom one packet can come from. */
static void test_unicast(void **state)
{
    static const char *const yes[] = {
        "1.0.0.0",     "126.255.255.255", "128.0.0.0", "223.255.255.255",
        "2001:db8::1", "fe80::1",         "::2"};
    static const char *const no[] = {"0.0.0.0",   "0.255.255.255",
                                     "127.0.0.0", "127.255.255.255",
                                     "224.0.0.0", "239.255.255.255",
                                     "240.0.0.0", "255.255.255.255",
                                     "::",        "::1",
                                     "ff02::1"};
    struct address a;
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(address_parse(slice_text(yes[i]), &a) && address_is_unicast(&a));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_true(address_parse(slice_text(no[i]), &a) && !address_is_unicast(&a));
}

/* A path is worked out once, and anew when anything that it stands on has changed. */
static void test_paths(void **state)
{
    (void)state;
    struct path *first, *again;
    struct address from = A("192.0.2.1"), to = A("198.51.100.7");
    place_open(&p);
    assert_int_equal(path_of(p.ip, p.now, &from, &to, &first), OK);
    assert_int_equal(path_of(p.ip, p.now, &from, &to, &again), OK);
    assert_ptr_equal(first, again);
    /* Others in between are none of its. */
    struct address other = A("198.51.100.8");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(path_of(p.ip, p.now, &from, &other, &again), OK);
        assert_memory_equal(&again->destination, &other, 16);
        assert_int_equal(path_of(p.ip, p.now, &other, &to, &again), ERR_UNREACHABLE);
        assert_int_equal(path_of(p.ip, p.now, &from, &to, &again), OK);
        assert_ptr_equal(first, again);
    }
    uint64_t before = p.ip->paths.generation;
    assert_int_equal(ip_add_route(p.ip, A("198.51.100.0"), 24, A("192.0.2.2")), OK);
    assert_int_equal(ip_add_route(p.ip, A("198.51.100.0"), 24, A("192.0.2.2")), ERR_EXISTS);
    assert_true(p.ip->paths.generation > before);
    assert_int_equal(path_of(p.ip, p.now, &from, &to, &again), OK);
    assert_memory_equal(&again->neighbour->address, &(struct address[]){A("192.0.2.2")}, 16);
    assert_int_equal(ip_remove_route(p.ip, A("198.51.100.0"), 24, A("192.0.2.2")), OK);
    assert_int_equal(ip_remove_route(p.ip, A("198.51.100.0"), 24, A("192.0.2.2")), ERR_NOT_FOUND);
    assert_int_equal(path_of(p.ip, p.now, &from, &to, &again), OK);
    assert_memory_equal(&again->neighbour->address, &(struct address[]){A("192.0.2.254")}, 16);
    /* The address goes, and the path with it. */
    assert_int_equal(ip_remove_address(p.ip, p.now, from), OK);
    assert_int_equal(path_of(p.ip, p.now, &from, &to, &again), ERR_UNREACHABLE);
    for (unsigned i = 0; i < 20000; i++) {
        to = numbered(i);
        from = A("2001:db8::1");
        (void)path_of(p.ip, p.now, &from, &to, &again);
    }
    place_close(&p);
}

static void test_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint8_t bits;
    } bad[] = {{"192.0.2.9", 33},   {"2001:db8::9", 129}, {"224.0.0.1", 24},
               {"ff02::1", 64},     {"0.0.0.0", 0},       {"::", 0},
               {"127.0.0.1", 8},    {"::1", 128},         {"255.255.255.255", 32},
               {"192.0.2.255", 24}, {"192.0.2.128", 25}};
    place_open(&p);
    for (size_t i = 0; i < 11; i++)
        assert_int_equal(
            ip_add_address(p.ip, p.now, A(bad[i].address), bad[i].bits, IP_CLAIM_AT_ONCE),
            ERR_ARGUMENT);
    assert_int_equal(ip_add_route(p.ip, A("10.0.0.0"), 8, A("fe80::2")), ERR_ARGUMENT);
    assert_int_equal(ip_add_route(p.ip, A("10.0.0.0"), 33, A("192.0.2.2")), ERR_ARGUMENT);
    assert_int_equal(ip_add_route(p.ip, A("10.0.0.0"), 8, A("224.0.0.1")), ERR_ARGUMENT);
    for (unsigned i = 0; i < IP_ADDRESSES_MAX - 3; i++)
        assert_int_equal(ip_add_address(p.ip, p.now, numbered(i + 1), 32, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(ip_add_address(p.ip, p.now, numbered(99), 32, IP_CLAIM_AT_ONCE), ERR_FULL);
    assert_int_equal(ip_remove_address(p.ip, p.now, numbered(99)), ERR_NOT_FOUND);
    struct ip_address all[IP_ADDRESSES_MAX];
    assert_int_equal(ip_addresses(p.ip, all, IP_ADDRESSES_MAX), IP_ADDRESSES_MAX);
    assert_int_equal(all[0].bits, 24);
    place_close(&p);
}

/* Each name is there, and there once. */
static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < IP_COUNTERS; i++) {
        const char *name = ip_counter_name((enum ip_counter)i);
        assert_non_null(name);
        assert_true(strlen(name) > 0);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(name, ip_counter_name((enum ip_counter)k));
    }
    assert_string_equal(ip_counter_name(IP_COUNTERS), "");
}

/* Without memory things are dropped, and counted; nothing is lost for good. */
static void test_no_memory(void **state)
{
    (void)state;
    uint8_t echo[1000] = {8};
    sim_memory_fail_every(1);
    static const struct ip_events none;
    struct net net = {.features = {.mtu = 1500}};
    assert_null(ip_open(&net, &none, NULL, &(struct ip_options){.no_v6 = true}, 0));
    sim_memory_fail_every(0);
    place_open(&p);
    sim_memory_fail_every(1);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.60", 1000, true), ERR_MEMORY);
    assert_int_equal(place_count(&p, IP_DROP_QUEUE_MEMORY), 1);
    in_ip(&p, "198.51.100.7", "192.0.2.1", 1, 0, slice_of(echo, sizeof(echo)));
    assert_int_equal(place_count(&p, IP_DROP_SEND_MEMORY), 1);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.1", 1000, true), OK);
    assert_int_equal(place_count(&p, IP_DROP_LOOP_FULL), 1);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.2", 1000, true), OK); /* the short way */
    sim_memory_fail_every(0);
    assert_int_equal(send_udp(&p, "192.0.2.1", "192.0.2.60", 1000, true), OK);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),          cmocka_unit_test(test_solicitor),
        cmocka_unit_test(test_neighbour_worth), cmocka_unit_test(test_routes),
        cmocka_unit_test(test_prefixes),        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_unicast),         cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("ip tables", tests, NULL, NULL);
}
