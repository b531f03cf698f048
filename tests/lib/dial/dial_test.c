/* Dialling in a simulated network: order, stagger, refusals, deadlines, cancelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/dial/dial.h"
#include "platform/sim/net.h"
#include "platform/sim/sim.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

struct world {
    struct sim_net *net;
    struct stack *here;
    struct stack *hosts[4];
    struct listener *listeners[4];
    uint64_t blocks;
    uint32_t timers;
    /* the answer */
    bool answered;
    enum err why;
    struct flow *flow;
    uint64_t took;
    uint64_t begun;
};

static const char *const addresses[4] = {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"};

static void on_data(void *owner, struct slice bytes)
{
    (void)owner;
    (void)bytes;
}

static void on_end(void *owner, enum err why)
{
    (void)owner;
    (void)why;
}

static const struct flow_events ignore = {on_data, NULL, NULL, on_end};

static void on_accept(void *owner, struct flow *flow)
{
    (void)owner;
    flow_abort(flow);
}

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.blocks = memory_stats().blocks, .timers = loop_timers()};
    sim_reset(1);
    w.net = sim_net_open(1);
    w.here = sim_net_host(w.net, "192.0.2.100");
    sim_host_address(w.here, "2001:db8::100");
    for (size_t i = 0; i < 4; i++) {
        w.hosts[i] = sim_net_host(w.net, addresses[i]);
        struct endpoint any = {ADDRESS_ANY, 80, 0};
        assert_int_equal(stack_listen(w.hosts[i], any, on_accept, NULL, &w.listeners[i]), OK);
    }
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 4; i++)
        stack_unlisten(w->hosts[i], w->listeners[i]);
    size_t left = sim_net_close(w->net);
    sim_run(NULL, NULL, clock_monotonic() + 120 * CLOCK_SEC);
    sim_memory_fail_nth(0);
    return left == 0 && memory_stats().blocks == w->blocks && loop_timers() == w->timers ? 0 : -1;
}

static void answer(void *owner, enum err why, struct flow *flow)
{
    struct world *w = owner;
    assert_false(w->answered);
    assert_int_equal(why == OK, flow != NULL);
    w->answered = true;
    w->why = why;
    w->flow = flow;
    w->took = clock_monotonic() - w->begun;
    if (flow)
        flow_own(flow, &ignore, w);
}

static bool is_answered(void *arg)
{
    return ((struct world *)arg)->answered;
}

static struct dial *begin(struct world *w, const char *name, uint64_t patience)
{
    struct dial *d = NULL;
    w->answered = false;
    w->flow = NULL;
    w->begun = clock_monotonic();
    assert_int_equal(dial_open(w->here, slice_text(name), 80, w->begun + patience, answer, w, &d),
                     OK);
    assert_false(w->answered);
    return d;
}

/* Dials until the answer; where it is a flow, who has answered. */
static const char *dial(struct world *w, const char *name, uint64_t patience)
{
    static char text[ADDRESS_TEXT_MAX];
    begin(w, name, patience);
    assert_true(sim_run(is_answered, w, clock_monotonic() + 100 * CLOCK_SEC));
    if (!w->flow)
        return err_text(w->why);
    address_format(flow_peer(w->flow).address, text);
    flow_close(w->flow);
    return text;
}

static void name_all(struct world *w)
{
    for (size_t i = 0; i < 4; i++)
        sim_net_name(w->net, "www.example", addresses[i]);
}

static void link_to(struct world *w, size_t host, struct sim_link link)
{
    sim_net_link(w->net, w->here, w->hosts[host], link);
}

static const struct sim_link refusing = {.refuse = true};
static const struct sim_link black_hole = {.black_hole = true};

static void the_first_answers(void **state)
{
    struct world *w = *state;
    name_all(w);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "2001:db8::1");
    assert_true(w->took < DIAL_STAGGER);
    assert_string_equal(dial(w, "192.0.2.2", 10 * CLOCK_SEC), "192.0.2.2");
    assert_string_equal(dial(w, "2001:db8::2", 10 * CLOCK_SEC), "2001:db8::2");
}

/* Families take turns: behind the first IPv6 address comes the first IPv4 address. */
static void families_take_turns(void **state)
{
    struct world *w = *state;
    name_all(w);
    link_to(w, 0, refusing);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "192.0.2.1");
    assert_true(w->took < DIAL_STAGGER);
    link_to(w, 2, refusing);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "2001:db8::2");
    link_to(w, 1, refusing);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "192.0.2.2");
    link_to(w, 3, refusing);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), err_text(ERR_REFUSED));
}

