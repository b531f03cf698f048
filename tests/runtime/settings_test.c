/* Settings: forms of the command line, precedence, refusals that help, secrets that stay secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "runtime/settings.h"
#include "signatures/memory.h"

static struct slice remote, secret, plain;
static bool dhcp, html;
static uint16_t port, other_port;
static uint32_t poll, count;
static struct address ip;

static const char *check_path(struct slice text)
{
    return slice_starts(text, SLICE("/")) ? NULL : "a path that starts with /";
}

static const struct setting first_settings[] = {
    {.name = "remote",
     .letter = 'r',
     .value = "URL[#BRANCH]",
     .help = "The repository that holds the content. Without a branch its HEAD is followed",
     .preset = "",
     .alias = "origin",
     .type = SETTING_TEXT,
     .into = &remote},
    {.name = "hook-secret",
     .secret = true,
     .value = "SECRET",
     .help = "What signs the news of a push",
     .preset = "changeme",
     .type = SETTING_TEXT,
     .into = &secret},
    {.name = "root",
     .value = "A-VERY-LONG-KIND-OF-VALUE",
     .help = "Something whose name is too long for the left column",
     .preset = "/x",
     .type = SETTING_TEXT,
     .check = check_path,
     .into = &plain},
};

static const struct setting second_settings[] = {
    {.name = "dhcp",
     .value = "true|false",
     .help = "Ask",
     .preset = "true",
     .type = SETTING_BOOL,
     .into = &dhcp},
    {.name = "no-html",
     .letter = 'H',
     .help = "No",
     .preset = "",
     .type = SETTING_BOOL,
     .into = &html},
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Listen",
     .preset = "80",
     .type = SETTING_PORT,
     .into = &port},
    {.name = "tls-port",
     .value = "PORT",
     .help = "TLS",
     .preset = "",
     .bare = "8443",
     .type = SETTING_PORT,
     .into = &other_port},
    {.name = "poll",
     .value = "SECONDS",
     .help = "Look",
     .preset = "0",
     .type = SETTING_SECONDS,
     .into = &poll},
    {.name = "count",
     .letter = 'c',
     .value = "N",
     .help = "Number",
     .preset = "7",
     .type = SETTING_NUMBER,
     .into = &count},
    {.name = "ip",
     .value = "ADDRESS",
     .help = "Own",
     .preset = "",
     .type = SETTING_ADDRESS,
     .into = &ip},
};

static const struct setting_group first_group = {
    .title = "Content", .settings = first_settings, .count = 3};
static const struct setting_group second_group = {
    .title = "Network", .settings = second_settings, .count = 7};
static const struct setting_group *const groups[] = {&first_group, &second_group,
                                                     &settings_logs_group, NULL};

static struct buf error;
static char told[1024]; /* what `seen` was told */

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(groups);
    told[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&error);
    return memory_stats().blocks == 0 ? 0 : -1;
}

static void on_seen(void *arg, const struct setting *s, struct slice text)
{
    assert_ptr_equal(arg, &told);
    strcat(told, s->name);
    strcat(told, "=");
    strncat(told, (const char *)text.ptr, text.len);
    strcat(told, ";");
}

/* Arguments as one string, separated by '|'. */
static enum err arguments(const char *line)
{
    static char copy[1024];
    static const char *list[32];
    size_t n = 0;
    strcpy(copy, line);
    for (char *at = copy; *line && at; n++) {
        list[n] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = 0;
    }
    buf_clear(&error);
    return settings_arguments(groups, n, list, on_seen, &told, &error);
}

static void check_error(const char *expected)
{
    buf_byte(&error, 0);
    assert_int_equal(error.err, OK);
    assert_string_equal((const char *)error.ptr, expected);
}

static void test_presets(void **state)
{
    (void)state;
    assert_true(remote.len == 0 && slice_is(secret, "changeme") && slice_is(plain, "/x"));
    assert_true(dhcp && !html && port == 80 && other_port == 0 && poll == 0 && count == 7);
    assert_memory_equal(&ip, &ADDRESS_ANY, sizeof ip);
    assert_true(slice_is(settings_logs, "info"));
}

