/* What is beyond CommonMark's own examples: extensions, ids, raw HTML, hostile links, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/markdown/markdown.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"

#define WEB (MARKDOWN_EXTENSIONS | MARKDOWN_WEB)

static uint64_t blocks;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    buf_init(&out, 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&out);
    sim_memory_fail_nth(0);
    return memory_stats().blocks == blocks ? 0 : -1;
}

static const char *text(void)
{
    buf_byte(&out, 0);
    out.len--;
    return (const char *)out.ptr;
}

static const char *rendered(const char *markdown, unsigned flags)
{
    buf_clear(&out);
    assert_int_equal(markdown_render(slice_text(markdown), flags, &out, NULL), OK);
    return text();
}

static void extensions(void **state)
{
    (void)state;
    assert_string_equal(rendered("~~a~~", MARKDOWN_EXTENSIONS), "<p><del>a</del></p>\n");
    assert_string_equal(rendered("~~a~~", 0), "<p>~~a~~</p>\n");
    assert_string_equal(rendered("see https://a.example/b", MARKDOWN_EXTENSIONS),
                        "<p>see <a href=\"https://a.example/b\">https://a.example/b</a></p>\n");
    assert_non_null(strstr(rendered("|a|b|\n|:-:|-:|\n|1|2|", MARKDOWN_EXTENSIONS),
                           "<td class=\"text-center\">1</td>\n<td class=\"text-end\">2</td>"));
    assert_non_null(strstr(rendered("- [x] a\n- [ ] b", MARKDOWN_EXTENSIONS),
                           "disabled checked aria-label=\"done\"> a"));
}

static void headings_have_ids_of_their_own(void **state)
{
    (void)state;
    assert_string_equal(rendered("# What is *it*?\n# What is it\n## What is it-2\n", WEB),
                        "<h1 id=\"what-is-it\">What is <em>it</em>?</h1>\n"
                        "<h1 id=\"what-is-it-2\">What is it</h1>\n"
                        "<h2 id=\"what-is-it-2-2\">What is it-2</h2>\n");
    assert_string_equal(rendered("# +++\n", WEB), "<h1 id=\"-\">+++</h1>\n");
    assert_string_equal(rendered("# Über uns &amp; ihr\n", WEB), "<h1 id=\"\xC3\x9C"
                                                                 "ber-uns-ihr\">\xC3\x9C"
                                                                 "ber uns &amp; ihr</h1>\n");
    assert_string_equal(rendered("# _main x_y\n", WEB), "<h1 id=\"main-x-y\">_main x_y</h1>\n");
    assert_string_equal(rendered("# A\n", MARKDOWN_EXTENSIONS), "<h1>A</h1>\n");
}

static void long_headings_have_short_ids(void **state)
{
    (void)state;
    char markdown[1024] = "# ";
    for (int i = 0; i < 200; i++)
        strcat(markdown, "\xC3\xA9");
    const char *id = strstr(rendered(markdown, WEB), "id=\"") + 4;
    size_t len = strcspn(id, "\"");
    assert_true(len <= MARKDOWN_SLUG_MAX && len > MARKDOWN_SLUG_MAX - 4);
    assert_int_equal(len % 2, 0); /* whole characters */
}

static void ids_are_bounded(void **state)
{
    (void)state;
    struct buf markdown;
    buf_init(&markdown, 1 << 20);
    for (unsigned i = 0; i < MARKDOWN_IDS_MAX + 10; i++)
        buf_text(&markdown, "# same\n");
    buf_byte(&markdown, 0);
    const char *html = rendered((const char *)markdown.ptr, WEB);
    unsigned ids = 0, headings = 0;
    for (const char *at = html; (at = strstr(at, "<h1 id=")); at++)
        ids++;
    for (const char *at = html; (at = strstr(at, "<h1")); at++)
        headings++;
    assert_int_equal(ids, MARKDOWN_IDS_MAX);
    assert_int_equal(headings, MARKDOWN_IDS_MAX + 10);
    buf_deinit(&markdown);
}

