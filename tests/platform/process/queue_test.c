/* The queue of a flow against a model: what goes in comes out, in order, and loans are released once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "platform/process/queue.h"
#include "signatures/memory.h"

static unsigned seed = 5;

static size_t pick(size_t count)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % count;
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 13 + (at >> 8));
}

struct lent {
    uint8_t *bytes;
    size_t end; /* position of the last byte, plus one */
};

static size_t put, sent;
static unsigned outstanding;

static void on_release(void *arg)
{
    struct lent *l = arg;
    assert_true(l->end <= sent); /* not before it is sent */
    free(l->bytes);
    free(l);
    outstanding--;
}

static void put_some(struct queue *q)
{
    size_t n = pick(4) ? pick(300) : pick(5000);
    struct lent *l = calloc(1, sizeof *l);
    l->bytes = malloc(n + 1);
    l->end = put + n;
    for (size_t i = 0; i < n; i++)
        l->bytes[i] = pattern(put + i);
    put += n;
    if (pick(2)) {
        outstanding++;
        assert_int_equal(queue_lend(q, slice_of(l->bytes, n), (struct loan){on_release, l}), OK);
        return;
    }
    assert_int_equal(queue_copy(q, slice_of(l->bytes, n)), OK);
    free(l->bytes);
    free(l);
}

static void send_some(struct queue *q)
{
    struct iovec runs[5];
    size_t count = queue_gather(q, runs, 1 + pick(5)), offered = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = runs[i].iov_base;
        assert_true(runs[i].iov_len > 0);
        for (size_t k = 0; k < runs[i].iov_len; k++)
            assert_int_equal(bytes[k], pattern(sent + offered + k));
        offered += runs[i].iov_len;
    }
    size_t n = pick(3) ? offered : pick(offered + 1);
    sent += n;
    queue_sent(q, n);
}

static void test_against_model(void **state)
{
    (void)state;
    struct queue q = {0};
    for (int i = 0; i < 20000; i++) {
        if (pick(q.bytes > 20000 ? 4 : 2) == 0)
            put_some(&q);
        else
            send_some(&q);
        assert_int_equal(q.bytes, put - sent);
    }
    while (q.first)
        send_some(&q);
    assert_int_equal(q.bytes, 0);
    assert_int_equal(outstanding, 0);
    assert_int_equal(queue_segments(), 0);
}

static void test_drop(void **state)
{
    (void)state;
    struct queue q = {0};
    for (int i = 0; i < 50; i++)
        put_some(&q);
    sent = put; /* dropped counts as through */
    queue_drop(&q);
    assert_int_equal(outstanding, 0);
    assert_int_equal(q.bytes, 0);
    assert_int_equal(queue_segments(), 0);
    queue_drop(&q);
    queue_sent(&q, 0);
}

/* Small pieces share a chunk: a response's head costs one run, not one for each line. */
static void test_small_pieces_share(void **state)
{
    (void)state;
    struct queue q = {0};
    struct iovec runs[8];
    for (int i = 0; i < 20; i++)
        assert_int_equal(queue_copy(&q, SLICE("Header: value\r\n")), OK);
    assert_int_equal(queue_gather(&q, runs, 8), 1);
    assert_int_equal(runs[0].iov_len, 300);
    queue_drop(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_small_pieces_share),
    };
    return cmocka_run_group_tests_name("queue, process", tests, NULL, NULL);
}
