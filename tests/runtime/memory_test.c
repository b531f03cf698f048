/* What holds memory: buffers and arenas, with limits reached and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/arena.h"
#include "runtime/buf.h"
#include "signatures/memory.h"

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    sim_memory_fail_every(0);
    return memory_stats().blocks == 0 && memory_stats().bytes == 0 ? 0 : -1;
}

/* --- the simulation's memory itself --- */

static void test_failure_plans(void **state)
{
    (void)state;
    void *held[8];
    uint64_t refused = memory_stats().refused;
    sim_memory_fail_nth(3);
    for (int i = 0; i < 4; i++)
        held[i] = memory_alloc(10);
    assert_true(held[0] && held[1] && !held[2] && held[3]);
    sim_memory_fail_every(2);
    for (int i = 4; i < 8; i++)
        held[i] = memory_alloc(0);
    assert_true(held[4] && !held[5] && held[6] && !held[7]);
    assert_int_equal(memory_stats().refused, refused + 3);
    assert_int_equal(memory_stats().blocks, 5);
    assert_int_equal(memory_stats().bytes, 30);
    sim_memory_fail_every(0);
    sim_memory_limit(40);
    assert_null(memory_alloc(11));
    held[2] = memory_zalloc(10);
    assert_non_null(held[2]);
    sim_memory_limit(0);
    for (int i = 0; i < 8; i++)
        memory_free(held[i]);
    volatile size_t too_much = SIZE_MAX;
    assert_null(memory_alloc(too_much));
}

static void test_resize(void **state)
{
    (void)state;
    uint8_t *p = memory_resize(NULL, 4);
    memcpy(p, "abcd", 4);
    p = memory_resize(p, 8);
    assert_memory_equal(p, "abcd", 4);
    p = memory_resize(p, 2);
    assert_memory_equal(p, "ab", 2);
    sim_memory_fail_nth(1);
    assert_null(memory_resize(p, 100));
    assert_memory_equal(p, "ab", 2); /* the old block stays */
    memory_free(p);
}

/* --- buf --- */

static void test_buf_grows_to_its_limit(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max += 7) {
        struct buf b;
        buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            buf_byte(&b, (uint8_t)i);
        assert_int_equal(b.err, OK);
        assert_int_equal(b.len, max);
        assert_true(b.cap <= max);
        for (size_t i = 0; i < max; i++)
            assert_int_equal(b.ptr[i], (uint8_t)i);
        buf_byte(&b, 0);
        assert_int_equal(b.err, ERR_LIMIT);
        assert_int_equal(b.len, max);
        buf_deinit(&b);
    }
}

static void test_buf_latches(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_text(&b, "abc");
    buf_text(&b, "too long");
    buf_text(&b, "d"); /* would fit, but the error sticks */
    buf_printf(&b, "%d", 1);
    assert_null(buf_reserve(&b, 1));
    buf_commit(&b, 1);
    assert_int_equal(b.err, ERR_LIMIT);
    assert_true(slice_is(buf_slice(&b), "abc"));
    buf_clear(&b);
    buf_text(&b, "12345678");
    assert_int_equal(b.err, OK);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.err, ERR_LIMIT);
    buf_deinit(&b);
    sim_memory_fail_nth(1);
    buf_text(&b, "x");
    assert_int_equal(b.err, ERR_MEMORY);
    assert_null(b.ptr);
    buf_deinit(&b);
    assert_int_equal(b.err, OK);
}

/* As printf's %llu, and %0Nllu: the shortest and the longest, and with fewer and more zeros than it
 * takes. */
static void test_buf_decimal(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 7, 10, 99, 100, 65535, UINT64_MAX - 1, UINT64_MAX};
    struct buf b;
    char expected[32];
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t least = 1; least <= 20; least++) {
            buf_clear(&b);
            buf_decimal(&b, values[i], least);
            snprintf(expected, sizeof expected, "%0*llu", (int)least,
                     (unsigned long long)values[i]);
            assert_true(slice_is(buf_slice(&b), expected));
        }
    buf_clear(&b);
    buf_decimal(&b, 0, 0);
    buf_decimal(&b, 5, SIZE_MAX);
    assert_true(slice_is(buf_slice(&b), "00000000000000000005"));
    buf_deinit(&b);
}

static void test_buf_reserve_consume_release(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    memcpy(buf_reserve(&b, 6), "abcdef", 6);
    assert_int_equal(b.len, 0);
    buf_commit(&b, 6);
    buf_commit(&b, 10000); /* never beyond what there is */
    assert_true(b.len <= b.cap);
    b.len = 6;
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_true(slice_is(buf_slice(&b), "cdef"));
    buf_consume(&b, 99);
    assert_int_equal(b.len, 0);
    buf_put(&b, slice_of(NULL, 0));
    buf_printf(&b, "%s-%05d", "n", 42);
    struct slice s = buf_release(&b);
    assert_true(slice_is(s, "n-00042"));
    assert_null(b.ptr);
    memory_free((void *)(uintptr_t)s.ptr);
    buf_deinit(&b);
    assert_non_null(buf_reserve(&b, 0)); /* room for nothing is there, too */
    buf_deinit(&b);
}

/* --- arena --- */

static void test_arena(void **state)
{
    (void)state;
    struct arena a;
    uint8_t *pieces[500];
    arena_init(&a, 64 << 20);
    for (size_t i = 0; i < 500; i++) {
        size_t n = i % 50 == 0 ? i * 1000 : i;
        pieces[i] = arena_alloc(&a, n);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i & 0xff, n);
    }
    for (size_t i = 0; i < 500; i++) {
        size_t n = i % 50 == 0 ? i * 1000 : i;
        for (size_t k = 0; k < n; k++)
            assert_int_equal(pieces[i][k], i & 0xff);
    }
    assert_true(a.used <= a.held);
    assert_true(a.held < a.used * 2);
    assert_int_equal(memory_stats().bytes, a.held);
    const uint8_t *zero = arena_zalloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
    arena_deinit(&a);
    assert_int_equal(a.held, 0);
    arena_deinit(&a);
}

static void test_arena_limits(void **state)
{
    (void)state;
    struct arena a;
    bool ok = true;
    arena_init(&a, 10000);
    size_t taken = 0;
    while (arena_alloc(&a, 100))
        taken++;
    assert_true(taken > 80 && a.held <= 10000);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_int_equal(arena_copy(&a, slice_of("x", 10000), &ok).len, 0);
    assert_false(ok);
    arena_deinit(&a);
    ok = true;
    struct slice copy = arena_copy(&a, SLICE("abc"), &ok);
    assert_true(ok && slice_is(copy, "abc"));
    assert_true(arena_copy(&a, slice_of(NULL, 0), &ok).len == 0 && ok);
    arena_deinit(&a);
    sim_memory_fail_every(1);
    assert_null(arena_alloc(&a, 1));
    assert_int_equal(a.held, 0);
    arena_init(&a, 0);
    assert_null(arena_alloc(&a, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_failure_plans), TEST(test_resize),       TEST(test_buf_grows_to_its_limit),
        TEST(test_buf_latches),   TEST(test_buf_decimal),  TEST(test_buf_reserve_consume_release),
        TEST(test_arena),         TEST(test_arena_limits),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
