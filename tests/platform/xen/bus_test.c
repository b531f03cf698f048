/* The connection to the store: its ring in a shared page, with what dom0 may do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/paging.h"
#include "platform/pvh/poll.h"
#include "platform/sim/sim.h"
#include "platform/xen/bus.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/ring.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/timers.h"

static struct xenstore_domain_interface page;
static uint64_t frame;
static struct poll *poll;
static bool serves; /* the daemon: answers each question by "v" */
static unsigned slept;

/* --- the machine --- */

uint64_t guest_parameter(uint32_t which)
{
    return which == HVM_PARAM_STORE_PFN ? frame : 1;
}

void *paging_map_shared(uint64_t physical, size_t size)
{
    (void)physical;
    return size == RING_PAGE ? &page : NULL;
}

void poll_add(struct poll *p)
{
    poll = p;
}

void event_know(uint32_t channel)
{
    (void)channel;
}

void event_notify(uint32_t channel)
{
    (void)channel;
}

void event_forget(void)
{
}

static void answer(const char *text)
{
    struct xsd_sockmsg q;
    for (size_t i = 0; i < sizeof q; i++)
        ((char *)&q)[i] = page.req[(page.req_cons + i) % XENSTORE_RING_SIZE];
    page.req_cons += (uint32_t)sizeof q + q.len;
    q.len = (uint32_t)strlen(text);
    for (size_t i = 0; i < sizeof q; i++)
        page.rsp[page.rsp_prod++ % XENSTORE_RING_SIZE] = ((char *)&q)[i];
    for (size_t i = 0; i < q.len; i++)
        page.rsp[page.rsp_prod++ % XENSTORE_RING_SIZE] = text[i];
}

bool event_sleep(uint64_t deadline)
{
    slept++;
    sim_clock_advance(deadline - clock_monotonic());
    while (serves && page.req_cons != page.req_prod)
        answer("v");
    return true;
}

/* --- */

static struct store_request request;
static enum err result;
static bool done;

static void on_done(struct store_request *r, enum err e, struct slice a)
{
    (void)r;
    result = e;
    done = true;
    assert_true(e || slice_is(a, "v"));
}

static bool is_done(void *arg)
{
    (void)arg;
    return done;
}

static int setup(void **state)
{
    (void)state;
    memset(&page, 0, sizeof page);
    frame = 9;
    serves = true;
    slept = 0;
    log_configure(SLICE("debug"));
    while (timers_first())
        timer_stop(timers_first());
    return !bus_begin();
}

static void ask(void)
{
    request = (struct store_request){.type = XS_READ, .path = SLICE_INIT("a"), .done = on_done};
    done = false;
    store_ask(bus_store(), &request);
}

static bool heard(const char *words)
{
    struct slice all = sim_console();
    bool any = all.len && memmem(all.ptr, all.len, words, strlen(words));
    sim_console_clear();
    return any;
}

static void questions_are_answered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) { /* some times round the ring */
        ask();
        assert_true(bus_wait(is_done, NULL, clock_monotonic() + CLOCK_SEC));
        assert_int_equal(result, OK);
    }
    assert_int_equal(slept, 100);
    assert_int_equal(page.rsp_cons, page.rsp_prod);
}

static void a_silent_store(void **state)
{
    (void)state;
    serves = false;
    ask();
    uint64_t from = clock_monotonic();
    assert_true(bus_wait(is_done, NULL, from + 2 * STORE_DEADLINE));
    assert_int_equal(clock_monotonic() - from, STORE_DEADLINE);
    assert_int_equal(result, ERR_TIMEOUT);
    ask();
    assert_false(bus_wait(is_done, NULL, clock_monotonic() + CLOCK_SEC));
    serves = true;
    assert_true(bus_wait(is_done, NULL, clock_monotonic() + CLOCK_SEC));
    assert_int_equal(result, OK); /* the late answer to the first was not taken for this one's */
    assert_int_equal(bus_store()->counters.unasked, 1);
}

static void ended(const char *why)
{
    serves = false;
    assert_true(bus_wait(is_done, NULL, clock_monotonic() + CLOCK_SEC));
    assert_int_equal(result, ERR_CLOSED);
    assert_true(heard(why));
    ask();
    assert_true(bus_wait(is_done, NULL, clock_monotonic() + CLOCK_SEC));
    assert_int_equal(result, ERR_CLOSED);
    assert_false(heard(why));
    page.rsp_prod++;
    assert_false(poll->await(poll)); /* and it is not looked at any more */
}

