/* The front half of a device over a store that is played here, with what it may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/format.h"
#include "tests/platform/xen/dom0.h"

#define SOON        CLOCK_SEC
#define ANSWERS_MAX 60u /* more than it ever asks for until it is up */

static struct front f;
static unsigned connects, disconnects, refusals;
static bool up;
static struct {
    uint16_t domain;
    uint64_t scatter;
} with; /* what it knew when it connected last */

static bool connect(struct front *front)
{
    if (refusals) {
        refusals--;
        return false;
    }
    connects++;
    with.domain = front->domain;
    with.scatter = front_number(front, front->back_values[0], 1, 9);
    front_tell(front, "ring-ref", 9);
    return true;
}

static void connected(struct front *front)
{
    (void)front;
    up = true;
}

static void disconnect(struct front *front)
{
    (void)front;
    disconnects++;
    up = false;
}

static const char *const front_keys[] = {"mac", NULL}, *const back_keys[] = {"feature-sg", NULL};
static const struct front_kind kind = {.class = "vif",
                                       .front_keys = front_keys,
                                       .back_keys = back_keys,
                                       .published = XenbusStateConnected,
                                       .connect = connect,
                                       .connected = connected,
                                       .disconnect = disconnect};

static int setup(void **state)
{
    (void)state;
    dom0_begin();
    dom0.front = &f;
    connects = disconnects = refusals = 0;
    up = false;
    return 0;
}

static void open(void)
{
    front_open(&f, &kind, &dom0.store, 0, clock_monotonic);
}

static void node_of(const char *folder, const char *name, const char *value)
{
    char path[STORE_PATH_MAX];
    format_text(path, sizeof path, "%s/%s", folder, name);
    dom0_set(path, value);
}

/* A backend that waits for us, of a domain, in its folder. */
static void offer(const char *folder, const char *domain, const char *scatter)
{
    node_of(folder, "state", "2");
    node_of(folder, "feature-sg", scatter);
    dom0_set("device/vif/0/backend-id", domain);
    dom0_set("device/vif/0/mac", "m");
    dom0_set("device/vif/0/state", "1");
    dom0_set("device/vif/0/backend", folder);
}

static void open_offered(void)
{
    offer("/b", "5", "1");
    open();
    dom0_serve();
}

static void backend_is(const char *state)
{
    dom0_set("/b/state", state);
    dom0_serve();
}

static void mean_well(void)
{
    dom0_follow("device/vif/0", dom0_get("device/vif/0/backend"));
}

static void comes_up(void **state)
{
    (void)state;
    open_offered();
    assert_int_equal(connects, 1);
    assert_int_equal(f.domain, 5);
    assert_string_equal(f.front_values[0], "m");
    assert_int_equal(front_number(&f, f.back_values[0], 1, 0), 1);
    assert_string_equal(dom0.said, "device/vif/0/ring-ref=9;device/vif/0/state=4;");
    assert_false(f.up);
    backend_is("4");
    assert_true(f.up && up);
    assert_int_equal(front_deadline(&f), UINT64_MAX);
}

static void goes_and_comes_back(void **state)
{
    (void)state;
    open_offered();
    backend_is("4");
    dom0.said[0] = '\0';
    backend_is("5");
    assert_false(f.up);
    assert_int_equal(disconnects, 1);
    assert_string_equal(dom0.said, "device/vif/0/state=6;");
    backend_is("6"); /* the toolstack still wants it: it is asked back */
    assert_string_equal(dom0.said, "device/vif/0/state=6;device/vif/0/state=1;");
    backend_is("2");
    assert_int_equal(connects, 2);
    backend_is("4");
    assert_true(up);
}

static void one_that_is_not_wanted_any_more_is_not_asked_back(void **state)
{
    (void)state;
    open_offered();
    backend_is("4");
    dom0.said[0] = '\0';
    dom0_set("/b/online", "0");
    backend_is("5");
    backend_is("6");
    assert_string_equal(dom0.said, "device/vif/0/state=6;");
}

static void detached_and_attached(void **state)
{
    (void)state;
    open_offered();
    backend_is("4");
    dom0_set("device/vif/0/backend", NULL);
    dom0_serve();
    assert_false(f.present || f.up);
    assert_int_equal(disconnects, 1);
    offer("/c", "6", "0");
    dom0_serve();
    assert_int_equal(connects, 2);
    dom0_set("/c/state", "4");
    dom0_serve();
    assert_true(up);
    backend_is("5"); /* the old one: it is nothing to us */
    assert_true(up);
}

/* --- what does not answer --- */

