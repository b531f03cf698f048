/* Round trips, loss by time, path MTU search and buffer growth: tables of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/tcp/probe.h"
#include "lib/tcp/rack.h"
#include "lib/tcp/tune.h"
#include "signatures/memory.h"

#define MS CLOCK_MS

/* --- sequence numbers --- */

static void numbers_wrap_around(void **state)
{
    struct seq_range r = {0xfffffff0u, 0x10};
    (void)state;
    assert_true(seq_before(0xffffffffu, 0));
    assert_true(seq_after(5, 0xfffffff0u));
    assert_false(seq_before(7, 7));
    assert_true(seq_at_most(7, 7));
    assert_true(seq_at_least(7, 7));
    assert_int_equal(seq_max(0xffffffffu, 3), 3);
    assert_int_equal(seq_min(0xffffffffu, 3), 0xffffffffu);
    assert_int_equal(seq_distance(0xffffffffu, 3), 4);
    assert_int_equal(seq_length(r), 0x20);
    assert_true(seq_within(r, 0) && seq_within(r, 0xfffffff0u));
    assert_false(seq_within(r, 0x10) || seq_within(r, 0xffffffefu));
}

/* --- round trips --- */

static void a_timeout_follows_its_samples(void **state)
{
    struct rtt r;
    (void)state;
    rtt_init(&r);
    assert_true(rtt_timeout(&r) == CLOCK_SEC);
    rtt_sample(&r, 100 * MS, 100 * MS, CLOCK_SEC);
    assert_true(r.smoothed == 100 * MS);
    assert_true(r.variation == 50 * MS);
    assert_true(rtt_timeout(&r) == 300 * MS);
    for (uint64_t t = 2; t < 200; t++)
        rtt_sample(&r, 100 * MS, 90 * MS, t * CLOCK_SEC);
    assert_true(rtt_timeout(&r) == 300 * MS); /* the floor is on the variation */
    assert_true(rtt_minimum(&r) == 90 * MS);
    rtt_sample(&r, 500 * MS, 0, 200 * CLOCK_SEC); /* upwards at once */
    assert_true(rtt_timeout(&r) > 500 * MS);
    assert_true(rtt_minimum(&r) == 90 * MS);
}

static void a_timeout_backs_off(void **state)
{
    struct rtt r;
    (void)state;
    rtt_init(&r);
    rtt_sample(&r, 100 * MS, 100 * MS, CLOCK_SEC);
    rtt_back_off(&r);
    assert_true(rtt_timeout(&r) == 600 * MS);
    for (int i = 0; i < 300; i++)
        rtt_back_off(&r);
    assert_true(rtt_timeout(&r) == RTT_TIMEOUT_MAX);
    rtt_sample(&r, 100 * MS, 100 * MS, 2 * CLOCK_SEC);
    assert_true(rtt_timeout(&r) < 400 * MS);
}

static void the_lowest_grows_old(void **state)
{
    struct rtt r;
    uint64_t now = CLOCK_SEC;
    (void)state;
    rtt_init(&r);
    rtt_sample(&r, 10 * MS, 10 * MS, now);
    for (; now < 290 * CLOCK_SEC; now += CLOCK_SEC)
        rtt_sample(&r, 50 * MS, 50 * MS, now);
    assert_true(rtt_minimum(&r) == 10 * MS);
    for (; now < 320 * CLOCK_SEC; now += CLOCK_SEC)
        rtt_sample(&r, 50 * MS, 50 * MS, now);
    assert_true(rtt_minimum(&r) == 50 * MS);
    rtt_sample(&r, 0, 20 * MS, now);
    assert_true(rtt_minimum(&r) == 20 * MS);
}

/* --- loss by time --- */

struct place {
    struct sent sent;
    struct rtt rtt;
    struct rack rack;
};

