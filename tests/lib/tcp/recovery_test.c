/* The sender's control loop, event by event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/tcp/recovery.h"
#include "signatures/memory.h"

#define MSS   1000u
#define START (100 * CLOCK_SEC)
#define RTT   (100 * CLOCK_MS)

static uint64_t blocks;
static struct recovery r;
static struct recovery_counters counters;
static uint64_t now;
static seq_t first;

static void begin(bool sack)
{
    struct recovery_options o = {.mss = MSS, .sack = sack, .ecn = true};
    memset(&counters, 0, sizeof counters);
    now = START;
    first = 0xffffd000u;
    recovery_init(&r, &o, first, &counters);
    recovery_established(&r, RTT, false, now);
}

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    begin(true);
    return 0;
}

static int setup_without_sack(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    begin(false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    recovery_deinit(&r);
    return memory_stats().blocks == blocks ? 0 : -1;
}

/* n segments of new data go out, one by one, a microsecond apart. */
static void send(uint32_t n)
{
    for (; n > 0; n--) {
        assert_true(recovery_ready(&r));
        recovery_sent(&r, MSS, MSS, now);
        now += CLOCK_US;
    }
}

/* All that may be sent again now goes out; how many segments. */
static uint32_t repair(void)
{
    struct seq_range range;
    uint32_t n = 0, room;
    while ((room = recovery_room(&r, now)) > 0 && recovery_next(&r, room, &range)) {
        recovery_resent(&r, range, now);
        n += seq_length(range) / MSS;
    }
    return n;
}

struct heard {
    uint32_t ack;          /* segments, from the first */
    uint32_t blocks[2][2]; /* the same */
    uint64_t echo;         /* sending time that is echoed; 0: no timestamps */
    bool duplicate, congestion, fresh;
};

static struct sent_news hear(struct heard h)
{
    struct recovery_input in = {.duplicate = h.duplicate,
                                .congestion = h.congestion,
                                .fresh = h.fresh,
                                .report = {.ack = first + h.ack * MSS, .echo_end = UINT64_MAX}};
    struct sent_news news;
    for (int i = 0; i < 2 && h.blocks[i][1]; i++)
        in.report.blocks[in.report.count++] =
            (struct seq_range){first + h.blocks[i][0] * MSS, first + h.blocks[i][1] * MSS};
    if (h.echo) {
        in.report.echo_end = h.echo + CLOCK_MS;
        in.echo_rtt = now - h.echo;
    }
    recovery_acknowledged(&r, &in, now, &news);
    return news;
}

static void a_quiet_path(void **state)
{
    (void)state;
    assert_true(recovery_deadline(&r) == UINT64_MAX);
    assert_int_equal(recovery_room(&r, now), 10 * MSS);
    send(10);
    assert_int_equal(recovery_room(&r, now), 0);
    now = START + RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(recovery_room(&r, now), 20 * MSS);
    assert_true(recovery_deadline(&r) == UINT64_MAX);
    assert_int_equal(r.phase, RECOVERY_OPEN);
    now += 3600 * CLOCK_SEC; /* RFC 5681, 4.1: the window is that of the beginning */
    assert_int_equal(recovery_room(&r, now), 10 * MSS);
}

static void a_lost_segment(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 3}}}); /* two overtook it: perhaps it is only late */
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_true(recovery_deadline(&r) > now);
    hear((struct heard){.blocks = {{1, 4}}});
    assert_int_equal(r.phase, RECOVERY_LOST);
    assert_int_equal(counters.recoveries, 1);
    assert_int_equal(r.cubic.s.threshold, 7 * MSS);
    assert_int_equal(repair(), 1);
    for (uint32_t i = 5; i <= 10; i++)
        hear((struct heard){.blocks = {{1, i}}});
    assert_int_equal(repair(), 0);
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(cubic_window(&r.cubic), 7 * MSS);
    assert_int_equal(counters.timeouts, 0);
}

