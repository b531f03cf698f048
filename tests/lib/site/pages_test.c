/* What the files of a repository become: pages, folders, tags, redirections, problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/site/place.h"
#include "tests/support/shell.h"

/* Where each text stands in the page must grow. */
static void in_order(const char *path, const char *const *texts)
{
    const char *body = body_of(site, path);
    for (; *texts; texts++) {
        const char *at = strstr(body, *texts);
        if (!at)
            fail_msg("%s: '%s' is missing or out of order", path, *texts);
        body = at + 1;
    }
}

static void a_page_and_an_article(void **state)
{
    (void)state;
    work_text("About", "title: About us\n---\nWe are *here*.\n");
    work_text("Posts/One",
              "title: One & only\nauthor: Ada <3\nauthor_url: https://ada.example/?a&b\n"
              "tags: b, a & c\nabstract: Of *it*\n---\n## Part\n\nText.\n");
    work_commit(WORK_EPOCH);
    work_text("Posts/One",
              "title: One & only\nauthor: Ada <3\nauthor_url: https://ada.example/?a&b\n"
              "tags: b, a & c\nabstract: Of *it*\n---\n## Part\n\nTexts.\n");
    make();
    has("/About", "<h1 class=\"post-title\">About us</h1>");
    has("/About", "We are <em>here</em>.");
    has("/About", "<a href=\"/About\" aria-current=\"page\">About us</a>");
    has("/About", "<a href=\"/Posts\">Posts</a>");
    has("/Posts/One", "<title>One &amp; only \xC2\xB7 Canopy</title>");
    has("/Posts/One", "<a href=\"/Posts\" aria-current=\"true\">Posts</a>");
    has("/Posts/One", "<a rel=\"author\" href=\"https://ada.example/?a&amp;b\">Ada &lt;3</a>");
    has("/Posts/One",
        "<time class=\"published\" datetime=\"2023-11-14T22:13:20Z\">2023-11-14</time>");
    has("/Posts/One",
        "<time class=\"updated\" datetime=\"2024-02-22T22:13:20Z\">2024-02-22</time>");
    has("/Posts/One", "<a class=\"tag\" rel=\"tag\" href=\"/tags/a%20%26%20c\">a &amp; c</a>");
    has("/Posts/One", "<meta name=\"description\" content=\"Of it\">");
    has("/Posts/One", "<h2 id=\"part\">Part</h2>\n<p>Texts.</p>");
    assert_int_equal(site_stats(site).articles, 2);
    assert_int_equal(site_stats(site).problems, 0);
}

static void titles_come_from_somewhere(void **state)
{
    (void)state;
    work_text("Posts/a", "# From *heading*\n\nText\n");
    work_text("Posts/b", "Text\n\n# Late heading\n");
    work_text("Posts/From name.md", "Text\n");
    make();
    has("/Posts/a", "<h1 class=\"post-title\">From heading</h1>");
    has_not("/Posts/a", "<h1 id="); /* not twice */
    has("/Posts/b", "<h1 class=\"post-title\">Late heading</h1>");
    has("/Posts/b", "<h1 id=\"late-heading\">");
    has("/Posts/From name.md", "<h1 class=\"post-title\">From name</h1>");
    has("/Posts", "href=\"/Posts/From%20name.md\"");
    has("/Posts/b", "<meta name=\"description\" content=\"Text\">");
}

static void folders_list_newest_first(void **state)
{
    (void)state;
    static const char *const order[] = {"3 articles", "Third",  "2023-11-16",
                                        "First",      "Second", NULL};
    work_text("Posts/B", "title: Second\n---\n");
    work_text("Posts/A", "title: First\nauthor: Ada\nabstract: An *abstract*\ntags: t\n---\n");
    work_text("Posts/R", "redirect: /Posts/A\n");
    work_text("Posts/.hidden", "title: Hidden\n---\n");
    work_commit(WORK_EPOCH);
    work_text("Posts/C", "title: Third\n---\n");
    work_commit(WORK_EPOCH + 2 * WORK_DAY);
    make();
    in_order("/Posts", order); /* one date: by name */
    has("/Posts", "<p class=\"list-group-item-text abstract\">An <em>abstract</em></p>");
    has("/Posts", "<span class=\"author\">Ada</span>");
    has("/Posts", "href=\"/tags/t\"");
    has_not("/Posts", "Hidden");
    has_not("/Posts", "/Posts/R");
    no_page("/Posts/.hidden");
}

