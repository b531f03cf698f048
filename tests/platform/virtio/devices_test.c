/* Virtio's console and source of random bytes against a puppet of a device; the command line's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "platform/virtio/console.h"
#include "platform/virtio/mmio_word.h"
#include "platform/virtio/rng.h"
#include "signatures/clock.h"
#include "tests/platform/virtio/puppet.h"

#define RECEIVE 0
#define SEND    1

/* --- random bytes --- */

static void give_random(uint8_t first, uint32_t count)
{
    struct puppet_chain c;
    assert_true(puppet_take(0, &c));
    assert_int_equal(c.count, 1);
    assert_true(c.parts[0].writable && count <= c.parts[0].size);
    for (uint32_t i = 0; i < count; i++)
        c.parts[0].at[i] = (uint8_t)(first + i);
    puppet_use(0, c.number, count);
}

/* One that has nothing to give is asked again: once each time that somebody draws. */
static void runs_dry(uint8_t *bytes, size_t len)
{
    struct puppet_chain c;
    for (int i = 0; i < 3; i++) {
        give_random(0, 0);
        assert_int_equal(virtio_rng_draw(bytes, len, CLOCK_SEC), 0);
    }
    give_random(5, (uint32_t)len);
    assert_int_equal(virtio_rng_draw(bytes, len, 0), len);
    assert_int_equal(bytes[0], 5);
    assert_true(puppet_take(0, &c));
    assert_false(puppet_take(0, &c));
    puppet_use(0, c.number, 0);
    assert_int_equal(virtio_rng_draw(bytes, len, 0), 0);
}

static void fail_device(void)
{
    puppet.status |= VIRTIO_NEEDS_RESET;
    puppet.config_interrupt = true;
    puppet_run(true);
}

/* One that needs a reset gets one, and is asked again. */
static void fails(uint8_t *bytes, size_t len)
{
    unsigned resets = puppet.resets;
    fail_device();
    assert_int_equal(virtio_rng_draw(bytes, len, 0), 0);
    assert_true(puppet.resets > resets);
    assert_int_equal(puppet.status, 15);
    give_random(3, (uint32_t)len);
    assert_int_equal(virtio_rng_draw(bytes, len, 0), len);
    assert_int_equal(bytes[0], 3);
}

static void test_random(void **state)
{
    uint8_t bytes[300];
    struct puppet_chain c;
    (void)state;
    puppet_begin(VIRTIO_ENTROPY, VIRTIO_F_EVENT_IDX);
    virtio_rng_open();
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, 0), 0); /* nothing came yet */
    give_random(7, 300);
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, 0), 300);
    assert_int_equal(bytes[0], 7);
    assert_int_equal(bytes[299], (uint8_t)(7 + 299));
    give_random(9, 10); /* less than was asked for */
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, 0), 10);
    uint64_t from = clock_monotonic();
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, 20 * CLOCK_MS), 0);
    assert_true(clock_monotonic() - from >= 20 * CLOCK_MS);
    runs_dry(bytes, sizeof bytes);
    fails(bytes, sizeof bytes);
    assert_true(puppet_take(0, &c));
    puppet_use(0, c.number, RNG_MOST + 1); /* more than there is room */
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, CLOCK_SEC), 0);
    assert_int_equal(puppet.status, 0);
    assert_int_equal(virtio_rng_draw(bytes, sizeof bytes, CLOCK_SEC), 0);
}

/* --- console --- */

static char heard[65536];
static size_t heard_len;

static unsigned listen(void)
{
    struct puppet_chain c;
    unsigned chains = 0;
    for (; puppet_take(SEND, &c); chains++) {
        assert_int_equal(c.count, 1);
        assert_false(c.parts[0].writable);
        memcpy(heard + heard_len, c.parts[0].at, c.parts[0].size);
        heard_len += c.parts[0].size;
        puppet_use(SEND, c.number, 0);
    }
    return chains;
}

static void type(const char *text)
{
    struct puppet_chain c;
    assert_true(puppet_take(RECEIVE, &c));
    memcpy(c.parts[0].at, text, strlen(text));
    puppet_use(RECEIVE, c.number, (uint32_t)strlen(text));
    puppet_run(true);
}

/* Whether it asks for an interrupt for the next chain that is used. */
static bool listens(void)
{
    const struct puppet_queue *q = &puppet.queues[SEND];
    return q->available->entries[q->size] == q->used->index;
}

