/*
 * What pages say of when they changed: whoever asks by a date alone never keeps bytes that are not served any
 * more (RFC 9110, 8.8.2 and 13.1.3), whatever the dates of commits say.
 */
#include "tests/lib/site/place.h"

#include <stdio.h>

#define BOOT (WORK_EPOCH + 1000 * WORK_DAY)

/* Commits with a date, and makes the next generation of it at another. */
static void update(int64_t committed, int64_t now)
{
    struct site_options options = SITE_PLAIN;
    struct content c;
    options.now = now;
    work_commit(committed);
    content_load(&c);
    struct site *next = site_make(&c, site, &options);
    content_free(&c);
    site_free(site);
    site = next;
}

static int64_t changed(const char *path)
{
    const struct site_page *page = site_find(site, slice_text(path));
    assert_non_null(page);
    assert_int_equal(page->modified != 0, strstr(fields_of(site, path), "Last-Modified: ") != NULL);
    return page->modified;
}

/* Their date is none of the clock here: the file may have been put on an older branch, and that merged. */
static void an_older_article_makes_lists_new(void **state)
{
    static const char *const lists[] = {"/", "/Posts", "/tags", "/tags/t", "/atom"};
    (void)state;
    work_text("Posts/A", "title: A\ntags: t\n---\n");
    work_text("static/a.png", "a");
    update(WORK_EPOCH, BOOT);
    work_text("Posts/Older", "title: Older\ntags: t\n---\n");
    update(WORK_EPOCH - WORK_DAY, BOOT + 10);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        assert_int_equal(changed(lists[i]), BOOT + 10);
    assert_int_equal(changed("/Posts/A"), BOOT);
    assert_int_equal(changed("/static/a.png"), BOOT);
}

static void what_is_set_back_is_new(void **state)
{
    (void)state;
    work_text("Posts/A", "title: A\n---\nnew\n");
    work_text("static/a.png", "new");
    update(WORK_EPOCH + WORK_DAY, BOOT);
    work_begin();
    work_text("Posts/A", "title: A\n---\nold\n");
    work_text("static/a.png", "old");
    update(WORK_EPOCH, BOOT + 10);
    assert_int_equal(changed("/Posts/A"), BOOT + 10);
    assert_int_equal(changed("/static/a.png"), BOOT + 10);
}

/* An author's clock, too, may be ahead of ours. */
static void commits_of_the_future_are_of_now(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    update(BOOT + WORK_DAY, BOOT);
    assert_int_equal(changed("/A"), BOOT);
}

/* Bytes that differ never bear the same date, nor an older one. */
static void a_date_that_was_told_is_not_told_again(void **state)
{
    (void)state;
    static const struct {
        int64_t now, told;
    } generations[] = {{BOOT, BOOT}, {BOOT, 0}, {BOOT - 5, 0}, {BOOT, 0}, {BOOT + 1, BOOT + 1}};
    for (size_t i = 0; i < sizeof generations / sizeof generations[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "title: %zu\n---\n", i);
        work_text("A", text);
        update(WORK_EPOCH + (int64_t)i, generations[i].now);
        assert_int_equal(changed("/A"), generations[i].told);
        assert_int_equal(changed("/"), generations[i].told);
    }
}

static void without_a_clock_nothing_is_told(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    update(WORK_EPOCH, 0);
    assert_int_equal(changed("/A"), 0);
}

/* A history that was written anew, and a change of what other pages link, make pages again as they were. */
static void what_comes_out_as_it_was_keeps_its_date(void **state)
{
    (void)state;
    work_text("Posts/A", "title: A\n---\nNo code.\n");
    work_text("Posts/B", "title: B\n---\n```c\ncode\n```\n");
    work_text("static/a.png", "a");
    update(WORK_EPOCH, BOOT);
    work_text("static/js/canopy.js", "own");
    update(WORK_EPOCH, BOOT + 10);
    assert_int_equal(changed("/Posts/A"), BOOT);
    assert_int_equal(changed("/Posts"), BOOT);
    assert_int_equal(changed("/Posts/B"), BOOT + 10);
    work_begin();
    work_text("static/a.png", "a");
    update(WORK_EPOCH + WORK_DAY, BOOT + 20);
    assert_int_equal(changed("/static/a.png"), BOOT);
}

/* The front page is another one from now on; its bytes are new there, though not under their own name. */
static void another_page_under_a_name_is_new_there(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    work_text("B", "title: B\n---\n");
    work_text(".config/index_page", "A\n");
    update(WORK_EPOCH, BOOT);
    work_text("static/favicon.svg", "<svg/>");
    work_text("static/favicon.ico", "icon");
    update(WORK_EPOCH, BOOT + 10);
    work_remove("static/favicon.ico");
    update(WORK_EPOCH, BOOT + 20);
    assert_int_equal(changed("/static/favicon.svg"), BOOT + 10);
    assert_int_equal(changed("/favicon.ico"), BOOT + 20);
    assert_string_equal(body_of(site, "/favicon.ico"), "<svg/>");
    const struct site_page *icon = site_find(site, SLICE("/favicon.ico"));
    work_text("Later", "title: Later\n---\n");
    update(WORK_EPOCH, BOOT + 30);
    assert_ptr_equal(site_find(site, SLICE("/favicon.ico")), icon);
    assert_int_equal(changed("/A"), changed("/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_older_article_makes_lists_new, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_set_back_is_new, setup, teardown),
        cmocka_unit_test_setup_teardown(commits_of_the_future_are_of_now, setup, teardown),
        cmocka_unit_test_setup_teardown(a_date_that_was_told_is_not_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_clock_nothing_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_out_as_it_was_keeps_its_date, setup, teardown),
        cmocka_unit_test_setup_teardown(another_page_under_a_name_is_new_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