static void deep_folders(void **state)
{
    (void)state;
    work_text("Posts/2023/May/One", "title: One\n---\n");
    work_text("Posts/2024/Two", "title: Two\n---\n");
    work_text("Posts-x/Three", "title: Three\n---\n");
    make();
    has("/Posts/2023/May/One", "One");
    has("/Posts", "/Posts/2023/May/One");
    has("/Posts", "/Posts/2024/Two");
    has_not("/Posts", "title\">Three");
    has("/Posts/2023", "One");
    has_not("/Posts/2023", "/Posts/2024/Two");
    has("/Posts/2023/May", "One");
    has("/Posts-x", "Three");
}

static void redirections(void **state)
{
    (void)state;
    work_text("Posts/Old", "redirect: /Posts/N\xC3\xA4her \"x\"<>\n");
    work_text("Away", "redirect: https://b.example/c%20d?e=f#g\n");
    make();
    const struct site_page *page = site_find(site, SLICE("/Posts/Old"));
    assert_int_equal(page->status, 301);
    assert_non_null(strstr(fields_of(site, "/Posts/Old"),
                           "\r\nLocation: /Posts/N%C3%A4her%20%22x%22%3C%3E\r\n"));
    assert_non_null(
        strstr(fields_of(site, "/Away"), "\r\nLocation: https://b.example/c%20d?e=f#g\r\n"));
    no_page("/Posts"); /* nothing to list */
    has_not("/", "/Away\">");
    assert_int_equal(site_stats(site).articles, 0);
}

/* It is served as it is: the page may come, and who wrote it is told. */
static void redirections_that_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *path, *target, *fault; /* NULL: it is good */
    } all[] = {
        {"Good", "/Posts/A%20b", NULL},
        {"Blank", "/Posts/A b", NULL},
        {"Slash", "/Posts/", NULL},
        {"Query", "/Posts?x=/nowhere#y", NULL},
        {"Mark", "/Posts/A b#a?b", NULL},
        {"Front", "/", NULL},
        {"Feed", "/atom", NULL},
        {"Status", "/status", NULL},
        {"Static", "/static/f", NULL},
        {"Web", "https://b.example/nowhere", NULL},
        {"Other", "//b.example/nowhere", NULL},
        {"Relative", "Good", NULL},
        {"Twice", "/Good", NULL},
        {"Gone", "/Posts/B", "not there"},
        {"Bad", "/Bad%00", NULL},
        {"ToGone", "/Gone", "not there"},
        {"Self", "/Self", "never to a page"},
        {"Ring1", "/Ring2", "never to a page"},
        {"Ring2", "/Ring1/", "never to a page"},
    };
    work_text("Posts/A b", "title: A\n---\n");
    work_text("static/f", "f");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "redirect: %s\n", all[i].target);
        work_text(all[i].path, text);
    }
    make();
    unsigned faults = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char path[16];
        snprintf(path, sizeof path, "/%s", all[i].path);
        assert_int_equal(site_find(site, slice_text(path))->status, 301);
        if (all[i].fault)
            has_problem(all[i].path, 0, all[i].fault);
        faults += all[i].fault != NULL;
    }
    assert_int_equal(site_stats(site).problems, faults);
}

