/* What is in flight: tables of events, and random ones beside a model that keeps every segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/tcp/sent.h"
#include "signatures/memory.h"

#define MSS 100u

static uint64_t blocks;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return memory_stats().blocks == blocks ? 0 : -1;
}

/* An acknowledgement with up to two blocks (0, 0: none). */
static struct sent_news hear(struct sent *s, uint64_t now, seq_t ack, seq_t a, seq_t b, seq_t c,
                             seq_t d)
{
    struct sent_report r = {.ack = ack, .blocks = {{a, b}, {c, d}}, .echo_end = UINT64_MAX};
    struct sent_news news;
    r.count = a == b ? 0 : c == d ? 1 : 2;
    sent_acknowledge(s, &r, now, &news);
    return news;
}

static void assert_counts(const struct sent *s, uint32_t in_flight, uint32_t sacked, uint32_t lost,
                          uint32_t waiting)
{
    assert_int_equal(s->in_flight, in_flight);
    assert_int_equal(s->sacked, sacked);
    assert_int_equal(s->lost, lost);
    assert_int_equal(s->waiting, waiting);
}

static void a_loss_and_its_repair(void **state)
{
    struct sent s;
    struct seq_range r;
    uint32_t lost = 0;
    (void)state;
    sent_init(&s, 0xfffffe00u); /* wraps around */
    seq_t f = s.una;
    assert_int_equal(sent_append(&s, 1000, MSS, 10), OK); /* one super-segment of ten */
    assert_counts(&s, 1000, 0, 0, 0);
    struct sent_news n = hear(&s, 60, f + 200, f + 300, f + 600, 0, 0);
    assert_int_equal(n.acked, 200);
    assert_int_equal(n.delivered, 500);
    assert_int_equal(n.sacked, 300);
    assert_int_equal(n.end, f + 600);
    assert_false(n.reordered);
    assert_counts(&s, 500, 300, 0, 0);
    assert_int_equal(sent_overtaken(&s, 10, f + 600, 50, 59, &lost), 60);
    assert_int_equal(lost, 0);
    assert_true(sent_overtaken(&s, 10, f + 600, 50, 60, &lost) == UINT64_MAX);
    assert_int_equal(lost, 100); /* what is behind the last that arrived is not overtaken */
    assert_counts(&s, 400, 300, 100, 100);
    assert_true(sent_waiting(&s, 5000, &r));
    assert_int_equal(r.start, f + 200);
    assert_int_equal(r.end, f + 300);
    sent_again(&s, r, 60);
    assert_counts(&s, 500, 300, 100, 0);
    assert_false(sent_waiting(&s, 5000, &r));
    n = hear(&s, 110, f + 600, 0, 0, 0, 0);
    assert_int_equal(n.delivered, 100);
    assert_int_equal(n.at, 60);
    assert_true(n.repeated);
    assert_int_equal(n.oldest, 0); /* Karn */
    assert_counts(&s, 400, 0, 0, 0);
    n = hear(&s, 120, f + 1000, 0, 0, 0, 0);
    assert_int_equal(n.oldest, 10);
    assert_int_equal(sent_outstanding(&s), 0);
    sent_deinit(&s);
}

static void a_lost_retransmission_is_found(void **state)
{
    struct sent s;
    struct seq_range r;
    uint32_t lost = 0;
    (void)state;
    sent_init(&s, 0);
    for (uint64_t t = 1; t <= 5; t++)
        assert_int_equal(sent_append(&s, MSS, MSS, t), OK);
    hear(&s, 50, 0, 100, 500, 0, 0);
    sent_overtaken(&s, 5, 500, 10, 50, &lost);
    assert_true(sent_waiting(&s, 1, &r)); /* one segment at least */
    assert_int_equal(r.end - r.start, MSS);
    sent_again(&s, r, 50);
    assert_int_equal(sent_append(&s, MSS, MSS, 51), OK);
    struct sent_news n = hear(&s, 90, 0, 100, 600, 0, 0);
    assert_int_equal(n.at, 51);
    lost = 0;
    assert_int_equal(sent_overtaken(&s, n.at, n.end, 45, 90, &lost), 95);
    sent_overtaken(&s, n.at, n.end, 45, 95, &lost);
    assert_int_equal(lost, MSS);
    assert_counts(&s, 0, 500, 100, 100);
    sent_deinit(&s);
}

