/* Who is where in IPv4: asked, answered, waited for, given up, disputed. */
#include "tests/lib/ip/place.h"

static struct place p;

#define OURS  "192.0.2.1"
#define PEER  "192.0.2.50"
#define OTHER "192.0.2.51"

/* The operation of the last frame, which is ARP, and whom it asks about. */
static uint16_t last_arp(const char *sender, const char *target, const uint8_t *to)
{
    struct slice s = place_last(&p);
    assert_int_equal(s.len, 42);
    assert_int_equal(sim_get16(s.ptr + 12), 0x0806);
    assert_memory_equal(s.ptr, to, 6);
    assert_memory_equal(s.ptr + 22, our_mac, 6);
    assert_memory_equal(s.ptr + 28, A(sender).bytes + 12, 4);
    assert_memory_equal(s.ptr + 38, A(target).bytes + 12, 4);
    return sim_get16(s.ptr + 20);
}

static void answer(const uint8_t *mac)
{
    in_arp(&p, 2, our_mac, mac, PEER, OURS);
}

static enum err send_one(size_t n)
{
    return send_udp(&p, OURS, PEER, n, true);
}

/* What waits goes out in order when the answer comes. */
static void test_resolve(void **state)
{
    (void)state;
    place_open(&p);
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(send_one(i * 400), OK);
    assert_int_equal(p.count, 0);
    assert_true(ip_deadline(p.ip) <= p.now);
    ip_expire(p.ip, p.now);
    assert_int_equal(p.count, 1);
    assert_int_equal(last_arp(OURS, PEER, all_mac), 1);
    place_run(&p, 500 * CLOCK_MS);
    assert_int_equal(p.count, 1);
    answer(peer_mac);
    assert_int_equal(p.count, 4);
    for (size_t i = 1; i <= 3; i++) {
        assert_memory_equal(place_frame(&p, i).ptr, peer_mac, 6);
        assert_int_equal(place_frame(&p, i).len, 42 + i * 400);
    }
    (void)place_read(&p);
    assert_int_equal(send_one(7), OK);
    assert_int_equal(p.count, 5);
    place_close(&p);
}

/* Nobody answers: three questions, then what waited is complained about; for a while there is no
 * hope, then it is asked again. */
static void test_unreachable(void **state)
{
    (void)state;
    place_open(&p);
    assert_int_equal(send_one(10), OK);
    place_run(&p, 2900 * CLOCK_MS);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.complaints, 0);
    place_run(&p, 200 * CLOCK_MS);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.complaints, 1);
    assert_int_equal(p.complaint.why, IP_ERROR_UNREACHABLE);
    assert_int_equal(p.complaint.protocol, IP_UDP);
    assert_memory_equal(&p.complaint.destination, &(struct address[]){A(PEER)}, 16);
    assert_int_equal(p.complaint.header.len, 18);
    assert_int_equal(sim_get16(p.complaint_header), 1000);
    assert_int_equal(send_one(10), ERR_UNREACHABLE);
    place_run(&p, CLOCK_SEC);
    assert_int_equal(send_one(10), OK);
    ip_expire(p.ip, p.now);
    assert_int_equal(p.count, 4);
    answer(peer_mac);
    assert_int_equal(p.count, 5);
    assert_int_equal(place_count(&p, IP_NEIGHBOUR_FAILED), 1);
    place_close(&p);
}

static void test_queue_limit(void **state)
{
    (void)state;
    place_open(&p);
    for (size_t i = 0; i < WAITING_MAX + 5; i++)
        assert_int_equal(send_one(100 + i), OK);
    assert_int_equal(place_count(&p, IP_DROP_QUEUE_FULL), 5);
    answer(peer_mac);
    assert_int_equal(p.count, WAITING_MAX);
    assert_int_equal(place_frame(&p, 0).len, 42 + 105); /* the oldest gave way */
    place_close(&p);
}

/* It ages, is asked where it was while packets go on, and is found again elsewhere. */
static void test_ageing(void **state)
{
    (void)state;
    place_open(&p);
    send_one(1);
    answer(peer_mac);
    place_run(&p, 50 * CLOCK_SEC); /* stale */
    place_clear(&p);
    send_one(1);
    assert_int_equal(p.count, 1);
    place_run(&p, 5 * CLOCK_SEC);
    assert_int_equal(p.count, 2);
    assert_int_equal(last_arp(OURS, PEER, peer_mac), 1); /* by unicast */
    answer(peer_mac);
    place_run(&p, 10 * CLOCK_SEC);
    assert_int_equal(p.count, 2);
    /* Now it is silent: three times one, three times all. */
    place_run(&p, 50 * CLOCK_SEC);
    send_one(1);
    place_run(&p, 7 * CLOCK_SEC + CLOCK_SEC / 2);
    assert_int_equal(p.count, 6);
    last_arp(OURS, PEER, peer_mac);
    place_run(&p, CLOCK_SEC);
    last_arp(OURS, PEER, all_mac);
    assert_int_equal(send_one(2), OK);
    answer(other_mac);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    assert_int_equal(place_last(&p).len, 44);
    place_close(&p);
}