static void slashes_at_the_end(void **state)
{
    (void)state;
    struct buf location;
    work_text("Posts/A b", "title: A\n---\n");
    make();
    buf_init(&location, 1000);
    assert_true(site_moved(site, SLICE("/Posts/"), &location));
    assert_true(slice_is(buf_slice(&location), "/Posts"));
    buf_clear(&location);
    assert_true(site_moved(site, SLICE("/Posts/A b///"), &location));
    assert_true(slice_is(buf_slice(&location), "/Posts/A%20b"));
    buf_clear(&location);
    assert_false(site_moved(site, SLICE("/"), &location));
    assert_false(site_moved(site, SLICE("/Posts"), &location));
    assert_false(site_moved(site, SLICE("//b.example/"), &location));
    assert_false(site_moved(site, SLICE("/Nowhere/"), &location));
    assert_true(site_moved(site, SLICE("//"), &location)); /* the front page */
    assert_true(slice_is(buf_slice(&location), "/"));
    buf_deinit(&location);
}

static void tags_are_collected(void **state)
{
    (void)state;
    work_text("Posts/One", "title: One\ntags: sea, land\n---\n");
    work_commit(WORK_EPOCH);
    work_text("Posts/Two", "title: Two\ntags: sea, Sea, n\xC3\xA9/f?\n---\n");
    work_text("About", "title: About\ntags: land\n---\n");
    make();
    static const char *const order[] = {"2 articles", "Two", "One", NULL};
    in_order("/tags/sea", order);
    has("/tags/Sea", "1 article<");
    has("/tags/land", "About");
    has("/tags", "<a class=\"tag\" href=\"/tags/sea\">sea</a> <span class=\"count\">2</span>");
    has("/tags", "<a class=\"tag\" href=\"/tags/n%C3%A9/f%3F\">");
    has("/tags/n\xC3\xA9/f?", "Two");
    no_page("/tags/fire");
}

static void no_tags_at_all(void **state)
{
    (void)state;
    work_text("About", "Text\n");
    make();
    has("/tags", "No article has a tag yet.");
}