static void a_silent_backend_is_asked_again(void **state)
{
    (void)state;
    open_offered();
    dom0_wait(FRONT_DEADLINE - SOON);
    assert_false(dom0_heard("trying again"));
    assert_int_equal(disconnects, 0);
    dom0_wait(2 * SOON);
    assert_true(dom0_heard("vif 0: its backend (domain 5) is not ready (state 2): trying again"));
    assert_int_equal(f.counters.late, 1);
    assert_int_equal(disconnects, 1);
    assert_non_null(strstr(dom0.said, "state=4;device/vif/0/state=6;")); /* goodbye */
    dom0_wait(FRONT_DEADLINE);
    assert_int_equal(f.counters.late, 2);
    dom0.backend = mean_well;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(up);
    dom0_wait(2 * FRONT_DEADLINE);
    assert_int_equal(disconnects, connects - 1);
}

static void what_cannot_be_set_up_is_tried_again(void **state)
{
    (void)state;
    refusals = 4;
    dom0.backend = mean_well;
    open_offered();
    assert_false(f.linked);
    dom0_wait(4 * FRONT_DEADLINE);
    assert_int_equal(refusals, 0);
    assert_true(up);
}

static void a_store_that_is_silent(void **state)
{
    (void)state;
    offer("/b", "5", "1");
    dom0.silent = true;
    dom0.backend = mean_well;
    open();
    dom0_wait(STORE_DEADLINE + SOON);
    assert_true(f.looked && !f.up);
    assert_true(dom0_heard("vif 0: the store does not answer"));
    dom0_wait(FRONT_DEADLINE + STORE_DEADLINE);
    assert_true(dom0_heard("vif 0: the store does not answer"));
    dom0.silent = false;
    dom0_wait(FRONT_DEADLINE + SOON);
    assert_true(up);
}

static void a_store_that_falls_silent_between(void **state)
{
    for (unsigned k = 0; k < ANSWERS_MAX; k++) {
        setup(state);
        offer("/b", "5", "1");
        open();
        for (unsigned i = 0; i < k && dom0_answer(); i++)
            mean_well();
        dom0.silent = true;
        dom0_wait(STORE_DEADLINE + SOON);
        dom0.silent = false;
        dom0.backend = mean_well;
        dom0_wait(3 * FRONT_DEADLINE);
        assert_true(up);
        assert_int_equal(disconnects, connects - 1);
    }
}

/* It may be busy for long: what works is left as it is. */
static void a_store_that_is_silent_while_all_works(void **state)
{
    (void)state;
    dom0.backend = mean_well;
    open_offered();
    dom0_wait(SOON);
    dom0.silent = true;
    dom0_set("/b/state", "4");
    dom0_wait(STORE_DEADLINE + 2 * FRONT_DEADLINE);
    assert_true(dom0_heard("vif 0: the store does not answer"));
    assert_true(up);
    assert_int_equal(connects, 1);
    dom0.silent = false;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(up);
    assert_int_equal(disconnects, 0);
    dom0_set("/b/state", "6");
    dom0_wait(SOON);
    assert_int_equal(disconnects, 1);
}

static void a_store_that_refuses(void **state)
{
    (void)state;
    dom0.refuses = "device/vif/0/ring-ref";
    open_offered();
    assert_true(dom0_heard("device/vif/0/ring-ref: "));
}

/* --- nodes that are not as they should be --- */

static void nodes_of_the_wrong_kind(void **state)
{
    static const char *const wrong[] = {"99999999999999999999",
                                        "four",
                                        "-2",
                                        "4 ",
                                        "",
                                        "a value that is longer than any that we know of"};
    (void)state;
    open_offered();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        backend_is(wrong[i]);
        assert_false(f.up);
    }
    assert_int_equal(f.backend_state, 0);
    assert_true(f.counters.malformed >= 5);
    backend_is("4");
    assert_true(f.up);
    /* Nor are values that only begin as they should. */
    dom0_set_bytes("/b/state", SLICE("4\0 and more"));
    dom0_serve();
    assert_false(f.up);
    backend_is("4000000000000000000000000000000000000000000");
    assert_false(f.up);
    dom0_set("device/vif/0/mac", "a text that is longer than any address of a card");
    backend_is("2");
    assert_string_equal(f.front_values[0], "");
    backend_is("4");
    assert_true(f.up);
    dom0_set("device/vif/0/backend-id", "-1");
    backend_is("4");
    assert_int_equal(f.domain, 0);
}

