/* Routers of IPv6, what they advertise, and the addresses that come of it. */
#include "tests/lib/ip/message.h"

/* --- addresses of our own making --- */

static struct address automatic(size_t which)
{
    struct ip_address all[IP_ADDRESSES_MAX];
    assert_true(ip_addresses(p.ip, all, IP_ADDRESSES_MAX) > which);
    assert_true(all[which].automatic);
    return all[which].address;
}

static void test_link_local(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT_MAX], group[ADDRESS_TEXT_MAX], expected[80];
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    struct address a = automatic(0);
    text_of(a, text);
    text_of(address_solicited_node(a), group);
    assert_true(slice_starts(slice_text(text), SLICE("fe80::")));
    place_run(&p, 1100 * CLOCK_MS);
    assert_false(ip_is_ours(p.ip, a));
    place_run(&p, 5 * CLOCK_SEC);
    assert_true(ip_is_ours(p.ip, a));
    snprintf(expected, sizeof(expected), "+%s ", text);
    assert_string_equal(p.events, expected);
    /* A report, a question from nobody, an announcement, then questions for routers. */
    struct sim_frame f;
    assert_null(sim_frame_read(place_frame(&p, 0), &f));
    assert_memory_equal(f.destination.bytes, A("ff02::16").bytes, 16);
    size_t questions = 0, solicitations = 0, announcements = 0;
    for (size_t i = 0; i < p.count; i++) {
        struct slice s = place_frame(&p, i);
        assert_null(sim_frame_read(s, &f));
        assert_true(sim_frame_sum_good(s, &f));
        uint8_t type = s.ptr[f.transport];
        solicitations += type == 133;
        announcements += type == 136;
        if (type != 135)
            continue;
        questions++;
        assert_true(address_is_any(&f.source));
        assert_memory_equal(f.destination.bytes, A(group).bytes, 16);
        assert_int_equal(s.ptr[f.transport + 24], 14); /* the nonce of RFC 7527 */
    }
    assert_int_equal(questions, 1);
    assert_int_equal(announcements, 1);
    assert_in_range(solicitations, 1, 2);
    place_close(&p);
    /* The same secret makes the same address, another one another. */
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    assert_memory_equal(automatic(0).bytes, a.bytes, 16);
    place_close(&p);
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 3}});
    assert_memory_not_equal(automatic(0).bytes, a.bytes, 16);
    place_close(&p);
}

/* Another station has the address: the next is tried, and a few more, then none. */
static void test_duplicate(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    for (unsigned i = 0; i < 4; i++) {
        char text[ADDRESS_TEXT_MAX];
        text_of(automatic(0), text);
        place_run(&p, 1000 * CLOCK_MS);
        if (i % 2)
            in_advertisement(text, "ff02::1", text, O, peer_mac);
        else {
            char group[ADDRESS_TEXT_MAX];
            text_of(address_solicited_node(A(text)), group);
            in_solicitation("::", group, text, NULL);
        }
        assert_int_equal(place_count(&p, IP_DUPLICATES), i + 1);
    }
    assert_int_equal(ip_addresses(p.ip, (struct ip_address[16]){{.bits = 0}}, 16), 0);
    assert_int_equal(strchr(p.events, '=') - p.events, 0);
    place_close(&p);
}

/* Our own question, looped back by the link from another card's station, is no duplicate. */
static void test_looped_question(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    place_run(&p, 1000 * CLOCK_MS);
    for (size_t i = 0; i < p.count; i++) {
        uint8_t copy[200];
        struct slice s = place_frame(&p, i);
        memcpy(copy, s.ptr, s.len);
        memcpy(copy + 6, other_mac, 6);
        place_in(&p, slice_of(copy, s.len));
    }
    place_run(&p, 3 * CLOCK_SEC);
    assert_int_equal(place_count(&p, IP_DUPLICATES), 0);
    assert_true(ip_is_ours(p.ip, automatic(0)));
    place_close(&p);
}

/* --- routers --- */

static struct message advertisement(uint8_t hops, uint8_t flags, uint16_t lifetime)
{
    struct message m = begin(134, (uint32_t)hops << 24 | (uint32_t)flags << 16 | lifetime);
    put(&m, (uint8_t[8]){0}, 8);
    return m;
}