static void test_forms(void **state)
{
    (void)state;
    assert_int_equal(arguments("--remote|a"), OK);
    assert_true(slice_is(remote, "a"));
    assert_int_equal(arguments("--remote=b=c"), OK);
    assert_true(slice_is(remote, "b=c"));
    assert_int_equal(arguments("-r|--odd"), OK); /* a value may look like a name */
    assert_true(slice_is(remote, "--odd"));
    assert_int_equal(arguments("-rd"), OK);
    assert_true(slice_is(remote, "d"));
    assert_int_equal(arguments("--remote="), OK);
    assert_int_equal(remote.len, 0);
    assert_int_equal(arguments("--origin|old"), OK);
    assert_true(slice_is(remote, "old"));
    assert_int_equal(arguments("--port|1|-p65535|-p|2"), OK); /* the last one counts */
    assert_int_equal(port, 2);
    assert_int_equal(arguments("--ip=2001:db8::1|--poll|31536000|-c4294967295"), OK);
    assert_true(poll == 31536000 && count == UINT32_MAX && ip.bytes[15] == 1);
    assert_int_equal(arguments(""), OK);
    assert_string_equal(told, "remote=a;remote=b=c;remote=--odd;remote=d;remote=;remote=old;port=1;"
                              "port=65535;port=2;ip=2001:db8::1;poll=31536000;count=4294967295;");
}

static void test_bools(void **state)
{
    (void)state;
    assert_int_equal(arguments("--no-html"), OK);
    assert_true(html);
    assert_int_equal(arguments("--no-html|off|--dhcp|no"), OK);
    assert_false(html || dhcp);
    assert_int_equal(arguments("-H|--dhcp=yes"), OK); /* -H does not eat what is no value */
    assert_true(html && dhcp);
    assert_int_equal(arguments("-Hfalse"), OK);
    assert_false(html);
    assert_int_equal(arguments("--dhcp=maybe"), ERR_ARGUMENT);
    check_error("--dhcp: 'maybe' is not true or false");
    assert_int_equal(arguments("--dhcp|maybe"), ERR_ARGUMENT);
    check_error("--dhcp: 'maybe' is not true or false");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *arguments;
        enum err why;
        const char *line;
    } cases[] = {
        {"--port|99999", ERR_ARGUMENT, "--port: '99999' is not a port (1 to 65535)"},
        {"-p0", ERR_ARGUMENT, "--port: '0' is not a port (1 to 65535)"},
        {"--port=", ERR_ARGUMENT, "--port: '' is not a port (1 to 65535)"},
        {"--poll|31536001", ERR_ARGUMENT,
         "--poll: '31536001' is not a number of seconds (0 to 31536000)"},
        {"--count|-1", ERR_ARGUMENT, "--count: '-1' is not a number (0 to 4294967295)"},
        {"--ip|1.2.3", ERR_ARGUMENT, "--ip: '1.2.3' is not an IPv4 or IPv6 address"},
        {"--root|x", ERR_ARGUMENT, "--root: 'x' is not a path that starts with /"},
        {"--prot|1", ERR_NOT_FOUND,
         "'--prot' is not a setting of this program; did you mean --port?"},
        {"--hook-secret|", ERR_ARGUMENT,
         "--hook-secret: the secret is empty; leave the setting out to have none"},
        {"--hok-secret=topsecret", ERR_NOT_FOUND,
         "'--hok-secret' is not a setting of this program; did you mean --hook-secret?"},
        {"--zebra", ERR_NOT_FOUND, "'--zebra' is not a setting of this program"},
        {"-x", ERR_NOT_FOUND, "'-x' is not a setting of this program"},
        {"-xtopsecret", ERR_NOT_FOUND, "'-x' is not a setting of this program"},
        {"--", ERR_NOT_FOUND, "'--' is not a setting of this program"},
        {"file", ERR_ARGUMENT, "'file' is not the name of a setting (such names begin with --)"},
        {"-", ERR_ARGUMENT, "'-' is not the name of a setting (such names begin with --)"},
        {"--remote", ERR_ARGUMENT, "--remote: URL[#BRANCH] is missing behind it"},
        {"--port|8\n0", ERR_ARGUMENT, "--port: '8\\x0a0' is not a port (1 to 65535)"},
        {"-l|loud", ERR_ARGUMENT,
         "--logs: 'loud' is not a list of levels (quiet, error, warning, info, debug), such as "
         "info,git:debug"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(arguments(cases[i].arguments), cases[i].why);
        check_error(cases[i].line);
    }
    assert_true(port == 80 && count == 7); /* nothing of that was stored */
    char long_value[700] = "--port|";
    memset(long_value + 7, '\x01', 600);
    assert_int_equal(arguments(long_value), ERR_ARGUMENT);
    assert_int_equal(error.err, OK); /* it fits, cut */
}