static void what_arrives_twice_is_told(void **state)
{
    static const struct {
        seq_t a, b, c, d;
        bool duplicate;
    } table[] = {
        {100, 200, 0, 0, true},      /* below the acknowledgement */
        {600, 700, 500, 800, true},  /* within the second block */
        {500, 800, 600, 700, false}, /* the other way round */
        {500, 600, 0, 0, false},     /* an ordinary block */
        {350, 450, 0, 0, false},     /* across the acknowledgement: neither */
        {200, 100, 0, 0, false},     /* nonsense */
        {5000, 5100, 0, 0, false},   /* never sent */
        {200, 100, 500, 600, false}, /* nonsense before an ordinary one */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct sent s;
        sent_init(&s, 0);
        assert_int_equal(sent_append(&s, 1000, MSS, 1), OK);
        struct sent_news n = hear(&s, 2, 400, table[i].a, table[i].b, table[i].c, table[i].d);
        assert_int_equal(n.duplicate, table[i].duplicate);
        if (n.duplicate)
            assert_int_equal(n.duplicates, 1);
        sent_deinit(&s);
    }
}

static void a_late_first_sending_is_reordering(void **state)
{
    struct sent s;
    struct seq_range r;
    uint32_t lost = 0;
    (void)state;
    sent_init(&s, 0);
    for (uint64_t t = 1; t <= 5; t++)
        sent_append(&s, MSS, MSS, t);
    hear(&s, 20, 0, 200, 300, 0, 0);
    struct sent_news n = hear(&s, 21, 100, 200, 300, 0, 0);
    assert_true(n.reordered);
    assert_int_equal(n.late_at, 1);
    /* The second was sent again: whether it was late is told by the echo only. */
    sent_overtaken(&s, 3, 300, 1, 22, &lost);
    assert_true(sent_waiting(&s, 1000, &r));
    sent_again(&s, r, 30);
    struct sent_report report = {.ack = 300, .echo_end = 3};
    sent_acknowledge(&s, &report, 31, &n);
    assert_true(n.repeated);
    assert_true(n.reordered);
    assert_int_equal(n.late_at, 2);
    assert_int_equal(n.at, 0); /* it says nothing about the retransmission */
    sent_deinit(&s);
}

static void a_receiver_that_takes_back_is_noticed(void **state)
{
    struct sent s;
    (void)state;
    sent_init(&s, 0);
    sent_append(&s, 1000, MSS, 1);
    hear(&s, 2, 0, 100, 300, 0, 0);
    assert_false(sent_reneged(&s));
    struct sent_news n = hear(&s, 3, 100, 0, 0, 0, 0);
    assert_true(n.reneged);
    sent_all_lost(&s, sent_reneged(&s));
    assert_counts(&s, 0, 0, 900, 900);
    sent_deinit(&s);
}

static void limits_are_met(void **state)
{
    struct sent s;
    (void)state;
    sent_init(&s, 0);
    assert_int_equal(sent_append(&s, 0, MSS, 1), ERR_LIMIT);
    assert_int_equal(sent_append(&s, 1, 0, 1), ERR_LIMIT);
    assert_int_equal(sent_append(&s, SENT_UNITS_MAX * MSS + 1, MSS, 1), ERR_LIMIT);
    for (uint32_t i = 0; i < SENT_ENTRIES_MAX; i++) {
        assert_true(sent_may(&s));
        assert_int_equal(sent_append(&s, 1, MSS, i), OK);
    }
    assert_false(sent_may(&s));
    assert_int_equal(sent_append(&s, 1, MSS, 1), ERR_FULL);
    assert_true(s.refused > 0);
    hear(&s, 1, 1, 0, 0, 0, 0);
    assert_true(sent_may(&s));
    hear(&s, 1, SENT_ENTRIES_MAX, 0, 0, 0, 0);
    assert_true(memory_stats().blocks == blocks); /* a large ring is given back at once */
    sent_deinit(&s);
}

