/* The map against a model, and SipHash against the vectors of its paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "platform/sim/sim.h"
#include "runtime/map.h"
#include "signatures/memory.h"

static int teardown(void **state)
{
    (void)state;
    sim_memory_fail_every(0);
    return memory_stats().blocks == 0 ? 0 : -1;
}

/* Appendix A of the paper: key 00..0f, input 00..0e; and the first of its authors' 64 vectors. */
static void test_siphash_vectors(void **state)
{
    static const uint64_t vectors[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    const struct sipkey key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t input[16];
    (void)state;
    for (uint8_t i = 0; i < 16; i++) {
        input[i] = i;
        assert_true(siphash(key, slice_of(input, i)) == vectors[i]);
    }
    assert_true(siphash(key, slice_of(NULL, 0)) == vectors[0]);
}

#define KEYS 5000

/* Random operations on few keys, so that there is much removing and adding again. */
static void test_against_model(void **state)
{
    static char texts[KEYS][8];
    static void *model[KEYS];
    struct sim_random r;
    struct map m;
    size_t count = 0;
    (void)state;
    memset(model, 0, sizeof model);
    sim_random_seed(&r, 5);
    map_init(&m, (struct sipkey){1, 2});
    for (size_t i = 0; i < KEYS; i++)
        snprintf(texts[i], sizeof texts[i], "k%zu", i);
    for (int i = 0; i < 400000; i++) {
        size_t k = (size_t)sim_random_range(&r, 0, i % 100000 < 50000 ? KEYS - 1 : 50);
        struct slice key = slice_text(texts[k]);
        void *value = &texts[sim_random_range(&r, 0, KEYS - 1)];
        switch (sim_random_range(&r, 0, 2)) {
        case 0:
            assert_int_equal(map_put(&m, key, value), OK);
            count += model[k] == NULL;
            model[k] = value;
            break;
        case 1:
            assert_ptr_equal(map_remove(&m, key), model[k]);
            count -= model[k] != NULL;
            model[k] = NULL;
            break;
        default:
            assert_ptr_equal(map_get(&m, key), model[k]);
        }
        assert_int_equal(m.count, count);
    }
    for (size_t k = 0; k < KEYS; k++)
        assert_ptr_equal(map_get(&m, slice_text(texts[k])), model[k]);
    size_t at = 0, seen = 0;
    for (struct map_entry *e; (e = map_next(&m, &at)) != NULL; seen++)
        assert_non_null(e->value);
    assert_int_equal(seen, count);
    map_deinit(&m);
}

static void test_many_entries(void **state)
{
    enum { COUNT = 300000 };
    uint32_t *keys = malloc(COUNT * sizeof *keys);
    struct map m;
    (void)state;
    map_init(&m, (struct sipkey){7, 9});
    for (uint32_t i = 0; i < COUNT; i++) {
        keys[i] = i;
        assert_int_equal(map_put(&m, slice_of(&keys[i], 4), &keys[i]), OK);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_ptr_equal(map_get(&m, slice_of(&keys[i], 4)), &keys[i]);
    for (uint32_t i = 0; i < COUNT; i += 2)
        assert_ptr_equal(map_remove(&m, slice_of(&keys[i], 4)), &keys[i]);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_ptr_equal(map_get(&m, slice_of(&keys[i], 4)), i % 2 ? &keys[i] : NULL);
    map_deinit(&m);
    free(keys);
}

static void test_edges(void **state)
{
    struct map m;
    int a, b;
    size_t at = 0;
    char first[] = "key", second[] = "key";
    (void)state;
    map_init(&m, (struct sipkey){0, 0});
    assert_null(map_get(&m, SLICE("x")));
    assert_null(map_remove(&m, SLICE("x")));
    assert_null(map_next(&m, &at));
    sim_memory_fail_every(1);
    assert_int_equal(map_put(&m, SLICE("x"), &a), ERR_MEMORY);
    sim_memory_fail_every(0);
    assert_int_equal(map_put(&m, slice_of(NULL, 0), &a), OK); /* the empty key is a key */
    assert_ptr_equal(map_get(&m, SLICE("")), &a);
    assert_int_equal(map_put(&m, slice_text(first), &a), OK);
    assert_int_equal(map_put(&m, slice_text(second), &b), OK); /* the key slice is replaced, too */
    memset(first, '#', sizeof first);
    assert_ptr_equal(map_get(&m, SLICE("key")), &b);
    assert_int_equal(m.count, 2);
    map_deinit(&m);
    assert_null(map_get(&m, SLICE("key")));
}

/* When growing fails, everything that was there still is. */
static void test_growth_without_memory(void **state)
{
    static uint32_t keys[4096];
    struct map m;
    uint32_t failed_at = 0;
    (void)state;
    map_init(&m, (struct sipkey){3, 4});
    for (uint32_t i = 0; i < 4096 && !failed_at; i++) {
        keys[i] = i;
        sim_memory_limit(i > 1000 ? 1 : 0);
        if (map_put(&m, slice_of(&keys[i], 4), &keys[i]) != OK)
            failed_at = i;
    }
    sim_memory_limit(0);
    assert_int_not_equal(failed_at, 0);
    for (uint32_t i = 0; i < failed_at; i++)
        assert_ptr_equal(map_get(&m, slice_of(&keys[i], 4)), &keys[i]);
    assert_int_equal(map_put(&m, slice_of(&keys[failed_at], 4), &keys[0]), OK);
    map_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_siphash_vectors, teardown),
        cmocka_unit_test_teardown(test_against_model, teardown),
        cmocka_unit_test_teardown(test_many_entries, teardown),
        cmocka_unit_test_teardown(test_edges, teardown),
        cmocka_unit_test_teardown(test_growth_without_memory, teardown),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