/* A transport that hears from it saves the questions. */
static void test_confirm(void **state)
{
    (void)state;
    place_open(&p);
    send_one(1);
    answer(peer_mac);
    place_clear(&p);
    for (unsigned i = 0; i < 100; i++) {
        place_run(&p, 5 * CLOCK_SEC);
        send_one(1);
        ip_confirm(p.ip, p.now, A(PEER));
    }
    assert_int_equal(p.count, 100);
    place_close(&p);
}

/* A station that claims a live neighbour's address is not believed as long as that one answers. */
static void test_dispute(void **state)
{
    (void)state;
    static const struct {
        uint16_t operation;
        const uint8_t *to;
        const char *target;
    } claims[] = {{1, all_mac, PEER}, {2, our_mac, OURS}, {2, all_mac, PEER}, {1, all_mac, OURS}};
    for (size_t i = 0; i < 4; i++) {
        place_open(&p);
        send_one(1);
        answer(peer_mac);
        place_clear(&p);
        in_arp(&p, claims[i].operation, claims[i].to, other_mac, PEER, claims[i].target);
        send_one(1);
        assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
        ip_expire(p.ip, p.now);
        last_arp(OURS, PEER, peer_mac);
        answer(peer_mac);
        place_clear(&p);
        place_run(&p, 10 * CLOCK_SEC);
        assert_int_equal(p.count, 0);
        /* Gone indeed: within two seconds it is found at its new place. */
        in_arp(&p, 1, all_mac, other_mac, PEER, PEER);
        place_run(&p, 1500 * CLOCK_MS);
        last_arp(OURS, PEER, all_mac);
        answer(other_mac);
        send_one(1);
        assert_memory_equal(place_last(&p).ptr, other_mac, 6);
        assert_int_equal(place_count(&p, IP_NEIGHBOUR_DISPUTED), 2);
        place_close(&p);
    }
}

/* Who asks for us is answered, and known from then on. */
static void test_answer(void **state)
{
    (void)state;
    place_open(&p);
    in_arp(&p, 1, all_mac, peer_mac, PEER, OURS);
    assert_int_equal(p.count, 1);
    assert_int_equal(last_arp(OURS, PEER, peer_mac), 2);
    send_one(5);
    assert_int_equal(p.count, 2);
    in_arp(&p, 1, all_mac, peer_mac, "192.0.2.77", "192.0.2.99");
    assert_int_equal(p.count, 2);
    in_arp(&p, 1, all_mac, peer_mac, "0.0.0.0", OURS); /* a probe is answered as well */
    assert_int_equal(p.count, 3);
    assert_int_equal(last_arp(OURS, "0.0.0.0", peer_mac), 2);
    for (unsigned i = 0; i < 300; i++)
        in_arp(&p, 1, all_mac, peer_mac, PEER, OURS);
    assert_true(place_count(&p, IP_DROP_ARP_LIMITED) > 100);
    place_close(&p);
}

/* What nobody asked for is not kept: only who wants us is. */
static void test_gratuitous(void **state)
{
    (void)state;
    place_open(&p);
    in_arp(&p, 1, all_mac, peer_mac, PEER, PEER);
    in_arp(&p, 2, our_mac, peer_mac, PEER, OURS);
    send_one(1);
    assert_int_equal(p.count, 0); /* it has to be asked */
    place_close(&p);
}

/* Strangers cannot push out whom we know. */
static void test_table_full(void **state)
{
    (void)state;
    char from[32];
    place_open(&p);
    send_one(1);
    answer(peer_mac);
    for (unsigned i = 0; i < 700; i++) {
        snprintf(from, sizeof(from), "10.%u.%u.1", i / 256, i % 256);
        in_arp(&p, 1, all_mac, other_mac, from, OURS);
    }
    assert_int_equal(place_count(&p, IP_NEIGHBOUR_FULL), 700 - (NEIGHBOURS_MAX - 5));
    place_clear(&p);
    send_one(1);
    assert_int_equal(p.count, 1);
    /* Whom we want to know ourselves takes the place of a stale one. */
    assert_int_equal(send_udp(&p, OURS, OTHER, 1, true), OK);
    assert_int_equal(place_count(&p, IP_NEIGHBOUR_EVICTED), 1);
    place_close(&p);
}

