/* A file as a block device: what all of them promise, and how it is opened. */
#include "tests/platform/block_conformance.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/process/block.h"
#include "runtime/loop.h"
#include "signatures/clock.h"

static struct block *block;
static char path[] = "/tmp/ringlet-block-XXXXXX";

static struct block *place_block(void)
{
    return block;
}

static bool place_run(bool (*done)(void *arg), void *arg)
{
    uint64_t until = clock_monotonic() + 10 * CLOCK_SEC;
    while (!done(arg) && clock_monotonic() < until)
        loop_round(clock_monotonic() + CLOCK_MS);
    return done(arg);
}

static enum err open_block(const char *name, struct buf *error)
{
    buf_init(error, 512);
    return process_block_open(slice_text(name), &block, error);
}

static int setup(void **state)
{
    struct buf error;
    int fd = mkstemp(strcpy(path, "/tmp/ringlet-block-XXXXXX"));
    (void)state;
    if (fd < 0 ||
        ftruncate(fd, PLACE_SECTORS * BLOCK_SECTOR + 100) != 0) /* the rest is no sector */
        return -1;
    close(fd);
    return open_block(path, &error) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    process_block_close(block);
    return unlink(path);
}

static void test_it_is_in_the_file(void **state)
{
    uint8_t had[BLOCK_SECTOR];
    int fd = open(path, O_RDONLY);
    (void)state;
    fill(&asked[0], 9);
    assert_int_equal(carry_out(&asked[0], BLOCK_WRITE, 3, BLOCK_SECTOR), OK);
    assert_int_equal(pread(fd, had, sizeof had, 3 * BLOCK_SECTOR), sizeof had);
    assert_memory_equal(had, asked[0].bytes, sizeof had);
    close(fd);
}

static void test_a_file_that_shrank(void **state)
{
    (void)state;
    assert_int_equal(truncate(path, BLOCK_SECTOR + 7), 0);
    assert_int_equal(carry_out(&asked[0], BLOCK_READ, 1, BLOCK_SECTOR), ERR_IO);
    assert_int_equal(carry_out(&asked[0], BLOCK_READ, 0, BLOCK_SECTOR), OK);
}

static void test_what_is_no_file(void **state)
{
    static const char *const names[] = {"", "/nonexistent/file", "/tmp", "/dev/null"};
    struct block *good = block;
    struct buf error;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(open_block(names[i], &error), ERR_ARGUMENT);
        assert_true(slice_starts(buf_slice(&error), SLICE("--disk ")));
        buf_deinit(&error);
    }
    block = good;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOCK_CONFORMANCE(setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_in_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_shrank, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_file, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/process/block_test", tests, NULL, NULL);
}
