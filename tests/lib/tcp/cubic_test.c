/* The congestion window: CUBIC's curve, proportional rate reduction, HyStart++. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/tcp/cubic.h"
#include "lib/tcp/hystart.h"
#include "lib/tcp/prr.h"
#include "signatures/clock.h"

#define MSS 1000u
#define RTT (50 * CLOCK_MS)

/* A whole window is acknowledged, two segments at a time, within one round trip. */
static uint64_t round_trip(struct cubic *c, uint64_t now, uint64_t rtt)
{
    uint32_t window = cubic_window(c), steps = window / (2 * MSS) + 1;
    for (uint32_t i = 0; i < steps; i++)
        cubic_acked(c, window / steps, true, 1, rtt, now += rtt / steps);
    return now;
}

static void it_starts_as_rfc_6928_says(void **state)
{
    static const struct {
        uint32_t mss, window;
    } table[] = {{1460, 14600}, {1000, 10000}, {536, 5360}, {4000, 14600}, {8960, 17920}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cubic c;
        cubic_init(&c, table[i].mss);
        assert_int_equal(cubic_window(&c), table[i].window);
        assert_true(cubic_slow_start(&c));
    }
}

static void slow_start_doubles(void **state)
{
    struct cubic c;
    (void)state;
    cubic_init(&c, MSS);
    cubic_acked(&c, 10 * MSS, true, 1, RTT, 1);
    assert_int_equal(cubic_window(&c), 20 * MSS);
    cubic_acked(&c, 20 * MSS, false, 1, RTT, 1); /* the application has no more: no growth */
    assert_int_equal(cubic_window(&c), 20 * MSS);
    cubic_acked(&c, 20 * MSS, true, 4, RTT, 1); /* HyStart++'s conservative phase */
    assert_int_equal(cubic_window(&c), 25 * MSS);
    c.s.threshold = 26 * MSS;
    cubic_acked(&c, 10 * MSS, true, 1, RTT, CLOCK_SEC);
    assert_in_range(cubic_window(&c), 26 * MSS, 27 * MSS);
}

/* After a loss at 1,000 segments: K = cbrt(1000 * 0.3 / 0.4) = 9.09 s to be back there. */
static void it_follows_the_curve(void **state)
{
    struct cubic c;
    uint64_t now = 100 * CLOCK_SEC, start = now;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 1000 * MSS);
    cubic_reduce(&c);
    cubic_settle(&c);
    assert_int_equal(cubic_window(&c), 700 * MSS);
    while (now < start + 4540 * CLOCK_MS)
        now = round_trip(&c, now, RTT);
    /* W(K / 2) = 1000 - 0.4 * 4.54^3 = 962 */
    assert_in_range(cubic_window(&c), 958 * MSS, 968 * MSS);
    assert_in_range(c.s.rise, 9 * 1024, 9 * 1024 + 200);
    while (now < start + 9090 * CLOCK_MS)
        now = round_trip(&c, now, RTT);
    assert_in_range(cubic_window(&c), 995 * MSS, 1005 * MSS);
    while (now < start + 19090 * CLOCK_MS)
        now = round_trip(&c, now, RTT);
    assert_in_range(cubic_window(&c), 1380 * MSS, 1415 * MSS); /* 1000 + 0.4 * 10^3 = 1400 */
}

/* On short paths CUBIC's curve is slower than Reno: then Reno's pace counts (RFC 9438, 4.3). */
static void it_is_no_slower_than_reno(void **state)
{
    struct cubic c;
    uint64_t now = 100 * CLOCK_SEC;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 20 * MSS);
    cubic_reduce(&c);
    cubic_settle(&c);
    for (int i = 0; i < 12; i++) /* 9/17 of a segment each: 14 + 6 */
        now = round_trip(&c, now, 2 * CLOCK_MS);
    assert_in_range(cubic_window(&c), 19 * MSS, 22 * MSS);
    uint32_t before = cubic_window(&c);
    for (int i = 0; i < 10; i++) /* beyond where it was: a whole one each */
        now = round_trip(&c, now, 2 * CLOCK_MS);
    assert_in_range(cubic_window(&c), before + 8 * MSS, before + 12 * MSS);
}

