/* The block device against a puppet of one: what it agrees to and asks; and that a device which lies, fails or
 * goes away is counted, and harms nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "platform/virtio/block.h"
#include "runtime/list.h"
#include "signatures/memory.h"
#include "tests/platform/virtio/puppet.h"

#define F(n)        (UINT64_C(1) << (n))
#define SEGMENT_MAX F(1)
#define READ_ONLY   F(5)
#define FLUSHES     F(9)
#define ALL         (FLUSHES | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define SECTORS     1000u

struct head {
    uint32_t type, reserved;
    uint64_t sector;
};

struct asked {
    struct block_request request;
    unsigned answers;
    enum err why;
    bool again; /* submit once more when done */
    uint8_t bytes[4096];
};

static struct block *block;
static struct asked asked[BLOCK_REQUESTS_MAX + 1];
static struct puppet_chain chain;

static void on_done(struct block_request *r, enum err why)
{
    struct asked *a = CONTAINER(r, struct asked, request);
    a->answers++;
    a->why = why;
    if (a->again) {
        a->again = false;
        block_submit(block, r);
    }
}

static enum err submit(unsigned i, enum block_operation op, uint64_t sector, size_t len)
{
    struct asked *a = &asked[i];
    a->request = (struct block_request){
        .operation = op, .sector = sector, .bytes = a->bytes, .len = len, .done = on_done};
    return block_submit(block, &a->request);
}

static void open_with(uint64_t offered, uint32_t size_max)
{
    static const uint32_t capacity = SECTORS;
    memory_free(block);
    memset(asked, 0, sizeof asked);
    puppet_begin(VIRTIO_BLOCK, offered);
    memcpy(puppet.config, &capacity, sizeof capacity);
    memcpy(puppet.config + 8, &size_max, sizeof size_max);
    block = virtio_block_open(0);
}

static int setup(void **state)
{
    (void)state;
    open_with(ALL, 0);
    return block ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    memory_free(block);
    block = NULL;
    puppet_end();
    return 0;
}

/* The device answers the next request. */
static void answer(uint8_t status, uint32_t written)
{
    assert_true(puppet_take(0, &chain));
    *chain.parts[chain.count - 1].at = status;
    puppet_use(0, chain.number, written);
    puppet_run(true);
}

static struct head head_of(const struct puppet_chain *c)
{
    struct head h;
    assert_int_equal(c->parts[0].size, sizeof h);
    assert_false(c->parts[0].writable);
    memcpy(&h, c->parts[0].at, sizeof h);
    return h;
}

static void test_agreement(void **state)
{
    (void)state;
    assert_int_equal(puppet.accepted, ALL | VIRTIO_F_VERSION_1);
    assert_int_equal(puppet.status, 15);
    assert_int_equal(block->sectors, SECTORS);
    assert_int_equal(block->most, BLOCK_BYTES_MAX);
    assert_false(block->read_only);
    open_with(ALL | READ_ONLY | SEGMENT_MAX, 5000);
    assert_true(block->read_only);
    assert_int_equal(block->most, 4608);
    assert_int_equal(submit(0, BLOCK_WRITE, 0, 512), ERR_DENIED);
    open_with(ALL | SEGMENT_MAX, 511);
    assert_null(block);
    assert_int_equal(puppet.status, 0);
}

static void test_requests(void **state)
{
    (void)state;
    assert_int_equal(submit(0, BLOCK_READ, 5, 1024), OK);
    assert_int_equal(submit(1, BLOCK_WRITE, 7, 512), OK);
    assert_int_equal(submit(2, BLOCK_FLUSH, 0, 0), OK);
    assert_int_equal(puppet.notified[0], 0);
    puppet_run(false);
    assert_int_equal(puppet.notified[0], 1);
    answer(0, 1025);
    assert_true(head_of(&chain).type == 0 && head_of(&chain).sector == 5);
    assert_int_equal(chain.count, 3);
    assert_ptr_equal(chain.parts[1].at, asked[0].bytes);
    assert_true(chain.parts[1].writable && chain.parts[1].size == 1024);
    assert_true(chain.parts[2].writable && chain.parts[2].size == 1);
    assert_true(asked[0].answers == 1 && asked[0].why == OK);
    answer(0, 1);
    assert_true(head_of(&chain).type == 1 && head_of(&chain).sector == 7);
    assert_true(!chain.parts[1].writable && chain.parts[1].size == 512);
    answer(0, 1);
    assert_true(head_of(&chain).type == 4 && head_of(&chain).sector == 0);
    assert_int_equal(chain.count, 2);
    assert_true(asked[2].answers == 1 && asked[2].why == OK);
    assert_int_equal(virtio_block_counters(block).done, 3);
}

