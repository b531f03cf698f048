/* The queue against a plain array: copies, loans, gathering anywhere, leaving, and the limbo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tcp/queue.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"

static unsigned released;

static void on_release(void *arg)
{
    released++;
    free(arg);
}

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)(i * 31 ^ i >> 8);
}

static uint8_t *bytes_from(uint64_t at, size_t len)
{
    uint8_t *bytes = malloc(len + !len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(at + i);
    return bytes;
}

static void check(struct tcp_queue *q, uint64_t from, size_t len, size_t count)
{
    struct slice parts[32];
    size_t used, total = tcp_queue_gather(q, from, len, parts, count, &used), n = 0;
    size_t there = (size_t)(q->end - from);
    assert_true(used <= count && total <= len && total <= there);
    assert_true(used == count || total == (len < there ? len : there));
    for (size_t i = 0; i < used; i++)
        for (size_t k = 0; k < parts[i].len; k++)
            assert_int_equal(parts[i].ptr[k], byte_at(from + n++));
    assert_int_equal(n, total);
}

static void test_random(void **state)
{
    struct sim_random r;
    uint64_t blocks = memory_stats().blocks;
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct tcp_chunks c;
        struct tcp_queue q = {.begin = 0};
        unsigned lent = 0;
        uint64_t frame = 0;
        released = 0;
        sim_random_seed(&r, seed);
        tcp_chunks_init(&c, 1000);
        for (int step = 0; step < 3000; step++) {
            uint64_t kind = sim_random_range(&r, 0, 9);
            size_t len = (size_t)(sim_random_next(&r) % (sim_random_chance(&r, 10) ? 100000 : 700));
            if (kind < 2 && q.end - q.begin < 1000000) {
                uint8_t *bytes = bytes_from(q.end, len);
                assert_int_equal(tcp_queue_copy(&c, &q, slice_of(bytes, len)), OK);
                free(bytes);
            } else if (kind < 4 && q.end - q.begin < 1000000) {
                uint8_t *bytes = bytes_from(q.end, len);
                assert_int_equal(
                    tcp_queue_lend(&c, &q, slice_of(bytes, len), (struct loan){on_release, bytes}),
                    OK);
                lent++;
            } else if (kind < 7 && q.end > q.begin) {
                uint64_t from = q.begin + sim_random_next(&r) % (q.end - q.begin);
                check(&q, from, len, (size_t)sim_random_range(&r, 1, 32));
                if (len)
                    tcp_queue_carried(&q, from, len, ++frame);
            } else if (kind < 8) {
                tcp_queue_drop(&c, &q, q.begin + len);
            } else {
                tcp_chunks_settle(&c, frame > 3 ? frame - 3 : 0);
            }
        }
        tcp_queue_drop(&c, &q, UINT64_MAX);
        assert_true(tcp_queue_bytes(&q) == 0 && !q.first && !q.last && !q.cursor);
        tcp_chunks_deinit(&c);
        assert_int_equal(released, lent);
    }
    assert_int_equal(memory_stats().blocks, blocks);
}

/* Small writes share memory. */
static void test_merges(void **state)
{
    struct tcp_chunks c;
    struct tcp_queue q = {.begin = 0};
    struct slice parts[4];
    size_t used;
    (void)state;
    tcp_chunks_init(&c, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(tcp_queue_copy(&c, &q, SLICE("0123456789")), OK);
    assert_int_equal(tcp_queue_gather(&q, 0, 2000, parts, 4, &used), 1000);
    assert_int_equal(used, 1);
    assert_true(c.held <= TCP_CHUNK_SMALL);
    tcp_queue_drop(&c, &q, 1000);
    tcp_chunks_deinit(&c);
}

/* A loan comes back when it has left the queue and the card is done with its last frame. */
static void test_limbo(void **state)
{
    struct tcp_chunks c;
    struct tcp_queue q = {.begin = 0};
    struct slice parts[4];
    size_t used;
    (void)state;
    released = 0;
    tcp_chunks_init(&c, 100);
    uint8_t *bytes = bytes_from(0, 100);
    assert_int_equal(tcp_queue_lend(&c, &q, slice_of(bytes, 100), (struct loan){on_release, bytes}),
                     OK);
    tcp_queue_gather(&q, 0, 100, parts, 4, &used);
    tcp_queue_carried(&q, 0, 100, 7);
    tcp_chunks_settle(&c, 100);
    assert_int_equal(released, 0);
    tcp_queue_drop(&c, &q, 100);
    tcp_chunks_settle(&c, 6);
    assert_int_equal(released, 0);
    tcp_chunks_settle(&c, 7);
    assert_int_equal(released, 1);
    tcp_chunks_deinit(&c);
}

/* Without memory nothing is taken, of a write of many chunks as well. */
static void test_without_memory(void **state)
{
    struct tcp_chunks c;
    struct tcp_queue q = {.begin = 0};
    uint8_t *bytes = bytes_from(0, 200000);
    (void)state;
    for (uint64_t nth = 1; nth < 7; nth++) {
        tcp_chunks_init(&c, 100);
        sim_memory_fail_nth(nth);
        assert_int_equal(tcp_queue_copy(&c, &q, slice_of(bytes, 200000)), ERR_MEMORY);
        sim_memory_fail_nth(0);
        assert_true(q.end == 0 && c.held == 0 && !q.first);
        tcp_chunks_deinit(&c);
    }
    tcp_chunks_init(&c, 1); /* the pool's limit */
    assert_int_equal(tcp_queue_lend(&c, &q, SLICE("a"), (struct loan){NULL, NULL}), OK);
    assert_int_equal(tcp_queue_lend(&c, &q, SLICE("b"), (struct loan){NULL, NULL}), ERR_MEMORY);
    tcp_queue_drop(&c, &q, 1);
    tcp_chunks_deinit(&c);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_limbo),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
