/* What a site may hold: what is beyond a limit is left out and said to be, and the rest is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/site/internal.h"
#include "tests/lib/site/place.h"
#include "tests/support/shell.h"

static void too_many_problems_are_counted(void **state)
{
    (void)state;
    char name[32];
    size_t count;
    for (int i = 0; i < SITE_PROBLEMS_MAX + 5; i++) {
        sprintf(name, "Posts/%d", i);
        work_text(name, "title: T\n");
    }
    make();
    site_problems(site, &count);
    assert_int_equal(count, SITE_PROBLEMS_MAX);
    assert_int_equal(site_stats(site).problems, SITE_PROBLEMS_MAX + 5);
}

static void an_article_that_is_too_large(void **state)
{
    (void)state;
    static uint8_t text[SITE_ARTICLE_MAX + 1];
    memset(text, 'a', sizeof text);
    work_put("Large", slice_of(text, sizeof text - 1));
    work_put("Larger", slice_of(text, sizeof text));
    make();
    assert_non_null(site_find(site, SLICE("/Large")));
    no_page("/Larger");
    has_problem("Larger", 0, "larger than 8 MiB");
}

static void an_article_that_is_too_intricate(void **state)
{
    (void)state;
    static uint8_t text[SITE_ARTICLE_MAX];
    memset(text, '[', sizeof text);
    work_put("Brackets", slice_of(text, sizeof text));
    memcpy(text, "title: T\n---\n", 13);
    work_put("Titled", slice_of(text, sizeof text));
    work_text("Good", "text\n");
    make();
    has_problem("Brackets", 0, "too intricate");
    has_problem("Titled", 0, "too large");
    has("/Good", "text");
}

static void a_static_file_that_is_too_large(void **state)
{
    (void)state;
    shell("mkdir -p work/static && truncate -s %u work/static/large && truncate -s %u "
          "work/static/larger",
          SITE_STATIC_MAX, SITE_STATIC_MAX + 1);
    make();
    assert_int_equal(site_find(site, SLICE("/static/large"))->body.len, SITE_STATIC_MAX);
    no_page("/static/larger");
    has_problem("static/larger", 0, "larger than 64 MiB");
}

/* The feed shows whole articles: two of the largest, of what is longest in it, are too much for it. (In a block
 * of code, where nothing else has to be looked for; and as it is before its pages are packed.) */
static void a_feed_that_is_too_large(void **state)
{
    (void)state;
    static uint8_t text[SITE_ARTICLE_MAX];
    struct content c;
    memset(text, '&', sizeof text);
    memcpy(text, "---\n---\n```\n", 12);
    work_put("Posts/A", slice_of(text, sizeof text));
    work_put("Posts/B", slice_of(text, sizeof text));
    work_text("Posts/C", "text\n");
    work_commit(WORK_EPOCH);
    content_load(&c);
    site = site_begin(&c, NULL);
    content_free(&c);
    no_page("/atom");
    has_problem("/atom", 0, "larger than 128 MiB");
    has("/Posts", "href=\"/Posts/A\"");
    has("/Posts/C", "text");
    assert_true(site_find(site, SLICE("/Posts/A"))->body.len > 4 * SITE_ARTICLE_MAX);
}

/* A few bytes of repository may be very much site: a file at a thousand paths, a tag of a thousand
 * articles. */
static void more_bytes_than_there_is_room_for(void **state)
{
    (void)state;
    struct site_options options = SITE_PLAIN;
    shell("mkdir -p work/static && for n in 1 2 3 4 5 6 7 8 9; do"
          "  head -c 100000 /dev/zero >work/static/$n;"
          " done");
    work_text("Posts/A", "tags: t\n---\ntext\n");
    work_commit(WORK_EPOCH);
    options.bytes_max = 500000;
    site = site_of_work(&options);
    assert_non_null(site_find(site, SLICE("/static/1")));
    no_page("/static/9");
    has_problem("static/9", 0, "no room");
    has("/Posts/A", "text");
    assert_true(site_stats(site).bytes <= 500000);
    struct site *before = site;
    struct content c;
    content_load(&c);
    site = site_make(&c, before, &options);
    site_free(before);
    options.bytes_max = 1;
    struct site *nothing = site_make(&c, site, &options);
    content_free(&c);
    assert_non_null(site_find(site, SLICE("/static/1")));
    no_page("/static/9");
    assert_int_equal(site_stats(site).made, 5); /* those that found no room, once more */
    site_free(site);
    site = nothing;
    no_page("/Posts/A");
    has_problem("Posts/A", 0, "no room");
    has_problem("/tags", 0, "no room");
    assert_non_null(site_error(site, 404));
}

/* One page under as many names as a site may have: the next one is refused, those that are there may
 * get another page. */
static void more_pages_than_permitted(void **state)
{
    static uint32_t names[SITE_PAGES_MAX + 1];
    (void)state;
    work_text("About", "text\n");
    make();
    struct site_page *page = site_find(site, SLICE("/About"));
    enum err e = OK;
    size_t before = site->pages.count;
    for (size_t i = 0; i < SITE_PAGES_MAX + 1 - before; i++) {
        assert_int_equal(e, OK);
        names[i] = (uint32_t)i;
        site_page_hold(page);
        e = site_put(site, slice_of(&names[i], sizeof names[i]), page);
    }
    assert_int_equal(e, ERR_LIMIT);
    assert_int_equal(site->pages.count, SITE_PAGES_MAX);
    site_page_hold(page);
    assert_int_equal(site_put(site, slice_of(&names[0], sizeof names[0]), page), OK);
}

