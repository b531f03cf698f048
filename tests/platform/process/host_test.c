/* The singletons of a process: clock, entropy, memory, console, waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "platform/process/wait.h"
#include "runtime/buf.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"
#include "signatures/wait.h"

/* Under the address sanitizer: too large a request is an answer, as it is without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_clock(void **state)
{
    (void)state;
    uint64_t last = clock_monotonic();
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_monotonic();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_wall() > INT64_C(1700000000) * (int64_t)CLOCK_SEC);
}

static void test_entropy(void **state)
{
    (void)state;
    uint8_t a[4096] = {0}, b[4096] = {0};
    size_t zeros = 0;
    entropy_fill(a, sizeof a);
    entropy_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        zeros += a[i] == 0;
    assert_true(zeros < 100);
    entropy_fill(NULL, 0);
}

static void test_memory(void **state)
{
    (void)state;
    struct memory_stats before = memory_stats();
    uint8_t *a = memory_alloc(1000);
    void *b = memory_zalloc(0);
    assert_int_equal((uintptr_t)a % 16, 0);
    assert_int_equal(memory_stats().blocks, before.blocks + 2);
    assert_true(memory_stats().bytes >= before.bytes + 1000);
    a = memory_resize(a, 100000);
    assert_true(memory_stats().bytes >= before.bytes + 100000);
    assert_true(memory_stats().peak >= memory_stats().bytes);
    volatile size_t too_much = SIZE_MAX / 2;
    assert_null(memory_resize(a, too_much));
    assert_null(memory_alloc(too_much));
    assert_int_equal(memory_stats().refused, before.refused + 2);
    memory_free(a);
    memory_free(b);
    memory_free(NULL);
    assert_int_equal(memory_stats().blocks, before.blocks);
    assert_int_equal(memory_stats().bytes, before.bytes);
}

static void nothing(struct timer *t)
{
    (void)t;
}

/* Never early, and not much later, as a busy machine has it. */
static void test_sleep(void **state)
{
    (void)state;
    struct timer t;
    timer_init(&t, nothing);
    for (uint64_t ns = 1000; ns <= 20 * CLOCK_MS; ns *= 4) {
        uint64_t start = clock_monotonic();
        timer_start(&t, start + ns);
        while (loop_timers())
            loop_round(WAIT_FOREVER);
        assert_true(clock_monotonic() >= start + ns);
        assert_true(clock_monotonic() < start + ns + 2 * CLOCK_SEC);
    }
    uint64_t start = clock_monotonic();
    loop_round(start - 1); /* the past: only looks */
    wait_not();
    wait_until(WAIT_FOREVER);
    assert_true(clock_monotonic() < start + 2 * CLOCK_SEC);
}

/* --- the console: standard output becomes a pipe for a while --- */

static int kept_stdout;

static int redirect(int flags)
{
    int ends[2];
    fflush(stdout);
    assert_int_equal(pipe2(ends, flags), 0);
    kept_stdout = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    return ends[0];
}

static void restore(void)
{
    fflush(stdout);
    dup2(kept_stdout, STDOUT_FILENO);
    close(kept_stdout);
}

static void test_console_gathers(void **state)
{
    (void)state;
    char text[64];
    int out = redirect(0);
    fcntl(out, F_SETFL, O_NONBLOCK);
    console_write(SLICE("one "));
    console_write(SLICE("two\n"));
    ssize_t early = read(out, text, sizeof text);
    loop_round(0);
    ssize_t n = read(out, text, sizeof text);
    restore();
    close(out);
    assert_int_equal(early, -1);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "one two\n", 8);
}

/* More than is gathered, to a reader that is quick enough; order is kept. */
static void test_console_large(void **state)
{
    (void)state;
    static uint8_t block[100 * 1000], back[300 * 1000];
    size_t total = 0;
    int out = redirect(0);
    fcntl(out, F_SETPIPE_SZ, 1 << 20);
    fcntl(out, F_SETFL, O_NONBLOCK);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)(i % 251);
    console_write(SLICE("<"));
    console_write(slice_of(block, sizeof block));
    for (size_t i = 0; i < sizeof block; i += 1000)
        console_write(slice_of(block + i, 1000));
    console_flush();
    ssize_t n;
    while ((n = read(out, back + total, sizeof back - total)) > 0)
        total += (size_t)n;
    restore();
    close(out);
    assert_int_equal(total, 1 + 2 * sizeof block);
    assert_memory_equal(back + 1, block, sizeof block);
    assert_memory_equal(back + 1 + sizeof block, block, sizeof block);
}

static uint64_t dropped(void)
{
    unsigned long long value = 0;
    struct buf said;
    buf_init(&said, 200);
    console_status(&said);
    buf_byte(&said, '\0');
    assert_int_equal(sscanf((char *)said.ptr, "console dropped: %llu\n", &value), 1);
    buf_deinit(&said);
    return value;
}

/* A pipe that is full, non-blocking and not read: text is lost after a moment, the program is not. */
static void test_console_stuck_reader(void **state)
{
    (void)state;
    static const uint8_t block[200 * 1000];
    int out = redirect(O_NONBLOCK);
    uint64_t start = clock_monotonic();
    console_write(slice_of(block, sizeof block));
    console_flush();
    uint64_t took = clock_monotonic() - start, lost = dropped();
    static uint8_t back[100 * 1000];
    for (ssize_t n; (n = read(out, back, sizeof back)) > 0;)
        lost += (uint64_t)n;
    console_write(SLICE("again"));
    console_flush();
    ssize_t n = read(out, back, sizeof back);
    restore();
    close(out);
    assert_true(took < 2 * CLOCK_SEC);
    assert_int_equal(n, 5);
    assert_int_equal(lost, sizeof block);
}

/* The last one: from then on the console is gone, as it is for a program whose reader left. */
static void test_console_reader_leaves(void **state)
{
    (void)state;
    uint64_t before = dropped();
    int out = redirect(0);
    close(out);
    console_write(SLICE("nobody"));
    console_flush();
    for (int i = 0; i < 1000; i++)
        log_info("x", "line %d", i);
    console_flush();
    restore();
    assert_true(dropped() > before + 1000 * strlen("line 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_console_gathers),
        cmocka_unit_test(test_console_large),
        cmocka_unit_test(test_console_stuck_reader),
        cmocka_unit_test(test_console_reader_leaves),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("host, process", tests, NULL, NULL);
}