static void nodes_that_are_missing(void **state)
{
    static const char *const names[] = {"/b/state", "/b/feature-sg", "device/vif/0/backend-id",
                                        "device/vif/0/mac"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setup(state);
        offer("/b", "5", "1");
        dom0_set(names[i], NULL);
        dom0.backend = mean_well;
        open();
        dom0_wait(SOON);
        assert_true(f.looked && f.present);
        assert_int_equal(f.counters.malformed, 0);
        if (i == 0) {
            assert_false(f.linked);
            dom0_wait(FRONT_DEADLINE);
            assert_true(dom0_heard("is not ready (state 0): trying again"));
            dom0_set("/b/state", "2");
            dom0_wait(SOON);
        }
        assert_true(up);
        assert_int_equal(with.domain, i == 2 ? 0 : 5);
        assert_int_equal(with.scatter, i == 1 ? 9 : 1);
        assert_string_equal(f.front_values[0], i == 3 ? "" : "m");
    }
}

static void no_device(void **state)
{
    (void)state;
    open();
    dom0_serve();
    assert_true(f.looked && !f.present);
    assert_int_equal(front_deadline(&f), UINT64_MAX);
}

/* As far as so many answers of the store take it. */
static void open_and_answer(unsigned answers)
{
    offer("/b", "5", "1");
    open();
    for (unsigned i = 0; i < answers && dom0_answer(); i++)
        dom0_follow("device/vif/0", "/b");
}

/* Whenever another backend takes the place of the first, it is the one that we end with. */
static void another_backend_while_it_is_read(void **state)
{
    for (unsigned k = 0; k < ANSWERS_MAX; k++) {
        setup(state);
        open_and_answer(k);
        offer("/c", "6", "0");
        dom0.backend = mean_well;
        dom0_wait(SOON);
        assert_true(up);
        assert_int_equal(with.domain, 6);
        assert_int_equal(with.scatter, 0);
        assert_int_equal(disconnects, connects - 1);
    }
}

/* Whenever the backend begins anew, it is up in the end, with what it says now. */
static void a_state_that_changes_while_it_is_read(void **state)
{
    static const char *const states[] = {"1", "2", "5", "6"};
    for (unsigned k = 0; k < 4 * ANSWERS_MAX; k++) {
        setup(state);
        open_and_answer(k / 4);
        dom0_set("/b/feature-sg", "0");
        dom0_set("/b/state", states[k % 4]);
        for (unsigned i = 0; i < 3 && k % 4 == 0; i++)
            dom0_answer();
        if (k % 4 == 0)
            dom0_set("/b/state", "2");
        dom0.backend = mean_well;
        dom0_wait(3 * FRONT_DEADLINE);
        assert_true(up);
        assert_int_equal(disconnects, connects - 1);
    }
}

/* A folder that comes and goes. */
static void taken_away_while_it_is_read(void **state)
{
    for (unsigned k = 0; k < ANSWERS_MAX; k++) {
        setup(state);
        open_and_answer(k);
        dom0_set("device/vif/0/backend", NULL);
        dom0_set("/b/state", NULL);
        dom0_wait(SOON);
        assert_false(f.present || f.up || f.linked);
        assert_int_equal(disconnects, connects);
        assert_int_equal(front_deadline(&f), UINT64_MAX);
    }
}

static void its_own_fault_has_it_begin_again(void **state)
{
    (void)state;
    open_offered();
    backend_is("4");
    front_fail(&f, "it is broken");
    assert_false(up);
    assert_true(dom0_heard("vif 0: it is broken: starting it again"));
    dom0.backend = mean_well;
    dom0_wait(FRONT_PAUSE / 2);
    assert_false(up);
    dom0_wait(2 * FRONT_PAUSE);
    assert_true(up);
    assert_false(dom0_heard("not ready"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(comes_up),
        TEST(goes_and_comes_back),
        TEST(one_that_is_not_wanted_any_more_is_not_asked_back),
        TEST(detached_and_attached),
        TEST(a_silent_backend_is_asked_again),
        TEST(what_cannot_be_set_up_is_tried_again),
        TEST(a_store_that_is_silent),
        TEST(a_store_that_falls_silent_between),
        TEST(a_store_that_is_silent_while_all_works),
        TEST(a_store_that_refuses),
        TEST(nodes_of_the_wrong_kind),
        TEST(nodes_that_are_missing),
        TEST(no_device),
        TEST(another_backend_while_it_is_read),
        TEST(a_state_that_changes_while_it_is_read),
        TEST(taken_away_while_it_is_read),
        TEST(its_own_fault_has_it_begin_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
