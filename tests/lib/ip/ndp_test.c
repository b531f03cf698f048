/* Neighbours, routers, addresses and groups of IPv6. */
#include "tests/lib/ip/place.h"

static struct place p;

#define OURS     "2001:db8::1"
#define PEER     "2001:db8::50"
#define LINK     "fe80::1"
#define ROUTER   "fe80::2"
#define ROUTER_B "fe80::3"

/* A message of NDP under construction. */
struct message {
    uint8_t bytes[1400];
    size_t len;
};

static void put(struct message *m, const void *bytes, size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void put_address(struct message *m, const char *text)
{
    put(m, A(text).bytes, 16);
}

static void put_station(struct message *m, uint8_t type, const uint8_t *mac)
{
    put(m, (uint8_t[]){type, 1}, 2);
    put(m, mac, 6);
}

static struct message begin(uint8_t type, uint32_t what)
{
    struct message m = {.bytes = {type}, .len = 8};
    sim_put32(m.bytes + 4, what);
    return m;
}

static void in_from(const uint8_t *mac, const char *from, const char *to, uint8_t hops,
                    const struct message *m)
{
    uint8_t frame[1600];
    struct slice s = make_ip(frame, from, to, 58, hops, slice_of(m->bytes, m->len));
    memcpy(frame + 6, mac, 6);
    place_in(&p, s);
}

static void in_solicitation(const char *from, const char *to, const char *target,
                            const uint8_t *mac)
{
    struct message m = begin(135, 0);
    put_address(&m, target);
    if (mac)
        put_station(&m, 1, mac);
    in_from(mac ? mac : peer_mac, from, to, 255, &m);
}

enum { R = 0x80, S = 0x40, O = 0x20 };

static void in_advertisement(const char *from, const char *to, const char *target, uint8_t flags,
                             const uint8_t *mac)
{
    struct message m = begin(136, (uint32_t)flags << 24);
    put_address(&m, target);
    if (mac)
        put_station(&m, 2, mac);
    in_from(mac ? mac : peer_mac, from, to, 255, &m);
}

/* The last frame is such a message, about that target; returns its flags. */
static uint8_t last(uint8_t type, const char *from, const char *to, const char *target)
{
    struct sim_frame f = place_read(&p);
    struct slice s = place_last(&p);
    assert_int_equal(f.hops, 255);
    assert_int_equal(s.ptr[f.transport], type);
    assert_memory_equal(f.source.bytes, A(from).bytes, 16);
    assert_memory_equal(f.destination.bytes, A(to).bytes, 16);
    if (target)
        assert_memory_equal(s.ptr + f.transport + 8, A(target).bytes, 16);
    return s.ptr[f.transport + 4];
}

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

/* --- addresses of our own making --- */

static struct address automatic(size_t which)
{
    struct ip_address all[IP_ADDRESSES_MAX];
    assert_true(ip_addresses(p.ip, all, IP_ADDRESSES_MAX) > which);
    assert_true(all[which].automatic);
    return all[which].address;
}

static void text_of(struct address a, char into[ADDRESS_TEXT_MAX])
{
    address_format(a, into);
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
    /* It is a router no more, by its own word. */
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
    place_run(&p, 3 * CLOCK_SEC);
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
        cmocka_unit_test(test_resolve),       cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_states),        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_invalid),       cmocka_unit_test(test_link_local),
        cmocka_unit_test(test_duplicate),     cmocka_unit_test(test_looped_question),
        cmocka_unit_test(test_router),        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_two_hours),     cmocka_unit_test(test_choice),
        cmocka_unit_test(test_router_limits), cmocka_unit_test(test_router_invalid),
        cmocka_unit_test(test_solicitor),     cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_groups),        cmocka_unit_test(test_source),
    };
    return cmocka_run_group_tests_name("ndp", tests, NULL, NULL);
}
