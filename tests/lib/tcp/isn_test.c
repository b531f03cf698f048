/* Numbers that nobody can guess: cookies, first numbers, timestamps, ports; and TIME-WAIT's queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tcp/isn.h"
#include "lib/tcp/limit.h"
#include "lib/tcp/ports.h"
#include "lib/tcp/timewait.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"

static const struct tcp_secrets secrets = {{1, 2}, {3, 4}, {5, 6}};

static struct tcp_tuple tuple_of(uint32_t i)
{
    struct tcp_tuple t = {.local = address_v4(10, 0, 0, 1), .local_port = 80};
    t.remote = address_v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
    t.remote_port = 4000;
    return t;
}

static void test_first_numbers(void **state)
{
    struct tcp_tuple a = tuple_of(1), b = tuple_of(2);
    uint64_t now = 5000 * CLOCK_SEC;
    (void)state;
    seq_t first = tcp_isn(&secrets, &a, now);
    /* grows by one in about 4 us, for one pair */
    seq_t later = tcp_isn(&secrets, &a, now + CLOCK_SEC);
    assert_in_range(later - first, 240000, 255000);
    assert_true(tcp_isn(&secrets, &b, now) - first > 1000000);
    /* stamps of two pairs begin elsewhere, and are told apart from what we never said */
    uint32_t offset = tcp_stamp_offset(&secrets, &a);
    uint64_t at;
    assert_int_not_equal(offset, tcp_stamp_offset(&secrets, &b));
    assert_true(tcp_stamp_time(offset, tcp_stamp(offset, now), now + 5 * CLOCK_MS, &at));
    assert_int_equal(at, now);
    assert_false(tcp_stamp_time(offset, tcp_stamp(offset, now) + 1, now, &at));
    assert_false(tcp_stamp_time(offset, tcp_stamp(offset, now), 0, &at));
}

static void test_cookies(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 5);
    for (uint32_t i = 0; i < 5000; i++) {
        struct tcp_tuple t = tuple_of(i), other = tuple_of(i + 1);
        uint64_t now = 100 * CLOCK_SEC + (sim_random_next(&r) >> 20);
        seq_t theirs = (seq_t)sim_random_next(&r);
        uint16_t mss = (uint16_t)sim_random_range(&r, 216, 9000);
        struct tcp_cookie k = {.scale = (uint8_t)sim_random_range(&r, 0, 15),
                               .sack = sim_random_chance(&r, 50),
                               .ecn = sim_random_chance(&r, 50)};
        struct tcp_cookie back;
        seq_t cookie = tcp_cookie_make(&secrets, &t, theirs, mss, now);
        uint32_t stamp = tcp_cookie_stamp(&k, tcp_stamp_offset(&secrets, &t), now);
        uint32_t behind = tcp_stamp(tcp_stamp_offset(&secrets, &t), now) - stamp;
        assert_in_range(behind, 0, 63); /* never in the future */
        uint64_t later = now + sim_random_next(&r) % TCP_COOKIE_PERIOD;
        assert_true(tcp_cookie_check(&secrets, &t, theirs, cookie, true, stamp, later, &back));
        assert_true(back.mss <= mss && back.stamps);
        assert_true(back.mss >= 1460 || back.mss * 3 > mss * 1 || mss < 536);
        assert_true(back.scale == k.scale && back.sack == k.sack && back.ecn == k.ecn);
        assert_true(tcp_cookie_check(&secrets, &t, theirs, cookie, false, 0, later, &back));
        assert_true(back.scale == 0 && !back.sack && !back.ecn && !back.stamps);
        assert_false(tcp_cookie_check(&secrets, &other, theirs, cookie, false, 0, now, &back));
        assert_false(tcp_cookie_check(&secrets, &t, theirs + 1, cookie, false, 0, now, &back));
        assert_false(tcp_cookie_check(&secrets, &t, theirs, cookie + 1, false, 0, now, &back));
        assert_false(tcp_cookie_check(&secrets, &t, theirs, cookie, false, 0,
                                      now + 2 * TCP_COOKIE_PERIOD, &back));
    }
}

/* --- ports --- */

struct used {
    bool ports[65536];
    unsigned asked;
};

static bool is_unused(void *arg, const struct tcp_tuple *t)
{
    struct used *u = arg;
    u->asked++;
    return !u->ports[t->local_port];
}

