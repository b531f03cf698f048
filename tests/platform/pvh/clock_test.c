/* The hypervisor's clock, the battery-backed one, what is believed of random words, and what is heard of
 * the keyboard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "platform/pvh/generation.h"
#include "platform/pvh/health.h"
#include "platform/pvh/keyboard.h"
#include "platform/pvh/pvclock.h"
#include "platform/pvh/rtc.h"

/* --- pvclock --- */

static uint64_t ticks_now;
static struct pvclock_time *changed_meanwhile;
static unsigned looks;

static uint64_t ticks(void)
{
    looks++;
    if (changed_meanwhile && looks < 3) { /* written while it was read */
        changed_meanwhile->version += 2;
        changed_meanwhile->ns += 1000;
    }
    return ticks_now;
}

static void test_scale(void **state)
{
    (void)state;
    /* 2 GHz: half a nanosecond a tick. */
    struct pvclock_time t = {.ticks = 1000, .ns = 500, .multiplier = 1u << 31, .shift = 0};
    assert_int_equal(pvclock_ns(&t, 1000), 500);
    assert_int_equal(pvclock_ns(&t, 3000), 1500);
    assert_int_equal(pvclock_ns(&t, 10), 500); /* not before */
    t.shift = -1;                              /* 4 GHz */
    assert_int_equal(pvclock_ns(&t, 5000), 1500);
    t.shift = 3; /* 250 MHz */
    assert_int_equal(pvclock_ns(&t, 2000), 4500);
    /* A year of ticks: no product is cut off. */
    t.shift = 0;
    uint64_t year = UINT64_C(2000000000) * 86400 * 365;
    assert_true(pvclock_ns(&t, 1000 + year) == 500 + year / 2);
}

static void test_versions(void **state)
{
    (void)state;
    struct pvclock_time t = {
        .version = 4, .ticks = 0, .ns = 10, .multiplier = 1u << 31, .shift = 1};
    uint64_t ns;
    ticks_now = 100;
    looks = 0;
    assert_true(pvclock_read(&t, ticks, &ns));
    assert_int_equal(ns, 110);
    assert_int_equal(looks, 1);
    changed_meanwhile = &t;
    looks = 0;
    assert_true(pvclock_read(&t, ticks, &ns));
    assert_int_equal(ns, 2110); /* of one version, the last */
    assert_int_equal(looks, 3);
    changed_meanwhile = NULL;
    t.version |= 1; /* for ever being written */
    assert_false(pvclock_read(&t, ticks, &ns));
    assert_int_equal(pvclock_rate(&t), 0);
    t.version++;
    t.multiplier = 0;
    assert_false(pvclock_read(&t, ticks, &ns));
    t.multiplier = 1;
    t.shift = 64;
    assert_false(pvclock_read(&t, ticks, &ns));
    t.shift = -128;
    assert_false(pvclock_read(&t, ticks, &ns));
}

/* Times that would stand still, and that would race. */
static void test_rates_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        uint32_t multiplier;
        int8_t shift;
    } bad[] = {{1, -31},         {1, 0},          {1u << 31, -6}, {9, -1},
               {UINT32_MAX, 31}, {UINT32_MAX, 6}, {1u << 31, 31}};
    uint64_t ns;
    ticks_now = 100;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pvclock_time t = {.multiplier = bad[i].multiplier, .shift = bad[i].shift};
        assert_false(pvclock_read(&t, ticks, &ns));
        assert_int_equal(pvclock_rate(&t), 0);
    }
    struct pvclock_time slow = {.multiplier = 1u << 31, .shift = 6}, fast = slow; /* 31 MHz */
    assert_true(pvclock_read(&slow, ticks, &ns));
    fast.shift = -5; /* 64 GHz */
    assert_true(pvclock_read(&fast, ticks, &ns));
}

/* No machine runs for as long: sums with the time of day would not fit. */
static void test_times_that_cannot_be(void **state)
{
    (void)state;
    struct pvclock_time t = {.ns = PVCLOCK_NS_MOST - 51, .multiplier = 1u << 31};
    uint64_t ns;
    ticks_now = 100;
    assert_true(pvclock_read(&t, ticks, &ns));
    t.ns++;
    assert_false(pvclock_read(&t, ticks, &ns));
    t.ns = UINT64_MAX;
    assert_false(pvclock_read(&t, ticks, &ns));
}

/* Another processor's counter may be a little ahead; until one that is far ahead is reached, time would stand still. */
static void test_ticks_to_come(void **state)
{
    (void)state;
    struct pvclock_time t = {.ticks = 2000000099, .ns = 7, .multiplier = 1u << 31};
    uint64_t ns;
    ticks_now = 100;
    assert_true(pvclock_read(&t, ticks, &ns));
    assert_int_equal(ns, 7);
    t.ticks++;
    assert_false(pvclock_read(&t, ticks, &ns));
    t.ticks = UINT64_MAX;
    assert_false(pvclock_read(&t, ticks, &ns));
}

static void test_rate(void **state)
{
    (void)state;
    struct pvclock_time t = {.multiplier = 1u << 31, .shift = 0};
    assert_int_equal(pvclock_rate(&t), 2000000000);
    t.shift = -1;
    assert_int_equal(pvclock_rate(&t), 4000000000);
    t.shift = 1;
    assert_int_equal(pvclock_rate(&t), 1000000000);
}

static void test_wall(void **state)
{
    (void)state;
    struct pvclock_wall w = {2, 1700000000, 999999999};
    int64_t ns;
    assert_true(pvclock_read_wall(&w, &ns));
    assert_true(ns == INT64_C(1700000000999999999));
    w.nanoseconds++;
    assert_false(pvclock_read_wall(&w, &ns));
    w = (struct pvclock_wall){3, 1700000000, 0};
    assert_false(pvclock_read_wall(&w, &ns));
    w = (struct pvclock_wall){0};
    assert_false(pvclock_read_wall(&w, &ns));
}