static void put_prefix(struct message *m, const char *prefix, uint8_t bits, uint8_t flags,
                       uint32_t valid, uint32_t preferred)
{
    uint8_t head[16] = {3, 4, bits, flags};
    sim_put32(head + 4, valid);
    sim_put32(head + 8, preferred);
    put(m, head, 16);
    put_address(m, prefix);
}

static void in_router(const char *from, const uint8_t *mac, const struct message *m)
{
    in_from(mac, from, "ff02::1", 255, m);
}

/* An instance with its link-local address, and nothing else. */
static void open_automatic(void)
{
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    place_run(&p, 3 * CLOCK_SEC);
    place_clear(&p);
}

static void test_router(void **state)
{
    (void)state;
    open_automatic();
    struct message m = advertisement(60, 0xc0, 1800);
    put_station(&m, 1, peer_mac);
    put(&m, (uint8_t[]){5, 1, 0, 0, 0, 0, 5, 120}, 8); /* MTU 1400 */
    put_prefix(&m, "2001:db8:5::", 64, 0xc0, 3600, 1800);
    put(&m, (uint8_t[]){25, 5, 0, 0, 0, 0, 3, 0}, 8);
    put_address(&m, "2001:db8:5::53");
    put_address(&m, "2001:db8:5::54");
    in_router(ROUTER, peer_mac, &m);
    assert_string_equal(p.events,
                        "router+fe80::2 dns+2001:db8:5::53 dns+2001:db8:5::54 managed11 ");
    place_run(&p, 3 * CLOCK_SEC);
    char text[ADDRESS_TEXT_MAX], to[] = "2001:db8:9::1";
    struct address ours = automatic(1);
    text_of(ours, text);
    assert_true(slice_starts(slice_text(text), SLICE("2001:db8:5:0:")));
    assert_true(ip_is_ours(p.ip, ours));
    /* Solicitations ended; packets go by the router, as it said. */
    place_clear(&p);
    place_run(&p, 100 * CLOCK_SEC);
    assert_int_equal(p.count, 0);
    assert_int_equal(send_udp(&p, text, to, 100, true), OK);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    assert_int_equal(place_read(&p).hops, 60);
    assert_int_equal(ip_path_mtu(p.ip, p.now, A(to)), 1400);
    assert_int_equal(send_udp(&p, text, to, 1400, true), ERR_LIMIT);
    /* It says that it is none any more. */
    m = advertisement(0, 0, 0);
    in_router(ROUTER, peer_mac, &m);
    assert_string_equal(p.events, "router-fe80::2 managed00 ");
    assert_int_equal(send_udp(&p, text, to, 100, true), ERR_UNREACHABLE);
    place_close(&p);
}

static void test_lifetimes(void **state)
{
    (void)state;
    open_automatic();
    struct message m = advertisement(0, 0, 100);
    put_prefix(&m, "2001:db8:5::", 64, 0xc0, 400, 200);
    in_router(ROUTER, peer_mac, &m);
    place_run(&p, 3 * CLOCK_SEC);
    struct ip_address all[16];
    assert_int_equal(ip_addresses(p.ip, all, 16), 2);
    assert_int_equal(all[1].state, IP_ADDRESS_PREFERRED);
    place_clear(&p);
    place_run(&p, 98 * CLOCK_SEC);
    assert_string_equal(p.events, "router-fe80::2 ");
    place_run(&p, 100 * CLOCK_SEC);
    ip_addresses(p.ip, all, 16);
    assert_int_equal(all[1].state, IP_ADDRESS_DEPRECATED);
    assert_true(ip_is_ours(p.ip, all[1].address));
    place_clear(&p);
    place_run(&p, 200 * CLOCK_SEC);
    assert_int_equal(ip_addresses(p.ip, all, 16), 1);
    assert_int_equal(p.events[0], '-');
    struct ip_route routes[8];
    assert_int_equal(ip_routes(p.ip, routes, 8), 1); /* fe80::/64 */
    place_close(&p);
}