static void names_of_all_kinds(void **state)
{
    static const char *const names[][2] = {
        {"Posts/a b", "/Posts/a%20b"},
        {"Posts/50%", "/Posts/50%25"},
        {"Posts/%41", "/Posts/%2541"},
        {"Posts/what?", "/Posts/what%3F"},
        {"Posts/#1", "/Posts/%231"},
        {"Posts/\"quoted\" 'x' <y>&", "/Posts/%22quoted%22%20%27x%27%20%3Cy%3E%26"},
        {"Posts/\xC3\xBC\xE2\x82\xAC\xF0\x9F\x8C\xB3", "/Posts/%C3%BC%E2%82%AC%F0%9F%8C%B3"},
        {"Posts/a:b;c=d@e", "/Posts/a:b;c=d@e"},
    };
    char path[256], link[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        work_text(names[i][0], "text\n");
    make();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        sprintf(path, "/%s", names[i][0]);
        sprintf(link, "<a href=\"%s\">", names[i][1]);
        has(path, "text");
        has("/Posts", link);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    work_text("Good", "title: Good\n---\n");
    work_text("Posts/NoColon", "title: T\nno colon\n---\n");
    work_put("Posts/picture.png", slice_of("\x89PNG\r\n\x1a\n\0\0", 10));
    work_text("Posts/Latin", "title: caf\xE9\n---\n");
    work_text("Posts/bad\xFFname", "text\n");
    work_text("Posts/tab\tname", "text\n");
    work_text("tags/mine", "text\n");
    work_text("atom", "text\n");
    work_text("status", "text\n");
    shell("cd work && ln -s Good Link");
    make();
    has_problem("Posts/NoColon", 2, "needs a colon");
    has_problem("Posts/picture.png", 3, "not text");
    has_problem("Posts/Latin", 1, "UTF-8");
    has_problem("Posts/bad\xFFname", 0, "name is not UTF-8");
    has_problem("Posts/tab\tname", 0, "control character");
    has_problem("tags/mine", 0, "the site itself");
    has_problem("atom", 0, "the site itself");
    has_problem("status", 0, "the site itself");
    has_problem("Link", 0, "symbolic link");
    assert_int_equal(site_stats(site).problems, 9);
    has("/Good", "Good");
    no_page("/Posts/NoColon");
    no_page("/tags/mine");
    no_page("/Link");
    no_page("/Posts");               /* nothing of it can be read */
    has_not("/", "href=\"/Posts\""); /* nor is it in the navigation */
}

static void raw_html_is_allowed_or_not(void **state)
{
    struct site_options strict = SITE_PLAIN;
    (void)state;
    strict.raw_html = false;
    work_text("Raw", "title: <i>T</i>\nabstract: <i>A</i> [x](javascript:y)\n---\n"
                     "<b class=\"x\">bold</b> [z](javascript:w)\n");
    make();
    has("/Raw", "<b class=\"x\">bold</b>");
    has("/Raw", "href=\"javascript:w\"");
    has_not("/Raw", "<i>");
    assert_non_null(strstr(fields_of(site, "/Raw"), "'unsafe-inline'"));
    assert_non_null(strstr(fields_of(site, "/Raw"), "'unsafe-eval'")); /* drawings and formulas */
    assert_null(strstr(fields_of(site, "/"), "'unsafe-inline'"));
    site_free(site);
    site = site_of_work(&strict);
    has("/Raw", "&lt;b class=");
    has_not("/Raw", "javascript:w");
    assert_null(strstr(fields_of(site, "/Raw"), "'unsafe-inline'"));
    assert_non_null(strstr(fields_of(site, "/Raw"), "Content-Security-Policy: default-src 'self'"));
}

static void an_active_authors_link_is_left_out(void **state)
{
    (void)state;
    work_text("Posts/A", "title: T\nauthor: Eve\nauthor_url: javascript:alert(1)\n---\n");
    make();
    has("/Posts/A", "<span class=\"author\">Eve</span>");
    has_not("/Posts/A", "javascript:");
    has_not("/atom", "javascript:");
}

static void a_repository_without_anything(void **state)
{
    (void)state;
    make();
    has("/", "0 articles");
    has("/tags", "No article");
    has("/atom", "<feed");
    no_page("/About");
}

static void papers_are_not_in_the_navigation(void **state)
{
    (void)state;
    work_text("LICENSE", "Do as you like.\n");
    work_text("README.md", "# Read me\n");
    work_text("Zoo", "Animals\n");
    make();
    has("/LICENSE", "Do as you like.");
    has_not("/Zoo", "href=\"/LICENSE\"");
    has_not("/Zoo", "href=\"/README.md\"");
    has("/Zoo", "href=\"/Zoo\"");
}

static void error_pages(void **state)
{
    (void)state;
    work_text("About", "title: About\n---\n");
    make();
    static const uint16_t statuses[][2] = {{404, 404}, {500, 500}, {405, 405}, {503, 503},
                                           {418, 400}, {599, 500}, {400, 400}};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct site_page *page = site_error(site, statuses[i][0]);
        assert_non_null(page);
        assert_int_equal(page->status, statuses[i][1]);
        assert_true(slice_search(page->body, SLICE("href=\"/About\"")) < page->body.len);
        assert_true(slice_search(page->body, SLICE("noindex")) < page->body.len);
        assert_true(slice_search(page->fields, SLICE("ETag")) == page->fields.len);
        struct slice bare = site_bare_page(statuses[i][0]);
        assert_true(slice_starts(bare, SLICE("<!DOCTYPE html>")));
        assert_true(slice_search(bare, SLICE("href=")) == bare.len); /* needs nothing else */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_and_an_article, setup, teardown),
        cmocka_unit_test_setup_teardown(titles_come_from_somewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_list_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(redirections, setup, teardown),
        cmocka_unit_test_setup_teardown(redirections_that_lead_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(slashes_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(tags_are_collected, setup, teardown),
        cmocka_unit_test_setup_teardown(no_tags_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_all_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_html_is_allowed_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(an_active_authors_link_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_repository_without_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(papers_are_not_in_the_navigation, setup, teardown),
        cmocka_unit_test_setup_teardown(error_pages, setup, teardown),
    };
    return cmocka_run_group_tests_name("site pages", tests, NULL, NULL);
}