/* --- the model --- */

struct unit {
    seq_t start, end;
    uint64_t at, again_at;
    bool done, lost, again, repeated;
};

static struct unit units[20000];
static size_t from, to; /* those that are not acknowledged */
static seq_t una;
static uint64_t state_of_random;

static uint32_t dice(uint32_t n)
{
    state_of_random = state_of_random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state_of_random >> 33) % n;
}

static void compare(const struct sent *s)
{
    uint32_t flight = 0, sacked = 0, lost = 0, waiting = 0, again = 0;
    for (size_t i = from; i < to; i++) {
        const struct unit *u = &units[i];
        uint32_t length = u->end - u->start;
        sacked += u->done ? length : 0;
        if (u->done)
            continue;
        flight += (u->lost ? 0 : length) + (u->again ? length : 0);
        lost += u->lost ? length : 0;
        again += u->again ? length : 0;
        waiting += u->lost && !u->again ? length : 0;
    }
    assert_counts(s, flight, sacked, lost, waiting);
    assert_int_equal(s->again, again);
    assert_int_equal(s->una, una);
}

static void do_append(struct sent *s, uint64_t now)
{
    uint32_t unit = dice(3) ? MSS : 1 + dice(150), count = dice(4) ? 1 + dice(4) : 1 + dice(64);
    uint32_t length = unit * (count - 1) + 1 + dice(unit);
    seq_t start = s->next;
    assert_int_equal(sent_append(s, length, (uint16_t)unit, now), OK);
    for (seq_t at = start; at != start + length;) {
        seq_t end = seq_min(at + unit, start + length);
        units[to++] = (struct unit){.start = at, .end = end, .at = now};
        at = end;
    }
}

static seq_t edge(const struct sent *s)
{
    if (from == to || dice(4) == 0)
        return s->una + dice(sent_outstanding(s) + 50); /* any number */
    const struct unit *u = &units[from + dice((uint32_t)(to - from))];
    return dice(2) ? u->start : u->end;
}

static void arrive(struct unit *u, uint32_t *delivered)
{
    if (u->done)
        return;
    *delivered += u->end - u->start;
    u->done = true;
    u->lost = u->again = false;
}

static void do_acknowledge(struct sent *s, uint64_t now)
{
    struct sent_report r = {.ack = s->una, .echo_end = UINT64_MAX};
    struct sent_news news;
    uint32_t delivered = 0;
    if (dice(2))
        r.ack = seq_min(s->next, s->una + dice(1 + dice(2) * dice(4000)));
    r.count = (uint8_t)dice(5);
    bool keep = dice(2) && s->seen_count; /* as real ones: those before, some longer */
    for (uint8_t i = 0; i < r.count; i++) {
        r.blocks[i] = (struct seq_range){edge(s), edge(s)};
        if (keep && i < s->seen_count) {
            r.blocks[i] = s->seen[i];
            r.blocks[i].end += dice(2) ? dice(300) : 0;
            r.blocks[i].start -= dice(4) ? 0 : dice(300);
        }
    }
    sent_acknowledge(s, &r, now, &news);
    assert_int_equal(news.acked, r.ack - una);
    una = r.ack;
    for (; from < to && seq_at_most(units[from].end, una); from++)
        arrive(&units[from], &delivered);
    for (uint8_t i = news.duplicate ? 1 : 0; i < r.count; i++) {
        struct seq_range b = r.blocks[i];
        if (!seq_before(b.start, b.end) || seq_before(b.start, una) || seq_after(b.end, s->next))
            continue;
        for (size_t k = from; k < to; k++)
            if (seq_at_least(units[k].start, b.start) && seq_at_most(units[k].end, b.end))
                arrive(&units[k], &delivered);
    }
    assert_int_equal(news.delivered, delivered);
}

