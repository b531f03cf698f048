/* Sorting: every short length, every pattern that merging can meet, stable, against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/sort.h"
#include "signatures/memory.h"

struct item {
    uint32_t key;
    uint32_t place; /* where it stood before */
    uint8_t odd;    /* so that items are no power of two */
};

static uint64_t compared;

static int compare(const void *a, const void *b, void *arg)
{
    const struct item *x = a, *y = b;
    assert_ptr_equal(arg, &compared);
    compared++;
    return (x->key > y->key) - (x->key < y->key);
}

static void check(size_t count, uint32_t keys, uint64_t seed, int shape)
{
    struct sim_random r;
    struct item *items = malloc((count + 1) * sizeof *items);
    sim_random_seed(&r, seed);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = shape == 1   ? i
                       : shape == 2 ? (uint32_t)count - i
                                    : (uint32_t)sim_random_range(&r, 0, keys);
        items[i] = (struct item){key, i, (uint8_t)i};
    }
    compared = 0;
    assert_int_equal(sort(items, count, sizeof *items, compare, &compared), OK);
    for (size_t i = 1; i < count; i++) {
        assert_true(items[i - 1].key <= items[i].key);
        if (items[i - 1].key == items[i].key)
            assert_true(items[i - 1].place < items[i].place); /* stable */
        assert_int_equal(items[i].odd, (uint8_t)items[i].place);
    }
    free(items);
}

static void test_lengths(void **state)
{
    (void)state;
    for (size_t count = 0; count < 300; count++)
        for (int shape = 0; shape < 3; shape++)
            check(count, 20, count, shape);
}

static void test_large(void **state)
{
    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        check(100000, UINT32_MAX - 1, 1, shape);
        assert_true(compared < 100000ull * 20); /* n log n, also at worst */
    }
    check(100000, 3, 2, 0);
}

static void test_failure(void **state)
{
    struct item items[20];
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        items[i] = (struct item){19 - i, i, 0};
    sim_memory_fail_every(1);
    assert_int_equal(sort(items, 20, sizeof *items, compare, &compared), ERR_MEMORY);
    sim_memory_fail_every(0);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(items[i].key, 19 - i);
    assert_int_equal(sort(NULL, 0, 8, compare, &compared), OK);
    assert_int_equal(sort(items, SIZE_MAX / 2, sizeof *items, compare, &compared), ERR_LIMIT);
    assert_int_equal(memory_stats().blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
