/* DNS: lookups that are answered, names that have others, and many who ask at once. */
#include "tests/lib/dns/asking.h"

/* --- answers --- */

static void test_both_families(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.told, 0);
    answer_aaaa(60, 9);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, OK);
    assert_int_equal(w.count, 2);
    assert_address(&w, 0, "2001:db8::9");
    assert_address(&w, 1, "192.0.2.7");
    assert_int_equal(dns_pending(dns), 0);
    assert_true(dns_deadline(dns) == UINT64_MAX);
}

static void test_what_can_be_reached_stands_first(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_aaaa(60, 9);
    only_v6_usable = false;
    answer_a(60, 7);
    only_v6_usable = true;
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_address(&w, 0, "2001:db8::9");
}

static void test_the_question_is_well_formed(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    const struct ask *a = find(A);
    const uint8_t head[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    const uint8_t tail[] = {0, 0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(a->message + 2, head, sizeof head);
    assert_int_equal(a->message[12], 3);
    assert_memory_equal(a->message + a->len - sizeof tail, tail, sizeof tail);
    dns_cancel(dns, w.waiter);
    assert_int_equal(open_asks, 0);
}

static void test_one_family_is_enough(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    answer_nothing(AAAA, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "192.0.2.7");
}

static void test_a_slow_family_is_not_waited_for_long(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    pass(49 * MS);
    assert_int_equal(w.told, 0);
    pass(2 * MS);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.count, 1);
    assert_int_equal(open_asks, 0);
}

static void test_names_that_are_not(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "nowhere.example");
    answer_nothing(A, NXDOMAIN);
    answer_nothing(AAAA, NXDOMAIN);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_NOT_FOUND);
}

static void test_known_without_asking(void **state)
{
    static const struct {
        const char *name, *first;
        size_t count;
    } cases[] = {{"192.0.2.3", "192.0.2.3", 1},
                 {"2001:db8::3", "2001:db8::3", 1},
                 {"localhost", "::1", 2},
                 {"LocalHost.", "::1", 2},
                 {"a.b.localhost", "::1", 2},
                 {"", NULL, 0},
                 {".", NULL, 0},
                 {"a..b", NULL, 0},
                 {"a b", NULL, 0},
                 {"b\xc3\xbc.example", NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wish w;
        look_up(&w, cases[i].name);
        assert_true(dns_deadline(dns) <= now);
        dns_expire(dns, now);
        assert_int_equal(w.told, 1);
        assert_int_equal(w.count, cases[i].count);
        if (cases[i].count)
            assert_address(&w, 0, cases[i].first);
        else
            assert_int_equal(w.why, ERR_NOT_FOUND);
    }
    assert_int_equal(asked, 0);
}

static void test_names_that_are_too_long(void **state)
{
    char name[300];
    struct wish w;
    (void)state;
    memset(name, 'a', sizeof name);
    name[64] = 0; /* one label of 64 */
    look_up(&w, name);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    for (size_t i = 0; i < 299; i++)
        name[i] = i % 60 == 59 ? '.' : 'a';
    name[253] = 0;
    look_up(&w, name);
    assert_int_equal(asked, 2);
    dns_cancel(dns, w.waiter);
    name[253] = 'a';
    name[254] = 0;
    look_up(&w, name);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    assert_int_equal(asked, 2);
}

/* --- aliases --- */

static void test_aliases_within_one_answer(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_a("c.example", 60, 7); /* in any order */
    put_a("other.example", 60, 8);
    put_cname("B.example", 60, "c.example");
    put_cname(NULL, 60, "b.example");
    deliver(a);
    answer_nothing(AAAA, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "192.0.2.7");
}

static void test_aliases_that_have_to_be_asked_for(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 60, "elsewhere.example");
    deliver(a);
    struct ask *next = find(A);
    assert_ptr_not_equal(next, a);
    assert_int_equal(next->message[12], 9);
    answer_a(60, 7);
    assert_int_equal(w.count, 1);
}

static void test_aliases_in_a_circle(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 60, "b.example");
    put_cname("b.example", 60, "www.example");
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_chain, 1);
    pass(11 * SEC);
    assert_int_equal(w.told, 1);
    assert_int_not_equal(w.why, OK);
}

static void test_aliases_without_end(void **state)
{
    struct wish w;
    unsigned hops = 0;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    for (struct ask *a; (a = find(A)) != NULL; hops++) {
        char next[32];
        snprintf(next, sizeof next, "n%u.example", hops);
        begin(a, NOERROR);
        put_cname(NULL, 60, next);
        deliver(a);
        assert_true(hops < 20);
    }
    assert_int_equal(hops, DNS_CHAIN_MAX + 1);
    assert_int_equal(w.why, ERR_NOT_FOUND);
}

