/* The store's client against a daemon that is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/platform/xen/dom0.h"

static const uint64_t now = CLOCK_SEC;
static enum err result;
static char text[64];
static unsigned answers;

static void done(struct store_request *r, enum err e, struct slice a)
{
    (void)r;
    result = e;
    answers++;
    a = slice_take(a, sizeof text - 1);
    if (a.len)
        memcpy(text, a.ptr, a.len);
    text[a.len] = '\0';
}

static int setup(void **state)
{
    (void)state;
    dom0_begin();
    answers = 0;
    return 0;
}

static void reads(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("a/b"), .done = done};
    (void)state;
    dom0_set("a/b", "value");
    store_ask(&dom0.store, &r);
    dom0_serve();
    assert_int_equal(result, OK);
    assert_string_equal(text, "value");
    r.path = SLICE("a/c");
    store_ask(&dom0.store, &r);
    dom0_serve();
    assert_int_equal(result, ERR_NOT_FOUND);
}

static void answers_come_in_order(void **state)
{
    struct store_request r[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        r[i] = (struct store_request){.type = XS_READ, .path = SLICE("x"), .done = done};
        store_ask(&dom0.store, &r[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        store_sent(&dom0.store, store_output(&dom0.store, now).len);
    dom0_say(XS_READ, r[1].id, SLICE("2")); /* out of turn */
    assert_int_equal(answers, 0);
    assert_int_equal(dom0.store.counters.unasked, 1);
    dom0_say(XS_READ, r[0].id, SLICE("1"));
    assert_string_equal(text, "1");
    dom0_say(XS_WRITE, r[1].id, SLICE("2")); /* of another kind */
    assert_int_equal(answers, 1);
}

static void waits_no_longer_than_it_should(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("x"), .done = done};
    (void)state;
    store_ask(&dom0.store, &r);
    store_sent(&dom0.store, store_output(&dom0.store, now).len);
    assert_int_equal(store_deadline(&dom0.store), now + STORE_DEADLINE);
    store_expire(&dom0.store, now + STORE_DEADLINE);
    assert_int_equal(result, ERR_TIMEOUT);
    dom0_say(XS_READ, r.id, SLICE("late"));
    assert_int_equal(answers, 1);
    assert_int_equal(dom0.store.counters.unasked, 1);
}

/* A ring that is full: nobody reads it. */
static void what_cannot_be_asked_waits_no_longer(void **state)
{
    struct store_request r[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        r[i] = (struct store_request){.type = XS_READ, .path = SLICE("x"), .done = done};
        store_ask(&dom0.store, &r[i]);
    }
    (void)store_output(&dom0.store, now);
    store_sent(&dom0.store, 7);
    struct slice rest = store_output(&dom0.store, now);
    assert_int_equal(store_deadline(&dom0.store), now + STORE_DEADLINE);
    store_expire(&dom0.store, now + STORE_DEADLINE - 1);
    assert_int_equal(answers, 0);
    store_expire(&dom0.store, now + STORE_DEADLINE);
    assert_int_equal(result, ERR_TIMEOUT);
    assert_int_equal(answers, 3);
    /* What is half sent is sent to its end. */
    assert_ptr_equal(store_output(&dom0.store, now).ptr, rest.ptr);
    store_sent(&dom0.store, rest.len);
    assert_int_equal(store_output(&dom0.store, now).len, 0);
    assert_int_equal(store_deadline(&dom0.store), UINT64_MAX);
}

static void too_long_a_message_ends_it(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("x"), .done = done};
    struct xsd_sockmsg head = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};
    (void)state;
    store_ask(&dom0.store, &r);
    store_input(&dom0.store, slice_of(&head, sizeof head));
    assert_true(dom0.store.closed);
    store_expire(&dom0.store, now);
    assert_int_equal(result, ERR_CLOSED);
    assert_int_equal(store_output(&dom0.store, now).len, 0);
}

static void too_long_a_path_is_not_asked(void **state)
{
    static uint8_t path[STORE_PATH_MAX];
    struct store_request r = {.type = XS_READ, .done = done};
    (void)state;
    r.path = slice_of(path, sizeof path);
    store_ask(&dom0.store, &r);
    assert_int_equal(store_output(&dom0.store, now).len, 0);
    assert_int_equal(result, ERR_LIMIT);
}

static void events_that_nobody_waits_for(void **state)
{
    (void)state;
    dom0_fire("7");
    dom0_fire("x");
    dom0_say(XS_WATCH_EVENT, 0, SLICE("no token"));
    assert_int_equal(dom0.store.counters.unasked, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(reads),
        TEST(answers_come_in_order),
        TEST(waits_no_longer_than_it_should),
        TEST(what_cannot_be_asked_waits_no_longer),
        TEST(too_long_a_message_ends_it),
        TEST(too_long_a_path_is_not_asked),
        TEST(events_that_nobody_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