/* A forged advertisement of a short lifetime does not end an address (RFC 4862, 5.5.3 e). */
static void test_two_hours(void **state)
{
    (void)state;
    open_automatic();
    struct message m = advertisement(0, 0, 1800);
    put_prefix(&m, "2001:db8:5::", 64, 0xc0, 86400, 86400);
    in_router(ROUTER, peer_mac, &m);
    place_run(&p, 3 * CLOCK_SEC);
    struct address ours = automatic(1);
    m = advertisement(0, 0, 1800);
    put_prefix(&m, "2001:db8:5::", 64, 0xc0, 1, 0);
    in_router(ROUTER, peer_mac, &m);
    place_run(&p, 7100 * CLOCK_SEC);
    in_router(ROUTER, peer_mac, &m);
    assert_true(ip_is_ours(p.ip, ours));
    struct ip_address all[16];
    ip_addresses(p.ip, all, 16);
    assert_int_equal(all[1].state, IP_ADDRESS_DEPRECATED);
    place_run(&p, 101 * CLOCK_SEC);
    assert_false(ip_is_ours(p.ip, ours));
    place_close(&p);
}

/* Preferences (RFC 4191), and the router that answers before the one that does not. */
static void test_choice(void **state)
{
    (void)state;
    char ours[ADDRESS_TEXT_MAX];
    open_automatic();
    struct message m = advertisement(0, 0x18, 1800); /* low */
    put_station(&m, 1, peer_mac);
    put_prefix(&m, "2001:db8:5::", 64, 0xc0, 86400, 86400);
    in_router(ROUTER, peer_mac, &m);
    m = advertisement(0, 0x08, 1800); /* high */
    put_station(&m, 1, other_mac);
    put(&m, (uint8_t[]){24, 2, 48, 0x18, 0, 0, 3, 0}, 8); /* 2001:db8:7::/48, low */
    put(&m, (uint8_t[]){0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0}, 8);
    in_router(ROUTER_B, other_mac, &m);
    place_run(&p, 3 * CLOCK_SEC);
    text_of(automatic(1), ours);
    place_clear(&p);
    send_udp(&p, ours, "2001:db8:9::1", 1, true);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    /* It is silent: after the questions the other one is taken. */
    place_run(&p, 30 * CLOCK_SEC);
    send_udp(&p, ours, "2001:db8:9::1", 1, true);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    send_udp(&p, ours, "2001:db8:7::1", 1, true); /* the longer prefix has nobody else */
    place_run(&p, CLOCK_SEC);
    in_advertisement(ROUTER_B, ours, ROUTER_B, R | S | O, other_mac);
    send_udp(&p, ours, "2001:db8:9::1", 1, true);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    /* It is a router no more: not by the word of another station that does not override. */
    in_advertisement(ROUTER_B, "ff02::1", ROUTER_B, 0, peer_mac);
    ip_expire(p.ip, p.now);
    send_udp(&p, ours, "2001:db8:9::1", 1, true);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    /* By its own. */
    in_advertisement(ROUTER_B, "ff02::1", ROUTER_B, O, other_mac);
    ip_expire(p.ip, p.now);
    send_udp(&p, ours, "2001:db8:9::1", 1, true);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    place_close(&p);
}

static void test_router_limits(void **state)
{
    (void)state;
    char text[64];
    open_automatic();
    for (unsigned i = 0; i < 50; i++) {
        struct message m = advertisement(0, 0, 1800);
        snprintf(text, sizeof(text), "fe80::5:%x", i);
        in_router(text, peer_mac, &m);
    }
    assert_int_equal(place_count(&p, IP_ROUTERS_REFUSED), 50 - IP_ROUTERS_MAX);
    for (unsigned i = 0; i < 50; i++) {
        struct message m = advertisement(0, 0, 0);
        snprintf(text, sizeof(text), "2001:db8:%x::", i);
        put_prefix(&m, text, 64, 0xc0, 1800, 1800);
        in_router(ROUTER, peer_mac, &m);
    }
    assert_true(place_count(&p, IP_PREFIXES_REFUSED) >= 50);
    struct ip_address all[16];
    assert_int_equal(ip_addresses(p.ip, all, 16), 1 + 8);
    /* There is room for what an operator adds. */
    assert_int_equal(ip_add_address(p.ip, p.now, A("2001:db8:aaaa::1"), 64, IP_CLAIM_AT_ONCE), OK);
    assert_int_equal(ip_add_route(p.ip, A("::"), 0, A("fe80::9")), OK);
    place_close(&p);
}