static void open_place(struct place *p, uint32_t segments)
{
    sent_init(&p->sent, 0);
    rtt_init(&p->rtt);
    rack_init(&p->rack);
    rtt_sample(&p->rtt, 40 * MS, 40 * MS, 1);
    for (uint32_t i = 0; i < segments; i++)
        assert_int_equal(sent_append(&p->sent, 100, 100, (100 + i) * MS), OK);
}

static struct sent_news hear(struct place *p, uint64_t now, seq_t ack, seq_t a, seq_t b)
{
    struct sent_report r = {
        .ack = ack, .blocks = {{a, b}}, .count = a != b, .echo_end = UINT64_MAX};
    struct sent_news news;
    sent_acknowledge(&p->sent, &r, now, &news);
    rack_heard(&p->rack, &p->sent, &news, now);
    return news;
}

static uint32_t lost_by(struct place *p, bool recovering, uint32_t overtaken, uint64_t now)
{
    uint32_t lost = 0;
    rack_detect(&p->rack, &p->sent, &p->rtt, recovering, overtaken, now, &lost);
    return lost;
}

static void the_window_of_reordering(void **state)
{
    struct place p;
    (void)state;
    open_place(&p, 5);
    hear(&p, 141 * MS, 0, 100, 200); /* the second, after 40 ms */
    assert_int_equal(lost_by(&p, false, 1, 149 * MS), 0);
    assert_int_equal(lost_by(&p, false, 3, 141 * MS), 100); /* three overtook: no window */
    sent_deinit(&p.sent);
    open_place(&p, 5);
    hear(&p, 141 * MS, 0, 100, 200);
    assert_int_equal(lost_by(&p, false, 1, 150 * MS), 100); /* 40 ms / 4 */
    sent_deinit(&p.sent);
    open_place(&p, 5);
    hear(&p, 141 * MS, 0, 100, 200);
    assert_true(hear(&p, 156 * MS, 200, 0, 0).reordered); /* late by 16 ms: the next may be */
    assert_true(p.rack.lateness == 16 * MS);
    hear(&p, 157 * MS, 200, 300, 500);
    assert_int_equal(lost_by(&p, true, 3, 172 * MS), 0);
    assert_int_equal(lost_by(&p, true, 3, 173 * MS), 100);
    sent_deinit(&p.sent);
}

static void duplicates_widen_the_window(void **state)
{
    struct place p;
    (void)state;
    open_place(&p, 20);
    for (seq_t ack = 100; ack <= 1000; ack += 100) /* once a round: all in one */
        hear(&p, (150 + ack / 100) * MS, ack, ack - 100, ack);
    assert_int_equal(p.rack.quarters, 2);
    hear(&p, 200 * MS, 2000, 1900, 2000);
    assert_int_equal(p.rack.quarters, 3);
    for (uint32_t i = 0; i < RACK_PERSIST; i++) {
        assert_int_equal(p.rack.quarters, 3);
        rack_recovered(&p.rack);
    }
    assert_int_equal(p.rack.quarters, 1);
    sent_deinit(&p.sent);
}

static void when_to_probe(void **state)
{
    struct rtt r;
    (void)state;
    rtt_init(&r);
    struct rack k;
    rack_init(&k);
    assert_true(rack_probe_timeout(&k, &r, false) == RACK_PROBE_FIRST);
    rtt_sample(&r, 40 * MS, 40 * MS, 1);
    assert_true(rack_probe_timeout(&k, &r, false) == 82 * MS);
    assert_true(rack_probe_timeout(&k, &r, true) == 130 * MS);
    k.patient = true;
    assert_true(rack_probe_timeout(&k, &r, true) == 280 * MS);
}

/* --- path MTU --- */