static void two_overtake_and_time_tells(void **state)
{
    (void)state;
    send(3);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 3}}});
    now = recovery_deadline(&r);
    assert_in_range(now - START, RTT, RTT + RTT / 2); /* a quarter of the round trip */
    assert_int_equal(recovery_expired(&r, now), RECOVERY_OUTPUT);
    assert_int_equal(r.phase, RECOVERY_LOST);
    assert_int_equal(repair(), 1);
}

static void a_lost_retransmission(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 10}}});
    assert_int_equal(repair(), 1);
    now += CLOCK_MS;
    send(2);
    now += RTT;
    hear((struct heard){.blocks = {{1, 12}}}); /* what went out behind it is there */
    assert_int_equal(repair(), 1);
    assert_int_equal(counters.recoveries, 1);
    assert_int_equal(r.resent, 2);
    now += RTT;
    hear((struct heard){.ack = 12});
    assert_int_equal(r.phase, RECOVERY_OPEN);
}

/* RFC 8985, 7: the end of the data is lost. */
static void a_lost_tail(void **state)
{
    struct seq_range range;
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.ack = 8});
    uint64_t at = recovery_deadline(&r);
    assert_in_range(at - now, 2 * RTT, 2 * RTT + 10 * CLOCK_MS);
    now = at;
    assert_int_equal(recovery_expired(&r, now), RECOVERY_PROBE);
    assert_true(recovery_probe(&r, &range));
    assert_int_equal(range.start, first + 9 * MSS);
    recovery_resent(&r, range, now);
    recovery_probed(&r, true, now);
    assert_true(recovery_deadline(&r) > now + 2 * RTT); /* no second probe: the timeout is next */
    now += RTT;
    hear((struct heard){.ack = 8, .blocks = {{9, 10}}});
    if (r.phase == RECOVERY_OPEN) {
        now = recovery_deadline(&r);
        assert_int_equal(recovery_expired(&r, now), RECOVERY_OUTPUT);
    }
    assert_int_equal(repair(), 1);
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(counters.timeouts, 0);
    assert_int_equal(r.phase, RECOVERY_OPEN);
}

/* The probe itself repaired the loss: the window must be reduced all the same (7.4.2). */
static void a_probe_that_repairs(void **state)
{
    struct seq_range range;
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.ack = 9});
    uint32_t before = cubic_window(&r.cubic);
    now = recovery_deadline(&r);
    /* One segment, whose answer may be delayed. */
    assert_in_range(now - START, 3 * RTT + RACK_PROBE_DELAY - CLOCK_MS, 3 * RTT + RACK_PROBE_DELAY);
    assert_int_equal(recovery_expired(&r, now), RECOVERY_PROBE);
    recovery_probe(&r, &range);
    recovery_resent(&r, range, now);
    recovery_probed(&r, true, now);
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_true(cubic_window(&r.cubic) >= before);
    send(1);
    now += RTT;
    hear((struct heard){.ack = 11}); /* one answer for two sendings */
    assert_int_equal(counters.probe_repairs, 1);
    assert_true(cubic_window(&r.cubic) < before);
}

static void a_probe_that_was_needless(void **state)
{
    struct seq_range range;
    (void)state;
    send(1);
    now = recovery_deadline(&r);
    assert_int_equal(recovery_expired(&r, now), RECOVERY_PROBE);
    recovery_probe(&r, &range);
    recovery_resent(&r, range, now);
    recovery_probed(&r, true, now);
    hear((struct heard){.ack = 1});
    hear((struct heard){.ack = 1, .blocks = {{0, 1}}, .duplicate = true}); /* D-SACK */
    send(1);
    now += RTT;
    hear((struct heard){.ack = 2});
    assert_int_equal(counters.probe_repairs, 0);
    assert_true(cubic_window(&r.cubic) >= 10 * MSS);
}

static void time_out(void)
{
    for (int i = 0; i < 3; i++) {
        now = recovery_deadline(&r);
        if (recovery_expired(&r, now) == RECOVERY_TIMEOUT)
            return;
    }
    fail();
}

