/* Headers as authors write them, and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/site/article.h"

static struct article a;
static struct article_fault fault;

static void good(const char *text)
{
    enum err e = article_parse(slice_text(text), &a, &fault);
    if (e != OK)
        fail_msg("line %u: %s\n%s", fault.line, fault.reason, text);
}

static void bad(const char *text, uint32_t line, const char *reason)
{
    assert_int_equal(article_parse(slice_text(text), &a, &fault), ERR_MALFORMED);
    assert_int_equal(fault.line, line);
    if (!strstr(fault.reason, reason))
        fail_msg("'%s' does not say '%s'", fault.reason, reason);
}

static void assert_slice(struct slice s, const char *expected)
{
    if (!slice_is(s, expected))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(s), expected);
}

static void all_keys(void **state)
{
    (void)state;
    good("---\ntitle: A: title\nauthor:  Ada \nauthor_url: https://a.example/\n"
         "abstract: *One* line\ntags: b, a,, b ,c d\ncontent: Markdown\nmood: "
         "fine\n\n---\n\nText\n");
    assert_slice(a.title, "A: title");
    assert_slice(a.author, "Ada");
    assert_slice(a.author_url, "https://a.example/");
    assert_slice(a.abstract, "*One* line");
    assert_int_equal(a.tag_count, 3);
    assert_slice(a.tags[0], "b");
    assert_slice(a.tags[1], "a");
    assert_slice(a.tags[2], "c d");
    assert_slice(a.body, "\nText\n");
}

static void forms_of_headers(void **state)
{
    (void)state;
    good("title: Unopened\n---\nText");
    assert_slice(a.title, "Unopened");
    assert_slice(a.body, "Text");
    good("TITLE: Upper case\n---\n");
    assert_slice(a.title, "Upper case");
    good("---\r\ntitle: Windows\r\n---\r\nText\r\n");
    assert_slice(a.title, "Windows");
    assert_slice(a.body, "Text\r\n");
    good("\xEF\xBB\xBFtitle: Marked\n-----\nText");
    assert_slice(a.title, "Marked");
    good("---\n---\nText");
    assert_slice(a.title, "");
    assert_slice(a.body, "Text");
    good("title:\n---\n");
    assert_slice(a.title, "");
}

static void texts_without_a_header(void **state)
{
    (void)state;
    const char *const texts[] = {"Just text.\n",
                                 "# Heading\n\nText: with a colon\n\n---\n\nmore\n",
                                 "Note: this is text\n---\n",
                                 "",
                                 "\n\ntitle: late\n",
                                 ": x\n---\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        good(texts[i]);
        assert_slice(a.body, texts[i]);
        assert_slice(a.title, "");
    }
}

static void redirections(void **state)
{
    (void)state;
    good("redirect: /About");
    assert_slice(a.redirect, "/About");
    good("redirect: /About\n");
    assert_slice(a.redirect, "/About");
    good("---\nredirect: https://b.example/c d\n---\n\n");
    assert_slice(a.redirect, "https://b.example/c d");
    bad("redirect:\n", 1, "needs a target");
    bad("redirect: /About\n---\ntext\n", 0, "nothing else");
    bad("title: T\nredirect: /About\n---\n", 0, "nothing else");
    bad("redirect: /About\nmore text\n", 2, "nothing else");
}

static void mistakes_have_a_line(void **state)
{
    (void)state;
    bad("---\ntitle: T\nno colon here\n---\n", 3, "needs a colon");
    bad("title: T\nno colon here\n---\n", 2, "needs a colon");
    bad("title: T\nauthor: A\n", 2, "has no end");
    bad("---\ntitle: T\n", 2, "has no end");
    bad("title: T\ncontent: html\n---\n", 2, "markdown");
    bad("title: T\ntags: ..\n---\n", 2, "a tag cannot be");
    bad("title: T\ntags: /x\n---\n", 2, "a tag cannot be");
    bad("title: a\x01 b\n---\n", 1, "control character");
}

static void bytes_that_are_not_text(void **state)
{
    (void)state;
    bad("title: T\n---\n\nok\n\xE9t\xE9\n", 5, "not UTF-8");
    assert_int_equal(article_parse(slice_of("a\nb\0c", 5), &a, &fault), ERR_MALFORMED);
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.reason, "NUL"));
}

/* Every limit of article.h is reached, from both sides. */
static void limits(void **state)
{
    static char text[1 << 16];
    (void)state;
    char *at = text + sprintf(text, "tags: ");
    for (int i = 0; i < ARTICLE_TAGS_MAX; i++)
        at += sprintf(at, "t%d,", i);
    strcpy(at, "\n---\n");
    good(text);
    assert_int_equal(a.tag_count, ARTICLE_TAGS_MAX);
    strcpy(at, "one more\n---\n");
    bad(text, 1, "more than 64 tags");

    sprintf(text, "tags: %0*d\n---\n", ARTICLE_TAG_MAX, 7);
    good(text);
    sprintf(text, "tags: %0*d\n---\n", ARTICLE_TAG_MAX + 1, 7);
    bad(text, 1, "longer than 128");

    sprintf(text, "title: %0*d\n---\n", ARTICLE_VALUE_MAX, 7);
    good(text);
    sprintf(text, "title: %0*d\n---\n", ARTICLE_VALUE_MAX + 1, 7);
    bad(text, 1, "longer than 8192");

    for (int lines = ARTICLE_HEADER_LINES - 1; lines <= ARTICLE_HEADER_LINES; lines++) {
        at = text + sprintf(text, "---\n");
        for (int i = 0; i < lines; i++)
            at += sprintf(at, "x: y\n");
        strcpy(at, "---\n");
        if (lines < ARTICLE_HEADER_LINES)
            good(text);
        else
            bad(text, ARTICLE_HEADER_LINES + 1, "more than 256 lines");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys),
        cmocka_unit_test(forms_of_headers),
        cmocka_unit_test(texts_without_a_header),
        cmocka_unit_test(redirections),
        cmocka_unit_test(mistakes_have_a_line),
        cmocka_unit_test(bytes_that_are_not_text),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests_name("article", tests, NULL, NULL);
}
