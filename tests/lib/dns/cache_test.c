/* DNS: what is kept of answers, and for how long. */
#include "tests/lib/dns/asking.h"

/* --- what is kept --- */

static void test_answers_are_kept_for_their_time(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    answer_aaaa(30, 7);
    look_up(&w, "WWW.example.");
    dns_expire(dns, now);
    assert_int_equal(w.count, 2);
    assert_int_equal(asked, 2);
    assert_int_equal(dns_counters(dns)->cached, 1);
    now += 31 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 3); /* AAAA alone */
    answer_aaaa(30, 8);
    assert_int_equal(w.count, 2);
    now += 61 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 5);
    dns_cancel(dns, w.waiter);
}

static void test_the_shortest_time_of_a_chain_counts(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 5, "b.example");
    put_a("b.example", 600, 7);
    deliver(a);
    now += 6 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    dns_cancel(dns, w.waiter);
}

static void test_a_time_of_nothing_is_not_kept(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    answer_a(0, 7);
    assert_int_equal(dns_cached(dns), 0);
    look_up(&w, "www.example");
    answer_a(0x80000001, 7); /* RFC 2181, 8: as 0 */
    assert_int_equal(dns_cached(dns), 0);
}

static void test_absence_is_kept_as_its_zone_says(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    answer_nothing(A, NXDOMAIN); /* 120 seconds */
    now += 119 * SEC;
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    assert_int_equal(asked, 1);
    now += 2 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    struct ask *a = find(A);
    begin(a, NXDOMAIN); /* without a zone: not kept */
    deliver(a);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    look_up(&w, "www.example");
    assert_int_equal(asked, 3);
    dns_cancel(dns, w.waiter);
}

/* However long a zone would have it. */
static void test_the_times_are_bounded(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "long.example");
    answer_a(7 * DNS_TTL_MAX, 7);
    now += (DNS_TTL_MAX - 1) * SEC;
    look_up(&w, "long.example");
    dns_expire(dns, now);
    assert_int_equal(w.count, 1);
    assert_int_equal(asked, 1);
    now += 2 * SEC;
    look_up(&w, "long.example");
    assert_int_equal(asked, 2);
    answer_absent(A, NXDOMAIN, 7 * DNS_ABSENT_MAX);
    now += (DNS_ABSENT_MAX - 1) * SEC;
    look_up(&w, "long.example");
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    assert_int_equal(asked, 2);
    now += 2 * SEC;
    look_up(&w, "long.example");
    assert_int_equal(asked, 3);
    dns_cancel(dns, w.waiter);
}

static void test_the_cache_is_bounded(void **state)
{
    (void)state;
    dns_only_v4(dns, true);
    for (unsigned i = 0; i < DNS_CACHE_MAX + 10; i++) {
        struct wish w;
        fresh(&w);
        answer_a(600, 7);
        asked = 0;
    }
    assert_int_equal(dns_cached(dns), DNS_CACHE_MAX);
    assert_int_equal(dns_counters(dns)->evicted, 10);
    dns_forget(dns);
    assert_int_equal(dns_cached(dns), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers_are_kept_for_their_time), TEST(test_the_shortest_time_of_a_chain_counts),
        TEST(test_a_time_of_nothing_is_not_kept),   TEST(test_absence_is_kept_as_its_zone_says),
        TEST(test_the_times_are_bounded),           TEST(test_the_cache_is_bounded),
    };
    return cmocka_run_group_tests_name("dns cache", tests, NULL, NULL);
}
