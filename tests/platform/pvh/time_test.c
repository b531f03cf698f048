/* The machine's clock, with the host's ticks: a hypervisor that says of them what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/kvm.h"
#include "platform/pvh/pit.h"
#include "platform/pvh/poll.h"
#include "platform/pvh/rtc.h"
#include "platform/pvh/time.h"
#include "signatures/clock.h"
#include "signatures/console.h"

#define WHILE (20 * CLOCK_MS)
#define SLACK (5 * CLOCK_SEC) /* of a busy machine */

static struct pvclock_time page;
static uint64_t rate; /* of the host's ticks */
static struct poll *poll;
static char said[4096];
static size_t said_len;

/* --- in the place of a machine --- */

void kvm_clock_open(void)
{
}

void pit_begin(void)
{
}

uint64_t pit_tick_rate(void)
{
    return rate;
}

bool rtc_read(int64_t *seconds)
{
    *seconds = 1795986293;
    return true;
}

void poll_add(struct poll *p)
{
    poll = p;
}

void console_write(struct slice bytes)
{
    bytes = slice_take(bytes, sizeof said - 1 - said_len);
    memcpy(said + said_len, bytes.ptr, bytes.len);
    said_len += bytes.len;
    said[said_len] = '\0';
}

void console_flush(void)
{
}

static unsigned heard(const char *words)
{
    unsigned times = 0;
    for (const char *at = said; (at = strstr(at, words)) != NULL; at++)
        times++;
    said[said_len = 0] = '\0';
    return times;
}

/* --- time --- */

static uint64_t host_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * CLOCK_SEC + (uint64_t)t.tv_nsec;
}

static uint64_t pass(void)
{
    uint64_t from = host_now(), now;
    do {
        now = host_now();
    } while (now - from < WHILE);
    return now - from;
}

/* Whoever is interrupted meanwhile finds less. */
static void find_rate(void)
{
    for (int i = 0; i < 3; i++) {
        uint64_t host = host_now(), from = cpu_ticks();
        pass();
        uint64_t ticks = cpu_ticks() - from, found = ticks * CLOCK_SEC / (host_now() - host);
        rate = found > rate ? found : rate;
    }
}

/* A page that is right. */
static void write_page(void)
{
    page = (struct pvclock_time){.ticks = cpu_ticks(),
                                 .ns = 1000,
                                 .shift = 2,
                                 .multiplier = (uint32_t)((CLOCK_SEC << 30) / rate)};
}

/* Time goes on, and about as fast as it is. */
static void goes_on(void)
{
    uint64_t host = host_now(), from = clock_monotonic(), least = pass();
    uint64_t ours = clock_monotonic() - from, most = host_now() - host;
    assert_in_range(ours, least / 4, most * 4);
}

static void test_refused(void **state)
{
    (void)state;
    find_rate();
    write_page();
    page.multiplier = 1;
    assert_false(time_use_pvclock(&page, NULL));
    assert_int_equal(heard("the hypervisor's clock says what cannot be"), 1);
    time_begin();
    time_open();
    assert_in_range(time_ticks_per_second(), PVCLOCK_RATE_LEAST, PVCLOCK_RATE_MOST);
    goes_on();
}

static void test_used(void **state)
{
    (void)state;
    write_page();
    uint64_t before = clock_monotonic();
    assert_true(time_use_pvclock(&page, NULL));
    assert_in_range(clock_monotonic(), before, before + SLACK);
    time_open();
    assert_int_equal(time_ticks_per_second(), pvclock_rate(&page));
    assert_non_null(poll);
    goes_on();
    poll->run(poll);
    assert_int_equal(heard("hypervisor"), 0);
}

/* It goes on where the page did, and there again; it is said once. */
static void test_says_nonsense_later(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        uint64_t before = clock_monotonic();
        page.multiplier = i == 0 ? 1 : page.multiplier;
        page.shift = i == 1 ? 31 : page.shift;
        page.version = i == 2 ? 1 : 0;
        page.ticks = i == 3 ? UINT64_MAX : page.ticks;
        assert_in_range(clock_monotonic(), before, before + SLACK);
        goes_on();
        poll->run(poll);
        assert_int_equal(heard("the hypervisor's clock says what cannot be"), i == 0);
        before = clock_monotonic();
        uint64_t behind = page.ns;
        write_page();
        page.ns = behind + 4 * WHILE;
        assert_in_range(clock_monotonic(), before, before + SLACK);
        goes_on();
    }
}

/* --- restored, here or on another host --- */

#define HOUR (3600 * CLOCK_SEC)
#define YEAR (365 * 24 * HOUR)

static struct pvclock_wall wall;

/* A page of a host that has run for so long when the time of day is that. */
static void write_host(uint64_t uptime, uint64_t seconds)
{
    write_page();
    page.ns = uptime;
    wall = (struct pvclock_wall){2, (uint32_t)(seconds - uptime / CLOCK_SEC), 0};
}

/* What passes meanwhile is told by the time of day: each host has begun at another time. */
static void test_restored(void **state)
{
    (void)state;
    static const struct {
        uint64_t uptime, seconds, passes;
    } hosts[] = {{2 * HOUR, 1700003600, HOUR},                /* the same one, an hour later */
                 {2 * YEAR, 1700003700, 100 * CLOCK_SEC},     /* one that runs for longer */
                 {5 * CLOCK_SEC, 1700003710, 10 * CLOCK_SEC}, /* one that has just been started */
                 {6 * CLOCK_SEC, 1600000000, 0}, /* and one whose time of day is wrong */
                 {7 * CLOCK_SEC, 2600000000, 0}};
    write_host(HOUR, 1700000000);
    assert_true(time_use_pvclock(&page, &wall));
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        uint64_t before = clock_monotonic();
        assert_true(clock_wall() > 0); /* as the log does, last of all */
        write_host(hosts[i].uptime, hosts[i].seconds);
        assert_true(time_use_pvclock(&page, &wall));
        uint64_t passed = clock_monotonic() - before;
        assert_in_range(passed + SLACK, hosts[i].passes, hosts[i].passes + 2 * SLACK);
        assert_true(passed < YEAR); /* and never back */
        assert_in_range(clock_wall() / (int64_t)CLOCK_SEC, hosts[i].seconds,
                        hosts[i].seconds + SLACK / CLOCK_SEC);
        goes_on();
    }
    uint64_t before = clock_monotonic();
    page.ns = YEAR;
    wall.seconds = 0; /* not told */
    assert_true(time_use_pvclock(&page, &wall));
    assert_in_range(clock_monotonic(), before, before + SLACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_used),
        cmocka_unit_test(test_says_nonsense_later),
        cmocka_unit_test(test_restored),
    };
    return cmocka_run_group_tests_name("platform/pvh/time_test", tests, NULL, NULL);
}
