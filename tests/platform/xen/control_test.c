/* What the toolstack asks for by control/shutdown, with a store that is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/power.h"
#include "platform/pvh/stop.h"
#include "platform/xen/control.h"
#include "platform/xen/resume.h"
#include "tests/platform/xen/dom0.h"

#define NODE "control/shutdown"

static unsigned stops, suspends;

void stop_ask(void)
{
    stops++;
}

void resume_suspend(void)
{
    suspends++;
}

/* It does not come back: a test that gets here has failed. */
void power_crash(void)
{
    abort();
}

static int setup(void **state)
{
    (void)state;
    dom0_begin();
    stops = suspends = 0;
    dom0_set(NODE, "");
    control_begin();
    dom0_serve();
    return 0;
}

static void wish(const char *what)
{
    dom0_set(NODE, what);
    dom0_serve();
}

static void wishes_are_followed_once(void **state)
{
    (void)state;
    assert_string_equal(dom0_get("control/feature-poweroff"), "1");
    assert_string_equal(dom0_get("control/feature-reboot"), "1");
    assert_string_equal(dom0_get("control/feature-suspend"), "1");
    assert_int_equal(stops, 0);
    wish("poweroff");
    assert_int_equal(stops, 1);
    assert_false(control_reboots());
    assert_string_equal(dom0_get(NODE), ""); /* acknowledged */
    wish("halt");
    assert_int_equal(stops, 2);
    wish("suspend");
    assert_int_equal(suspends, 1);
    wish("reboot");
    assert_int_equal(stops, 3);
    assert_true(control_reboots());
}

static void wishes_that_are_none(void **state)
{
    static const char *const wrong[] = {"sleep",     "POWEROFF", "poweroff ",
                                        "poweroff2", "s",        "suspend or so, in so many words"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wish(wrong[i]);
        assert_true(dom0_heard("which is nothing that we know"));
        assert_string_equal(dom0_get(NODE), "");
    }
    dom0_set(NODE, NULL);
    dom0_serve();
    assert_false(dom0_heard("control/shutdown"));
    assert_int_equal(stops + suspends, 0);
    wish("poweroff");
    assert_int_equal(stops, 1);
}

/* Whichever question is under way: the later one is followed, once. */
static void wishes_that_change_while_they_are_read(void **state)
{
    for (unsigned k = 0; k < 10; k++) {
        setup(state);
        dom0_set(NODE, "suspend");
        for (unsigned i = 0; i < k; i++)
            dom0_answer();
        dom0_set(NODE, "poweroff");
        dom0_serve();
        assert_int_equal(stops, 1);
        assert_int_equal(suspends,
                         k < 5 ? 0 : 1); /* before it was taken: it is as if it had not been */
        assert_string_equal(dom0_get(NODE), "");
    }
}

/* It was taken back before we took it. */
static void a_wish_that_is_withdrawn(void **state)
{
    for (unsigned gone = 0; gone < 2; gone++) {
        setup(state);
        dom0_set(NODE, "poweroff");
        dom0_answer();
        dom0_set(NODE, gone ? NULL : "");
        dom0_serve();
        assert_int_equal(stops, 0);
        wish("halt");
        assert_int_equal(stops, 1);
    }
}

/* A store in which transactions never end well, or that has none: it is done without. */
static void a_store_without_transactions(void **state)
{
    for (unsigned k = 0; k < 2; k++) {
        setup(state);
        dom0.restless = k == 0;
        dom0.no_transactions = k == 1;
        wish("suspend");
        assert_int_equal(suspends, 1);
        assert_string_equal(dom0_get(NODE), "");
        dom0.restless = dom0.no_transactions = false;
        wish("poweroff");
        assert_int_equal(stops, 1);
        assert_int_equal(suspends, 1);
    }
}

/* An event says that it has changed, an answer is from before. */
static void an_answer_that_is_old(void **state)
{
    (void)state;
    dom0.silent = true;
    dom0_set(NODE, "");
    dom0_answer();
    dom0.silent = false;
    uint32_t asked = dom0.store.last_id;
    dom0_set(NODE, "poweroff");
    dom0_say(XS_READ, asked, SLICE(""));
    dom0_serve();
    assert_int_equal(stops, 1);
}

/* What was asked while the store was silent is not lost. */
static void a_store_that_is_silent(void **state)
{
    (void)state;
    dom0.silent = true;
    dom0_set(NODE, "poweroff");
    dom0_wait(STORE_DEADLINE + CLOCK_SEC);
    assert_true(dom0_heard("control/shutdown: "));
    assert_int_equal(stops, 0);
    dom0.silent = false;
    dom0_wait(STORE_DEADLINE + CLOCK_SEC);
    assert_int_equal(stops, 1);
}

/* A wish that was read is followed once the store has been silent for as long as it may be, wherever that
 * begins. */
static void a_store_that_falls_silent(void **state)
{
    for (unsigned k = 1; k < 5; k++) {
        setup(state);
        dom0_set(NODE, "poweroff");
        for (unsigned i = 0; i < k; i++)
            dom0_answer();
        dom0.silent = true;
        dom0_wait(STORE_DEADLINE - CLOCK_SEC);
        assert_int_equal(stops, 0);
        dom0_wait(2 * CLOCK_SEC);
        assert_int_equal(stops, 1);
        assert_true(dom0_heard("control/shutdown: timed out"));
        dom0.silent = false;
    }
}

static void a_node_that_we_may_not_write(void **state)
{
    (void)state;
    dom0.refuses = NODE;
    wish("poweroff");
    assert_true(dom0_heard("control/shutdown: permission denied"));
    assert_int_equal(stops, 1);
}

static void a_store_that_has_ended(void **state)
{
    (void)state;
    dom0_set(NODE, "poweroff");
    store_end(&dom0.store);
    for (unsigned i = 0; i < 10; i++)
        dom0_turn();
    assert_true(dom0_heard("control/shutdown: "));
    dom0_wait(CLOCK_SEC);
    assert_false(dom0_heard("control/shutdown: ")); /* said once */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(wishes_are_followed_once),
        TEST(wishes_that_are_none),
        TEST(wishes_that_change_while_they_are_read),
        TEST(a_wish_that_is_withdrawn),
        TEST(a_store_without_transactions),
        TEST(an_answer_that_is_old),
        TEST(a_store_that_is_silent),
        TEST(a_store_that_falls_silent),
        TEST(a_node_that_we_may_not_write),
        TEST(a_store_that_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
