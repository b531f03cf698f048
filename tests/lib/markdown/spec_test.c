/*
 * CommonMark's own examples, all of them, read from the text of the specification.
 *
 * An example stands between fences of 32 backquotes, Markdown and HTML apart by a line ".", with
 * arrows for tabs. The HTML is compared as the specification's own test program does: white space
 * around the tags of blocks is dropped, other white space outside of <pre> is one space, "<br />" is
 * "<br>", and a character may be escaped that needs it not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/markdown/markdown.h"
#include "signatures/memory.h"
#include "tests/support/html.h"

#define SPEC           "build/deps/commonmark-spec/share/spec.txt"
#define EXAMPLES_LEAST 600
#define FENCE          "````````````````````````````````"

static char *read_spec(void)
{
    FILE *f = fopen(SPEC, "rb");
    if (!f)
        fail_msg("no %s: run deps/get --link build/deps commonmark-spec", SPEC);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 100000);
    fclose(f);
    return text;
}

/* Replaces in place; `to` is not longer than `from`. */
static void replace(char *text, const char *from, const char *to)
{
    for (char *at; (at = strstr(text, from));) {
        memcpy(at, to, strlen(to));
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        text = at + strlen(to);
    }
}

static bool is_block_tag(const char *tag)
{
    static const char *const names[] = {"p",  "li",    "ul",  "ol", "blockquote", "pre",
                                        "hr", "h1",    "h2",  "h3", "h4",         "h5",
                                        "h6", "table", "div", "del"};
    tag += tag[0] == '/';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(tag, names[i], len) == 0 && strchr(" >\n", tag[len]))
            return true;
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* Outside of <pre>: no white space beside the tags of blocks, one space elsewhere. */
static void collapse(char *html)
{
    char *to = html;
    bool pre = false, after_block = true;
    for (char *at = html; *at;) {
        bool block = at[0] == '<' && is_block_tag(at + 1);
        if (block) {
            pre = strncmp(at, "<pre", 4) == 0 || (pre && strncmp(at, "</pre", 5) != 0);
            while (!pre && to > html && is_space(to[-1]))
                to--;
            while (*at && *at != '>')
                *to++ = *at++;
        }
        if (!pre && is_space(*at)) {
            at += strspn(at, " \n\t");
            if (!after_block)
                *to++ = ' ';
            continue;
        }
        after_block = block;
        if (*at)
            *to++ = *at++;
    }
    while (to > html && is_space(to[-1]))
        to--;
    *to = 0;
}

static void normalise(char *html)
{
    replace(html, " />", ">");
    replace(html, "&quot;", "\"");
    replace(html, "&#34;", "\"");
    replace(html, "&#39;", "'");
    replace(html, "&#10;", "\n");
    replace(html, "&#9;", "\t");
    collapse(html);
}

static char *render(const char *markdown)
{
    struct buf html;
    buf_init(&html, 1 << 20);
    assert_int_equal(markdown_render(slice_text(markdown), MARKDOWN_RAW_HTML, &html, NULL), OK);
    char *text = html.len ? strndup((const char *)html.ptr, html.len) : strdup("");
    buf_deinit(&html);
    return text;
}

static bool example_passes(int number, char *markdown, char *expected)
{
    replace(markdown, "\xE2\x86\x92", "\t");
    replace(expected, "\xE2\x86\x92", "\t");
    char *html = render(markdown);
    normalise(html);
    normalise(expected);
    bool same = strcmp(html, expected) == 0;
    if (!same)
        print_error("example %d:\n%s--- expected\n%s--- got\n%s", number, markdown, expected, html);
    free(html);
    return same;
}

/* The same text as a page shows it, where raw HTML does not pass. */
static bool is_sound(int number, const char *markdown)
{
    struct buf html;
    size_t at;
    buf_init(&html, 1 << 20);
    assert_int_equal(
        markdown_render(slice_text(markdown), MARKDOWN_EXTENSIONS | MARKDOWN_WEB, &html, NULL), OK);
    const char *fault = html_fault(buf_slice(&html), &at);
    if (fault)
        print_error("example %d: %s at %zu:\n%s---\n%.*s", number, fault, at, markdown,
                    SLICE_ARG(buf_slice(&html)));
    buf_deinit(&html);
    return !fault;
}

static void all_examples(void **state)
{
    (void)state;
    uint64_t blocks = memory_stats().blocks;
    char *spec = read_spec(), *at = spec;
    int number = 0, failures = 0;
    while ((at = strstr(at, "\n" FENCE " example\n"))) {
        char *markdown = at + strlen("\n" FENCE " example\n");
        char *middle = strncmp(markdown, ".\n", 2) == 0 ? markdown - 1 : strstr(markdown, "\n.\n");
        char *html = middle + strlen("\n.\n");
        char *end = strstr(html - 1, "\n" FENCE);
        middle[1] = end[1] = 0; /* the dot, and the first of the closing fence */
        at = end + 2;
        failures += !example_passes(++number, markdown, html);
        failures += !is_sound(number, markdown);
    }
    free(spec);
    print_message("%d examples\n", number);
    assert_true(number > EXAMPLES_LEAST);
    assert_int_equal(failures, 0);
    assert_int_equal(memory_stats().blocks, blocks);
}

/* What the check above must find. */
static void unsound_html_is_found(void **state)
{
    static const char *const unsound[] = {
        "<p>",
        "</p>",
        "<p><em></p></em>",
        "<script>",
        "<p onclick=\"x\">",
        "<p class=\"x>",
        "<p class=x></p>",
        "a > b",
        "a & b",
        "&nbsp;",
        "<img alt=\"<\">",
        "<a href=\"a\"><a href=\"b\"></a></a>",
        "<a href=\"java\nscript:x\"></a>",
        "<a href=\" JavaScript:x\"></a>",
        "<img src=\"data:text/html,x\">",
        "<img src=\"data:image/svg+xml,x\">",
        "<h1 id=\"a\"></h1><h2 id=\"a\"></h2>",
        "<h1 id=\"_main\"></h1>",
    };
    size_t at;
    (void)state;
    for (size_t i = 0; i < sizeof unsound / sizeof unsound[0]; i++)
        if (!html_fault(slice_text(unsound[i]), &at))
            fail_msg("no fault in %s", unsound[i]);
    assert_null(html_fault(SLICE("<p>a <a href=\"/b?c=d&amp;e\" title=\"&quot;\">b</a><br>"
                                 "<img src=\"data:image/png,x\" alt=\"\"></p>"),
                           &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsound_html_is_found),
        cmocka_unit_test(all_examples),
    };
    return cmocka_run_group_tests_name("commonmark", tests, NULL, NULL);
}
