/* The block device's ring against a backend that is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platform/xen/block_ring.h"
#include "tests/platform/xen/pages.h"

#define ENTRIES 1024u
#define BACKEND 3u
#define DEVICE  51712u

static struct grant_entry_v1 table[ENTRIES];
static struct grants grants;
static struct block_ring ring;
static struct block_ring_counters counters;
static struct block_request requests[BLOCK_REQUESTS_MAX + 1];
static uint8_t bytes[BLOCK_BYTES_MAX];
static uint32_t taken; /* requests that the backend has read */
static enum err why;

static int setup(void **state)
{
    (void)state;
    memset(table, 0, sizeof table);
    memset(pages, 0, sizeof pages);
    counters = (struct block_ring_counters){0};
    taken = 0;
    grants_init(&grants, table, ENTRIES);
    for (unsigned i = 0; i < BLOCK_RING_ALL_PAGES; i++) {
        ring.pages[i] = pages[i];
        ring.numbers[i] = grant_take(&grants);
    }
    block_ring_open(&ring, &grants, BACKEND, DEVICE, pages[BLOCK_RING_ALL_PAGES]);
    return 0;
}

static enum err submit(unsigned i, enum block_operation operation, uint64_t sector, size_t len)
{
    requests[i] = (struct block_request){
        .operation = operation, .sector = sector, .bytes = bytes, .len = len};
    enum err e = block_ring_submit(&ring, &requests[i]);
    ring_push(&ring.ring);
    return e;
}

/* The backend's side. */
static struct blkif_request next_request(void)
{
    struct blkif_request q;
    assert_int_not_equal(taken, ring.ring.shared->request_producer);
    memcpy(&q, ring.ring.shared->entries + (taken++ % ring.ring.count) * ring.ring.entry, sizeof q);
    return q;
}

static void respond(uint64_t id, uint8_t operation, int16_t status)
{
    struct ring_shared *s = ring.ring.shared;
    struct blkif_response r = {.id = id, .operation = operation, .status = status};
    memcpy(s->entries + (s->response_producer++ % ring.ring.count) * ring.ring.entry, &r, sizeof r);
}

static uint8_t *granted(const struct blkif_request *q, unsigned segment)
{
    const struct grant_entry_v1 *e = &table[q->seg[segment].gref];
    assert_int_equal(e->flags, GTF_permit_access);
    assert_int_equal(e->domid, BACKEND);
    return pages[e->frame];
}

static void a_write_is_copied(void **state)
{
    (void)state;
    memset(bytes, 'a', RING_PAGE);
    memset(bytes + RING_PAGE, 'b', 1024);
    assert_int_equal(submit(0, BLOCK_WRITE, 77, RING_PAGE + 1024), OK);
    memset(bytes, 'x', sizeof bytes);
    struct blkif_request q = next_request();
    assert_int_equal(q.operation, BLKIF_OP_WRITE);
    assert_int_equal(q.handle, DEVICE);
    assert_int_equal(q.sector_number, 77);
    assert_int_equal(q.nr_segments, 2);
    assert_true(q.seg[0].first_sect == 0 && q.seg[0].last_sect == 7);
    assert_true(q.seg[1].first_sect == 0 && q.seg[1].last_sect == 1);
    assert_int_equal(granted(&q, 0)[4095], 'a');
    assert_int_equal(granted(&q, 1)[1023], 'b');
    assert_int_equal(granted(&q, 1)[1024], 0);
    respond(q.id, q.operation, BLKIF_RSP_OKAY);
    assert_ptr_equal(block_ring_take(&ring, &why, &counters), &requests[0]);
    assert_int_equal(why, OK);
    assert_null(block_ring_take(&ring, &why, &counters));
}

static void a_read_is_copied_once(void **state)
{
    (void)state;
    assert_int_equal(submit(0, BLOCK_READ, 3, BLOCK_BYTES_MAX), OK);
    struct blkif_request q = next_request();
    assert_int_equal(q.nr_segments, BLOCK_RING_PAGES);
    for (unsigned i = 0; i < q.nr_segments; i++)
        memset(granted(&q, i), (int)i + 1, RING_PAGE);
    respond(q.id, q.operation, BLKIF_RSP_OKAY);
    assert_ptr_equal(block_ring_take(&ring, &why, &counters), &requests[0]);
    memset(granted(&q, 2), 99, RING_PAGE); /* too late */
    for (unsigned i = 0; i < BLOCK_BYTES_MAX; i++)
        assert_int_equal(bytes[i], i / RING_PAGE + 1);
}

