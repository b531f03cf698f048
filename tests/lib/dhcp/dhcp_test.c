/* DHCP: the whole way of a lease, each state's answers and silences, and messages that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/dhcp/dhcp.h"
#include "platform/sim/sim.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

#define SEC CLOCK_SEC

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t server[4] = {192, 0, 2, 1};
static const uint8_t ours[4] = {192, 0, 2, 77};

static struct dhcp d;
static struct dhcp_step step;
static uint64_t now;

static void fill(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static int setup(void **state)
{
    (void)state;
    sim_reset(7);
    now = 1000 * SEC;
    dhcp_init(&d, mac, SLICE("canopy"), fill, NULL);
    return 0;
}

/* --- what we said --- */

/* An option of the message in step, or NULL. */
static const uint8_t *said(uint8_t code, size_t len)
{
    for (size_t at = 240; at + 1 < step.len && step.message[at] != 255;) {
        const uint8_t *o = &step.message[at];
        if (*o == 0) {
            at++;
            continue;
        }
        if (*o == code) {
            assert_int_equal(o[1], len);
            return o + 2;
        }
        at += 2u + o[1];
    }
    return NULL;
}

static void assert_said(uint8_t type)
{
    static const uint8_t head[] = {1, 1, 6, 0};
    static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
    assert_in_range(step.len, 300, DHCP_MESSAGE_MAX);
    assert_memory_equal(step.message, head, 4);
    assert_memory_equal(step.message + 28, mac, 6);
    assert_memory_equal(step.message + 236, cookie, 4);
    assert_int_equal(*said(53, 1), type);
    assert_non_null(said(61, 7));
}