static void nobody_answers(void **state)
{
    (void)state;
    uint64_t last = 0;
    send(10);
    for (uint8_t i = 1; i <= 12; i++) {
        uint64_t before = now;
        time_out();
        assert_int_equal(r.timeouts, i);
        assert_int_equal(repair(), 1);
        assert_int_equal(r.cubic.s.threshold, 7 * MSS); /* once, however many timeouts */
        if (i > 2)
            assert_in_range(now - before, last < 60 * CLOCK_SEC ? 2 * last - CLOCK_MS : last,
                            RTT_TIMEOUT_MAX);
        last = now - before;
    }
    assert_int_equal(last, RTT_TIMEOUT_MAX);
    hear((struct heard){.ack = 1});
    assert_int_equal(r.timeouts, 0);
    assert_int_equal(repair(), 2); /* slow start */
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(r.phase, RECOVERY_OPEN);
}

/* A receiver that had it already, whose answer was lost, echoes the first sending. */
static void an_echo_after_a_timeout_measures_nothing(void **state)
{
    (void)state;
    send(1);
    uint64_t smoothed = r.rtt.smoothed;
    for (; r.timeouts < 4; repair())
        time_out();
    now += RTT;
    hear((struct heard){.ack = 1, .echo = START});
    assert_int_equal(r.rtt.smoothed, smoothed);
    send(1);
    now += 2 * RTT;
    hear((struct heard){.ack = 2, .echo = now - 2 * RTT});
    assert_in_range(r.rtt.smoothed, smoothed + 1, 2 * RTT);
}

/* RFC 6937: seven tenths of what arrives, from the first on; not nothing at first, and then all. */
static void a_reduction_is_spread_over_a_round_trip(void **state)
{
    uint32_t out = 0;
    (void)state;
    cubic_set_window(&r.cubic, 100 * MSS);
    send(100);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 4}}});
    assert_int_equal(repair(), 1);
    for (uint32_t heard = 5; heard <= 60; heard++) {
        hear((struct heard){.blocks = {{1, heard}}});
        for (; recovery_room(&r, now) >= MSS; out++)
            send(1);
        assert_in_range(out, (heard - 4) * 7 / 10 - (heard > 6), (heard - 4) * 7 / 10 + 2);
    }
    assert_int_equal(r.phase, RECOVERY_LOST);
}

/* RFC 5682: all was only late. */
static void a_needless_timeout_by_answers(void **state)
{
    (void)state;
    send(10);
    time_out();
    assert_int_equal(repair(), 1);
    now += CLOCK_MS;
    hear((struct heard){.ack = 2, .fresh = true}); /* the second was not sent again: it was there */
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(counters.undone_original, 1);
    assert_true(cubic_window(&r.cubic) >= 10 * MSS);
    assert_int_equal(repair(), 0);
}

static void a_needless_timeout_by_new_data(void **state)
{
    struct seq_range range;
    (void)state;
    send(10);
    time_out();
    assert_int_equal(repair(), 1);
    now += CLOCK_MS;
    hear((struct heard){.ack = 1, .fresh = true}); /* either sending may have brought this */
    assert_int_equal(r.phase, RECOVERY_TIMED);
    assert_false(recovery_next(&r, 10 * MSS, &range)); /* new data first */
    assert_int_equal(recovery_room(&r, now), 2 * MSS);
    send(2);
    now += CLOCK_MS;
    hear((struct heard){.ack = 2, .fresh = true});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(counters.undone_original, 1);
}

static void a_true_timeout(void **state)
{
    (void)state;
    send(10);
    time_out();
    assert_int_equal(repair(), 1);
    now += RTT;
    hear((struct heard){.ack = 1, .fresh = true});
    send(2);
    now += RTT;
    hear(
        (struct heard){.ack = 1, .blocks = {{10, 12}}, .fresh = true}); /* only the new data came */
    assert_int_equal(r.phase, RECOVERY_TIMED);
    assert_int_equal(counters.undone_original, 0);
    assert_true(repair() >= 2);
}