/* --- many who ask --- */

static void test_the_same_question_is_asked_once(void **state)
{
    struct wish w[3];
    (void)state;
    look_up(&w[0], "www.example");
    look_up(&w[1], "WWW.EXAMPLE");
    look_up(&w[2], "www.example.");
    assert_int_equal(asked, 2);
    assert_int_equal(dns_counters(dns)->joined, 2);
    dns_cancel(dns, w[0].waiter);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(w[0].told, 0);
    assert_int_equal(w[1].told + w[2].told, 2);
}

static void test_lookups_are_bounded(void **state)
{
    static struct wish w[DNS_LOOKUPS_MAX];
    struct wish one_more;
    (void)state;
    for (size_t i = 0; i < DNS_LOOKUPS_MAX; i++)
        fresh(&w[i]);
    assert_int_equal(dns_lookup(dns, now, SLICE("x.example"), tell, &one_more, &one_more.waiter),
                     ERR_FULL);
    assert_int_equal(dns_counters(dns)->refused, 1);
    for (size_t i = 0; i < DNS_LOOKUPS_MAX; i++)
        dns_cancel(dns, w[i].waiter);
}

static void test_waiters_are_bounded(void **state)
{
    static struct wish w[DNS_WAITERS_MAX];
    struct wish one_more;
    (void)state;
    for (size_t i = 0; i < DNS_WAITERS_MAX; i++)
        look_up(&w[i], "www.example");
    assert_int_equal(dns_lookup(dns, now, SLICE("www.example"), tell, &one_more, &one_more.waiter),
                     ERR_FULL);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    for (size_t i = 0; i < DNS_WAITERS_MAX; i++)
        assert_int_equal(w[i].told, 1);
}

/* Whoever is told may cancel the others, or ask anew. */
static struct wish *victim;

static void tell_and_cancel(void *owner, enum err why, const struct address *addresses,
                            size_t count)
{
    tell(owner, why, addresses, count);
    dns_cancel(dns, victim->waiter);
    look_up(victim, "www.example");
}

static void test_handlers_may_do_anything(void **state)
{
    struct wish first = {0}, second;
    (void)state;
    assert_int_equal(
        dns_lookup(dns, now, SLICE("www.example"), tell_and_cancel, &first, &first.waiter), OK);
    look_up(&second, "www.example");
    victim = &second;
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(first.told, 1);
    assert_int_equal(second.told, 0);
    dns_expire(dns, now);
    assert_int_equal(second.told, 1);
}

static void test_without_memory(void **state)
{
    struct wish w;
    (void)state;
    sim_memory_fail_nth(1);
    assert_null(dns_open(&below, NULL));
    for (uint64_t nth = 1; nth <= 2; nth++) {
        sim_memory_fail_nth(nth);
        assert_int_equal(dns_lookup(dns, now, SLICE("www.example"), tell, &w, &w.waiter),
                         ERR_MEMORY);
    }
    sim_memory_fail_nth(0);
    look_up(&w, "www.example");
    sim_memory_fail_every(1); /* nothing can be kept; the answer is told all the same */
    struct ask *a = find(A), *b = find(AAAA);
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    dns_answer(dns, now, a->x, slice_of(reply, reply_len));
    begin(b, NOERROR);
    put_aaaa(NULL, 60, 7);
    dns_answer(dns, now, b->x, slice_of(reply, reply_len));
    sim_memory_fail_nth(0);
    assert_int_equal(w.count, 2);
    assert_int_equal(dns_cached(dns), 0);
}

static void test_closing_with_lookups_under_way(void **state)
{
    struct wish w[3];
    (void)state;
    look_up(&w[0], "www.example");
    look_up(&w[1], "other.example");
    look_up(&w[2], "192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_families),
        TEST(test_what_can_be_reached_stands_first),
        TEST(test_the_question_is_well_formed),
        TEST(test_one_family_is_enough),
        TEST(test_a_slow_family_is_not_waited_for_long),
        TEST(test_names_that_are_not),
        TEST(test_known_without_asking),
        TEST(test_names_that_are_too_long),
        TEST(test_aliases_within_one_answer),
        TEST(test_aliases_that_have_to_be_asked_for),
        TEST(test_aliases_in_a_circle),
        TEST(test_aliases_without_end),
        TEST(test_the_same_question_is_asked_once),
        TEST(test_lookups_are_bounded),
        TEST(test_waiters_are_bounded),
        TEST(test_handlers_may_do_anything),
        TEST(test_without_memory),
        TEST(test_closing_with_lookups_under_way),
    };
    return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