static void what_fails_leaves_the_bytes(void **state)
{
    static const struct {
        int16_t status;
        enum err why;
    } cases[] = {{BLKIF_RSP_ERROR, ERR_IO}, {BLKIF_RSP_EOPNOTSUPP, ERR_UNSUPPORTED}, {5, ERR_IO}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(bytes, 'k', sizeof bytes);
        assert_int_equal(submit(0, BLOCK_READ, 3, BLOCK_SECTOR), OK);
        struct blkif_request q = next_request();
        memset(granted(&q, 0), 'n', RING_PAGE);
        respond(q.id, q.operation, cases[i].status);
        assert_ptr_equal(block_ring_take(&ring, &why, &counters), &requests[0]);
        assert_int_equal(why, cases[i].why);
        assert_int_equal(bytes[0], 'k');
    }
    assert_int_equal(counters.failed, 3);
    assert_int_equal(counters.malformed, 1);
}

static void a_flush_has_no_bytes(void **state)
{
    (void)state;
    assert_int_equal(submit(0, BLOCK_FLUSH, 0, 0), OK);
    struct blkif_request q = next_request();
    assert_int_equal(q.operation, BLKIF_OP_FLUSH_DISKCACHE);
    assert_int_equal(q.nr_segments, 0);
    respond(q.id, q.operation, BLKIF_RSP_OKAY);
    assert_ptr_equal(block_ring_take(&ring, &why, &counters), &requests[0]);
}

static void answers_in_any_order(void **state)
{
    uint64_t ids[BLOCK_REQUESTS_MAX];
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < BLOCK_REQUESTS_MAX; i++) {
            assert_int_equal(submit(i, BLOCK_READ, i, BLOCK_SECTOR), OK);
            ids[i] = next_request().id;
        }
        assert_int_equal(submit(BLOCK_REQUESTS_MAX, BLOCK_READ, 0, BLOCK_SECTOR), ERR_AGAIN);
        for (unsigned i = BLOCK_REQUESTS_MAX; i-- > 0;) {
            respond(ids[i], BLKIF_OP_READ, BLKIF_RSP_OKAY);
            assert_ptr_equal(block_ring_take(&ring, &why, &counters), &requests[i]);
        }
    }
    assert_int_equal(counters.done, 5 * BLOCK_REQUESTS_MAX);
}

static void is_broken(void)
{
    assert_null(block_ring_take(&ring, &why, &counters));
    assert_true(ring.ring.broken);
    assert_int_equal(submit(1, BLOCK_READ, 0, BLOCK_SECTOR), ERR_AGAIN);
    assert_null(block_ring_take(&ring, &why, &counters));
}

static void an_answer_to_nothing_breaks_it(void **state)
{
    static const uint64_t ids[] = {1, BLOCK_REQUESTS_MAX, UINT64_MAX, UINT64_C(1) << 32};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        setup(state);
        submit(0, BLOCK_READ, 0, BLOCK_SECTOR);
        respond(ids[i], BLKIF_OP_READ, BLKIF_RSP_OKAY);
        is_broken();
    }
}

static void the_wrong_operation_breaks_it(void **state)
{
    (void)state;
    submit(0, BLOCK_READ, 0, BLOCK_SECTOR);
    respond(next_request().id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
    is_broken();
}

static void answering_twice_breaks_it(void **state)
{
    (void)state;
    submit(0, BLOCK_READ, 0, BLOCK_SECTOR);
    submit(1, BLOCK_READ, 0, BLOCK_SECTOR);
    uint64_t id = next_request().id;
    respond(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
    respond(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
    assert_non_null(block_ring_take(&ring, &why, &counters));
    is_broken();
}

static void running_ahead_breaks_it(void **state)
{
    (void)state;
    submit(0, BLOCK_READ, 0, BLOCK_SECTOR);
    ring.ring.shared->response_producer = 2;
    is_broken();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_write_is_copied, setup),
        cmocka_unit_test_setup(a_read_is_copied_once, setup),
        cmocka_unit_test_setup(what_fails_leaves_the_bytes, setup),
        cmocka_unit_test_setup(a_flush_has_no_bytes, setup),
        cmocka_unit_test_setup(answers_in_any_order, setup),
        cmocka_unit_test_setup(an_answer_to_nothing_breaks_it, setup),
        cmocka_unit_test_setup(the_wrong_operation_breaks_it, setup),
        cmocka_unit_test_setup(answering_twice_breaks_it, setup),
        cmocka_unit_test_setup(running_ahead_breaks_it, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