static void answers_ahead_of_the_ring(void **state)
{
    (void)state;
    ask();
    page.rsp_prod = page.rsp_cons + XENSTORE_RING_SIZE + 1;
    ended("its ring makes no sense");
}

static void more_taken_than_asked(void **state)
{
    (void)state;
    ask();
    page.req_cons = page.req_prod + 1;
    ended("its ring makes no sense");
}

static void too_long_a_message(void **state)
{
    struct xsd_sockmsg head = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};
    (void)state;
    ask();
    memcpy(page.rsp + page.rsp_prod, &head, sizeof head);
    page.rsp_prod += (uint32_t)sizeof head;
    ended("a message is too long");
}

static void no_store(void **state)
{
    (void)state;
    frame = 0;
    assert_false(bus_begin());
    assert_true(heard("the toolstack left no connection to the store: there are no devices"));
    assert_null(bus_store());
}

/* --- deadlines --- */

static const char *const no_keys[] = {NULL};
static const struct front_kind kind = {.class = "vif", .front_keys = no_keys, .back_keys = no_keys};
static struct front front;

static void add_front(void)
{
    front_open(&front, &kind, bus_store(), 0, clock_monotonic);
    assert_true(bus_add(&front));
    assert_true(poll->run(poll)); /* it has asked */
}

static void remove_front(void)
{
    bus_remove(&front);
    (void)poll->run(poll);
}

static bool has_looked(void *arg)
{
    (void)arg;
    return front.looked;
}

/* Devices are polled before the bus: the loop has to hear of a deadline that one of them has just set. */
static void a_deadline_of_the_same_turn(void **state)
{
    (void)state;
    add_front();
    assert_true(bus_wait(has_looked, NULL, clock_monotonic() + CLOCK_SEC));
    (void)poll->run(poll);
    assert_false(poll->run(poll));
    uint64_t soon = clock_monotonic() + CLOCK_MS;
    front.deadline = soon;
    assert_true(poll->run(poll));
    assert_int_equal(timers_first()->deadline, soon);
    assert_false(poll->run(poll));
    remove_front();
}

/* One that waits for the store's answers looks at its own deadline when they have come: nobody runs in circles
 * until then. */
static void a_deadline_while_the_store_is_asked(void **state)
{
    (void)state;
    add_front();
    uint64_t asked_at = clock_monotonic();
    front.deadline = asked_at;
    (void)poll->run(poll);
    assert_false(poll->run(poll));
    assert_int_equal(timers_first()->deadline, asked_at + STORE_DEADLINE);
    front.deadline = UINT64_MAX;
    remove_front();
}

static void nothing_fires(struct timer *t)
{
    (void)t;
}

/* Deadlines are kept where there is no memory for one timer more. */
static void a_deadline_without_memory(void **state)
{
    static struct timer many[2 * 64];
    size_t count = 0;
    (void)state;
    sim_memory_fail_every(1);
    while (count < 2 * 64) {
        timer_init(&many[count], nothing_fires);
        if (!timer_start(&many[count++], UINT64_MAX - 1))
            break;
    }
    assert_in_range(count, 1, 2 * 64 - 1);
    ask();
    (void)poll->run(poll);
    assert_int_equal(timers_first()->deadline, clock_monotonic() + STORE_DEADLINE);
    serves = false;
    loop_round(UINT64_MAX); /* it fires, and runs on */
    (void)poll->run(poll);
    ask();
    (void)poll->run(poll);
    assert_int_equal(timers_first()->deadline, clock_monotonic() + STORE_DEADLINE);
    sim_memory_fail_every(0);
    while (count)
        timer_stop(&many[--count]);
}

/* --- a restored domain --- */

static void restored_without_a_store(void **state)
{
    (void)state;
    add_front();
    frame = 0;
    bus_resume();
    assert_true(heard("the restored domain has none"));
    (void)poll->run(poll);
    assert_true(front.pauses);
    assert_true(heard("vif 0: the store does not answer"));
    remove_front();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(questions_are_answered),
        TEST(a_silent_store),
        TEST(answers_ahead_of_the_ring),
        TEST(more_taken_than_asked),
        TEST(too_long_a_message),
        TEST(a_deadline_of_the_same_turn),
        TEST(a_deadline_while_the_store_is_asked),
        TEST(a_deadline_without_memory),
        TEST(restored_without_a_store),
        TEST(no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
