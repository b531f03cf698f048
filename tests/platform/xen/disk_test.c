/* A block device of Xen, whole, with backends, a store and a machine that are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platform/xen/block.h"
#include "platform/xen/block_ring.h"
#include "tests/platform/xen/dom0.h"

#define FRONT      "device/vbd/51712"
#define DISK_PAGES (BLOCK_RING_ALL_PAGES + 1)

static struct block *disk;
static struct block_request requests[BLOCK_REQUESTS_MAX];
static uint8_t bytes[BLOCK_BYTES_MAX];
static unsigned done[ERR_COUNT_];
static uint32_t taken; /* requests that the backend has read */

static void on_done(struct block_request *r, enum err why)
{
    (void)r;
    done[why]++;
}

static int setup(void **state)
{
    (void)state;
    dom0_begin_device(FRONT);
    dom0_set("/b/sectors", "1000");
    dom0_set("/b/sector-size", "512");
    dom0_set("/b/info", "0");
    dom0_set("/b/feature-flush-cache", "1");
    memset(done, 0, sizeof done);
    taken = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dom0_end_device(disk);
    disk = NULL;
    return 0;
}

static void open(void)
{
    disk = xen_block_open(0);
}

static bool is_up(void)
{
    return dom0.front && dom0.front->up;
}

static enum err submit(unsigned i, enum block_operation operation)
{
    requests[i] = (struct block_request){
        .operation = operation, .sector = 7, .bytes = bytes, .len = 512, .done = on_done};
    return block_submit(disk, &requests[i]);
}

/* The backend does the next request. */
static void carry_out(void)
{
    struct ring_shared *s = (void *)dom0_page(dom0_told("ring-ref"));
    uint8_t *at = s->entries + taken++ % 32 * sizeof(union blkif_sring_entry);
    struct blkif_request q;
    memcpy(&q, at, sizeof q);
    struct blkif_response r = {.id = q.id, .operation = q.operation};
    memcpy(at, &r, sizeof r);
    s->response_producer++;
}

static void works(void)
{
    done[OK] = 0;
    assert_int_equal(submit(0, BLOCK_READ), OK);
    dom0_turn();
    carry_out();
    dom0_turn();
    assert_int_equal(done[OK], 1);
}

static void comes_up(void **state)
{
    (void)state;
    open();
    assert_non_null(disk);
    assert_int_equal(disk->sectors, 1000);
    assert_false(disk->read_only);
    assert_int_equal(dom0.grants.used, DISK_PAGES);
    works();
}

/* --- it goes and comes --- */

static void go_with(unsigned under_way)
{
    for (unsigned i = 0; i < under_way; i++)
        assert_int_equal(submit(i, i % 2 ? BLOCK_WRITE : BLOCK_READ), OK);
    dom0_turn();
}

static void what_was_under_way_is_given_back_once(void **state)
{
    (void)state;
    open();
    go_with(BLOCK_REQUESTS_MAX);
    dom0_set("/b/state", "5");
    dom0_set("/b/sectors", "500");
    dom0_turn();
    assert_int_equal(done[ERR_RESET], BLOCK_REQUESTS_MAX);
    assert_int_equal(disk->under_way, 0);
    assert_int_equal(submit(0, BLOCK_READ), ERR_UNREACHABLE);
    dom0.no_channels = true; /* it is there again, but we cannot */
    dom0_wait(CLOCK_SEC);
    assert_true(dom0_heard("vbd 51712: no event channel"));
    dom0.no_channels = false;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(is_up());
    assert_int_equal(disk->sectors, 500);
    assert_int_equal(done[ERR_RESET], BLOCK_REQUESTS_MAX);
    taken = 0;
    works();
    assert_int_equal(dom0.grants.used, DISK_PAGES);
    assert_int_equal(dom0.pages, DISK_PAGES);
    assert_int_equal(dom0.channels, 1);
}

static void detached_and_attached(void **state)
{
    (void)state;
    open();
    go_with(3);
    dom0_set("/b/online", "0");
    dom0_set("/b/state", "5");
    dom0_wait(CLOCK_SEC);
    assert_string_equal(dom0_get(FRONT "/state"), "6");
    dom0_set(FRONT "/backend", NULL);
    dom0_wait(FRONT_DEADLINE + CLOCK_SEC);
    assert_int_equal(done[ERR_RESET], 3);
    assert_int_equal(submit(0, BLOCK_WRITE), ERR_UNREACHABLE);
    assert_int_equal(dom0.channels, 0);
    dom0_set("/b/online", "1");
    dom0_set("/b/state", "2");
    dom0_set(FRONT "/state", "1");
    dom0_set(FRONT "/backend", "/b");
    dom0_wait(CLOCK_SEC);
    taken = 0;
    works();
}