static void do_again(struct sent *s, uint64_t now)
{
    struct seq_range r;
    bool last = dice(4) == 0;
    size_t i = from;
    if (last) {
        bool any = sent_last(s, &r);
        for (i = to; i > from && units[i - 1].done; i--)
            ;
        assert_int_equal(any, i > from);
        if (!any)
            return;
        assert_int_equal(r.end, units[--i].end);
    } else {
        bool any = sent_waiting(s, dice(5000), &r);
        while (i < to && (units[i].done || !units[i].lost || units[i].again))
            i++;
        assert_int_equal(any, i < to);
        if (!any)
            return;
    }
    assert_int_equal(r.start, seq_max(units[i].start, una));
    sent_again(s, r, now);
    for (; i < to && seq_before(units[i].start, r.end); i++) {
        assert_true(last || (units[i].lost && !units[i].again && !units[i].done));
        units[i].again = units[i].repeated = true;
        units[i].again_at = now;
    }
}

static void do_overtake(struct sent *s, uint64_t now)
{
    uint64_t before = now - dice(40), wait = dice(60), soonest = UINT64_MAX;
    seq_t end = edge(s);
    uint32_t lost = 0, expected = 0;
    for (size_t i = from; i < to; i++) {
        struct unit *u = &units[i];
        if (u->done || (u->lost && !u->again))
            continue;
        uint64_t at = u->again ? u->again_at : u->at;
        if (at > before || (at == before && !seq_before(u->end, end)))
            continue;
        if (at + wait > now) {
            soonest = at + wait < soonest ? at + wait : soonest;
            continue;
        }
        expected += u->end - u->start;
        u->lost = true;
        u->again = false;
    }
    assert_true(sent_overtaken(s, before, end, wait, now, &lost) == soonest);
    assert_int_equal(lost, expected);
}

static void do_lose(struct sent *s)
{
    bool forget = dice(2) == 0;
    switch (dice(4)) {
    case 0:
        sent_first_lost(s);
        if (from < to && !units[from].done) {
            units[from].lost = true;
            units[from].again = false;
        }
        break;
    case 1:
        sent_all_lost(s, forget);
        for (size_t i = from; i < to; i++) {
            units[i].done = units[i].done && !forget;
            units[i].lost = !units[i].done;
            units[i].again = false;
        }
        break;
    default:
        sent_none_lost(s);
        for (size_t i = from; i < to; i++)
            units[i].lost = false;
    }
}

static void random_events_agree_with_the_model(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct sent s;
        uint64_t now = 1000;
        state_of_random = seed;
        from = to = 0;
        una = dice(3) ? dice(UINT32_MAX) : 0u - dice(5000);
        sent_init(&s, una);
        for (int step = 0; step < 400 && to + 64 < sizeof units / sizeof units[0]; step++) {
            now += dice(3) * dice(10);
            uint32_t what = dice(10);
            if (what < 3)
                do_append(&s, now);
            else if (what < 6)
                do_acknowledge(&s, now);
            else if (what < 8)
                do_again(&s, now);
            else if (what < 9)
                do_overtake(&s, now);
            else if (dice(4) == 0)
                do_lose(&s);
            compare(&s);
        }
        sent_deinit(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_loss_and_its_repair, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_retransmission_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_arrives_twice_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_first_sending_is_reordering, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_takes_back_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_met, setup, teardown),
        cmocka_unit_test_setup_teardown(random_events_agree_with_the_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
