/* The feed: which articles, which dates, which ids, and links that lead somewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signatures/memory.h"
#include "tests/support/site.h"

static uint64_t blocks;
static struct site *site;
static char *feed;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    site = NULL;
    work_begin();
    work_text(".config/root", "https://a.example\n");
    work_text(".config/blog_name", "Name\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_free(site);
    free(feed);
    feed = NULL;
    return memory_stats().blocks == blocks ? 0 : -1;
}

static void make(void)
{
    site_free(site);
    site = site_of_work(NULL);
    free(feed);
    feed = strdup(body_of(site, "/atom"));
}

static int count(const char *text)
{
    int n = 0;
    for (const char *at = feed; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static void the_last_ten_articles(void **state)
{
    char path[32], text[64];
    (void)state;
    work_text("About", "title: A page is no article\n---\n");
    work_text("Posts/Moved", "redirect: /About\n");
    for (int i = 0; i < 12; i++) {
        sprintf(path, "%s/%02d", i % 2 ? "Posts" : "Notes/deep", i);
        sprintf(text, "title: Number %d.\n---\n", i);
        work_text(path, text);
        work_commit(WORK_EPOCH + i * WORK_DAY);
    }
    make();
    assert_int_equal(count("<entry>"), SITE_FEED_ARTICLES);
    assert_null(strstr(feed, "Number 1."));
    assert_null(strstr(feed, "no article"));
    assert_null(strstr(feed, "Moved"));
    const char *newest = strstr(feed, "Number 11.");
    assert_non_null(newest);
    assert_true(newest < strstr(feed, "Number 10."));
    assert_non_null(strstr(feed, "href=\"https://a.example/Notes/deep/10\""));
}

static void dates_and_authors(void **state)
{
    (void)state;
    work_text("Posts/A", "title: A\nauthor: Ada\nauthor_url: https://ada.example/\ntags: x, y\n"
                         "abstract: An *abstract*\n---\n<i>raw</i>\n");
    work_text("Posts/B", "title: B\n---\n");
    work_commit(WORK_EPOCH);
    work_text("Posts/A", "title: A\nauthor: Ada\nauthor_url: https://ada.example/\ntags: x, y\n"
                         "abstract: An *abstract*\n---\n<i>new</i>\n");
    work_commit(WORK_EPOCH + WORK_DAY);
    make();
    assert_non_null(strstr(feed, "<published>2023-11-14T22:13:20Z</published>\n"
                                 "<updated>2023-11-15T22:13:20Z</updated>"));
    assert_true(strstr(feed, "<updated>2023-11-15T22:13:20Z</updated>") < strstr(feed, "<entry>"));
    assert_non_null(strstr(feed, "<author><name>Ada</name>\n<uri>https://ada.example/</uri>\n"));
    assert_int_equal(count("<name>Name</name>"), 1); /* the feed's own, for B */
    assert_non_null(strstr(feed, "An &lt;em&gt;abstract&lt;/em&gt;</summary>"));
    assert_non_null(
        strstr(feed, "xml:base=\"https://a.example/Posts/A\">&lt;p&gt;&lt;i&gt;new&lt;/i"));
    assert_int_equal(count("<category"), 2);
    assert_non_null(strstr(feed, "rel=\"self\" type=\"application/atom+xml\" "
                                 "href=\"https://a.example/atom\""));
}

static void ids_stay(void **state)
{
    char before[64];
    (void)state;
    work_text("Posts/A", "title: A\n---\n");
    work_commit(WORK_EPOCH);
    make();
    const char *entry = strstr(feed, "<entry>");
    snprintf(before, sizeof before, "%.45s", strstr(entry, "urn:uuid:"));
    work_text("Posts/A", "title: Another\n---\nAnother text\n");
    work_text(".config/root", "https://b.example\n");
    work_text(".config/blog_name", "Another\n");
    work_commit(WORK_EPOCH + WORK_DAY);
    make();
    assert_int_equal(count(before), 1);
    assert_non_null(strstr(feed, "https://b.example/Posts/A"));
}

static void a_feed_without_entries(void **state)
{
    (void)state;
    work_commit(WORK_EPOCH + 3 * WORK_DAY);
    make();
    assert_int_equal(count("<entry>"), 0);
    assert_non_null(strstr(feed, "<updated>2023-11-17T22:13:20Z</updated>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_ten_articles, setup, teardown),
        cmocka_unit_test_setup_teardown(dates_and_authors, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_feed_without_entries, setup, teardown),
    };
    return cmocka_run_group_tests_name("site feed", tests, NULL, NULL);
}
