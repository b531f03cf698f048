/* A network card that fails, is reset or goes away: it is begun anew so many times, and harms nothing. */
#include "tests/platform/virtio/card.h"

static void test_link(void **state)
{
    struct world *w = *state;
    assert_true(net_link(w->net));
    puppet.config[6] = 0;
    puppet_run(true); /* not told: not looked at */
    assert_int_equal(w->downs, 0);
    puppet.config_interrupt = true;
    assert_true(puppet_run(true));
    assert_int_equal(w->downs, 1);
    assert_int_equal(send(w, 1, NULL), ERR_UNREACHABLE);
    puppet.config[6] = 1;
    puppet.config_interrupt_late = true;
    assert_true(puppet_run(true));
    assert_false(puppet_run(true));
    assert_int_equal(w->ups, 1);
    assert_int_equal(send(w, 1, NULL), OK);
}

static void expect_given_up(struct world *w)
{
    assert_false(net_link(w->net));
    assert_int_equal(w->downs, 1);
    assert_int_equal(puppet.status, 0); /* reset: it touches nothing any more */
    assert_int_equal(net_completed(w->net), w->net->sent);
    assert_int_equal(send(w, 1, NULL), ERR_UNREACHABLE);
    puppet_run(true);
}

static void test_broken(void **state)
{
    struct world *w = *state;
    assert_int_equal(send(w, 2, NULL), OK);
    puppet_use(RECEIVE, 1000, 60);
    assert_true(puppet_run(true));
    assert_int_equal(counters(w).broken, 1);
    expect_given_up(w);
    assert_int_equal(counters(w).broken, 1);
}

static void test_broken_sending(void **state)
{
    struct world *w = *state;
    struct puppet_chain c;
    assert_int_equal(send(w, 2, NULL), OK);
    assert_true(puppet_take(SEND, &c));
    puppet_use(SEND, c.number, 1); /* nothing there may be written */
    puppet_run(true);
    assert_int_equal(counters(w).broken, 1);
    expect_given_up(w);
}

static void fail_device(struct world *w)
{
    (void)w;
    puppet.status |= VIRTIO_NEEDS_RESET;
    puppet.config_interrupt = true;
    assert_true(puppet_run(true));
}

/* Frames that were under way are done with; those that come afterwards go as before. */
static void test_needs_reset(void **state)
{
    struct world *w = *state;
    struct puppet_chain c;
    assert_int_equal(send(w, 3, NULL), OK);
    fail_device(w);
    assert_int_equal(counters(w).restarts, 1);
    assert_int_equal(puppet.status, 15);
    assert_int_equal(puppet.accepted, ALL | VIRTIO_F_VERSION_1);
    assert_int_equal(net_completed(w->net), 1);
    assert_true(net_link(w->net));
    give(plain, 60);
    puppet_run(true);
    assert_int_equal(w->frames, 1);
    assert_int_equal(send(w, 3, NULL), OK);
    assert_true(puppet_take(SEND, &c));
    puppet_use(SEND, c.number, 0);
    assert_int_equal(net_completed(w->net), 2);
}

static void test_needs_reset_too_often(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < VIRTIO_RESTARTS_MAX; i++)
        fail_device(w);
    assert_true(net_link(w->net));
    fail_device(w);
    assert_int_equal(counters(w).restarts, VIRTIO_RESTARTS_MAX);
    expect_given_up(w);
}

/* Who waited for room has it at once: what was under way is no more. */
static void test_needs_reset_when_full(void **state)
{
    struct world *w = *state;
    while (!send(w, 1, NULL))
        continue;
    fail_device(w);
    assert_int_equal(w->rooms, 1);
    assert_int_equal(send(w, 1, NULL), OK);
}

/* So many in a time: one now and then is no reason to give up a card. */
static void test_needs_reset_now_and_then(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 3 * VIRTIO_RESTARTS_MAX; i++) {
        if (i % VIRTIO_RESTARTS_MAX == 0)
            puppet_pass(VIRTIO_RESTARTS_TIME + 1);
        fail_device(w);
    }
    assert_int_equal(counters(w).restarts, 3 * VIRTIO_RESTARTS_MAX);
    assert_true(net_link(w->net));
    fail_device(w);
    expect_given_up(w);
}

/* Whoever resets the device behind our back tells nobody: that is found before long. */
static void test_reset_without_a_word(void **state)
{
    struct world *w = *state;
    puppet.status = 0;
    puppet_run(true);
    assert_int_equal(counters(w).restarts, 0);
    puppet_pass(VIRTIO_LOOK_EVERY);
    puppet_run(false);
    puppet_run(false);
    assert_int_equal(counters(w).restarts, 1);
    assert_int_equal(puppet.status, 15);
    puppet_pass(VIRTIO_LOOK_EVERY);
    puppet_run(false);
    puppet_run(false);
    assert_int_equal(counters(w).restarts, 1);
    give(plain, 60);
    puppet_run(true);
    assert_int_equal(w->frames, 1);
}

/* The stack counts on what was agreed to at first. */
static void test_other_after_reset(void **state)
{
    struct world *w = *state;
    puppet.offered &= ~HOST_TSO;
    fail_device(w);
    expect_given_up(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_sending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needs_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needs_reset_too_often, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needs_reset_when_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needs_reset_now_and_then, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_without_a_word, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_after_reset, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/virtio/net_failing_test", tests, NULL, NULL);
}
