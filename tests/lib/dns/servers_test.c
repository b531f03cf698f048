/* DNS: servers that are silent, fail, come and go, or cut what they say. */
#include "tests/lib/dns/asking.h"

/* --- silence and failure --- */

static void test_silent_servers_are_asked_in_turn(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(9900 * MS);
    assert_in_range(asked, 5, DNS_TRIES_MAX);
    for (size_t i = 0; i + 1 < asked; i++)
        assert_memory_not_equal(&asks[i].x->server, &asks[i + 1].x->server, 16);
    assert_int_equal(w.told, 0);
    pass(200 * MS);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_TIMEOUT);
    assert_true(dns_counters(dns)->timeouts >= 4);
}

static void test_late_answers_count(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(1500 * MS);
    assert_int_equal(asked, 2);
    begin(&asks[0], NOERROR);
    put_a(NULL, 60, 7);
    deliver(&asks[0]);
    assert_int_equal(w.count, 1);
    assert_int_equal(open_asks, 0);
}

static void test_who_answers_is_asked_first(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(1500 * MS);
    answer_a(60, 7); /* the second server */
    look_up(&w, "other.example");
    assert_memory_equal(&asks[asked - 1].x->server, &servers[1], 16);
    dns_cancel(dns, w.waiter);
}

static void test_a_server_that_fails_is_left_at_once(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    begin(&asks[0], SERVFAIL);
    deliver(&asks[0]);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_where_all_servers_fail(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    for (unsigned i = 0; i < 4 && !w.told; i++) {
        struct ask *a = find(A);
        begin(a, REFUSED);
        deliver(a);
        pass(1 * SEC);
    }
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_a_server_that_cannot_be_reached(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    dns_broken(dns, now, asks[0].x);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_no_way_to_any_server(void **state)
{
    struct wish w;
    (void)state;
    refuse_with = ERR_UNREACHABLE;
    look_up(&w, "www.example");
    pass(5 * SEC);
    assert_int_equal(w.told, 0); /* the network may come up */
    pass(6 * SEC);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_without_servers(void **state)
{
    struct wish w;
    (void)state;
    dns_servers(dns, now, NULL, 0, false);
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_servers_may_come_later(void **state)
{
    struct wish w;
    (void)state;
    dns_servers(dns, now, NULL, 0, true);
    look_up(&w, "www.example");
    pass(2 * SEC);
    assert_int_equal(asked, 0);
    dns_servers(dns, now, servers, 1, true);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(w.why, OK);

    dns_servers(dns, now, NULL, 0, true);
    look_up(&w, "other.example");
    dns_servers(dns, now, NULL, 0, false);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

/* What they answer afterwards still counts, also where it leads to another message. */
static void test_servers_that_are_gone(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    dns_servers(dns, now, NULL, 0, false);
    struct ask *a = find(A);
    begin(a, NOERROR);
    reply[2] |= 2; /* cut */
    deliver(a);
    assert_true(find(A)->x->tcp);
    begin(find(A), SERVFAIL);
    deliver(find(A));
    dns_expire(dns, now);
    pass(DNS_LOOKUP_NS);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_servers_that_do_not_know_edns(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *first = find(A);
    begin(first, FORMERR);
    reply[5] = 0; /* some do not even repeat the question */
    reply_len = 12;
    deliver(first);
    struct ask *second = find(A);
    assert_ptr_not_equal(first, second);
    assert_int_equal(second->len, first->len - 11);
    assert_int_equal(second->message[11], 0);
    assert_memory_equal(&second->x->server, &servers[0], 16);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_cut_answers_are_asked_for_over_tcp(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *first = find(A);
    begin(first, NOERROR);
    reply[2] |= 2;
    put_a(NULL, 60, 9); /* does not count */
    deliver(first);
    struct ask *second = find(A);
    assert_true(second->x->tcp);
    assert_memory_equal(&second->x->server, &servers[0], 16);
    begin(second, NOERROR);
    for (uint8_t i = 0; i < 100; i++)
        put_a(NULL, 60, i);
    deliver(second);
    assert_int_equal(w.count, DNS_ADDRESSES_MAX);
    assert_int_equal(dns_counters(dns)->cut, 100 - DNS_ADDRESSES_MAX);
    assert_int_equal(dns_counters(dns)->asked_tcp, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silent_servers_are_asked_in_turn),
        TEST(test_late_answers_count),
        TEST(test_who_answers_is_asked_first),
        TEST(test_a_server_that_fails_is_left_at_once),
        TEST(test_where_all_servers_fail),
        TEST(test_a_server_that_cannot_be_reached),
        TEST(test_no_way_to_any_server),
        TEST(test_without_servers),
        TEST(test_servers_may_come_later),
        TEST(test_servers_that_are_gone),
        TEST(test_servers_that_do_not_know_edns),
        TEST(test_cut_answers_are_asked_for_over_tcp),
    };
    return cmocka_run_group_tests_name("dns servers", tests, NULL, NULL);
}
