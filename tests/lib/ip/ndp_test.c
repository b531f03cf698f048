/* Neighbours, redirects, groups and source addresses of IPv6. */
#include "tests/lib/ip/message.h"

static enum err send_one(size_t n)
{
    return send_udp(&p, OURS, PEER, n, true);
}

static void answer(const uint8_t *mac, uint8_t flags)
{
    in_advertisement(PEER, OURS, PEER, flags, mac);
}

static void test_resolve(void **state)
{
    (void)state;
    static const uint8_t group[] = {0x33, 0x33, 0xff, 0, 0, 0x50};
    place_open(&p);
    assert_int_equal(send_one(10), OK);
    assert_int_equal(send_one(1400), OK);
    ip_expire(p.ip, p.now);
    assert_int_equal(p.count, 1);
    last(135, OURS, "ff02::1:ff00:50", PEER);
    assert_memory_equal(place_last(&p).ptr, group, 6);
    assert_memory_equal(place_last(&p).ptr + 54 + 26, our_mac, 6);
    answer(peer_mac, S | O);
    assert_int_equal(p.count, 3);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    assert_int_equal(place_last(&p).len, 62 + 1400);
    place_close(&p);
}

static void test_unreachable(void **state)
{
    (void)state;
    place_open(&p);
    send_one(10);
    place_run(&p, 4 * CLOCK_SEC);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.complaints, 1);
    assert_int_equal(p.complaint.protocol, IP_UDP);
    place_close(&p);
}

/* RFC 4861, 7.3.3 and appendix C. */
static void test_states(void **state)
{
    (void)state;
    place_open(&p);
    send_one(1);
    answer(peer_mac, 0); /* unsolicited: known, but stale */
    place_clear(&p);
    send_one(1);
    place_run(&p, 5 * CLOCK_SEC);
    assert_int_equal(p.count, 2);
    last(135, OURS, PEER, PEER); /* asked by unicast */
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    answer(peer_mac, S);
    place_run(&p, 10 * CLOCK_SEC);
    assert_int_equal(p.count, 2);
    /* Another station without the override flag is not believed; what we have is doubted. */
    answer(other_mac, S);
    send_one(1);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    /* With it, it is. */
    answer(other_mac, O);
    send_one(1);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    /* Silence: three by unicast, three by multicast, an end. */
    place_clear(&p);
    place_run(&p, 8 * CLOCK_SEC - 1);
    assert_int_equal(p.count, 3);
    place_run(&p, 1);
    send_one(1);
    place_run(&p, 3 * CLOCK_SEC);
    assert_int_equal(p.count, 6);
    last(135, OURS, "ff02::1:ff00:50", PEER);
    assert_int_equal(p.complaints, 1);
    place_close(&p);
}

static void test_answer(void **state)
{
    (void)state;
    place_open(&p);
    in_solicitation(PEER, "ff02::1:ff00:1", OURS, peer_mac);
    assert_int_equal(p.count, 1);
    assert_int_equal(last(136, OURS, PEER, OURS), S | O);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    assert_memory_equal(place_last(&p).ptr + 54 + 26, our_mac, 6);
    send_one(3);
    assert_int_equal(p.count, 2);                        /* known from its question */
    in_solicitation("::", "ff02::1:ff00:1", OURS, NULL); /* wants our address */
    assert_int_equal(last(136, OURS, "ff02::1", OURS), O);
    in_solicitation(PEER, "ff02::1:ff00:9", "2001:db8::9", peer_mac);
    assert_int_equal(p.count, 3);
    for (unsigned i = 0; i < 300; i++)
        in_solicitation(PEER, OURS, OURS, peer_mac);
    assert_true(place_count(&p, IP_DROP_NDP_LIMITED) > 100);
    place_close(&p);
}