static void what_scrolls_can_be_reached(void **state)
{
    (void)state;
    assert_string_equal(rendered("```c\nx < y\n```", WEB),
                        "<pre tabindex=\"0\"><code class=\"language-c\">x &lt; y\n</code></pre>\n");
    assert_non_null(
        strstr(rendered("|a|\n|-|\n|b|", WEB),
               "<div class=\"table-responsive\" tabindex=\"0\"><table class=\"table\">"));
    assert_non_null(strstr(rendered("| |b|\n|:-|-|\n|1|2|", WEB),
                           "<td class=\"text-start\"></td>\n<th>b</th>\n"));
    assert_non_null(strstr(rendered("| |b|\n|-|-|\n|1|2|", MARKDOWN_EXTENSIONS), "<th></th>"));
    assert_string_equal(rendered("![a *b* \"c\"](/d.png \"e\")", WEB),
                        "<p><img src=\"/d.png\" alt=\"a b &quot;c&quot;\" title=\"e\" "
                        "loading=\"lazy\" decoding=\"async\"></p>\n");
}

static void raw_html_passes_or_is_shown(void **state)
{
    (void)state;
    struct markdown_facts facts;
    struct slice html = SLICE("<script>x()</script>\n\na <b onclick=\"y()\">b</b>\n");
    assert_int_equal(markdown_render(html, MARKDOWN_RAW_HTML, &out, &facts), OK);
    assert_true(facts.raw_html);
    assert_non_null(strstr(text(), "<script>x()</script>"));
    buf_clear(&out);
    assert_int_equal(markdown_render(html, 0, &out, &facts), OK);
    assert_false(facts.raw_html);
    assert_null(strstr(text(), "<script"));
    assert_null(strstr(text(), "<b"));
    assert_non_null(strstr(text(), "&lt;b onclick="));
}

static void active_links_lead_nowhere(void **state)
{
    static const char *const links[] = {
        "[a](javascript:alert(1))",        "[a](JaVaScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",   "[a](javascript&colon;alert(1))",
        "[a](<java&#9;script:alert(1)>)",  "[a](<java&#10;script&NewLine;:alert(1)>)",
        "[a](<&#1; javascript:alert(1)>)", "[a](vbscript:x)",
        "[a](file:///etc/passwd)",         "[a](data:text/html,x)",
        "![a](data:image/svg+xml,x)",      "<javascript:alert(1)>",
        "[a]\n\n[a]: javascript:alert(1)",
    };
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        const char *html = rendered(links[i], MARKDOWN_EXTENSIONS);
        if (!strstr(html, "href=\"\"") && !strstr(html, "src=\"\""))
            fail_msg("%s gives %s", links[i], html);
    }
    assert_non_null(
        strstr(rendered("[a](javascript:b)", MARKDOWN_RAW_HTML), "href=\"javascript:b\""));
    assert_non_null(strstr(rendered("![a](data:image/png;base64,xyz)", 0), "src=\"data:image/png"));
    assert_non_null(strstr(rendered("[a](/javascript:b)", 0), "href=\"/javascript:b\""));
    assert_non_null(strstr(rendered("[a](mailto:a@b.example)", 0), "href=\"mailto:"));
}

static void links_are_encoded(void **state)
{
    (void)state;
    assert_string_equal(rendered("[a](</b c?d&e\"'ä>)", 0),
                        "<p><a href=\"/b%20c?d&amp;e%22%27%C3%A4\">a</a></p>\n");
}

/* md4c takes a mark within a link's target or title for the other end of an emphasis, and tells one
 * end of it only. */
