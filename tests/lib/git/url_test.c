/* Remote URLs: what is understood, what is refused, and that no text made of them tells secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/git/escape.h"
#include "lib/git/fetch.h"
#include "lib/git/url.h"

static char shown[8192];

/* "SCHEME user=.. password=.. host=.. port=.. path=.. branch=.." */
static const char *parts(const char *text)
{
    struct git_url u;
    const char *wanted;
    if (git_url_parse(slice_text(text), &u, &wanted)) {
        assert_non_null(wanted);
        return "refused";
    }
    assert_null(wanted);
    snprintf(shown, sizeof(shown), "%d|%.*s|%.*s|%.*s|%u|%.*s|%.*s", u.scheme, SLICE_ARG(u.user),
             SLICE_ARG(u.password), SLICE_ARG(u.host), u.port, SLICE_ARG(u.path),
             SLICE_ARG(u.branch));
    return shown;
}

static void understood(void **state)
{
    (void)state;
    assert_string_equal(parts("git://example.org/a/b.git"), "0|||example.org|9418|/a/b.git|");
    assert_string_equal(parts("GIT://h:1/a#main"), "0|||h|1|/a|main");
    assert_string_equal(parts("git://[::1]:77/a#feature/x-1"), "0|||::1|77|/a|feature/x-1");
    assert_string_equal(parts("git://[2001:db8::1]/a"), "0|||2001:db8::1|9418|/a|");
    assert_string_equal(parts("git://127.0.0.1/"), "0|||127.0.0.1|9418|/|");
    assert_string_equal(parts("git://h/a/"), "0|||h|9418|/a/|");
    assert_string_equal(parts("git://h:/a"), "0|||h|9418|/a|");
    assert_string_equal(parts("http://h/a/b/"), "1|||h|80|/a/b|");
    assert_string_equal(parts("http://h/"), "1|||h|80||");
    assert_string_equal(parts("http://n:p%40@h:81/a?x=1"), "1|n|p%40|h|81|/a?x=1|");
    assert_string_equal(parts("http://n@h/a"), "1|n||h|80|/a|");
    assert_string_equal(parts("https://h/a"), "2|||h|443|/a|");
    assert_string_equal(parts("git://h/a#"), "0|||h|9418|/a|");
    assert_string_equal(parts("git://h/\xc3\xa4%20b"), "0|||h|9418|/\xc3\xa4%20b|");
    assert_string_equal(parts("git://h/a#b#c"), "0|||h|9418|/a|b#c");
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "git",
        "git:",
        "git:/h/a",
        "git://",
        "git:///a",
        "git://h",
        "git://h#b",
        "ssh://h/a",
        "file:///a",
        "/a",
        "h:a",
        "git@h:a",
        "git://h/a b",
        "git://h/a\n",
        "git://h/\x7f",
        "git://n@h/a",
        "git://n:p@h/a",
        "git://h:0/a",
        "git://h:65536/a",
        "git://h:x/a",
        "git://h:-1/a",
        "git://[::1/a",
        "git://[::1]x/a",
        "git://[1.2.3.4]/a",
        "git://[::g]/a",
        "git://h!/a",
        "git://h%41/a",
        "git://h/a%",
        "git://h/a%4",
        "git://h/a%zz",
        "git://h/a%00",
        "git://h/a%0a",
        "http://n%0ap@h/a",
        "git://h/a#-\x01",
        "git://h/a#a..b",
        "git://h/a#a b",
        "git://h/a#a~b",
        "git://h/a#/a",
        "git://h/a#a/",
        "git://h/a#a//b",
        "git://h/a#.a",
        "git://h/a#a/.b",
        "git://h/a#a.",
        "git://h/a#a.lock",
        "git://h/a#a.lock/b",
        "git://h/a#a@{b",
        "git://h/a#a\\b",
        "git://h/a#a:b",
        "git://h/a#a*",
        "http:///a",
        "http://:80/a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strcmp(parts(bad[i]), "refused") != 0)
            fail_msg("not refused: '%s': %s", bad[i], shown);
}

static void limits(void **state)
{
    static char text[GIT_URL_MAX + 2];
    struct git_url u;
    const char *wanted;
    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "git://h/", 8);
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), ERR_LIMIT);
    text[GIT_URL_MAX] = '\0';
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), OK);
    memcpy(text, "git://h/a#", 10);
    text[10 + GIT_BRANCH_MAX + 1] = '\0';
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), ERR_ARGUMENT);
    text[10 + GIT_BRANCH_MAX] = '\0';
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), OK);
    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "git://", 6);
    text[6 + RESOLVE_NAME_MAX] = '/';
    text[6 + RESOLVE_NAME_MAX + 2] = '\0';
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), OK);
    text[6 + RESOLVE_NAME_MAX] = 'a';
    text[6 + RESOLVE_NAME_MAX + 1] = '/';
    assert_int_equal(git_url_parse(slice_text(text), &u, &wanted), ERR_ARGUMENT);
}

static void what_may_be_fetched(void **state)
{
    (void)state;
    assert_null(git_url_check(SLICE("git://h/a")));
    assert_null(git_url_check(SLICE("http://h/a#b")));
    assert_null(git_url_check(SLICE("https://h/a")));
    assert_true(git_url_is_secure(SLICE("https://h/a")));
    assert_false(git_url_is_secure(SLICE("http://h/a")) || git_url_is_secure(SLICE("https://")));
    assert_non_null(git_url_check(SLICE("ssh://h/a")));
}

static void secrets_stay(void **state)
{
    struct git_url u;
    struct buf b;
    const char *wanted;
    (void)state;
    assert_int_equal(git_url_parse(SLICE("http://n:p@[::1]:81/a#b"), &u, &wanted), OK);
    buf_init(&b, 256);
    git_url_put(&b, &u);
    assert_true(slice_is(buf_slice(&b), "http://[::1]:81/a"));
    buf_deinit(&b);
}

static const char *escaped(const char *text)
{
    struct buf b;
    buf_init(&b, 256);
    git_put_escaped(&b, slice_text(text));
    snprintf(shown, sizeof(shown), "%.*s", SLICE_ARG(buf_slice(&b)));
    buf_deinit(&b);
    return shown;
}

static void escaping(void **state)
{
    (void)state;
    assert_string_equal(escaped("plain \xc3\xa4 \xe2\x82\xac"), "plain \xc3\xa4 \xe2\x82\xac");
    assert_string_equal(escaped("\x1b[2J\r\n\t\x7f"), "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
    assert_string_equal(escaped("\xc2\x9b\xff\xc3"), "\\xc2\\x9b\\xff\\xc3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understood),
        cmocka_unit_test(refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(secrets_stay),
        cmocka_unit_test(what_may_be_fetched),
        cmocka_unit_test(escaping),
    };
    return cmocka_run_group_tests_name("git/url", tests, NULL, NULL);
}