/* What RFC 4861, 7.1 forbids. */
static void test_invalid(void **state)
{
    (void)state;
    place_open(&p);
    struct message m = begin(135, 0);
    put_address(&m, OURS);
    in_from(peer_mac, PEER, OURS, 254, &m); /* from beyond the link */
    assert_int_equal(place_count(&p, IP_DROP_NDP_HOPS), 1);
    m.bytes[1] = 1; /* code */
    in_from(peer_mac, PEER, OURS, 255, &m);
    m.bytes[1] = 0;
    m.len = 23; /* short */
    in_from(peer_mac, PEER, OURS, 255, &m);
    m.len = 24;
    put(&m, (uint8_t[]){1, 0, 0, 0, 0, 0, 0, 0}, 8); /* an option of no length */
    in_from(peer_mac, PEER, OURS, 255, &m);
    m.bytes[25] = 2; /* one beyond the end */
    in_from(peer_mac, PEER, OURS, 255, &m);
    in_solicitation(PEER, OURS, "ff02::5", peer_mac);
    in_solicitation("::", "ff02::1:ff00:1", OURS, peer_mac); /* nobody has no station */
    in_solicitation("::", "ff02::1", OURS, NULL);            /* nobody asks a group only */
    in_advertisement(PEER, "ff02::1", PEER, S, peer_mac);    /* solicited by all */
    in_advertisement(PEER, OURS, "ff02::5", 0, peer_mac);
    in_advertisement("::", "ff02::1", PEER, 0, peer_mac);
    assert_int_equal(place_count(&p, IP_DROP_NDP_MALFORMED), 10);
    assert_int_equal(p.count, 0);
    m = begin(135, 0);
    put_address(&m, OURS);
    for (unsigned i = 0; i < NDP_OPTIONS_MAX + 1; i++)
        put_station(&m, 200, peer_mac);
    in_from(peer_mac, PEER, OURS, 255, &m);
    assert_int_equal(place_count(&p, IP_DROP_NDP_MALFORMED), 11);
    m.len -= 8;
    in_from(peer_mac, PEER, OURS, 255, &m);
    assert_int_equal(p.count, 1);
    place_close(&p);
}

/* --- redirects --- */

static void in_redirect(const char *from, const char *target, const char *destination,
                        const uint8_t *mac)
{
    struct message m = begin(137, 0);
    put_address(&m, target);
    put_address(&m, destination);
    if (mac)
        put_station(&m, 2, mac);
    in_from(peer_mac, from, OURS, 255, &m);
}

static void test_redirect(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    struct mac peer;
    memcpy(peer.bytes, peer_mac, 6);
    ip_add_address(p.ip, p.now, A(OURS), 64, IP_CLAIM_AT_ONCE);
    ip_add_route(p.ip, A("::"), 0, A(ROUTER));
    ip_set_neighbour(p.ip, p.now, A(ROUTER), peer);
    place_run(&p, 3 * CLOCK_SEC);
    static const char to[] = "2001:db8:9::1";
    in_redirect(ROUTER_B, ROUTER_B, to, other_mac);          /* not our router */
    in_redirect("2001:db8::9", ROUTER_B, to, other_mac);     /* not link-local */
    in_redirect(ROUTER, "2001:db8::77", to, other_mac);      /* no router's address */
    in_redirect(ROUTER, ROUTER_B, "ff02::5", other_mac);     /* a group */
    in_redirect(ROUTER, ROUTER_B, OURS, other_mac);          /* ourselves */
    in_redirect(ROUTER, ROUTER_B, "2001:db8::8", other_mac); /* on the link already */
    assert_int_equal(place_count(&p, IP_DROP_ICMP_REDIRECT), 6);
    send_udp(&p, OURS, to, 1, true);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    in_redirect(ROUTER, ROUTER_B, to, other_mac);
    assert_int_equal(place_count(&p, IP_REDIRECTS), 1);
    send_udp(&p, OURS, to, 1, true);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    send_udp(&p, OURS, "2001:db8:9::2", 1, true);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    /* The new hop is silent: back to the router. */
    place_run(&p, 60 * CLOCK_SEC);
    send_udp(&p, OURS, to, 1, true);
    place_run(&p, 12 * CLOCK_SEC);
    place_clear(&p);
    send_udp(&p, OURS, to, 1, true);
    assert_memory_equal(place_last(&p).ptr, peer_mac, 6);
    /* A destination that is on the link itself. */
    in_redirect(ROUTER, to, to, other_mac);
    send_udp(&p, OURS, to, 1, true);
    assert_memory_equal(place_last(&p).ptr, other_mac, 6);
    place_close(&p);
}

/* --- groups --- */