static void every_element_ends(void **state)
{
    (void)state;
    assert_string_equal(rendered("*[](*)\n\nb", 0),
                        "<p><em><a href=\"*\"></a></em></p>\n<p>b</p>\n");
    assert_string_equal(rendered("[](*) a* b", 0), "<p><a href=\"*\"></a> a b</p>\n");
    assert_string_equal(rendered("# *a [x](y \"*\")\n\n- b", 0),
                        "<h1><em>a <a href=\"y\" title=\"*\">x</a></em></h1>\n"
                        "<ul>\n<li>b</li>\n</ul>\n");
}

/* An address within a link's text is its text; the next link is one again. */
static void links_hold_no_links(void **state)
{
    (void)state;
    assert_string_equal(rendered("[a <http://b> c](/d) [e](/f)", 0),
                        "<p><a href=\"/d\">a http://b c</a> <a href=\"/f\">e</a></p>\n");
    assert_string_equal(rendered("[*a <http://b>*](/c)\n\n<http://d>", 0),
                        "<p><a href=\"/c\"><em>a http://b</em></a></p>\n"
                        "<p><a href=\"http://d\">http://d</a></p>\n");
}

static void a_title_is_left_out(void **state)
{
    (void)state;
    unsigned flags = MARKDOWN_SKIP_TITLE;
    assert_string_equal(rendered("# Title *a*\n\ntext\n\n# Next\n", flags),
                        "<p>text</p>\n<h1>Next</h1>\n");
    assert_string_equal(rendered("text\n\n# Title\n", flags), "<p>text</p>\n<h1>Title</h1>\n");
    assert_string_equal(rendered("> # Title\n", flags),
                        "<blockquote>\n<h1>Title</h1>\n</blockquote>\n");
}

static void titles_are_found(void **state)
{
    (void)state;
    bool leads;
    assert_int_equal(markdown_title(SLICE("\n## A *b* `c` &amp; d\n\n# E"), 100, &out, &leads), OK);
    assert_string_equal(text(), "A b c & d");
    assert_true(leads);
    buf_clear(&out);
    assert_int_equal(markdown_title(SLICE("text\n\nSetext\n===\n"), 100, &out, &leads), OK);
    assert_string_equal(text(), "Setext");
    assert_false(leads);
    buf_clear(&out);
    assert_int_equal(markdown_title(SLICE("no heading"), 100, &out, &leads), OK);
    assert_string_equal(text(), "");
}

static void plain_text_is_the_words_of_paragraphs(void **state)
{
    (void)state;
    struct slice markdown = SLICE("# Title\n\nOne *two*\nthree <b>four</b>.\n\n```\ncode\n```\n\n"
                                  "Five &lt; six.\n");
    assert_int_equal(markdown_plain(markdown, 100, &out), OK);
    assert_string_equal(text(), "One two three four. Five < six.");
    buf_clear(&out);
    assert_int_equal(markdown_plain(markdown, 16, &out), OK);
    assert_string_equal(text(), "One two three\xE2\x80\xA6");
    buf_clear(&out);
    assert_int_equal(markdown_plain(SLICE("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"), 5, &out), OK);
    assert_string_equal(text(), "\xC3\xA9\xC3\xA9\xE2\x80\xA6");
    buf_clear(&out);
    assert_int_equal(markdown_plain(SLICE("a       \xC3\xA9 and more"), 8, &out), OK);
    assert_string_equal(text(), "a \xC3\xA9 and\xE2\x80\xA6");
    buf_clear(&out);
    assert_int_equal(markdown_plain(SLICE("a             b"), 8, &out), OK);
    assert_string_equal(text(), "a b");
}

static const char *inlined(const char *markdown)
{
    buf_clear(&out);
    assert_int_equal(markdown_inline(slice_text(markdown), MARKDOWN_EXTENSIONS, &out), OK);
    return text();
}