/* Each 250 ms another address is tried, while those before may still answer. */
static void silence_is_not_waited_for(void **state)
{
    struct world *w = *state;
    name_all(w);
    link_to(w, 0, black_hole);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "192.0.2.1");
    assert_in_range(w->took, DIAL_STAGGER, DIAL_STAGGER + 10 * CLOCK_MS);
    link_to(w, 2, black_hole);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "2001:db8::2");
    assert_in_range(w->took, 2 * DIAL_STAGGER, 2 * DIAL_STAGGER + 10 * CLOCK_MS);
}

static void a_late_answer_counts(void **state)
{
    struct world *w = *state;
    name_all(w);
    link_to(w, 0, (struct sim_link){.latency_min = 200 * CLOCK_MS, .latency_max = 200 * CLOCK_MS});
    for (size_t i = 1; i < 4; i++)
        link_to(w, i, black_hole);
    assert_string_equal(dial(w, "www.example", 10 * CLOCK_SEC), "2001:db8::1");
    assert_in_range(w->took, 300 * CLOCK_MS, 500 * CLOCK_MS);
}

static void the_deadline(void **state)
{
    struct world *w = *state;
    name_all(w);
    for (size_t i = 0; i < 4; i++)
        link_to(w, i, black_hole);
    assert_string_equal(dial(w, "www.example", 3 * CLOCK_SEC), err_text(ERR_TIMEOUT));
    assert_in_range(w->took, 3 * CLOCK_SEC, 3 * CLOCK_SEC + 10 * CLOCK_MS);
    assert_string_equal(dial(w, "www.example", 100 * CLOCK_MS), err_text(ERR_TIMEOUT));
}

static void names_that_are_none(void **state)
{
    struct world *w = *state;
    assert_string_equal(dial(w, "nowhere.example", 3 * CLOCK_SEC), err_text(ERR_NOT_FOUND));
    sim_net_break_names(w->net, ERR_TIMEOUT);
    name_all(w);
    assert_string_equal(dial(w, "www.example", 3 * CLOCK_SEC), err_text(ERR_TIMEOUT));
}

/* "Refused" is told rather than "unreachable", whichever came first. */
static void the_most_telling_reason(void **state)
{
    struct world *w = *state;
    sim_net_name(w->net, "www.example", "2001:db8::99");
    sim_net_name(w->net, "www.example", addresses[2]);
    link_to(w, 2, refusing);
    assert_string_equal(dial(w, "www.example", 30 * CLOCK_SEC), err_text(ERR_REFUSED));
}

static void cancelled_at_any_time(void **state)
{
    struct world *w = *state;
    name_all(w);
    for (size_t i = 0; i < 4; i++)
        link_to(w, i,
                (struct sim_link){.latency_min = 300 * CLOCK_MS,
                                  .latency_max = 400 * CLOCK_MS,
                                  .refuse = i == 1});
    for (uint64_t ms = 0; ms < 900; ms += 20) {
        struct dial *d = begin(w, "www.example", 10 * CLOCK_SEC);
        sim_run(is_answered, w, clock_monotonic() + ms * CLOCK_MS);
        if (w->answered)
            flow_abort(w->flow);
        else
            dial_cancel(d);
        w->answered = false;
        sim_run(is_answered, w, clock_monotonic() + 2 * CLOCK_SEC);
        assert_false(w->answered);
    }
}

static void without_memory(void **state)
{
    struct world *w = *state;
    struct dial *d;
    sim_memory_fail_nth(1);
    assert_int_equal(
        dial_open(w->here, SLICE("192.0.2.1"), 80, clock_monotonic() + CLOCK_SEC, answer, w, &d),
        ERR_MEMORY);
}

static void on_other(struct timer *t)
{
    (void)t;
}

/* Where nothing can tell that it is time for the next address, it is tried at once: silence is not waited for. */
static void without_memory_for_a_timer(void **state)
{
    static struct timer others[4000];
    struct world *w = *state;
    name_all(w);
    link_to(w, 0, black_hole);
    for (uint64_t n = 1; n < 10; n++) {
        size_t taken = 0;
        begin(w, "www.example", 10 * CLOCK_SEC);
        sim_memory_fail_every(1);
        do {
            assert_true(taken < sizeof others / sizeof *others);
            timer_init(&others[taken], on_other);
        } while (timer_start(&others[taken++], UINT64_MAX));
        sim_memory_fail_nth(n);
        assert_true(sim_run(is_answered, w, clock_monotonic() + CLOCK_SEC));
        sim_memory_fail_nth(0);
        while (taken)
            timer_stop(&others[--taken]);
        if (w->flow)
            flow_close(w->flow);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_answers),
        TEST(families_take_turns),
        TEST(silence_is_not_waited_for),
        TEST(a_late_answer_counts),
        TEST(the_deadline),
        TEST(names_that_are_none),
        TEST(the_most_telling_reason),
        TEST(cancelled_at_any_time),
        TEST(without_memory),
        TEST(without_memory_for_a_timer),
    };
    return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