static void reductions(void **state)
{
    struct cubic c;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 100 * MSS);
    cubic_reduce(&c);
    assert_int_equal(c.s.threshold, 70 * MSS);
    assert_int_equal(c.s.peak, 100 * MSS);
    cubic_settle(&c);
    cubic_set_window(&c, 80 * MSS);
    cubic_reduce(&c); /* below the last peak: fast convergence */
    assert_int_equal(c.s.peak, 68 * MSS);
    assert_int_equal(c.s.threshold, 56 * MSS);
    cubic_settle(&c);
    cubic_undo(&c);
    assert_int_equal(cubic_window(&c), 80 * MSS);
    assert_int_equal(c.s.threshold, 70 * MSS);
    assert_int_equal(c.s.peak, 100 * MSS);
    cubic_undo(&c); /* only once */
    assert_int_equal(cubic_window(&c), 80 * MSS);
    cubic_set_window(&c, MSS);
    cubic_reduce(&c);
    assert_int_equal(c.s.threshold, 2 * MSS);
}

static void timeouts(void **state)
{
    struct cubic c;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 100 * MSS);
    cubic_timeout(&c, true);
    assert_int_equal(cubic_window(&c), MSS);
    assert_int_equal(c.s.threshold, 70 * MSS);
    cubic_timeout(&c, false);
    assert_int_equal(c.s.threshold, 70 * MSS);
    cubic_undo(&c);
    assert_int_equal(cubic_window(&c), 100 * MSS);
}

static void idle_times(void **state)
{
    struct cubic c;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 100 * MSS);
    cubic_restart(&c, 3 * CLOCK_SEC, CLOCK_SEC + 1); /* two whole timeouts */
    assert_int_equal(cubic_window(&c), 25 * MSS);
    cubic_restart(&c, 3600 * CLOCK_SEC, CLOCK_SEC);
    assert_int_equal(cubic_window(&c), 10 * MSS);
    cubic_set_window(&c, 4 * MSS);
    cubic_restart(&c, 3600 * CLOCK_SEC, CLOCK_SEC);
    assert_int_equal(cubic_window(&c), 4 * MSS);
}

/* A pause of the application's does not count as time on the curve (RFC 9438, 5.8). */
static void pauses_do_not_count(void **state)
{
    struct cubic c;
    uint64_t now = 100 * CLOCK_SEC;
    (void)state;
    cubic_init(&c, MSS);
    cubic_set_window(&c, 1000 * MSS);
    cubic_reduce(&c);
    cubic_settle(&c);
    now = round_trip(&c, now, RTT);
    uint32_t before = cubic_window(&c);
    cubic_acked(&c, MSS, false, 1, RTT, now);
    now = round_trip(&c, now + 60 * CLOCK_SEC, RTT);
    assert_in_range(cubic_window(&c), before, before + 20 * MSS);
}

static void extremes_do_not_overflow(void **state)
{
    static const uint32_t sizes[] = {1, 64, 536, 1460, 65483};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct cubic c;
        uint64_t now = CLOCK_SEC;
        cubic_init(&c, sizes[i]);
        cubic_set_window(&c, CUBIC_WINDOW_MAX);
        assert_int_equal(cubic_window(&c), CUBIC_WINDOW_MAX);
        cubic_reduce(&c);
        cubic_settle(&c);
        for (int k = 0; k < 1000; k++) {
            cubic_acked(&c, 1u << 29, true, 1, 3600 * CLOCK_SEC, now);
            now += 1000 * CLOCK_SEC;
            assert_in_range(cubic_window(&c), sizes[i], CUBIC_WINDOW_MAX);
        }
        assert_int_equal(cubic_window(&c), CUBIC_WINDOW_MAX);
        cubic_timeout(&c, true);
        cubic_acked(&c, UINT32_MAX, true, 4, 0, now);
        assert_in_range(cubic_window(&c), sizes[i], CUBIC_WINDOW_MAX);
    }
}

/* RFC 6937: over one window of acknowledgements the window comes down to the threshold. */
static void a_reduction_is_proportional(void **state)
{
    struct prr p;
    uint32_t flight = 99 * MSS, threshold = 70 * MSS, sent = 0;
    (void)state;
    prr_begin(&p, 100 * MSS);
    for (int i = 0; i < 99; i++) {
        flight -= MSS;
        uint32_t window = prr_window(&p, MSS, flight, threshold, MSS, false, i == 0);
        while (window >= flight + MSS) {
            prr_sent(&p, MSS);
            flight += MSS;
            sent++;
        }
    }
    assert_in_range(sent, 69, 71);
    assert_in_range(flight, 69 * MSS, 71 * MSS);
}