/* Asking a whole subnet: bounded, and the gateway stays. */
static void test_scan(void **state)
{
    (void)state;
    char to[32];
    place_open(&p);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(to, sizeof(to), "10.1.%u.%u", i / 250, 1 + i % 250);
        if (i == 0)
            assert_int_equal(ip_add_address(p.ip, p.now, A("10.1.255.1"), 16, IP_CLAIM_AT_ONCE),
                             OK);
        (void)send_udp(&p, "10.1.255.1", to, 1000, true);
    }
    assert_true(place_count(&p, IP_NEIGHBOUR_EVICTED) > 1000);
    assert_true(p.ip->copies.bytes <= NEIGHBOURS_MAX * 1200);
    place_run(&p, 20 * CLOCK_SEC);
    assert_true(place_count(&p, IP_DROP_SOLICIT_LIMITED) > 0);
    assert_int_equal(p.ip->copies.bytes, 0);
    assert_int_equal(send_udp(&p, OURS, "198.51.100.1", 1, true), OK);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    place_close(&p);
}

static void test_claims(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.no_v6 = true});
    assert_int_equal(ip_add_address(p.ip, p.now, A(OURS), 24, IP_CLAIM_PROBED), OK);
    assert_int_equal(ip_add_address(p.ip, p.now, A(OURS), 24, IP_CLAIM_PROBED), ERR_EXISTS);
    place_run(&p, 3 * CLOCK_SEC);
    last_arp("0.0.0.0", OURS, all_mac);
    assert_false(ip_is_ours(p.ip, A(OURS)));
    assert_int_equal(send_udp(&p, OURS, PEER, 1, true), ERR_UNREACHABLE);
    in_arp(&p, 1, all_mac, peer_mac, PEER, OURS);
    last_arp("0.0.0.0", OURS, all_mac); /* not answered yet */
    place_run(&p, 7 * CLOCK_SEC);
    last_arp(OURS, OURS, all_mac);
    assert_string_equal(p.events, "+192.0.2.1 ");
    assert_int_equal(p.count, 5);
    /* A conflict is fought once, then it is the other's. */
    in_arp(&p, 1, all_mac, other_mac, OURS, PEER);
    assert_int_equal(p.count, 6);
    assert_true(ip_is_ours(p.ip, A(OURS)));
    in_arp(&p, 1, all_mac, other_mac, OURS, PEER);
    assert_string_equal(p.events, "+192.0.2.1 -192.0.2.1 ");
    assert_int_equal(ip_addresses(p.ip, NULL, 0), 0);
    place_close(&p);
}

static void test_duplicate(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.no_v6 = true});
    for (int kind = 0; kind < 2; kind++) {
        ip_add_address(p.ip, p.now, A(OURS), 24, kind ? IP_CLAIM_BRIEF : IP_CLAIM_PROBED);
        place_run(&p, kind ? CLOCK_SEC / 4 : CLOCK_SEC);
        if (kind)
            in_arp(&p, 1, all_mac, other_mac, "0.0.0.0", OURS); /* wants it too */
        else
            in_arp(&p, 2, our_mac, other_mac, OURS, "0.0.0.0"); /* has it */
    }
    assert_string_equal(p.events, "=192.0.2.1 =192.0.2.1 ");
    assert_int_equal(place_count(&p, IP_DUPLICATES), 2);
    struct ip_route route;
    assert_int_equal(ip_routes(p.ip, &route, 1), 0);
    place_close(&p);
}

/* A server's address is not talked away. */
static void test_keep(void **state)
{
    (void)state;
    place_open(&p);
    for (unsigned i = 0; i < 50; i++) {
        in_arp(&p, 1, all_mac, other_mac, OURS, OURS);
        place_run(&p, CLOCK_SEC);
    }
    assert_true(ip_is_ours(p.ip, A(OURS)));
    assert_in_range(p.count, 5, 6); /* one each ten seconds */
    assert_int_equal(place_count(&p, IP_ARP_CONFLICTS), 50);
    place_close(&p);
}

static void test_link_back(void **state)
{
    (void)state;
    place_open(&p);
    ip_link(p.ip, p.now, false);
    place_run(&p, 10 * CLOCK_SEC);
    assert_int_equal(p.count, 0);
    ip_link(p.ip, p.now, true);
    ip_expire(p.ip, p.now);
    assert_true(p.count > 0);
    assert_true(ip_is_ours(p.ip, A(OURS)));
    assert_string_equal(p.events, "");
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),     cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_queue_limit), cmocka_unit_test(test_ageing),
        cmocka_unit_test(test_confirm),     cmocka_unit_test(test_dispute),
        cmocka_unit_test(test_answer),      cmocka_unit_test(test_gratuitous),
        cmocka_unit_test(test_table_full),  cmocka_unit_test(test_scan),
        cmocka_unit_test(test_claims),      cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_keep),        cmocka_unit_test(test_link_back),
    };
    return cmocka_run_group_tests_name("ip neighbours of IPv4", tests, NULL, NULL);
}
