/* Pools: limits reached, memory that runs out, and memory that is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/pool.h"
#include "signatures/memory.h"

#define MANY 1000u
#define SIZE ((size_t)40)

static struct pool p;
static uint8_t *items[MANY];

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    pool_init(&p, "things", SIZE, MANY);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_memory_fail_every(0);
    pool_deinit(&p);
    return memory_stats().blocks == 0 && memory_stats().bytes == 0 ? 0 : -1;
}

/* Until so many are in use. */
static void load(uint32_t wanted)
{
    while (p.used < wanted) {
        items[p.used] = pool_take(&p);
        assert_non_null(items[p.used - 1]);
    }
    while (p.used > wanted)
        pool_give(&p, items[p.used - 1]);
}

static void test_limit(void **state)
{
    (void)state;
    assert_int_equal(memory_stats().blocks, 0); /* nothing is taken in advance */
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++) {
            uint8_t *item = items[i] = pool_take(&p);
            assert_non_null(item);
            assert_int_equal((uintptr_t)item % 16, 0);
            for (size_t k = 0; k < SIZE; k++)
                assert_int_equal(item[k], 0);
            memset(item, 0xff, SIZE);
        }
        assert_null(pool_take(&p));
        assert_int_equal(p.used, MANY);
        assert_int_equal(p.held, MANY);
        load(0);
    }
    assert_int_equal(p.refused, 3);
    assert_int_equal(p.peak, MANY);
    assert_int_equal(p.used, 0);
    pool_give(&p, NULL);
}

static void test_without_memory(void **state)
{
    (void)state;
    sim_memory_fail_every(1);
    assert_null(pool_take(&p));
    assert_int_equal(p.refused, 1);
    sim_memory_fail_every(0);
    load(1);
    load(0);
}

/* As small as there is, and with room for none. */
static void test_smallest(void **state)
{
    struct pool small;
    (void)state;
    pool_init(&small, "small", 1, 10);
    for (size_t i = 0; i < 10; i++)
        assert_non_null(items[i] = pool_take(&small));
    assert_null(pool_take_dirty(&small));
    for (size_t i = 0; i < 10; i++)
        pool_give(&small, items[i]);
    pool_deinit(&small);
    pool_init(&small, "none", 8, 0);
    assert_null(pool_take(&small));
    assert_int_equal(small.refused, 1);
    pool_deinit(&small);
}

/* What a busy moment took is given back when it is over: as much is held as after the first item. */
static void test_quiet_after_busy(void **state)
{
    (void)state;
    load(1);
    load(0);
    uint64_t bytes = memory_stats().bytes;
    assert_int_equal(memory_stats().blocks, 1);
    for (uint32_t busy = 1; busy <= MANY; busy = busy * 3 / 2 + 1) {
        load(busy);
        load(0);
        assert_int_equal(memory_stats().bytes, bytes);
        assert_int_equal(memory_stats().blocks, 1);
    }
}

/* In the order in which they were taken, and with a few that stay: no more slabs stay than those have,
 * the first, and one to spare. */
static void test_not_quite_quiet(void **state)
{
    (void)state;
    for (uint32_t stay = 1; stay <= 3; stay++) {
        load(MANY);
        for (uint32_t i = 0; i < MANY; i++)
            if (i % (MANY / stay) != 1)
                pool_give(&p, items[i]);
        assert_int_equal(p.used, stay);
        assert_true(memory_stats().blocks <= stay + 2);
        for (uint32_t i = 1; i < MANY; i += MANY / stay)
            pool_give(&p, items[i]);
        assert_int_equal(p.used, 0);
        assert_int_equal(memory_stats().blocks, 1);
    }
}

/* However large an item is, a slab has one at least. */
static void test_large(void **state)
{
    struct pool large;
    (void)state;
    pool_init(&large, "large", 100000, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_non_null(items[i] = pool_take(&large));
    assert_null(pool_take(&large));
    for (uint32_t i = 0; i < 10; i++)
        pool_give(&large, items[i]);
    assert_int_equal(large.held, 1);
    pool_deinit(&large);
}

/* A load that swings, be it about the edge of a slab: whatever its height, what is asked of memory is
 * paid for by as many takes. */
static void swing(uint32_t low, uint32_t high, uint64_t most)
{
    load(high);
    uint64_t asked = sim_memory_requests();
    for (int i = 0; i < 20; i++) {
        load(low);
        load(high);
    }
    assert_true(sim_memory_requests() - asked <= most);
}

static void test_swings(void **state)
{
    (void)state;
    load(1);
    uint32_t first = p.held;
    assert_true(first >= 32);
    swing(0, first, 0);
    for (uint32_t high = 2; high <= MANY; high++) {
        swing(high - 1, high, 0);
        swing(high - high / 10, high, 0);
    }
    for (uint32_t high = first; high <= MANY; high = high * 3 / 2)
        swing(0, high, 20 * high / first);
    load(0);
}

/* --- any order --- */

static uint64_t marks[MANY], last_mark;

static void take_marked(void)
{
    uint64_t refused = p.refused;
    uint8_t *item = pool_take_dirty(&p);
    assert_int_equal(p.refused, refused + !item);
    if (!item)
        return;
    for (size_t i = 0; i < SIZE; i += sizeof last_mark)
        memcpy(item + i, &last_mark, sizeof last_mark);
    items[p.used - 1] = item;
    marks[p.used - 1] = last_mark++;
}

static void give_marked(size_t at)
{
    uint8_t *item = items[at];
    for (size_t i = 0; i < SIZE; i += sizeof marks[at])
        assert_memory_equal(item + i, &marks[at], sizeof marks[at]);
    items[at] = items[p.used - 1];
    marks[at] = marks[p.used - 1];
    pool_give(&p, item);
}

/* The tide comes in and goes out, with memory that fails every so often, or never. */
static void walk(uint64_t seed, uint64_t failing)
{
    struct sim_random r;
    sim_random_seed(&r, seed);
    sim_memory_fail_every(failing);
    for (int i = 0; i < 20000; i++) {
        uint64_t before = memory_stats().blocks;
        if (sim_random_chance(&r, i / 2500 % 2 ? 30 : 70))
            take_marked();
        else if (p.used > 0)
            give_marked((size_t)sim_random_range(&r, 0, p.used - 1));
        assert_true(p.used <= p.held && p.held <= p.limit && p.used <= p.peak);
        assert_true(before <= memory_stats().blocks + 2); /* no give is long */
    }
    while (p.used > 0)
        give_marked(p.used - 1);
    assert_true(memory_stats().blocks <= 1);
}

static void test_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        walk(seed, seed % 5);
    assert_int_equal(p.peak, MANY);
    assert_true(p.refused > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limit),           TEST(test_without_memory),
        TEST(test_smallest),        TEST(test_quiet_after_busy),
        TEST(test_not_quite_quiet), TEST(test_large),
        TEST(test_swings),          TEST(test_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