static void a_line_has_no_blocks(void **state)
{
    (void)state;
    assert_string_equal(inlined("An *abstract* with [a](/b)."),
                        "An <em>abstract</em> with <a href=\"/b\">a</a>.");
    assert_string_equal(inlined("# not a heading"), "# not a heading");
    assert_string_equal(inlined("- not <a> list"), "- not &lt;a&gt; list");
    assert_string_equal(inlined("two\n\nlines"), "two lines");
    assert_string_equal(inlined("<b>x</b>"), "&lt;b&gt;x&lt;/b&gt;");
    assert_string_equal(inlined(""), "");
}

static void bytes_that_are_not_text(void **state)
{
    (void)state;
    assert_int_equal(markdown_render(slice_of("a\0b\xFF\xC3", 5), 0, &out, NULL), OK);
    assert_string_equal(text(), "<p>a\xEF\xBF\xBD"
                                "b\xEF\xBF\xBD\xEF\xBF\xBD</p>\n");
}

static void output_is_bounded(void **state)
{
    (void)state;
    struct buf small;
    buf_init(&small, 16);
    assert_int_equal(markdown_render(SLICE("a **long** line of text"), 0, &small, NULL), ERR_LIMIT);
    buf_deinit(&small);
    assert_int_equal(markdown_render(slice_of("", MARKDOWN_TEXT_MAX + 1), 0, &out, NULL),
                     ERR_LIMIT);
}

/* Twenty million brackets ask for more than one text may. */
static void memory_is_bounded(void **state)
{
    (void)state;
    static char brackets[20 << 20];
    memset(brackets, '[', sizeof brackets);
    uint64_t before = memory_stats().bytes;
    enum err e = markdown_render(slice_of(brackets, sizeof brackets), 0, &out, NULL);
    assert_int_equal(e, ERR_LIMIT);
    assert_true(memory_stats().peak - before < 2 * MARKDOWN_MEMORY_MAX);
}

/* Inputs on which a careless parser takes quadratic time or deep recursion. */
static void hostile_texts_end_soon(void **state)
{
    static const char *const pieces[] = {"[",        "![",  "*a ", "> ",          "`a``", "<a ",
                                         "[a](",     "- ",  "*_",  "|a|b\n|",     "&#1;", "a_b*",
                                         "[a]: b\n", "#\n", "1) ", "**x** __y__ "};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct buf markdown;
        buf_init(&markdown, 1 << 20);
        while (markdown.len < 200000)
            buf_text(&markdown, pieces[i]);
        buf_clear(&out);
        assert_int_equal(markdown_render(buf_slice(&markdown), WEB, &out, NULL), OK);
        buf_deinit(&markdown);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct slice markdown = SLICE("# A\n\n# A\n\n[x][y] `c`\n\n[y]: /z 'title &amp; more'\n\n"
                                  "|a|b|\n|-|-|\n|1|2|\n\n```c&amp;\nx\n```\n");
    enum err e = ERR_MEMORY;
    uint64_t nth = 1;
    for (; e != OK; nth++) {
        struct buf html;
        buf_init(&html, 1 << 20);
        uint64_t before = memory_stats().blocks;
        sim_memory_fail_nth(nth);
        e = markdown_render(markdown, WEB, &html, NULL);
        sim_memory_fail_nth(0);
        assert_true(e == OK || e == ERR_MEMORY);
        buf_deinit(&html);
        assert_int_equal(memory_stats().blocks, before);
        assert_true(nth < 1000);
    }
    assert_true(nth > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(extensions, setup, teardown),
        cmocka_unit_test_setup_teardown(headings_have_ids_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(long_headings_have_short_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(what_scrolls_can_be_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_html_passes_or_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(active_links_lead_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(links_are_encoded, setup, teardown),
        cmocka_unit_test_setup_teardown(every_element_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(links_hold_no_links, setup, teardown),
        cmocka_unit_test_setup_teardown(a_title_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(titles_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_text_is_the_words_of_paragraphs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_has_no_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_not_text, setup, teardown),
        cmocka_unit_test_setup_teardown(output_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_texts_end_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, setup, teardown),
    };
    return cmocka_run_group_tests_name("markdown", tests, NULL, NULL);
}