static void assert_broadcast(void)
{
    static const struct address nobody = {{[10] = 0xff, 0xff}};
    static const struct address all = {{[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    assert_memory_equal(&step.source, &nobody, sizeof nobody);
    assert_memory_equal(&step.destination, &all, sizeof all);
    assert_int_equal(step.message[10], 0x80);
}

/* --- what a server says --- */

struct reply {
    uint8_t bytes[1500];
    size_t len;
};

static void put(struct reply *r, uint8_t code, const void *value, size_t len)
{
    r->bytes[r->len++] = code;
    r->bytes[r->len++] = (uint8_t)len;
    memcpy(r->bytes + r->len, value, len);
    r->len += len;
}

static void put_seconds(struct reply *r, uint8_t code, uint32_t s)
{
    const uint8_t b[] = {(uint8_t)(s >> 24), (uint8_t)(s >> 16), (uint8_t)(s >> 8), (uint8_t)s};
    put(r, code, b, 4);
}

static struct reply begin(uint8_t type)
{
    struct reply r = {.bytes = {2, 1, 6, 0}, .len = 240};
    memcpy(r.bytes + 4, &(uint32_t){__builtin_bswap32(d.xid)}, 4);
    memcpy(r.bytes + 16, ours, 4);
    memcpy(r.bytes + 28, mac, 6);
    memcpy(r.bytes + 236, "\x63\x82\x53\x63", 4);
    put(&r, 53, &type, 1);
    put(&r, 54, server, 4);
    return r;
}

static struct reply usual(uint8_t type)
{
    struct reply r = begin(type);
    put_seconds(&r, 51, 3600);
    put(&r, 1, "\xff\xff\xff\0", 4);
    put(&r, 3, server, 4);
    put(&r, 6, "\xc0\0\x02\x35\xc0\0\x02\x36", 8);
    return r;
}

static void hear(struct reply r)
{
    r.bytes[r.len++] = 255;
    dhcp_input(&d, now, slice_of(r.bytes, r.len), &step);
}

static void wait_for_deadline(void)
{
    assert_true(dhcp_deadline(&d) != UINT64_MAX);
    now = dhcp_deadline(&d);
    dhcp_expire(&d, now, &step);
}

static void become_bound_by(struct reply ack)
{
    dhcp_start(&d, now, &step);
    assert_said(DISCOVER);
    hear(usual(OFFER));
    assert_said(REQUEST);
    memcpy(ack.bytes + 4, &(uint32_t){__builtin_bswap32(d.xid)}, 4);
    hear(ack);
    assert_int_equal(step.event, DHCP_LEASED);
    assert_int_equal(step.len, 0);
}

static void become_bound(void)
{
    become_bound_by(usual(ACK));
}

/* --- the way --- */

static void test_a_lease_is_obtained(void **state)
{
    (void)state;
    dhcp_start(&d, now, &step);
    assert_said(DISCOVER);
    assert_broadcast();
    assert_memory_equal(said(12, 6), "canopy", 6);
    assert_int_equal(said(55, 8)[0], 121);
    hear(usual(OFFER));
    assert_said(REQUEST);
    assert_broadcast();
    assert_memory_equal(said(50, 4), ours, 4);
    assert_memory_equal(said(54, 4), server, 4);
    hear(usual(ACK));
    assert_int_equal(step.event, DHCP_LEASED);
    assert_int_equal(d.state, DHCP_BOUND);
    assert_true(dhcp_has_lease(&d));
    assert_memory_equal(d.lease.address.bytes + 12, ours, 4);
    assert_int_equal(d.lease.prefix, 24);
    assert_int_equal(d.lease.seconds, 3600);
    assert_int_equal(d.lease.resolver_count, 2);
    assert_int_equal(d.lease.route_count, 1);
    assert_int_equal(d.lease.routes[0].prefix, 0);
    assert_memory_equal(d.lease.routes[0].gateway.bytes + 12, server, 4);
}

static void test_transactions_differ(void **state)
{
    (void)state;
    dhcp_start(&d, now, &step);
    uint32_t first = d.xid;
    dhcp_pause(&d);
    dhcp_start(&d, now, &step);
    assert_int_not_equal(d.xid, first);
}

static void test_discovers_are_sent_again_with_growing_pauses(void **state)
{
    static const uint64_t pauses[] = {4, 8, 16, 32, 64, 64};
    (void)state;
    dhcp_start(&d, now, &step);
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        uint64_t before = now;
        wait_for_deadline();
        assert_said(DISCOVER);
        assert_in_range(now - before, (pauses[i] - 1) * SEC, (pauses[i] + 1) * SEC);
        assert_int_equal(step.message[9], (now - 1000 * SEC) / SEC & 0xff);
    }
    hear(usual(OFFER));
    assert_said(REQUEST);
}

static void test_a_request_without_answer_begins_again(void **state)
{
    (void)state;
    dhcp_start(&d, now, &step);
    hear(usual(OFFER));
    for (unsigned i = 1; i < DHCP_REQUESTS; i++) {
        wait_for_deadline();
        assert_said(REQUEST);
    }
    wait_for_deadline();
    assert_said(DISCOVER);
    assert_int_equal(step.event, DHCP_NOTHING);
}

static void test_a_lease_is_renewed_with_its_server(void **state)
{
    (void)state;
    become_bound();
    uint64_t bound_at = now;
    wait_for_deadline();
    assert_in_range(now - bound_at, 1600 * SEC, 1800 * SEC);
    assert_said(REQUEST);
    assert_int_equal(d.state, DHCP_RENEWING);
    assert_memory_equal(step.message + 12, ours, 4);
    assert_memory_equal(step.destination.bytes + 12, server, 4);
    assert_memory_equal(step.source.bytes + 12, ours, 4);
    assert_null(said(50, 4));
    assert_null(said(54, 4));
    assert_int_equal(step.message[10], 0);
    struct reply ack = usual(ACK);
    hear(ack);
    assert_int_equal(step.event, DHCP_RENEWED);
    assert_int_equal(d.state, DHCP_BOUND);
    assert_true(d.expires_at == now + 3600 * SEC);
}

static void test_the_servers_times_are_kept(void **state)
{
    struct reply ack;
    (void)state;
    dhcp_start(&d, now, &step);
    hear(usual(OFFER));
    ack = usual(ACK);
    put_seconds(&ack, 58, 100);
    put_seconds(&ack, 59, 200);
    hear(ack);
    assert_true(d.renew_at == now + 100 * SEC);
    assert_true(d.rebind_at == now + 200 * SEC);
}

static void test_times_that_cannot_be_are_not_kept(void **state)
{
    struct reply ack;
    (void)state;
    dhcp_start(&d, now, &step);
    hear(usual(OFFER));
    ack = usual(ACK);
    put_seconds(&ack, 58, 3000);
    put_seconds(&ack, 59, 200);
    hear(ack);
    assert_in_range(d.renew_at - now, 1600 * SEC, 1800 * SEC);
    assert_in_range(d.rebind_at - now, 3000 * SEC, 3150 * SEC);
}

/* Silence: the server is asked until T2, then any, then the address is given up. */
static void test_a_lease_that_nobody_renews_ends(void **state)
{
    unsigned renewals = 0, rebinds = 0;
    (void)state;
    become_bound();
    uint64_t end = d.expires_at;
    for (;;) {
        wait_for_deadline();
        if (step.event == DHCP_LOST)
            break;
        assert_said(REQUEST);
        if (d.state == DHCP_RENEWING)
            renewals++;
        else
            rebinds++;
        if (d.state == DHCP_REBINDING)
            assert_int_equal(step.destination.bytes[12], 255);
    }
    assert_true(now == end);
    assert_in_range(renewals, 3, 20);
    assert_in_range(rebinds, 2, 10);
    assert_false(dhcp_has_lease(&d));
    assert_said(DISCOVER);
    assert_int_equal(d.counters.expired, 1);
}

static void test_any_server_may_rebind(void **state)
{
    struct reply ack;
    (void)state;
    become_bound();
    while (d.state != DHCP_REBINDING)
        wait_for_deadline();
    ack = usual(ACK);
    ack.bytes[240 + 3 + 2 + 3] = 2; /* another server identifier */
    hear(ack);
    assert_int_equal(step.event, DHCP_RENEWED);
    assert_int_equal(d.lease.server.bytes[15], 2);
}

static void test_a_nak_begins_again(void **state)
{
    (void)state;
    become_bound();
    wait_for_deadline();
    struct reply nak = begin(NAK);
    hear(nak);
    assert_int_equal(step.event, DHCP_LOST);
    assert_int_equal(step.len, 0);
    assert_int_equal(d.state, DHCP_INIT);
    uint64_t before = now;
    wait_for_deadline();
    assert_in_range(now - before, DHCP_NAK_NS, 2 * DHCP_NAK_NS);
    assert_said(DISCOVER);

    hear(usual(OFFER));
    nak = begin(NAK);
    hear(nak);
    assert_int_equal(step.event, DHCP_NOTHING); /* there was no lease yet */
    assert_int_equal(d.counters.naks, 2);
}

static void test_a_conflict_is_declined(void **state)
{
    (void)state;
    become_bound();
    dhcp_conflict(&d, now, &step);
    assert_int_equal(step.event, DHCP_LOST);
    assert_said(DECLINE);
    assert_memory_equal(said(50, 4), ours, 4);
    assert_memory_equal(said(54, 4), server, 4);
    assert_null(said(55, 8));
    uint64_t before = now;
    wait_for_deadline();
    assert_true(now - before >= 10 * SEC);
    assert_said(DISCOVER);
    dhcp_conflict(&d, now, &step);
    assert_int_equal(step.len, 0); /* there is no lease */
}

static void test_a_lease_is_given_back(void **state)
{
    (void)state;
    become_bound();
    dhcp_release(&d, now, &step);
    assert_int_equal(step.event, DHCP_LOST);
    assert_said(RELEASE);
    assert_memory_equal(step.message + 12, ours, 4);
    assert_memory_equal(step.destination.bytes + 12, server, 4);
    assert_true(dhcp_deadline(&d) == UINT64_MAX);
    dhcp_release(&d, now, &step);
    assert_int_equal(step.len, 0);
}

/* --- the link --- */

static void test_after_the_link_was_down_a_lease_is_confirmed(void **state)
{
    (void)state;
    become_bound();
    dhcp_pause(&d);
    assert_true(dhcp_deadline(&d) == d.expires_at);
    now += 60 * SEC;
    dhcp_start(&d, now, &step);
    assert_int_equal(d.state, DHCP_REBOOTING);
    assert_said(REQUEST);
    assert_broadcast();
    assert_memory_equal(said(50, 4), ours, 4);
    assert_null(said(54, 4));
    hear(usual(ACK));
    assert_int_equal(step.event, DHCP_RENEWED);
}

static void test_a_lease_that_nobody_confirms_runs_on(void **state)
{
    (void)state;
    become_bound();
    uint64_t renew_at = d.renew_at;
    dhcp_pause(&d);
    dhcp_start(&d, now, &step);
    while (d.state == DHCP_REBOOTING)
        wait_for_deadline();
    assert_int_equal(step.event, DHCP_NOTHING);
    assert_int_equal(d.state, DHCP_BOUND);
    assert_true(dhcp_deadline(&d) == renew_at);
}

static void test_another_network_naks_the_lease(void **state)
{
    (void)state;
    become_bound();
    dhcp_pause(&d);
    dhcp_start(&d, now, &step);
    hear(begin(NAK));
    assert_int_equal(step.event, DHCP_LOST);
}

static void test_a_lease_ends_while_the_link_is_down(void **state)
{
    (void)state;
    become_bound();
    dhcp_pause(&d);
    wait_for_deadline();
    assert_int_equal(step.event, DHCP_LOST);
    assert_int_equal(step.len, 0);
    assert_true(dhcp_deadline(&d) == UINT64_MAX);
    dhcp_start(&d, now, &step);
    assert_said(DISCOVER);
}

static void test_a_lease_for_ever(void **state)
{
    struct reply ack;
    (void)state;
    dhcp_start(&d, now, &step);
    hear(usual(OFFER));
    ack = begin(ACK);
    put_seconds(&ack, 51, UINT32_MAX);
    hear(ack);
    assert_int_equal(step.event, DHCP_LEASED);
    assert_true(dhcp_deadline(&d) == UINT64_MAX);
    assert_int_equal(d.lease.prefix, 24); /* of class C */
}

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

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lease_is_obtained),
        TEST(test_transactions_differ),
        TEST(test_discovers_are_sent_again_with_growing_pauses),
        TEST(test_a_request_without_answer_begins_again),
        TEST(test_a_lease_is_renewed_with_its_server),
        TEST(test_the_servers_times_are_kept),
        TEST(test_times_that_cannot_be_are_not_kept),
        TEST(test_a_lease_that_nobody_renews_ends),
        TEST(test_any_server_may_rebind),
        TEST(test_a_nak_begins_again),
        TEST(test_a_conflict_is_declined),
        TEST(test_a_lease_is_given_back),
        TEST(test_after_the_link_was_down_a_lease_is_confirmed),
        TEST(test_a_lease_that_nobody_confirms_runs_on),
        TEST(test_another_network_naks_the_lease),
        TEST(test_a_lease_ends_while_the_link_is_down),
        TEST(test_a_lease_for_ever),
        TEST(test_classless_routes_replace_routers),
        TEST(test_broken_classless_routes_leave_the_routers),
        TEST(test_options_in_parts_are_joined),
        TEST(test_options_in_other_fields),
        TEST(test_the_mtu),
        TEST(test_an_mtu_that_is_too_small),
        TEST(test_lists_are_cut),
        TEST(test_answers_to_others_are_dropped),
        TEST(test_answers_out_of_turn_are_dropped),
        TEST(test_leases_that_cannot_be),
        TEST(test_malformed_messages),
        TEST(test_random_messages),
        TEST(test_hostnames_that_are_none_are_left_out),
    };
    return cmocka_run_group_tests_name("dhcp", tests, NULL, NULL);
}