static void test_router_invalid(void **state)
{
    (void)state;
    open_automatic();
    struct message m = advertisement(0, 0, 1800);
    in_router("2001:db8::9", peer_mac, &m); /* not link-local */
    m.len = 15;
    in_router(ROUTER, peer_mac, &m);
    m.len = 16;
    in_from(peer_mac, ROUTER, "ff02::1", 64, &m);
    assert_string_equal(p.events, "");
    put_prefix(&m, "fe80::", 64, 0xc0, 1800, 1800);
    put_prefix(&m, "ff02::", 64, 0xc0, 1800, 1800);
    put_prefix(&m, "2001:db8:5::", 129, 0xc0, 1800, 1800);
    put_prefix(&m, "2001:db8:5::", 60, 0x40, 1800, 1800); /* no address of 60 bits */
    put_prefix(&m, "2001:db8:5::", 64, 0x40, 1800, 1801); /* preferred longer than valid */
    put_prefix(&m, "::", 0, 0xc0, 1800, 1800);
    put(&m, (uint8_t[]){5, 1, 0, 0, 0, 0, 4, 0}, 8);    /* an MTU below the least */
    put(&m, (uint8_t[]){5, 1, 0, 0, 0, 0, 0x40, 0}, 8); /* one above the card's */
    put(&m, (uint8_t[]){24, 1, 64, 0, 0, 0, 3, 0}, 8);  /* a route without its prefix */
    put(&m, (uint8_t[]){25, 1, 0, 0, 0, 0, 3, 0}, 8);   /* no resolver */
    m.bytes[4] = 1;                                     /* hops that would cut us off */
    in_router(ROUTER, peer_mac, &m);
    assert_string_equal(p.events, "router+fe80::2 managed00 ");
    assert_int_equal(place_count(&p, IP_PREFIXES_REFUSED), 7);
    assert_int_equal(ip_link_mtu(p.ip, A("2001:db8::1")), 1500);
    assert_int_equal(p.ip->hops_v6, 64);
    struct ip_address all[16];
    assert_int_equal(ip_addresses(p.ip, all, 16), 1);
    place_close(&p);
    place_open(&p); /* which does not listen to them */
    m = advertisement(0, 0, 1800);
    in_router(ROUTER, peer_mac, &m);
    assert_string_equal(p.events, "");
    place_close(&p);
}

static void test_solicitor(void **state)
{
    (void)state;
    open_automatic();
    size_t solicitations = 0;
    place_run(&p, 3600 * CLOCK_SEC);
    for (size_t i = 0; i < p.count; i++)
        solicitations += place_frame(&p, i).ptr[54] == 133;
    assert_in_range(solicitations, 8, 14); /* ever more seldom */
    place_close(&p);
}

static size_t solicited(void)
{
    size_t n = 0;
    for (size_t i = 0; i < p.count; i++)
        n += place_frame(&p, i).ptr[54] == 133;
    return n;
}

/* When the last router's time is over, routers are asked for again: a machine that has slept for days need not
 * wait for the next word that they say by themselves. */
static void test_asked_for_again(void **state)
{
    (void)state;
    open_automatic();
    struct message m = advertisement(0, 0, 1800);
    in_router(ROUTER, peer_mac, &m);
    m = advertisement(0, 0, 900);
    in_router(ROUTER_B, other_mac, &m);
    place_clear(&p);
    place_run(&p, 1799 * CLOCK_SEC);
    assert_int_equal(solicited(), 0); /* one is left */
    place_run(&p, 3 * CLOCK_SEC);
    assert_int_equal(solicited(), 1);
    in_router(ROUTER, peer_mac, &m);
    place_run(&p, 600 * CLOCK_SEC);
    assert_int_equal(solicited(), 1);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_local),      cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_looped_question), cmocka_unit_test(test_router),
        cmocka_unit_test(test_lifetimes),       cmocka_unit_test(test_two_hours),
        cmocka_unit_test(test_choice),          cmocka_unit_test(test_router_limits),
        cmocka_unit_test(test_asked_for_again), cmocka_unit_test(test_router_invalid),
        cmocka_unit_test(test_solicitor),
    };
    return cmocka_run_group_tests_name("ip routers", tests, NULL, NULL);
}
