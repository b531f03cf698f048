/* The block device in memory: what all of them promise, and what this one can do to a program. */
#include "tests/platform/block_conformance.h"

#include "platform/sim/block.h"
#include "signatures/clock.h"

static struct block *block;

static struct block *place_block(void)
{
    return block;
}

static bool place_run(bool (*done)(void *arg), void *arg)
{
    return sim_run(done, arg, clock_monotonic() + 10 * CLOCK_SEC);
}

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    struct sim_block_ways ways = {.latency_min = CLOCK_US, .latency_max = 20 * CLOCK_MS};
    block = sim_block_open(PLACE_SECTORS, ways, 5);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_block_close(block);
    return 0;
}

static void open_with(struct sim_block_ways ways)
{
    sim_block_close(block);
    block = sim_block_open(PLACE_SECTORS, ways, 7);
}

static void test_order_is_not_kept(void **state)
{
    uint64_t from = clock_monotonic();
    (void)state;
    bool later_first = false;
    for (unsigned round = 0; round < 10; round++) {
        assert_int_equal(submit(&asked[0], BLOCK_READ, 0, BLOCK_SECTOR), OK);
        assert_int_equal(submit(&asked[1], BLOCK_READ, 0, BLOCK_SECTOR), OK);
        place_run(is_answered, &asked[1]);
        later_first |= !asked[0].answers;
        place_run(is_answered, &asked[0]);
    }
    assert_true(later_first);
    assert_true(clock_monotonic() > from + CLOCK_MS);
}

static void test_failures(void **state)
{
    unsigned failed = 0;
    (void)state;
    open_with((struct sim_block_ways){.fail_percent = 30});
    for (unsigned i = 0; i < 200; i++) {
        fill(&asked[0], 1);
        enum err e = carry_out(&asked[0], BLOCK_READ, i, BLOCK_SECTOR);
        assert_true(e == OK || e == ERR_IO);
        failed += e == ERR_IO;
        assert_int_equal(asked[0].bytes[9], e ? 0xdb : 0);
    }
    assert_in_range(failed, 30, 90);
}

static void test_read_only(void **state)
{
    (void)state;
    open_with((struct sim_block_ways){.read_only = true});
    assert_int_equal(submit(&asked[0], BLOCK_WRITE, 0, BLOCK_SECTOR), ERR_DENIED);
    assert_int_equal(carry_out(&asked[0], BLOCK_READ, 0, BLOCK_SECTOR), OK);
}

static void test_a_crash_loses_what_was_not_flushed(void **state)
{
    (void)state;
    fill(&asked[0], 1);
    assert_int_equal(carry_out(&asked[0], BLOCK_WRITE, 1, BLOCK_SECTOR), OK);
    assert_int_equal(carry_out(&asked[0], BLOCK_FLUSH, 0, 0), OK);
    assert_int_equal(carry_out(&asked[0], BLOCK_WRITE, 2, BLOCK_SECTOR), OK);
    assert_int_equal(submit(&asked[1], BLOCK_FLUSH, 0, 0), OK);
    sim_block_crash(block);
    assert_int_equal(asked[1].answers, 0);
    assert_true(place_run(is_answered, &asked[1]));
    assert_int_equal(asked[1].why, ERR_RESET);
    assert_int_equal(carry_out(&asked[1], BLOCK_READ, 1, BLOCK_SECTOR), OK);
    assert_memory_equal(asked[0].bytes, asked[1].bytes, BLOCK_SECTOR);
    assert_int_equal(carry_out(&asked[1], BLOCK_READ, 2, BLOCK_SECTOR), OK);
    assert_int_equal(asked[1].bytes[9], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOCK_CONFORMANCE(setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_crash_loses_what_was_not_flushed, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/sim/block_test", tests, NULL, NULL);
}