static void a_broken_ring_is_begun_again(void **state)
{
    (void)state;
    open();
    go_with(2);
    carry_out();
    carry_out();
    carry_out(); /* more than it was asked */
    dom0_turn();
    assert_true(
        dom0_heard("vbd 51712: the backend breaks the rules of its ring: starting it again"));
    dom0_wait(2 * FRONT_PAUSE);
    assert_int_equal(done[OK] + done[ERR_RESET], 2);
    taken = 0;
    works();
}

/* --- a backend that refuses, or says what cannot be --- */

static void one_without_a_cache_is_not_asked_to_flush(void **state)
{
    (void)state;
    dom0_set("/b/feature-flush-cache", NULL);
    open();
    assert_int_equal(submit(0, BLOCK_FLUSH), OK);
    assert_int_equal(done[OK], 0); /* from the loop only */
    dom0_turn();
    assert_int_equal(done[OK], 1);
    works();
}

static void sectors_that_cannot_be(void **state)
{
    static const struct {
        const char *node, *value;
        bool used, malformed;
    } cases[] = {
        {"/b/sectors", NULL, false, false},
        {"/b/sectors", "-1", false, true},
        {"/b/sectors", "many", false, true},
        {"/b/sector-size", "4096", false, false},
        {"/b/sector-size", NULL, true, false},
        {"/b/sector-size", "0", false, false},
        {"/b/sectors", "18446744073709551616", false, true},
        {"/b/info", "nothing", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setup(state);
        dom0_set(cases[i].node, cases[i].value);
        open();
        assert_non_null(disk);
        assert_int_equal(submit(0, BLOCK_READ), cases[i].used ? OK : ERR_LIMIT);
        assert_int_equal(dom0.front->counters.malformed, cases[i].malformed);
        assert_int_equal(dom0_heard("its sectors are not of 512 bytes (sector-size)"),
                         i == 3 || i == 5);
        teardown(state);
    }
}

static void one_that_is_read_only_is_not_written(void **state)
{
    (void)state;
    dom0_set("/b/info", "4");
    open();
    assert_int_equal(submit(0, BLOCK_WRITE), ERR_DENIED);
    works();
}

/* --- what is not there --- */

static void nothing_is_left(void)
{
    assert_null(disk);
    assert_null(dom0.front);
    assert_int_equal(dom0.grants.used, 0);
    assert_int_equal(dom0.pages, 0);
    assert_int_equal(dom0.channels, 0);
}

static void a_silent_backend(void **state)
{
    (void)state;
    dom0.backend = NULL;
    uint64_t from = clock_monotonic();
    open();
    assert_int_equal(clock_monotonic() - from, FRONT_DEADLINE);
    assert_true(dom0_heard("vbd 51712: its backend does not come"));
    nothing_is_left();
}

static void no_device(void **state)
{
    (void)state;
    dom0_set(FRONT "/backend", NULL);
    uint64_t from = clock_monotonic();
    open();
    assert_int_equal(clock_monotonic(), from);
    nothing_is_left();
}

static void a_full_grant_table(void **state)
{
    uint32_t last = GRANT_NONE;
    (void)state;
    while (dom0.grants.free_count > DISK_PAGES - 1)
        last = grant_take(&dom0.grants);
    uint32_t used = dom0.grants.used;
    open();
    assert_true(dom0_heard("vbd 51712: no memory, or no grants, for its ring"));
    assert_int_equal(dom0.grants.used, used);
    dom0.grants.used = 0;
    nothing_is_left();
    dom0.grants.used = used;
    grant_return(&dom0.grants, last);
    open();
    assert_true(is_up());
}

static void no_memory(void **state)
{
    (void)state;
    dom0.no_memory = true;
    open();
    assert_true(dom0_heard("vbd 51712: no memory, or no grants, for its ring"));
    nothing_is_left();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(comes_up),
        TEST(what_was_under_way_is_given_back_once),
        TEST(detached_and_attached),
        TEST(a_broken_ring_is_begun_again),
        TEST(one_without_a_cache_is_not_asked_to_flush),
        TEST(sectors_that_cannot_be),
        TEST(one_that_is_read_only_is_not_written),
        TEST(a_silent_backend),
        TEST(no_device),
        TEST(a_full_grant_table),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
