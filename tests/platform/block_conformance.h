/* What signatures/block.h promises, as tests over any implementation. */
#ifndef TESTS_PLATFORM_BLOCK_CONFORMANCE_H
#define TESTS_PLATFORM_BLOCK_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/list.h"
#include "signatures/block.h"

#define PLACE_SECTORS 1000u

/* What each implementation's test gives: a device of PLACE_SECTORS zeroes, and its loop. */
static struct block *place_block(void);
static bool place_run(bool (*done)(void *arg), void *arg);

static int inside; /* of block_submit: no handler may be called then */

struct asked {
    struct block_request request;
    unsigned answers;
    enum err why;
    uint8_t bytes[BLOCK_BYTES_MAX];
};
static struct asked asked[BLOCK_REQUESTS_MAX + 1];

static void on_done(struct block_request *r, enum err why)
{
    struct asked *a = CONTAINER(r, struct asked, request);
    assert_int_equal(inside, 0);
    a->answers++;
    a->why = why;
}

static enum err submit(struct asked *a, enum block_operation op, uint64_t sector, size_t len)
{
    a->answers = 0;
    a->request = (struct block_request){
        .operation = op, .sector = sector, .bytes = a->bytes, .len = len, .done = on_done};
    inside++;
    enum err e = block_submit(place_block(), &a->request);
    inside--;
    return e;
}

static bool is_answered(void *arg)
{
    return ((struct asked *)arg)->answers > 0;
}

/* Submits, and waits until it is done. */
static enum err carry_out(struct asked *a, enum block_operation op, uint64_t sector, size_t len)
{
    assert_int_equal(submit(a, op, sector, len), OK);
    assert_true(place_run(is_answered, a));
    assert_int_equal(a->answers, 1);
    return a->why;
}

static void fill(struct asked *a, uint8_t with)
{
    for (size_t i = 0; i < sizeof a->bytes; i++)
        a->bytes[i] = (uint8_t)(with + i / BLOCK_SECTOR + i);
}

static void test_what_is_written_is_read(void **state)
{
    struct asked *w = &asked[0], *r = &asked[1];
    size_t most = place_block()->most;
    (void)state;
    assert_int_equal(place_block()->sectors, PLACE_SECTORS);
    fill(w, 3);
    assert_int_equal(carry_out(w, BLOCK_WRITE, 7, most), OK);
    assert_int_equal(carry_out(w, BLOCK_FLUSH, 0, 0), OK);
    assert_int_equal(carry_out(r, BLOCK_READ, 7, most), OK);
    assert_memory_equal(w->bytes, r->bytes, most);
    assert_int_equal(carry_out(r, BLOCK_READ, 8, BLOCK_SECTOR), OK);
    assert_memory_equal(w->bytes + BLOCK_SECTOR, r->bytes, BLOCK_SECTOR);
    assert_int_equal(carry_out(r, BLOCK_READ, 6, BLOCK_SECTOR),
                     OK); /* and nothing else is touched */
    for (size_t i = 0; i < BLOCK_SECTOR; i++)
        assert_int_equal(r->bytes[i], 0);
}

static void test_the_last_sector(void **state)
{
    struct asked *a = &asked[0];
    (void)state;
    assert_int_equal(carry_out(a, BLOCK_WRITE, PLACE_SECTORS - 1, BLOCK_SECTOR), OK);
    assert_int_equal(carry_out(a, BLOCK_READ, PLACE_SECTORS - 1, BLOCK_SECTOR), OK);
}

static void test_what_cannot_be_is_refused(void **state)
{
    struct block *b = place_block();
    static const struct {
        uint64_t sector;
        size_t len;
        enum err why;
    } bad[] = {
        {PLACE_SECTORS, BLOCK_SECTOR, ERR_LIMIT},
        {PLACE_SECTORS - 1, 2 * BLOCK_SECTOR, ERR_LIMIT},
        {UINT64_MAX, BLOCK_SECTOR, ERR_LIMIT},
        {UINT64_MAX / BLOCK_SECTOR + 1, BLOCK_SECTOR, ERR_LIMIT},
        {0, BLOCK_BYTES_MAX + BLOCK_SECTOR, ERR_LIMIT},
        {0, 0, ERR_ARGUMENT},
        {0, BLOCK_SECTOR - 1, ERR_ARGUMENT},
        {0, BLOCK_SECTOR + 1, ERR_ARGUMENT},
    };
    (void)state;
    uint64_t before = b->refused;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(submit(&asked[0], BLOCK_READ, bad[i].sector, bad[i].len), bad[i].why);
        assert_int_equal(submit(&asked[0], BLOCK_WRITE, bad[i].sector, bad[i].len), bad[i].why);
    }
    assert_int_equal(b->refused, before + 2 * sizeof bad / sizeof *bad);
    assert_int_equal(b->under_way, 0);
    assert_int_equal(carry_out(&asked[1], BLOCK_READ, 0, BLOCK_SECTOR),
                     OK); /* nothing was queued */
    assert_int_equal(asked[0].answers, 0);
}

static bool all_answered(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        if (!asked[i].answers)
            return false;
    return true;
}

static void test_many_under_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) {
        fill(&asked[i], (uint8_t)i);
        assert_int_equal(submit(&asked[i], BLOCK_WRITE, i * 10, BLOCK_SECTOR), OK);
    }
    assert_int_equal(submit(&asked[BLOCK_REQUESTS_MAX], BLOCK_FLUSH, 0, 0), ERR_AGAIN);
    assert_true(place_run(all_answered, NULL));
    assert_int_equal(place_block()->under_way, 0);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) {
        assert_true(asked[i].answers == 1 && asked[i].why == OK);
        memset(asked[i].bytes, 0, BLOCK_SECTOR);
        assert_int_equal(submit(&asked[i], BLOCK_READ, i * 10, BLOCK_SECTOR), OK);
    }
    assert_true(place_run(all_answered, NULL));
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) {
        fill(&asked[BLOCK_REQUESTS_MAX], (uint8_t)i);
        assert_memory_equal(asked[i].bytes, asked[BLOCK_REQUESTS_MAX].bytes, BLOCK_SECTOR);
    }
}

static unsigned left;

static void go_on(struct block_request *r, enum err why)
{
    assert_int_equal(inside, 0);
    assert_int_equal(why, OK);
    if (!--left)
        return;
    r->sector++;
    inside++;
    assert_int_equal(block_submit(place_block(), r), OK);
    inside--;
}

static bool is_over(void *arg)
{
    (void)arg;
    return left == 0;
}

static void test_submitting_from_a_handler(void **state)
{
    struct block_request *r = &asked[0].request;
    (void)state;
    left = 100;
    *r = (struct block_request){
        .operation = BLOCK_READ, .bytes = asked[0].bytes, .len = BLOCK_SECTOR, .done = go_on};
    assert_int_equal(block_submit(place_block(), r), OK);
    assert_true(place_run(is_over, NULL));
    assert_int_equal(r->sector, 99);
}

#define BLOCK_CONFORMANCE(setup, teardown)                                                \
    cmocka_unit_test_setup_teardown(test_what_is_written_is_read, setup, teardown),       \
        cmocka_unit_test_setup_teardown(test_the_last_sector, setup, teardown),           \
        cmocka_unit_test_setup_teardown(test_what_cannot_be_is_refused, setup, teardown), \
        cmocka_unit_test_setup_teardown(test_many_under_way, setup, teardown),            \
        cmocka_unit_test_setup_teardown(test_submitting_from_a_handler, setup, teardown)

#endif