/* --- battery-backed clock --- */

static void test_rtc_forms(void **state)
{
    (void)state;
    /* 2026-11-29 21:04:53 UTC */
    const struct rtc_registers forms[] = {
        {0x53, 0x04, 0x21, 0x29, 0x11, 0x26, 2},
        {53, 4, 21, 29, 11, 26, 6},
        {0x53, 0x04, 0x89, 0x29, 0x11, 0x26, 0},
        {53, 4, 0x80 | 9, 29, 11, 26, 4},
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_true(rtc_seconds(&forms[i], &seconds));
        assert_int_equal(seconds, 1795986293);
    }
    /* Midnight and noon of twelve hours. */
    struct rtc_registers r = {0, 0, 0x12, 0x01, 0x01, 0x00, 0};
    assert_true(rtc_seconds(&r, &seconds));
    assert_int_equal(seconds, 946684800);
    r.hour = 0x92;
    assert_true(rtc_seconds(&r, &seconds));
    assert_int_equal(seconds, 946684800 + 12 * 3600);
}

static void test_rtc_days(void **state)
{
    (void)state;
    int64_t seconds;
    for (time_t t = 946684800; t < INT64_C(4102444800); t += 86400 * 13 + 3601) {
        struct tm tm;
        gmtime_r(&t, &tm);
        const struct rtc_registers r = {(uint8_t)tm.tm_sec,
                                        (uint8_t)tm.tm_min,
                                        (uint8_t)tm.tm_hour,
                                        (uint8_t)tm.tm_mday,
                                        (uint8_t)(tm.tm_mon + 1),
                                        (uint8_t)(tm.tm_year - 100),
                                        6};
        assert_true(rtc_seconds(&r, &seconds));
        assert_int_equal(seconds, t);
    }
}

static void test_rtc_nonsense(void **state)
{
    (void)state;
    const struct rtc_registers bad[] = {
        {255, 255, 255, 255, 255, 255, 255}, /* nothing is there */
        {0x5a, 0, 0, 1, 1, 0, 2},            /* no decimal digit */
        {0x61, 0, 0, 1, 1, 0, 2},
        {0, 0x60, 0, 1, 1, 0, 2},
        {0, 0, 0x24, 1, 1, 0, 2},
        {0, 0, 0x13, 1, 1, 0, 0},
        {0, 0, 0, 1, 1, 0, 0}, /* no hour of twelve */
        {0, 0, 0, 0, 1, 0, 2},
        {0, 0, 0, 0x32, 1, 0, 2},
        {0, 0, 0, 1, 0, 0, 2},
        {0, 0, 0, 1, 0x13, 0, 2},
        {0, 0, 0, 1, 1, 100, 6},
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rtc_seconds(&bad[i], &seconds));
}

/* --- random words --- */

static void test_health(void **state)
{
    (void)state;
    uint64_t words[32];
    for (size_t i = 0; i < 32; i++)
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    assert_true(health_of_words(words, 32));
    words[31] = words[0]; /* a circle */
    assert_false(health_of_words(words, 32));
    memset(words, 0xff, sizeof words); /* stands still */
    assert_false(health_of_words(words, 2));
    assert_false(health_of_words(words, 1)); /* cannot be told */
}

/* --- VMClock --- */

static void test_vmclock(void **state)
{
    (void)state;
    uint8_t page[VMCLOCK_SIZE] = {'V', 'C', 'L', 'K', VMCLOCK_SIZE, 0, 0, 0, 1};
    uint64_t said[2];
    page[16] = 5;  /* disruptions */
    page[104] = 9; /* generation, which is not said to be there */
    assert_true(generation_of_vmclock(page, said));
    assert_int_equal(said[0], 5);
    assert_int_equal(said[1], 0);
    page[25] = 1;
    assert_true(generation_of_vmclock(page, said));
    assert_int_equal(said[1], 9);
    page[4] = 103; /* too short */
    assert_false(generation_of_vmclock(page, said));
    page[4] = VMCLOCK_SIZE;
    page[8] = 2;
    assert_false(generation_of_vmclock(page, said));
    page[8] = 1;
    page[0] = 'v';
    assert_false(generation_of_vmclock(page, said));
}

/* --- Ctrl-Alt-Delete --- */

static unsigned chords(const uint8_t *codes, size_t count)
{
    uint32_t last = 0;
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        found += keyboard_ends_chord(&last, codes[i]);
    return found;
}

static void test_chord(void **state)
{
    (void)state;
    static const uint8_t set_1[] = {0x1e, 0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d};
    static const uint8_t set_2[] = {0x14, 0x11, 0xe0, 0x71, 0x14, 0x11, 0xe0, 0x71};
    static const uint8_t other[] = {0x38, 0xe0, 0x53, 0x1d, 0x38, 0x53, 0x14, 0x38, 0xe0, 0x71};
    assert_int_equal(chords(set_1, sizeof set_1), 1);
    assert_int_equal(chords(set_2, sizeof set_2), 2);
    assert_int_equal(chords(other, sizeof other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_rates_that_cannot_be),
        cmocka_unit_test(test_ticks_to_come),
        cmocka_unit_test(test_times_that_cannot_be),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_rtc_forms),
        cmocka_unit_test(test_rtc_days),
        cmocka_unit_test(test_rtc_nonsense),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_vmclock),
        cmocka_unit_test(test_chord),
    };
    return cmocka_run_group_tests_name("platform/pvh/clock_test", tests, NULL, NULL);
}
