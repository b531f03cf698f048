/* DHCP: the whole way of a lease, each state's answers and silences, and the link. */
#include "tests/lib/dhcp/server.h"

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
    };
    return cmocka_run_group_tests_name("dhcp", tests, NULL, NULL);
}