/* An article of any length has a title and a description that fit into one line. */
static void what_is_taken_from_a_text_is_short(void **state)
{
    (void)state;
    static char text[4096], name[300];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "# ", 2);
    memcpy(text + sizeof text / 2, "\n\n", 2);
    work_text("Long", text);
    memset(name, 'n', sizeof name - 1);
    work_text(".config/blog_name", name);
    make();
    const char *title = strstr(body_of(site, "/Long"), "<title>");
    assert_true(strcspn(title + 7, "<") < TITLE_MAX + 20);
    const char *description = strstr(body_of(site, "/Long"), "name=\"description\" content=\"");
    assert_non_null(description);
    assert_true(strcspn(description + 28, "\"") < DESCRIPTION_MAX + 20);
    has_problem(".config/blog_name", 1, "not a short line");
}

static void names_and_targets_that_are_too_long(void **state)
{
    (void)state;
    static char target[8300], path[3100];
    memset(target, 'a', sizeof target - 1);
    memcpy(target, "redirect: /", 11);
    work_text("Away", target);
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 100 == 99 ? '/' : 'p';
    shell("cd work && git update-index --add --cacheinfo 100644,$(echo x |"
          " git hash-object -w --stdin),%s && git commit -qm long && git add Away"
          " && git commit -qm away",
          path);
    site = site_of_work(NULL);
    has_problem("Away", 1, "longer than 8192");
    has_problem(path, 0, "name is too long");
}

/* Reading is work like any other: a step ends after one large file, whatever it is found to say. */
static void a_step_ends_after_a_large_file(void **state)
{
    struct content c;
    struct site_build *b;
    enum err e;
    uint32_t last = 0;
    (void)state;
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "Posts/%d", i);
        static uint8_t text[50000];
        memset(text, 'a' + i, sizeof text);
        work_put(name, slice_of(text, sizeof text));
    }
    work_commit(WORK_EPOCH);
    content_load(&c);
    assert_int_equal(site_build_begin(c.store, &c.history, NULL, &SITE_PLAIN, &b), OK);
    while ((e = site_build_step(b, 20000)) == ERR_AGAIN) {
        uint32_t done, total;
        site_build_progress(b, &done, &total);
        assert_int_equal(total, 20);
        assert_true(done - last <= 1);
        last = done;
    }
    assert_int_equal(e, OK);
    site = site_build_end(b);
    content_free(&c);
}

/* Small texts under a long navigation: it is in every page, so that a turn makes few of them. */
static void a_step_ends_after_a_few_long_pages(void **state)
{
    struct content c;
    struct site_build *b;
    enum err e;
    size_t most = 0, before = 0;
    (void)state;
    shell("for n in $(seq 300); do printf 'title: Page %%060d\\n---\\nText.\\n' $n >work/Page$n; "
          "done");
    work_commit(WORK_EPOCH);
    content_load(&c);
    assert_int_equal(site_build_begin(c.store, &c.history, NULL, &SITE_PLAIN, &b), OK);
    while ((e = site_build_step(b, 64 << 10)) == ERR_AGAIN) {
        size_t made = b->phase == PHASE_RENDER ? b->at : 0;
        most = made > before && made - before > most ? made - before : most;
        before = made;
    }
    assert_int_equal(e, OK);
    site = site_build_end(b);
    content_free(&c);
    assert_true(site_find(site, SLICE("/Page7"))->body.len > 30000);
    assert_in_range(most, 1, 3);
}

/* What a long list grows by in one turn is little; it may be given up after any of them. */
static void a_long_list_takes_many_turns(void **state)
{
    struct content c;
    struct site_build *b;
    enum err e;
    size_t largest = 0, before = 0;
    (void)state;
    shell("mkdir -p work/Posts && for n in $(seq 200); do printf 'title: T\\nabstract: "
          "%%02000d\\n---\\nText.\\n' "
          "$n >work/Posts/$n; done");
    work_text(".config/index_page", "nowhere\n");
    work_commit(WORK_EPOCH);
    content_load(&c);
    assert_int_equal(site_build_begin(c.store, &c.history, NULL, &SITE_PLAIN, &b), OK);
    while (!b->draft.begun)
        assert_int_equal(site_build_step(b, 1), ERR_AGAIN);
    assert_null(site_build_end(b));
    assert_int_equal(site_build_begin(c.store, &c.history, NULL, &SITE_PLAIN, &b), OK);
    while ((e = site_build_step(b, 1)) == ERR_AGAIN) {
        size_t len = b->draft.begun ? b->draft.body.len : 0;
        largest = len > before && len - before > largest ? len - before : largest;
        before = len;
    }
    assert_int_equal(e, OK);
    site = site_build_end(b);
    content_free(&c);
    assert_true(site_find(site, SLICE("/Posts"))->body.len > 400000);
    assert_true(largest > 0 && largest < 70000);
    has("/Posts", "0200</p>");
    has("/", "0001</p>");
    has_problem(".config/index_page", 1, "no page");
    assert_int_equal(site_stats(site).problems, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(too_many_problems_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_article_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(an_article_that_is_too_intricate, setup, teardown),
        cmocka_unit_test_setup_teardown(a_static_file_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(a_feed_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(more_bytes_than_there_is_room_for, setup, teardown),
        cmocka_unit_test_setup_teardown(more_pages_than_permitted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_taken_from_a_text_is_short, setup, teardown),
        cmocka_unit_test_setup_teardown(names_and_targets_that_are_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_ends_after_a_large_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_ends_after_a_few_long_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list_takes_many_turns, setup, teardown),
    };
    return cmocka_run_group_tests_name("site limits", tests, NULL, NULL);
}
