/* DNS: answers that are forged, malformed, or no answers at all. */
#include "tests/lib/dns/asking.h"

/* --- forgers --- */

static void test_forged_answers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[0] ^= 1; /* id */
    deliver(a);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[13] = 'x'; /* name */
    deliver(a);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[2] &= 0x7f; /* a question */
    deliver(a);
    begin(a, NOERROR);
    reply[11 + question_len(a) - 2] = AAAA; /* type */
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_foreign, 4);
    assert_int_equal(w.told, 0);
    answer_a(60, 7);
    assert_address(&w, 0, "192.0.2.7");
}

/* A forger who guessed all but the case of the letters: TCP tells. */
static void test_another_case_is_settled_over_tcp(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    reply[13] ^= 0x20;
    put_a(NULL, 60, 66);
    deliver(a);
    assert_int_equal(w.told, 0);
    assert_true(find(A)->x->tcp);
    answer_a(60, 7);
    assert_address(&w, 0, "192.0.2.7");
}

/* A server, or what stands before it, may change letters whatever it is asked by: over TCP, where nobody forges by
 * guessing, they do not count. */
static void test_a_server_that_changes_letters(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    for (unsigned i = 0; i < 2; i++) {
        struct ask *a = find(A);
        assert_int_equal(a->x->tcp, i);
        begin(a, NOERROR);
        reply[13] ^= 0x20;
        put_a(NULL, 60, 7);
        deliver(a);
    }
    assert_address(&w, 0, "192.0.2.7");
    assert_int_equal(dns_counters(dns)->failures, 0);
}

static void test_ids_and_letters_are_random(void **state)
{
    unsigned different = 0, upper = 0;
    (void)state;
    dns_only_v4(dns, true);
    for (unsigned i = 0; i < 200; i++) {
        struct wish w;
        look_up(&w, "abcdefghij.example");
        dns_cancel(dns, w.waiter);
        different += i > 0 && memcmp(asks[i].message, asks[i - 1].message, 2) != 0;
        for (size_t k = 13; k < 23; k++)
            upper += asks[i].message[k] < 'a';
    }
    assert_true(different >= 197);
    assert_in_range(upper, 850, 1150);
}

/* Records that nobody asked for, or that cannot be, do not count. */
static void test_records_that_do_not_count(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    struct ask *a = find(AAAA);
    begin(a, NOERROR);
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
    put_record(0, NULL, AAAA, 60, mapped, 16);
    put_a(NULL, 60, 66);
    put_aaaa("other.example", 60, 66);
    put_aaaa(NULL, 60, 1);
    deliver(a);
    answer_nothing(A, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "2001:db8::1");
}

/* --- malformed --- */

static void assert_malformed(const struct ask *a)
{
    uint64_t before = dns_counters(dns)->dropped_malformed;
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_malformed, before + 1);
}

static void test_malformed_answers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    put_record(0, NULL, A, 60, "\1\2\3", 3);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* a name that leads to itself */
    begin(a, NOERROR);
    count_in(0);
    put16(0xc000 | (unsigned)reply_len);
    put_bytes("\0\1\0\1\0\0\0\1\0\4abcd", 14);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* forwards */
    begin(a, NOERROR);
    count_in(0);
    put16(0xc000 | (unsigned)(reply_len + 2));
    put_bytes("\0\0\1\0\1\0\0\0\1\0\4abcd", 15);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* an alias whose name is longer than its record */
    begin(a, NOERROR);
    put_record(0, NULL, CNAME, 60, "\1", 1);
    put_bytes("a\0", 2);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* more records than there are */
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    count_in(1);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* cut anywhere */
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    size_t whole = reply_len;
    for (reply_len = 0; reply_len < whole && !a->dropped; reply_len++)
        deliver(a);
    assert_int_equal(w.told, 0);
    dns_cancel(dns, w.waiter);
}

static void test_too_many_records(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    for (unsigned i = 0; i <= DNS_RECORDS_MAX; i++)
        put_a(NULL, 60, 7);
    reply[6] = (DNS_RECORDS_MAX + 1) >> 8;
    reply[7] = (DNS_RECORDS_MAX + 1) & 0xff;
    deliver(a);
    assert_int_equal(w.told, 0);
    assert_int_equal(dns_counters(dns)->dropped_chain, 1);
    dns_cancel(dns, w.waiter);
}

/* Pointers to pointers to pointers: bounded in number. */
static void test_long_chains_of_pointers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    size_t at = reply_len + 11; /* the data of a first record, which is all pointers */
    uint8_t pointers[800];
    for (size_t i = 0; i < 400; i++) {
        size_t to = i ? at + 2 * (i - 1) : 12;
        pointers[2 * i] = (uint8_t)(0xc0 | to >> 8);
        pointers[2 * i + 1] = (uint8_t)to;
    }
    put_record(0, "", 99, 60, pointers, sizeof pointers);
    count_in(0);
    put16(0xc000 | (unsigned)(at + 798));
    put_bytes("\0\1\0\1\0\0\0\1\0\4abcd", 14);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);
}

static void test_random_answers(void **state)
{
    struct sim_random random;
    (void)state;
    sim_random_seed(&random, 11);
    for (unsigned i = 0; i < 3000; i++) {
        struct wish w;
        asked = 0;
        dns_forget(dns);
        look_up(&w, "www.example");
        for (unsigned k = 0; k < 8; k++) {
            struct ask *a = find(k & 1 ? A : AAAA);
            if (!a)
                break;
            begin(a, (unsigned)sim_random_range(&random, 0, 3));
            put_cname(NULL, 60, "b.example");
            put_a("b.example", 60, 7);
            put_aaaa("b.example", 60, 7);
            put_soa(60, 60);
            for (uint64_t n = sim_random_range(&random, 0, 4); n > 0; n--)
                reply[sim_random_range(&random, 2, reply_len - 1)] =
                    (uint8_t)sim_random_next(&random);
            deliver(a);
            dns_expire(dns, now);
        }
        if (!w.told)
            dns_cancel(dns, w.waiter);
        dns_expire(dns, now);
        assert_int_equal(open_asks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forged_answers),
        TEST(test_another_case_is_settled_over_tcp),
        TEST(test_a_server_that_changes_letters),
        TEST(test_ids_and_letters_are_random),
        TEST(test_records_that_do_not_count),
        TEST(test_malformed_answers),
        TEST(test_too_many_records),
        TEST(test_long_chains_of_pointers),
        TEST(test_random_answers),
    };
    return cmocka_run_group_tests_name("dns forgery", tests, NULL, NULL);
}