static void test_without_a_cache(void **state)
{
    (void)state;
    open_with(VIRTIO_F_EVENT_IDX, 0);
    assert_int_equal(submit(0, BLOCK_FLUSH, 0, 0), OK);
    assert_int_equal(asked[0].answers, 0);
    puppet_run(false);
    assert_false(puppet_take(0, &chain));
    assert_true(asked[0].answers == 1 && asked[0].why == OK);
}

static void test_failures(void **state)
{
    static const struct {
        uint8_t status;
        uint32_t written;
        enum err why;
    } cases[] = {
        {1, 513, ERR_IO}, {2, 513, ERR_UNSUPPORTED},
        {3, 513, ERR_IO}, {255, 513, ERR_IO},
        {0, 512, ERR_IO}, /* less than it was to read */
        {0, 0, ERR_IO},   {0, 513, OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(submit(0, BLOCK_READ, 0, 512), OK);
        answer(cases[i].status, cases[i].written);
        assert_int_equal(asked[0].answers, i + 1);
        assert_int_equal(asked[0].why, cases[i].why);
    }
    assert_int_equal(virtio_block_counters(block).malformed, 4);
    assert_int_equal(virtio_block_counters(block).failed, 6);
}

static void test_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        assert_int_equal(submit(i, BLOCK_WRITE, i, 512), OK);
    assert_int_equal(submit(BLOCK_REQUESTS_MAX, BLOCK_WRITE, 0, 512), ERR_AGAIN);
    answer(0, 1);
    assert_int_equal(submit(BLOCK_REQUESTS_MAX, BLOCK_WRITE, 0, 512), OK);
}

static void test_short_queues(void **state)
{
    (void)state;
    memory_free(block);
    puppet_begin(VIRTIO_BLOCK, FLUSHES); /* three descriptors each, and no tables of them */
    puppet.queue_most = 2;
    block = virtio_block_open(0);
    assert_null(block);
    puppet_begin(VIRTIO_BLOCK, FLUSHES);
    puppet.queue_most = 8;
    memcpy(puppet.config, &(uint32_t){SECTORS}, 4);
    block = virtio_block_open(0);
    assert_non_null(block);
    assert_int_equal(submit(0, BLOCK_WRITE, 0, 512), OK);
    assert_int_equal(submit(1, BLOCK_WRITE, 0, 512), OK);
    assert_int_equal(submit(2, BLOCK_WRITE, 0, 512), ERR_AGAIN);
    answer(0, 1);
    assert_int_equal(submit(2, BLOCK_WRITE, 0, 512), OK);
}

static void test_broken_queue(void **state)
{
    (void)state;
    submit(0, BLOCK_READ, 0, 512);
    puppet_run(false);
    puppet_use(0, 33, 513); /* nobody asked for that */
    assert_true(puppet_run(true));
    assert_int_equal(puppet.status, 0);
    assert_true(asked[0].answers == 1 && asked[0].why == ERR_RESET);
    assert_int_equal(virtio_block_counters(block).broken, 1);
    assert_int_equal(submit(0, BLOCK_READ, 0, 512), ERR_UNREACHABLE);
    assert_int_equal(block->under_way, 0);
}

static void need_reset(void)
{
    puppet.status |= VIRTIO_NEEDS_RESET;
    puppet.config_interrupt = true;
    assert_true(puppet_run(true));
}

static void test_reset(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) {
        asked[i].again = true;
        submit(i, BLOCK_READ, 0, 512);
    }
    need_reset();
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) /* told, and asked again at once */
        assert_true(asked[i].answers == 1 && asked[i].why == ERR_RESET);
    assert_int_equal(puppet.status, 15);
    assert_int_equal(block->under_way, BLOCK_REQUESTS_MAX);
    puppet_run(false);
    for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++)
        answer(0, 513);
    assert_int_equal(block->under_way, 0);
    for (unsigned i = 1; i < VIRTIO_RESTARTS_MAX; i++)
        need_reset();
    assert_int_equal(submit(0, BLOCK_READ, 0, 512), OK);
    need_reset();
    assert_int_equal(submit(1, BLOCK_READ, 0, 512), ERR_UNREACHABLE);
    assert_int_equal(virtio_block_counters(block).restarts, VIRTIO_RESTARTS_MAX);
}

static void test_it_grows(void **state)
{
    static const uint64_t large = UINT64_C(3) << 32 | 5;
    (void)state;
    assert_int_equal(submit(0, BLOCK_READ, large - 1, 512), ERR_LIMIT);
    memcpy(puppet.config, &large, sizeof large);
    puppet.config_interrupt = true;
    puppet_run(true);
    assert_true(block->sectors == large);
    assert_int_equal(submit(0, BLOCK_READ, large - 1, 512), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agreement, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_grows, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/virtio/block_test", tests, NULL, NULL);
}