static void test_configuration(void **state)
{
    static const char text[] = "# a comment\n\n  # another\nremote = git://host/x \nport=8080\n"
                               "root = /a\\\\b\r\nhook-secret = \n  poll = 5\nno-html = true\n";
    (void)state;
    assert_int_equal(settings_configuration(groups, slice_text(text), &error), OK);
    assert_int_equal(error.len, 0);
    assert_true(slice_is(remote, "git://host/x ")); /* as it stands */
    assert_true(slice_is(plain, "/a\\b"));
    assert_true(port == 8080 && poll == 5 && html);
    memory_free((void *)(uintptr_t)plain.ptr); /* kept for ever, in a program */
    plain = SLICE("");
    assert_int_equal(arguments("--port|9"), OK); /* arguments go over the configuration */
    assert_int_equal(port, 9);
}

static void test_refused_configuration(void **state)
{
    static const struct {
        const char *text;
        enum err why;
        const char *line;
    } cases[] = {
        {"port = 1\nprot = 2\n", ERR_NOT_FOUND,
         "'prot' is not a setting of this program; did you mean --port? (configuration, line 2)"},
        {"\n\nport", ERR_MALFORMED, "not of the form: name = value (configuration, line 3)"},
        {"port = x", ERR_ARGUMENT,
         "--port: 'x' is not a port (1 to 65535) (configuration, line 1)"},
        {"remote = a\\", ERR_MALFORMED,
         "--remote: a backslash must be followed by n, r or \\ (configuration, line 1)"},
        {"remote = a\\t", ERR_MALFORMED,
         "--remote: a backslash must be followed by n, r or \\ (configuration, line 1)"},
        {"= x", ERR_NOT_FOUND, "'' is not a setting of this program (configuration, line 1)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&error);
        assert_int_equal(settings_configuration(groups, slice_text(cases[i].text), &error),
                         cases[i].why);
        check_error(cases[i].line);
    }
}

/* What is written is read back as it was, whatever the bytes. */
static void test_configuration_round_trip(void **state)
{
    struct sim_random r;
    (void)state;
    sim_random_seed(&r, 6);
    for (int i = 0; i < 2000; i++) {
        static const char letters[] = " \\\n\rn=#ab\t";
        char text[12];
        size_t n = (size_t)sim_random_range(&r, 0, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = letters[sim_random_range(&r, 0, sizeof letters - 2)];
        struct buf b;
        buf_init(&b, 1000);
        settings_write_line(&b, &first_settings[0], slice_of(text, n));
        buf_clear(&error);
        assert_int_equal(settings_configuration(groups, buf_slice(&b), &error), OK);
        assert_true(slice_equal(remote, slice_of(text, n)));
        bool copied = remote.len && !(remote.ptr >= b.ptr && remote.ptr < b.ptr + b.len);
        if (copied)
            memory_free((void *)(uintptr_t)remote.ptr);
        buf_deinit(&b);
    }
}

static const char *refuse_all(struct slice text)
{
    (void)text;
    return "what it should be";
}

static void test_secrets(void **state)
{
    struct setting s = first_settings[1];
    struct buf help;
    (void)state;
    s.check = refuse_all;
    assert_int_equal(settings_set(&s, SLICE("topsecret"), &error), ERR_ARGUMENT);
    check_error("--hook-secret: what was given (a secret, not shown) is not what it should be");
    buf_init(&help, 10000);
    settings_help(&help, "x", groups);
    assert_int_equal(slice_search(buf_slice(&help), SLICE("changeme")), help.len);
    buf_deinit(&help);
}

static void test_help(void **state)
{
    static const char expected[] =
        "Usage: canopy [SETTING]...\n"
        "\n"
        "Content\n"
        "  -r, --remote URL[#BRANCH]  The repository that holds the content. Without a\n"
        "                             branch its HEAD is followed\n"
        "      --hook-secret SECRET   What signs the news of a push\n"
        "      --root A-VERY-LONG-KIND-OF-VALUE\n"
        "                             Something whose name is too long for the left\n"
        "                             column (default /x)\n"
        "\n"
        "Network\n"
        "      --dhcp true|false      Ask (default true)\n"
        "  -H, --no-html              No\n"
        "  -p, --port PORT            Listen (default 80)\n"
        "      --tls-port PORT        TLS\n"
        "      --poll SECONDS         Look (default 0)\n"
        "  -c, --count N              Number (default 7)\n"
        "      --ip ADDRESS           Own\n"
        "\n"
        "Logging\n"
        "  -l, --logs LEVELS          What to log: quiet, error, warning, info or debug;\n"
        "                             for one source as in info,git:debug (default info)\n"
        "\n"
        "  -h, --help                 Show this text\n";
    struct buf help;
    (void)state;
    buf_init(&help, 10000);
    settings_help(&help, "canopy [SETTING]...", groups);
    buf_byte(&help, 0);
    assert_string_equal((const char *)help.ptr, expected);
    struct slice rest = buf_slice(&help), line;
    while (slice_line(&rest, &line))
        assert_true(line.len <= 80);
    buf_deinit(&help);
}

static void test_bare(void **state)
{
    (void)state;
    assert_int_equal(arguments("--tls-port"), OK);
    assert_int_equal(other_port, 8443);
    assert_int_equal(arguments("--tls-port|444"), OK);
    assert_int_equal(other_port, 444);
    assert_int_equal(arguments("--tls-port|-p|1"), OK);
    assert_true(other_port == 8443 && port == 1);
    assert_int_equal(arguments("--tls-port=445|--dhcp"), OK);
    assert_int_equal(other_port, 445);
    assert_int_equal(arguments("--tls-port|x"), ERR_ARGUMENT);
    assert_int_equal(arguments("--port"), ERR_ARGUMENT);
}

static void check_value(const char *name, const char *value, const char *shown)
{
    struct buf b;
    buf_init(&b, 1000);
    const struct setting *s = settings_find(groups, slice_text(name));
    settings_put_value(&b, s, slice_text(value));
    assert_true(slice_is(buf_slice(&b), shown));
    if (value[0])
        assert_int_equal(settings_is_secret(s, slice_text(value)), strcmp(value, shown) != 0);
    else
        assert_false(settings_is_secret(s, slice_text(value)));
    buf_deinit(&b);
}

/* Passwords in URLs, well-formed or not. */
static void test_urls(void **state)
{
    (void)state;
    check_value("hook-secret", "x", "(not shown)");
    check_value("hook-secret", "", "(not shown)");
    check_value("remote", "", "");
    check_value("remote", "https://h/a@b#c", "https://h/a@b#c");
    check_value("remote", "https://u:p@h/a@b", "https://...@h/a@b");
    check_value("remote", "https://u:p@q@h", "https://...@h");
    check_value("remote", "://@", "://...@");
    assert_int_equal(arguments("https://u:pass/wo@rd@h/x y"), ERR_ARGUMENT);
    check_error("'https://...@h/x y' is not the name of a setting (such names begin with --)");
    assert_int_equal(arguments("--root=ftp://name:hunter2@h"), ERR_ARGUMENT);
    check_error("--root: 'ftp://...@h' is not a path that starts with /");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_presets),
        TEST(test_forms),
        TEST(test_bools),
        TEST(test_refusals),
        TEST(test_configuration),
        TEST(test_refused_configuration),
        TEST(test_configuration_round_trip),
        TEST(test_secrets),
        TEST(test_bare),
        TEST(test_urls),
        TEST(test_help),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
