/* The table: everything that was added is found, while it grows, and costs the same with many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tcp/table.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"

#define COUNT 100000u

static struct tcp_entry *entries;

static struct tcp_tuple tuple_of(uint32_t i)
{
    struct tcp_tuple t = {.local = address_v4(10, 0, 0, 1), .local_port = 80};
    t.remote = address_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);
    t.remote_port = (uint16_t)(1024 + (i >> 16));
    return t;
}

static void count_one(void *arg, struct tcp_entry *e)
{
    (void)e;
    ++*(size_t *)arg;
}

static void remove_one(void *arg, struct tcp_entry *e)
{
    tcp_table_remove(arg, e);
}

/* How many are chained behind buckets, and the most of them behind one. */
struct chains {
    size_t entries, longest;
};

static struct chains chains_of(const struct tcp_table *t)
{
    struct chains c = {0, 0};
    for (size_t i = 0; i <= t->buckets.mask; i++) {
        size_t n = 0;
        for (struct tcp_entry *e = t->buckets.first[i].more; e; e = e->next)
            n++;
        c.entries += n;
        c.longest = n > c.longest ? n : c.longest;
    }
    return c;
}

static void test_grows(void **state)
{
    struct tcp_table t;
    size_t each = 0;
    uint64_t blocks = memory_stats().blocks;
    (void)state;
    assert_int_equal(tcp_table_init(&t, (struct sipkey){1, 2}), OK);
    entries = calloc(COUNT, sizeof *entries);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct tcp_tuple some = tuple_of(i / 2);
        entries[i].tuple = tuple_of(i);
        assert_null(tcp_table_find(&t, &entries[i].tuple));
        tcp_table_add(&t, &entries[i]);
        assert_ptr_equal(tcp_table_find(&t, &some), &entries[i / 2]);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_ptr_equal(tcp_table_find(&t, &entries[i].tuple), &entries[i]);
    tcp_table_each(&t, count_one, &each);
    assert_int_equal(each, COUNT);
    struct chains c = chains_of(&t);
    assert_null(t.old.first);
    assert_true(t.buckets.mask + 1 >= COUNT / 4);
    assert_true(c.entries > 0 && c.entries < COUNT / 20 && c.longest < 10);
    for (uint32_t i = 0; i < COUNT; i += 2)
        tcp_table_remove(&t, &entries[i]);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_ptr_equal(tcp_table_find(&t, &entries[i].tuple), i & 1 ? &entries[i] : NULL);
    tcp_table_each(&t, remove_one, &t);
    assert_int_equal(t.count, 0);
    tcp_table_deinit(&t);
    free(entries);
    assert_int_equal(memory_stats().blocks, blocks);
}

/* When all have gone, it is as small as it was; on the way, what is left is found. */
static void test_shrinks(void **state)
{
    struct tcp_table t;
    (void)state;
    assert_int_equal(tcp_table_init(&t, (struct sipkey){1, 2}), OK);
    struct memory_stats before = memory_stats();
    entries = calloc(COUNT, sizeof *entries);
    for (uint32_t i = 0; i < COUNT; i++) {
        entries[i].tuple = tuple_of(i);
        tcp_table_add(&t, &entries[i]);
    }
    assert_true(memory_stats().bytes > before.bytes + COUNT / 4 * sizeof(struct tcp_bucket));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t some = i + (COUNT - i) / 2;
        tcp_table_remove(&t, &entries[i]);
        assert_null(tcp_table_find(&t, &entries[i].tuple));
        if (some > i)
            assert_ptr_equal(tcp_table_find(&t, &entries[some].tuple), &entries[some]);
    }
    assert_int_equal(memory_stats().bytes, before.bytes);
    assert_int_equal(memory_stats().blocks, before.blocks);
    tcp_table_deinit(&t);
    free(entries);
}

/* Without memory to grow it goes on with longer chains, and grows when there is some again. */
static void test_without_memory(void **state)
{
    struct tcp_table t;
    (void)state;
    assert_int_equal(tcp_table_init(&t, (struct sipkey){1, 2}), OK);
    entries = calloc(2000, sizeof *entries);
    sim_memory_fail_every(1);
    for (uint32_t i = 0; i < 1000; i++) {
        entries[i].tuple = tuple_of(i);
        tcp_table_add(&t, &entries[i]);
    }
    assert_int_equal(t.buckets.mask + 1, 32);
    assert_int_equal(chains_of(&t).entries, 1000 - 32 * TCP_BUCKET_ENTRIES);
    sim_memory_fail_every(0);
    for (uint32_t i = 1000; i < 2000; i++) {
        entries[i].tuple = tuple_of(i);
        tcp_table_add(&t, &entries[i]);
    }
    for (uint32_t i = 0; i < 2000; i++)
        assert_ptr_equal(tcp_table_find(&t, &entries[i].tuple), &entries[i]);
    assert_true(t.buckets.mask + 1 >= 512);
    tcp_table_deinit(&t);
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_shrinks),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