static void test_ports(void **state)
{
    static struct used u;
    struct tcp_ports p = {.offset = {1, 2}, .counter = {3, 4}};
    struct tcp_tuple t = tuple_of(1), first = t, other = tuple_of(2);
    (void)state;
    assert_true(tcp_ports_draw(&p, &first, is_unused, &u));
    assert_true(tcp_ports_draw(&p, &other, is_unused, &u));
    assert_int_not_equal(first.local_port, other.local_port);
    u.ports[first.local_port] = true;
    for (uint32_t i = TCP_PORT_FIRST; i < TCP_PORT_LAST; i++) { /* each once, before any again */
        assert_true(tcp_ports_draw(&p, &t, is_unused, &u));
        assert_in_range(t.local_port, TCP_PORT_FIRST, TCP_PORT_LAST);
        assert_false(u.ports[t.local_port]);
        u.ports[t.local_port] = true;
    }
    u.asked = 0;
    assert_false(tcp_ports_draw(&p, &t, is_unused, &u));
    assert_int_equal(u.asked, TCP_PORTS_TRIED);
}

/* --- TIME-WAIT --- */

static void test_waits(void **state)
{
    struct tcp_table table;
    struct tcp_waits w;
    struct sim_random r;
    uint64_t blocks = memory_stats().blocks, now = 4294960 * CLOCK_SEC / 1000; /* ms wrap soon */
    (void)state;
    sim_random_seed(&r, 9);
    assert_int_equal(tcp_table_init(&table, (struct sipkey){1, 2}), OK);
    tcp_waits_init(&w, &table, 1000);
    assert_int_equal(tcp_waits_deadline(&w, now), UINT64_MAX);
    for (uint32_t i = 0; i < 20000; i++) {
        struct tcp_tuple t = tuple_of(i);
        struct tcp_wait *one = tcp_waits_add(&w, &t, now, 2 * CLOCK_SEC);
        assert_non_null(one);
        assert_ptr_equal(tcp_table_find(&table, &t), &one->entry);
        if (sim_random_chance(&r, 30))
            tcp_waits_remove(&w, one);
        else if (sim_random_chance(&r, 10))
            assert_non_null(tcp_waits_renew(&w, one, now, 2 * CLOCK_SEC));
        now += sim_random_range(&r, 0, 6 * CLOCK_MS);
        tcp_waits_expire(&w, now);
        assert_true(w.alive <= w.used && w.used <= 1000 && w.alive == table.count);
        assert_true(tcp_waits_deadline(&w, now) <= now + 2 * CLOCK_SEC + 2 * CLOCK_MS);
    }
    assert_true(w.alive > 300);
    now += 3 * CLOCK_SEC;
    tcp_waits_expire(&w, now);
    assert_int_equal(w.alive, 0);
    assert_int_equal(table.count, 0);
    for (uint64_t days = 20; days < 60; days += 5) { /* a machine may sleep for so long */
        struct tcp_tuple t = tuple_of((uint32_t)days);
        assert_non_null(tcp_waits_add(&w, &t, now, 2 * CLOCK_SEC));
        now += days * 24 * 3600 * CLOCK_SEC;
        assert_true(tcp_waits_deadline(&w, now) <= now);
        tcp_waits_expire(&w, now);
        assert_int_equal(w.alive, 0);
    }
    for (uint32_t i = 0; i < 5000; i++) { /* the limit: the oldest is let go */
        struct tcp_tuple t = tuple_of(i);
        assert_non_null(tcp_waits_add(&w, &t, now, CLOCK_SEC));
    }
    assert_int_equal(w.alive, 1000);
    assert_int_equal(w.shed, 4000);
    struct tcp_tuple oldest = tuple_of(3999), kept = tuple_of(4000);
    assert_null(tcp_table_find(&table, &oldest));
    assert_non_null(tcp_table_find(&table, &kept));
    tcp_waits_deinit(&w);
    tcp_table_deinit(&table);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void test_limit(void **state)
{
    struct tcp_limit l = {.until = 0};
    unsigned taken = 0;
    (void)state;
    assert_true(tcp_limit_over(&l, 0));
    tcp_limit_draw(&l, 100, UINT32_MAX, 0);
    while (tcp_limit_take(&l))
        taken++;
    assert_in_range(taken, 140, 150);
    assert_false(tcp_limit_over(&l, CLOCK_SEC - 1));
    assert_true(tcp_limit_over(&l, CLOCK_SEC));
    tcp_limit_draw(&l, 100, 0, CLOCK_SEC);
    assert_int_equal(l.left, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_numbers), cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_ports),         cmocka_unit_test(test_waits),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