static void test_groups(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.secret = {1, 2}});
    place_run(&p, 1);
    assert_int_equal(p.count, 0); /* not before the first question, which is delayed */
    place_run(&p, 3 * CLOCK_SEC);
    assert_int_equal(place_frame(&p, 0).ptr[62], 143);
    assert_int_equal(place_frame(&p, 1).ptr[54], 135);
    size_t reports = 0;
    for (size_t i = 0; i < p.count; i++) {
        struct slice s = place_frame(&p, i);
        if (s.ptr[20] != 0) /* hop-by-hop first */
            continue;
        reports++;
        assert_int_equal(s.ptr[21], 1); /* hops */
        assert_int_equal(s.ptr[54], 58);
        assert_memory_equal(s.ptr + 56, "\x05\x02\x00\x00", 4); /* router alert */
        assert_int_equal(s.ptr[62], 143);
        assert_int_equal(sim_get16(s.ptr + 68), 1);
        assert_int_equal(s.ptr[70], 4);
        /* The checksum, summed by hand: the pseudo-header and the message. */
        uint8_t all[200] = {0};
        memcpy(all, s.ptr + 22, 32);
        sim_put32(all + 32, (uint32_t)(s.len - 62));
        all[39] = 58;
        memcpy(all + 40, s.ptr + 62, s.len - 62);
        assert_int_equal(sim_sum(slice_of(all, 40 + s.len - 62), 0), 0xffff);
    }
    assert_int_equal(reports, 2);
    place_clear(&p);
    struct message m = begin(130, 1000u << 16); /* a query, of version 2, within a second */
    put_address(&m, "::");
    put(&m, (uint8_t[]){2, 125, 0, 0}, 4);
    in_from(peer_mac, ROUTER, "ff02::1", 1, &m);
    place_run(&p, 1001 * CLOCK_MS);
    assert_int_equal(p.count, 1);
    assert_int_equal(place_last(&p).ptr[70], 2);
    m.len = 24; /* of version 1 */
    in_from(peer_mac, ROUTER, "ff02::1", 1, &m);
    place_run(&p, 1001 * CLOCK_MS);
    assert_int_equal(p.count, 2);
    assert_int_equal(place_last(&p).ptr[62], 131);
    in_from(peer_mac, ROUTER, "ff02::1", 2, &m);
    in_from(peer_mac, "2001:db8::9", "ff02::1", 1, &m);
    m.len = 20;
    in_from(peer_mac, ROUTER, "ff02::1", 1, &m);
    assert_int_equal(place_count(&p, IP_DROP_NDP_MALFORMED), 3);
    m = begin(130, 1000u << 16);
    put_address(&m, "ff02::1:ff99:9999"); /* another group */
    put(&m, (uint8_t[]){2, 125, 0, 0}, 4);
    in_from(peer_mac, ROUTER, "ff02::1", 1, &m);
    place_run(&p, 3 * CLOCK_SEC);
    size_t rest = 0;
    for (size_t i = 2; i < p.count; i++)
        rest += place_frame(&p, i).ptr[20] == 0;
    assert_int_equal(rest, 0);
    place_close(&p);
}

/* --- source addresses (RFC 6724) --- */

static void expect_source(const char *to, const char *from)
{
    struct address source;
    char text[ADDRESS_TEXT_MAX] = "none";
    if (ip_source(p.ip, A(to), &source))
        text_of(source, text);
    assert_string_equal(text, from);
}

static void test_source(void **state)
{
    (void)state;
    place_open_with(&p, 0, (struct ip_options){.no_autoconfiguration = true});
    expect_source("192.0.2.9", "none");
    expect_source("2001:db8::9", "none");
    static const struct {
        const char *address;
        uint8_t bits;
    } own[] = {{"192.0.2.1", 24}, {"10.1.2.3", 8},     {"169.254.1.1", 16},  {"fe80::1", 64},
               {"fd00:1::1", 64}, {"2001:db8::1", 64}, {"2001:db8:7::1", 64}};
    for (size_t i = 0; i < 7; i++)
        ip_add_address(p.ip, p.now, A(own[i].address), own[i].bits, IP_CLAIM_AT_ONCE);
    ip_add_route(p.ip, A("0.0.0.0"), 0, A("10.0.0.1"));
    expect_source("192.0.2.9", "192.0.2.1");
    expect_source("10.9.9.9", "10.1.2.3");
    expect_source("198.51.100.1", "10.1.2.3"); /* the gateway's subnet */
    expect_source("169.254.7.7", "169.254.1.1");
    expect_source("fe80::9", "fe80::1");
    expect_source("ff02::1", "fe80::1");
    expect_source("fd00:2::1", "fd00:1::1");
    expect_source("2001:db8::9", "2001:db8::1");
    expect_source("2001:db8:7::9", "2001:db8:7::1");
    expect_source("2a00::1", "2001:db8::1");
    expect_source("10.1.2.3", "10.1.2.3");
    expect_source("ff0e::1", "2001:db8::1");
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve), cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_states),  cmocka_unit_test(test_answer),
        cmocka_unit_test(test_invalid), cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_groups),  cmocka_unit_test(test_source),
    };
    return cmocka_run_group_tests_name("ndp", tests, NULL, NULL);
}