static void a_path_narrower_than_its_link(void **state)
{
    struct probe p;
    (void)state;
    probe_init(&p, 1400, 1500, false, 0);
    assert_int_equal(p.size, 1400);
    assert_int_equal(probe_wanted(&p, PROBE_AGAIN - 1), 0);
    assert_int_equal(probe_wanted(&p, PROBE_AGAIN), 1500); /* the link's own first */
    uint64_t now = PROBE_AGAIN;
    for (uint32_t i = 0; i < PROBE_FAILURES; i++) {
        assert_int_equal(probe_wanted(&p, now), 1500);
        probe_sent(&p, 1500, (struct seq_range){0, 100});
        assert_int_equal(probe_wanted(&p, now), 0); /* one at a time */
        probe_lost(&p, now);
        assert_int_equal(probe_wanted(&p, now), 0);
        now += PROBE_PAUSE;
    }
    assert_int_equal(probe_wanted(&p, now), 1450);
    probe_sent(&p, 1450, (struct seq_range){200, 300});
    assert_false(probe_acknowledged(&p, 299, now));
    assert_true(probe_acknowledged(&p, 300, now));
    assert_int_equal(p.size, 1450);
    now += PROBE_PAUSE;
    assert_int_equal(probe_wanted(&p, now), 1475);
}

static void a_whole_search(void **state)
{
    (void)state;
    for (uint32_t truth = 1280; truth <= 9000; truth += 13) {
        struct probe p;
        uint64_t now = 0;
        int probes = 0;
        probe_init(&p, 1280, 9000, true, now);
        for (now = p.search_at; p.size + 2 * PROBE_STEP <= truth; now = p.search_at) {
            uint32_t size = probe_wanted(&p, now);
            assert_true(size > p.size && size <= 9000);
            probe_sent(&p, size, (struct seq_range){0, 1});
            if (size <= truth)
                assert_true(probe_acknowledged(&p, 1, now));
            else
                probe_lost(&p, now);
            assert_true(++probes < 50);
            assert_true(now < 2 * PROBE_AGAIN);
        }
        assert_true(p.size <= truth);
    }
}

static void what_icmp_says(void **state)
{
    struct probe p;
    (void)state;
    probe_init(&p, 1500, 1500, false, 0);
    assert_true(p.search_at == UINT64_MAX);
    assert_true(probe_complained(&p, 1300, 5));
    assert_int_equal(p.size, 1300);
    assert_false(probe_complained(&p, 1400, 6)); /* nothing new */
    assert_true(probe_complained(&p, 60, 7));    /* a lie, or a wonder: not below the floor */
    assert_int_equal(p.size, PROBE_FLOOR_V4);
    probe_sent(&p, 1500, (struct seq_range){0, 1000});
    assert_false(probe_complained(&p, 1200, 8)); /* about the probe */
    assert_int_equal(p.size, PROBE_FLOOR_V4);
    assert_in_range(probe_wanted(&p, 8 + PROBE_PAUSE), PROBE_FLOOR_V4 + 1, 1200);
}

static void black_holes(void **state)
{
    struct probe p;
    (void)state;
    probe_init(&p, 1500, 1500, false, 0);
    for (uint32_t i = 1; i < PROBE_TIMEOUTS; i++)
        assert_false(probe_timeout(&p, true, i));
    assert_false(probe_timeout(&p, false, 5)); /* a small one says nothing */
    assert_true(probe_timeout(&p, true, 6));
    assert_int_equal(p.size, PROBE_BLACK_HOLE);
    for (uint32_t i = 1; i < PROBE_TIMEOUTS; i++)
        assert_false(probe_timeout(&p, true, i));
    assert_true(probe_timeout(&p, true, 7));
    assert_int_equal(p.size, PROBE_FLOOR_V4);
    for (int i = 0; i < 20; i++)
        assert_false(probe_timeout(&p, true, 8)); /* there is no less */
    assert_true(p.search_at < UINT64_MAX);
    probe_init(&p, 1500, 1500, false, 0);
    probe_passed(&p);
    for (uint32_t i = 1; i < PROBE_TIMEOUTS_PASSED; i++)
        assert_false(probe_timeout(&p, true, i));
    probe_acknowledged(&p, 5, 9); /* something arrived */
    assert_false(probe_timeout(&p, true, 10));
}

/* --- buffers --- */