/* RFC 3522: the echo is older than the retransmission. */
static void a_needless_recovery_by_echo(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 10}}, .echo = START});
    assert_int_equal(repair(), 1);
    now += 5 * CLOCK_MS;
    hear((struct heard){.ack = 10, .echo = START});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(counters.undone_echo, 1);
    assert_true(cubic_window(&r.cubic) >= 10 * MSS);
    assert_true(r.rack.reordering); /* and it has learnt how late segments may be */
    send(10);
    now += RTT;
    hear((struct heard){.ack = 10, .blocks = {{11, 20}}, .echo = now - RTT});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(repair(), 0);
}

static void a_true_recovery_by_echo(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 10}}, .echo = START});
    assert_int_equal(repair(), 1);
    uint64_t again = now;
    now += RTT;
    hear((struct heard){.ack = 10, .echo = again});
    assert_int_equal(counters.undone_echo, 0);
    assert_int_equal(cubic_window(&r.cubic), 7 * MSS);
}

/* RFC 3708: without timestamps, both copies arriving tells. */
static void a_needless_recovery_by_duplicates(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{2, 10}}});
    assert_int_equal(repair(), 2);
    now += 5 * CLOCK_MS;
    hear((struct heard){.ack = 10});
    assert_int_equal(cubic_window(&r.cubic), 7 * MSS);
    now += RTT;
    hear((struct heard){.ack = 10, .blocks = {{0, 1}}});
    assert_int_equal(counters.undone_duplicates, 0); /* one of two */
    hear((struct heard){.ack = 10, .blocks = {{1, 2}}});
    assert_int_equal(counters.undone_duplicates, 1);
    assert_int_equal(cubic_window(&r.cubic), 10 * MSS);
    assert_int_equal(counters.duplicates, 2);
}

/* RFC 6582, with nothing but cumulative acknowledgements. */
static void without_sack(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.duplicate = true});
    hear((struct heard){.duplicate = true});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    hear((struct heard){.duplicate = true});
    assert_int_equal(r.phase, RECOVERY_LOST);
    assert_int_equal(repair(), 1);
    for (int i = 0; i < 4; i++)
        hear((struct heard){.duplicate = true});
    assert_int_equal(repair(), 0);
    now += RTT;
    hear((struct heard){.ack = 5}); /* a part: another one is lost */
    assert_int_equal(r.phase, RECOVERY_LOST);
    assert_int_equal(repair(), 1);
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(cubic_window(&r.cubic), 7 * MSS);
    /* What is left of the duplicates does not begin another one (RFC 6582, 3.2, step 2). */
    send(5);
    for (int i = 0; i < 5; i++)
        hear((struct heard){.ack = 10, .duplicate = true});
    assert_int_equal(counters.recoveries, 1);
}

static void marks_of_congestion(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.ack = 2, .congestion = true});
    assert_int_equal(r.phase, RECOVERY_REDUCED);
    assert_int_equal(counters.marks, 1);
    assert_true(recovery_says_reduced(&r));
    assert_false(recovery_says_reduced(&r));
    for (uint32_t i = 3; i <= 9; i++)
        hear((struct heard){.ack = i, .congestion = true}); /* once a round trip */
    assert_int_equal(counters.marks, 1);
    hear((struct heard){.ack = 10});
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(cubic_window(&r.cubic), r.cubic.s.threshold);
    assert_true(cubic_window(&r.cubic) <= 9 * MSS);
}

static void losses_after_a_mark_do_not_reduce_twice(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.ack = 1, .congestion = true});
    uint32_t threshold = r.cubic.s.threshold;
    hear((struct heard){.ack = 1, .blocks = {{2, 8}}});
    assert_int_equal(r.phase, RECOVERY_LOST);
    assert_int_equal(r.cubic.s.threshold, threshold);
}