/* What is gathered while the device has all other pages goes out as soon as it gives one back. */
static void slow_host(void)
{
    heard_len = 0;
    for (char page = 'a'; page < 'd'; page++) {
        virtio_console_write(slice_of(&page, 1));
        puppet_run(false);
    }
    virtio_console_write(SLICE("rest"));
    puppet_run(false);
    assert_true(listens());
    assert_int_equal(listen(), 3);
    puppet_run(true);
    assert_int_equal(listen(), 1);
    assert_memory_equal(heard, "abcrest", 7);
    puppet_run(true);
}

/* One that needs a reset gets one: what was lent is lost, what is said later comes. */
static void begun_anew(void)
{
    virtio_console_write(SLICE("lost"));
    puppet_run(false);
    fail_device();
    assert_int_equal(puppet.status, 15);
    heard_len = 0;
    virtio_console_write(SLICE("later"));
    puppet_run(true);
    assert_int_equal(listen(), 1);
    assert_memory_equal(heard, "later", 5);
    puppet_run(true);
}

static uint64_t dropped(void)
{
    unsigned long long value = 0;
    struct buf said;
    buf_init(&said, 200);
    virtio_console_status(&said);
    buf_byte(&said, '\0');
    assert_int_equal(sscanf((char *)said.ptr, "virtio-console dropped: %llu\n", &value), 1);
    buf_deinit(&said);
    return value;
}

static void test_console(void **state)
{
    char line[1000];
    (void)state;
    virtio_console_write(SLICE("to nobody")); /* before it is there */
    puppet_begin(VIRTIO_CONSOLE, VIRTIO_F_EVENT_IDX);
    virtio_console_open();
    virtio_console_write(SLICE("one, "));
    virtio_console_write(SLICE("two"));
    assert_int_equal(listen(), 0);
    puppet_run(false);
    assert_int_equal(listen(), 1);
    assert_memory_equal(heard, "one, two", 8);
    /* Nobody reads: the program goes on, what does not fit is lost. */
    memset(line, 'x', sizeof line);
    uint64_t from = clock_monotonic();
    for (int i = 0; i < 100; i++)
        virtio_console_write(slice_of(line, sizeof line));
    virtio_console_flush();
    assert_true(clock_monotonic() - from < CLOCK_SEC);
    heard_len = 0;
    listen();
    assert_true(heard_len >= 3 * 4096 && heard_len <= 4 * 4096);
    assert_in_range(dropped(), 100 * sizeof line - 4 * 4096, 100 * sizeof line - 3 * 4096);
    /* Somebody reads again. */
    puppet_run(true);
    listen();
    heard_len = 0;
    virtio_console_write(SLICE("again"));
    puppet_run(true);
    listen();
    assert_memory_equal(heard, "again", 5);
    slow_host();
    begun_anew();
    type("hello");
    assert_int_equal(puppet.stops, 0);
    type("ab\x03");
    assert_int_equal(puppet.stops, 1);
    puppet_use(RECEIVE, 77, 1);
    puppet_run(true);
    assert_int_equal(puppet.status, 0); /* it is used no more */
    virtio_console_write(SLICE("to nobody"));
    virtio_console_flush();
}

/* --- where devices are --- */

static void test_words(void **state)
{
    (void)state;
    struct mmio_place p;
    struct slice line =
        SLICE("--a=b virtio_mmio.device=4K@0xd0000000:5 x virtio_mmio.device=0x200@268435456:16:3 "
              "virtio_mmio.device=1M@0x1ffffffff000:1023");
    assert_true(mmio_next_word(&line, &p));
    assert_true(p.size == 4096 && p.address == 0xd0000000 && p.line == 5);
    assert_true(mmio_next_word(&line, &p));
    assert_true(p.size == 512 && p.address == 268435456 && p.line == 16);
    assert_true(mmio_next_word(&line, &p));
    assert_true(p.size == 1 << 20 && p.address == 0x1ffffffff000 && p.line == 1023);
    assert_false(mmio_next_word(&line, &p));
    static const char *const bad[] = {"",
                                      "4K",
                                      "4K@",
                                      "4K@0x1000",
                                      "4K@0x1000:",
                                      "@0x1000:5",
                                      "0@0x1000:5",
                                      "K@0x1000:5",
                                      "4K@x:5",
                                      "4K@0x1000:1024",
                                      "4K@-1:5",
                                      "4T@0x1000:5",
                                      "99999999M@0x1000:5",
                                      "4K@0xffffffffffffffff:5",
                                      "4K@0x1000:5x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char word[100] = "virtio_mmio.device=";
        strcat(word, bad[i]);
        line = slice_text(word);
        assert_false(mmio_next_word(&line, &p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("platform/virtio/devices_test", tests, NULL, NULL);
}