static void scales(void **state)
{
    static const struct {
        uint32_t max;
        uint8_t scale;
    } table[] = {{0, 0}, {65535, 0}, {65536, 1}, {131071, 1}, {8u << 20, 8}, {UINT32_MAX, 14}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(tune_scale(table[i].max), table[i].scale);
}

static void a_window_grows_with_its_path(void **state)
{
    struct tune t;
    uint64_t now = CLOCK_SEC;
    seq_t next = 0;
    (void)state;
    tune_init(&t, TUNE_RECEIVE_MAX, next, now);
    assert_int_equal(tune_window(&t, 0, false), TUNE_RECEIVE_FIRST);
    uint32_t flight = 14000;
    for (int i = 0; i < 9; i++) { /* a slow start: it is never held up */
        assert_true(tune_window(&t, 0, false) >= flight);
        now += 50 * MS;
        next += flight;
        tune_arrived(&t, next, 50 * MS, now);
        tune_taken(&t, flight, 1400, false, now);
        flight *= 2;
    }
    uint32_t window = t.window;
    assert_true(window > 4000000);
    tune_taken(&t, 1000, 1400, false, now += 50 * MS); /* less: it stays */
    assert_int_equal(t.window, window);
    assert_int_equal(tune_window(&t, window - 10, false), 10);
    assert_int_equal(tune_window(&t, window + 10, false), 0);
    assert_int_equal(tune_window(&t, window - 10, true), 5);
}

static void a_scarce_window_does_not_grow(void **state)
{
    struct tune t;
    (void)state;
    tune_init(&t, TUNE_RECEIVE_MAX, 0, 0);
    tune_arrived(&t, 10, 50 * MS, 1);
    tune_taken(&t, 1000000, 1400, true, CLOCK_SEC);
    assert_int_equal(t.window, TUNE_RECEIVE_FIRST);
    tune_init(&t, 20000, 0, 0); /* without scaling */
    tune_arrived(&t, 10, 50 * MS, 1);
    tune_taken(&t, 1000000, 1400, false, CLOCK_SEC);
    assert_int_equal(t.window, 20000);
}

static void a_round_trip_without_timestamps(void **state)
{
    struct tune t;
    (void)state;
    tune_init(&t, TUNE_RECEIVE_MAX, 0, CLOCK_SEC);
    tune_arrived(&t, TUNE_RECEIVE_FIRST - 1, 0, 2 * CLOCK_SEC);
    assert_int_equal(t.rtt, 0);
    tune_arrived(&t, TUNE_RECEIVE_FIRST, 0, 3 * CLOCK_SEC);
    assert_true(t.rtt == 2 * CLOCK_SEC);
}

static void what_may_be_queued(void **state)
{
    (void)state;
    assert_int_equal(tune_send_limit(14600, 1460, false), TUNE_SEND_FIRST);
    assert_int_equal(tune_send_limit(1000000, 1000, false), 2004000);
    assert_int_equal(tune_send_limit(1000000, 1000, true), TUNE_SEND_FIRST);
    assert_int_equal(tune_send_limit(1u << 30, 65000, false), TUNE_SEND_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_wrap_around),
        cmocka_unit_test(a_timeout_follows_its_samples),
        cmocka_unit_test(a_timeout_backs_off),
        cmocka_unit_test(the_lowest_grows_old),
        cmocka_unit_test(the_window_of_reordering),
        cmocka_unit_test(duplicates_widen_the_window),
        cmocka_unit_test(when_to_probe),
        cmocka_unit_test(a_path_narrower_than_its_link),
        cmocka_unit_test(a_whole_search),
        cmocka_unit_test(what_icmp_says),
        cmocka_unit_test(black_holes),
        cmocka_unit_test(scales),
        cmocka_unit_test(a_window_grows_with_its_path),
        cmocka_unit_test(a_scarce_window_does_not_grow),
        cmocka_unit_test(a_round_trip_without_timestamps),
        cmocka_unit_test(what_may_be_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