/* RFC 4821, 7.5. */
static void a_lost_path_probe(void **state)
{
    (void)state;
    send(2);
    recovery_sent(&r, 1400, 1400, now);
    recovery_path_probe(&r, (struct seq_range){first + 2 * MSS, first + 2 * MSS + 1400});
    for (int i = 0; i < 5; i++)
        recovery_sent(&r, 1400, 1400, now += CLOCK_US);
    now += RTT;
    struct recovery_input in = {
        .report = {.ack = first + 2 * MSS, .count = 1, .echo_end = UINT64_MAX}};
    struct sent_news news;
    in.report.blocks[0] = (struct seq_range){first + 2 * MSS + 1400, r.sent.next};
    recovery_acknowledged(&r, &in, now, &news);
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(counters.recoveries, 0);
    assert_true(recovery_path_probe_lost(&r));
    assert_false(recovery_path_probe_lost(&r));
    struct seq_range range;
    assert_true(recovery_next(&r, MSS, &range));
    assert_int_equal(seq_length(range), 1400);
    assert_true(cubic_window(&r.cubic) >= 10 * MSS);
}

static void a_path_that_takes_less(void **state)
{
    struct seq_range range;
    (void)state;
    send(4);
    recovery_set_mss(&r, 500);
    recovery_too_big(&r);
    assert_int_equal(r.phase, RECOVERY_OPEN);
    assert_int_equal(r.sent.in_flight, 0);
    assert_true(recovery_next(&r, 500, &range));
    assert_int_equal(seq_length(range), MSS); /* the owner cuts it */
    assert_int_equal(cubic_window(&r.cubic), 10 * MSS);
}

/* RFC 2018, 8. */
static void a_receiver_that_takes_back(void **state)
{
    (void)state;
    send(10);
    now = START + RTT;
    hear((struct heard){.blocks = {{1, 10}}});
    repair();
    now += RTT;
    hear((struct heard){.ack = 1}); /* and nothing of the nine that it had */
    assert_int_equal(counters.reneged, 1);
    time_out();
    assert_int_equal(r.sent.waiting, 9 * MSS);
    assert_true(repair() > 0);
    now += RTT;
    hear((struct heard){.ack = 10});
    assert_int_equal(sent_outstanding(&r.sent), 0);
}

static void an_application_that_is_slower_than_its_window(void **state)
{
    (void)state;
    r.cubic.s.threshold = 5 * MSS; /* congestion avoidance */
    for (uint32_t i = 0; i < 50; i++) {
        send(2);
        now += RTT;
        hear((struct heard){.ack = 2 * i + 2});
    }
    assert_int_equal(cubic_window(&r.cubic), 10 * MSS);
}

/* In slow start the window may be twice what was in flight, so that what comes in bursts is not
 * held up. */
static void an_application_that_uses_most_of_it(void **state)
{
    (void)state;
    send(9);
    now = START + RTT;
    for (uint32_t i = 1; i <= 9; i++)
        hear((struct heard){.ack = i});
    assert_int_equal(cubic_window(&r.cubic), 18 * MSS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_quiet_path),
        CASE(a_lost_segment),
        CASE(two_overtake_and_time_tells),
        CASE(a_lost_retransmission),
        CASE(a_lost_tail),
        CASE(a_probe_that_repairs),
        CASE(a_probe_that_was_needless),
        CASE(nobody_answers),
        CASE(an_echo_after_a_timeout_measures_nothing),
        CASE(a_reduction_is_spread_over_a_round_trip),
        CASE(a_needless_timeout_by_answers),
        CASE(a_needless_timeout_by_new_data),
        CASE(a_true_timeout),
        CASE(a_needless_recovery_by_echo),
        CASE(a_true_recovery_by_echo),
        CASE(a_needless_recovery_by_duplicates),
        cmocka_unit_test_setup_teardown(without_sack, setup_without_sack, teardown),
        CASE(marks_of_congestion),
        CASE(losses_after_a_mark_do_not_reduce_twice),
        CASE(a_lost_path_probe),
        CASE(a_path_that_takes_less),
        CASE(a_receiver_that_takes_back),
        CASE(an_application_that_is_slower_than_its_window),
        CASE(an_application_that_uses_most_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
