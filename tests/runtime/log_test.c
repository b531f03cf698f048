/* Log lines: levels, times, text from outside that tries to be more than text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "platform/sim/sim.h"
#include "runtime/log.h"
#include "signatures/clock.h"

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    assert_int_equal(log_configure(SLICE("info")), OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_console_clear();
    return 0;
}

static void check_console(const char *expected)
{
    char text[8192];
    struct slice s = sim_console();
    assert_true(s.len < sizeof text);
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    assert_string_equal(text, expected);
    sim_console_clear();
}

static void test_form(void **state)
{
    (void)state;
    sim_clock_set_wall(INT64_C(1795402315123) * (int64_t)CLOCK_MS);
    log_info("git", "%d objects", 1234);
    check_console("2026-11-23T02:51:55.123Z info    git: 1234 objects\n");
    log_warning("a-source-that-is-long", "x");
    check_console("2026-11-23T02:51:55.123Z warning a-source-that-i: x\n");
    log_raw(SLICE("as it is\t"));
    check_console("as it is\t\n");
}

static void test_levels(void **state)
{
    (void)state;
    log_debug("git", "not wanted");
    check_console("");
    assert_int_equal(log_configure(SLICE(" warning , git:debug,http:quiet ,*:error")), OK);
    assert_true(log_wants(LOG_DEBUG, "git"));
    assert_false(log_wants(LOG_ERROR, "http"));
    assert_true(log_wants(LOG_ERROR, "tls"));
    assert_false(log_wants(LOG_WARNING, "tls"));
    log_error("http", "not wanted");
    check_console("");
    assert_int_equal(log_configure(SLICE("git:debug,git:error")), OK);
    assert_false(log_wants(LOG_INFO, "git")); /* the last one counts */
    assert_true(log_wants(LOG_INFO, "other"));
}

static void test_refused_levels(void **state)
{
    static const char *const texts[] = {"",     "loud",     "info,",     ",info",
                                        "git:", ":debug",   "git:x",     "info debug",
                                        "INFO", "a:b:info", "git:info:", "abcdefghijklmnop:info"};
    (void)state;
    assert_int_equal(log_configure(SLICE("error")), OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(log_levels_valid(slice_text(texts[i])));
        assert_int_equal(log_configure(slice_text(texts[i])), ERR_ARGUMENT);
    }
    assert_false(log_wants(LOG_WARNING, "x")); /* all is as it was */
    char many[LOG_SOURCES_MAX * 8 + 8] = "";
    for (int i = 0; i < (int)LOG_SOURCES_MAX; i++)
        strcat(many, "s:info,");
    strcat(many, "s:info");
    assert_false(log_levels_valid(slice_text(many))); /* one too many */
    assert_true(log_levels_valid(slice_text(many + 7)));
}

static void test_text_from_outside(void **state)
{
    (void)state;
    sim_clock_set_wall(0);
    log_info("x", "%s",
             "a\nb\r\x1b[2J\x7f\t\xc2\x9b"
             "1mz \xc3\xa9 \xe2\x82\xac");
    check_console("1970-01-01T00:00:00.000Z info    x: "
                  "a\\x0ab\\x0d\\x1b[2J\\x7f\\x09\\u009b1mz \xc3\xa9 \xe2\x82\xac\n");
}

/* A control of two bytes, wherever the formatter hands over what it gathered. */
static void test_pieces(void **state)
{
    static char text[301];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    for (int before = 0; before <= 300; before++) {
        log_info("x", "%.*s%s%s", before, text, "\xc2", "\x9bm\xc2\xa0");
        struct slice line = sim_console();
        assert_true(slice_ends(line, SLICE("\\u009bm\xc2\xa0\n")));
        sim_console_clear();
    }
}

static void test_long_lines(void **state)
{
    static char text[3 * LOG_LINE_MAX];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    for (size_t n = LOG_LINE_MAX - 100; n < LOG_LINE_MAX + 20; n++) {
        log_info("x", "%.*s", (int)n, text);
        struct slice line = sim_console();
        assert_true(line.len <= LOG_LINE_MAX);
        assert_int_equal(line.ptr[line.len - 1], '\n');
        if (n >= LOG_LINE_MAX)
            assert_true(slice_ends(line, SLICE(" ... (cut)\n")));
        sim_console_clear();
    }
    memset(text, '\n', sizeof text - 1); /* each becomes four bytes */
    log_info("x", "%s", text);
    assert_true(sim_console().len <= LOG_LINE_MAX);
    assert_int_equal(slice_find(sim_console(), '\n'), sim_console().len - 1);
}

/* Against the host's calendar, also for years far away and times before 1970. */
static void test_time(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 4);
    for (int i = 0; i < 20000; i++) {
        int64_t ms =
            (int64_t)sim_random_range(&r, 0, UINT64_C(9000000000000)) - INT64_C(2000000000000);
        int64_t second = ms / 1000 - (ms % 1000 < 0);
        char ours[LOG_TIME_LEN + 1], hosts[64];
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        size_t n = strftime(hosts, sizeof hosts, "%Y-%m-%dT%H:%M:%S", &tm);
        int64_t rest = ms - second * 1000;
        hosts[n++] = '.';
        hosts[n++] = (char)('0' + rest / 100);
        hosts[n++] = (char)('0' + rest / 10 % 10);
        hosts[n++] = (char)('0' + rest % 10);
        strcpy(hosts + n, "Z");
        sim_clock_set_wall(ms * (int64_t)CLOCK_MS);
        log_time(ours);
        assert_string_equal(ours, hosts);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_form),           TEST(test_levels),
        TEST(test_refused_levels), TEST(test_text_from_outside),
        TEST(test_pieces),         TEST(test_long_lines),
        TEST(test_time),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