static void a_reduction_is_limited_by_what_arrives(void **state)
{
    struct prr p;
    (void)state;
    prr_begin(&p, 100 * MSS);
    /* Much was lost: far below the threshold as many go out as arrived, one more on good news. */
    assert_int_equal(prr_window(&p, MSS, 20 * MSS, 70 * MSS, MSS, false, true), 21 * MSS);
    prr_sent(&p, MSS);
    assert_int_equal(prr_window(&p, MSS, 20 * MSS, 70 * MSS, MSS, false, false), 21 * MSS);
    prr_sent(&p, MSS);
    assert_int_equal(prr_window(&p, MSS, 20 * MSS, 70 * MSS, MSS, true, false), 22 * MSS);
    assert_int_equal(prr_window(&p, 80 * MSS, 20 * MSS, 70 * MSS, MSS, true, false), 70 * MSS);
    prr_begin(&p, 0); /* nothing was in flight: nothing is divided by it */
    assert_int_equal(prr_window(&p, 0, 0, 2 * MSS, MSS, false, true), MSS);
}

/* A round with n samples of a round trip; true: slow start ended. */
static bool hystart_round(struct hystart *h, seq_t *ack, uint64_t rtt, int n)
{
    seq_t next = h->round_end + 1000;
    for (int i = 0; i < n - 1; i++)
        if (hystart_acked(h, *ack, next, rtt))
            return true;
    *ack = h->round_end;
    return hystart_acked(h, *ack, next, rtt);
}

static void slow_start_ends_when_paths_grow_longer(void **state)
{
    struct hystart h;
    seq_t ack = 0;
    int rounds = 0;
    (void)state;
    hystart_init(&h, 10);
    for (int i = 0; i < 5; i++)
        assert_false(hystart_round(&h, &ack, 50 * CLOCK_MS + (uint64_t)i * CLOCK_MS, 10));
    assert_int_equal(h.phase, HYSTART_SLOW_START);
    assert_int_equal(hystart_divisor(&h), 1);
    while (!hystart_round(&h, &ack, 62 * CLOCK_MS, 10)) {
        assert_int_equal(h.phase, HYSTART_CONSERVATIVE);
        assert_int_equal(hystart_divisor(&h), HYSTART_GROWTH_DIVISOR);
        assert_true(++rounds < 10);
    }
    assert_int_equal(rounds, HYSTART_ROUNDS - 1);
    assert_int_equal(h.phase, HYSTART_DONE);
    assert_false(hystart_round(&h, &ack, CLOCK_SEC, 10));
}

static void one_longer_round_is_an_accident(void **state)
{
    struct hystart h;
    seq_t ack = 0;
    (void)state;
    hystart_init(&h, 10);
    hystart_round(&h, &ack, 50 * CLOCK_MS, 10);
    hystart_round(&h, &ack, 80 * CLOCK_MS, 5); /* too few to judge by */
    assert_int_equal(h.phase, HYSTART_SLOW_START);
    hystart_round(&h, &ack, 50 * CLOCK_MS, 10);
    hystart_round(&h, &ack, 80 * CLOCK_MS, 10);
    assert_int_equal(h.phase, HYSTART_CONSERVATIVE);
    hystart_round(&h, &ack, 51 * CLOCK_MS, 10);
    assert_int_equal(h.phase, HYSTART_SLOW_START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_as_rfc_6928_says),
        cmocka_unit_test(slow_start_doubles),
        cmocka_unit_test(it_follows_the_curve),
        cmocka_unit_test(it_is_no_slower_than_reno),
        cmocka_unit_test(reductions),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(idle_times),
        cmocka_unit_test(pauses_do_not_count),
        cmocka_unit_test(extremes_do_not_overflow),
        cmocka_unit_test(a_reduction_is_proportional),
        cmocka_unit_test(a_reduction_is_limited_by_what_arrives),
        cmocka_unit_test(slow_start_ends_when_paths_grow_longer),
        cmocka_unit_test(one_longer_round_is_an_accident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
