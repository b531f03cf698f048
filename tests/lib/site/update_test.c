/*
 * Generations: an update takes over what did not change, and what comes out is, byte for byte, what
 * a build from nothing gives; nothing is lost when memory is short, and nothing stays behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/site.h"

static uint64_t blocks;
static struct site *site;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    work_begin();
    work_text(".config/blog_name", "Site\n");
    work_text("About", "title: About\ntags: x\n---\nabout\n");
    work_text("Old", "redirect: /About\n");
    work_text("Posts/bad", "title: bad\n");
    work_text("static/a.png", "picture");
    for (int i = 0; i < 20; i++) {
        char path[32], text[128];
        sprintf(path, "Posts/%02d", i);
        sprintf(text, "title: Number %d\ntags: t%d, all\nabstract: a *b*\n---\n# H\n\ntext %d\n", i,
                i % 3, i);
        work_text(path, text);
    }
    work_text("Notes/n", "title: Note\n---\nnote\n");
    work_commit(WORK_EPOCH);
    site = site_of_work(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_free(site);
    sim_memory_fail_nth(0);
    return memory_stats().blocks == blocks ? 0 : -1;
}

/* Commits, updates `site`, and compares with a build from nothing. */
static struct site_stats update(int day)
{
    struct content c;
    work_commit(WORK_EPOCH + day * WORK_DAY);
    content_load(&c);
    struct site *whole = site_make(&c, NULL, NULL);
    struct site *next = site_make(&c, site, NULL);
    content_free(&c);
    site_free(site);
    site = next;
    assert_true(same_sites(whole, next));
    assert_int_equal(site_stats(whole).changed, site_stats(whole).pages);
    site_free(whole);
    return site_stats(next);
}

static void nothing_changed(void **state)
{
    (void)state;
    struct site_stats stats = update(1);
    assert_int_equal(stats.made, 0);
    assert_int_equal(stats.changed, 0);
}

/* Its page, two tag pages, the folder, the index of tags; the front lists all; the feed shows the
 * newest ten, all of one date, by name. */
static void a_text_changed(void **state)
{
    (void)state;
    work_text("Posts/19", "title: Number 19\ntags: t1, all\nabstract: a *b*\n---\nnew text\n");
    struct site_stats stats = update(1);
    assert_int_equal(stats.made, 6 + 1); /* the newer date of change leads the feed */
    assert_int_equal(stats.changed, 6);  /* the index of tags comes out as it was */
    assert_non_null(strstr(body_of(site, "/Posts/19"), "new text"));
    assert_true(stats.reused > 20);
}

static void pages_do_not_depend_on_each_other(void **state)
{
    (void)state;
    const struct site_page *before = site_find(site, SLICE("/Posts/03"));
    site_page_hold((struct site_page *)(uintptr_t)before);
    work_text("Posts/00", "title: Other\n---\n");
    update(1);
    assert_ptr_equal(site_find(site, SLICE("/Posts/03")), before);
    site_page_drop((struct site_page *)(uintptr_t)before);
}

static void files_come_and_go(void **state)
{
    (void)state;
    work_text("Posts/New", "title: New\ntags: fresh\n---\n");
    update(1);
    assert_non_null(strstr(body_of(site, "/tags/fresh"), "New"));
    work_remove("Posts/New");
    update(2);
    assert_null(site_find(site, SLICE("/Posts/New")));
    assert_null(site_find(site, SLICE("/tags/fresh")));
    work_remove("Notes/n");
    update(3);
    assert_null(site_find(site, SLICE("/Notes")));
    work_text("Posts/bad", "title: good\n---\n");
    assert_int_equal(update(4).problems, 0);
    work_text("Posts/bad", "title: bad again\n");
    assert_int_equal(update(5).problems, 1);
    work_text("Old", "title: Not so old\n---\n");
    work_text("About", "redirect: /Old\n");
    update(6);
    work_text("static/a.png", "other picture");
    update(7);
    assert_string_equal(body_of(site, "/static/a.png"), "other picture");
}

/* What every page shows makes every page anew. */
static void the_layout_changed(void **state)
{
    (void)state;
    work_text(".config/blog_name", "Another name\n");
    assert_true(update(1).made > 30);
    work_text("About", "title: Another title\ntags: x\n---\nabout\n");
    assert_true(update(2).made > 30);
    work_text("Third", "title: A third page\n---\n");
    assert_true(update(3).made > 30);
    work_text("static/css/style.css", "one");
    assert_true(update(4).made > 30);
    work_text("static/css/style.css", "two"); /* linked already */
    struct site_stats stats = update(5);
    assert_string_equal(body_of(site, "/static/css/style.css"), "two");
    assert_int_equal(stats.made, 1);
}

static void a_site_goes_bit_by_bit(void **state)
{
    (void)state;
    uint64_t held = memory_stats().blocks;
    unsigned steps = 1;
    for (; !site_free_some(site, 1); steps++) {
        assert_true(memory_stats().blocks <= held);
        held = memory_stats().blocks;
    }
    site = NULL;
    assert_true(steps > 50);
}

/* Readers of an old generation go on reading when it is gone. */
static void a_page_outlives_its_site(void **state)
{
    (void)state;
    struct site_page *page = site_find(site, SLICE("/Posts/07"));
    site_page_hold(page);
    site_free(site);
    site = NULL;
    assert_true(slice_search(page->body, SLICE("text 7")) < page->body.len);
    site_page_drop(page);
}

static void a_build_can_be_given_up(void **state)
{
    struct content c;
    struct site_build *b;
    (void)state;
    content_load(&c);
    enum err e = ERR_AGAIN;
    for (unsigned steps = 0; e == ERR_AGAIN; steps++) {
        uint64_t before = memory_stats().blocks;
        assert_int_equal(site_build_begin(c.store, &c.history, site, &SITE_PLAIN, &b), OK);
        for (unsigned i = 0; i < steps && (e = site_build_step(b, 1)) == ERR_AGAIN; i++)
            ;
        struct site *made = site_build_end(b);
        assert_true((made != NULL) == (e == OK && steps > 0));
        site_free(made);
        assert_int_equal(memory_stats().blocks, before);
        if (steps == 0)
            e = ERR_AGAIN;
    }
    assert_int_equal(e, OK);
    content_free(&c);
}

static enum err try_build(const struct content *c, const struct site *previous, struct site **made)
{
    struct site_build *b;
    enum err e = site_build_begin(c->store, &c->history, previous, &SITE_PLAIN, &b);
    if (e != OK)
        return e;
    while ((e = site_build_step(b, 100000)) == ERR_AGAIN)
        ;
    *made = site_build_end(b);
    if (e == OK)
        while ((e = site_finish(*made, 100000)) == ERR_AGAIN)
            ;
    return e;
}

/* Every single allocation fails once: the build says so, or nothing is missing. */
static void fail_everywhere(const struct content *c, const struct site *previous)
{
    struct site *whole = site_make(c, NULL, NULL), *made;
    enum err e = ERR_MEMORY;
    uint64_t nth, failures = 0;
    for (nth = 1; nth < 100000; nth++) {
        uint64_t before = memory_stats().blocks;
        made = NULL;
        sim_memory_fail_nth(nth);
        e = try_build(c, previous, &made);
        bool reached = sim_memory_requests() >= nth;
        sim_memory_fail_nth(0);
        if (!reached)
            break;
        failures += e != OK;
        if (e == OK)
            assert_true(same_sites(whole, made));
        else
            assert_int_equal(e, ERR_MEMORY);
        site_free(made);
        /* Objects that the store keeps at hand may come and go. */
        assert_true(memory_stats().blocks <= before + 64);
    }
    site_free(made);
    assert_int_equal(e, OK);
    assert_true(failures * 10 > nth * 9);
    site_free(whole);
}

static void any_allocation_may_fail(void **state)
{
    struct content c;
    (void)state;
    work_text("Posts/02",
              "title: Changed\ntags: z\n---\n| a |\n|---|\n| b |\n\n[x](y&amp;z 'w&amp;')\n");
    work_commit(WORK_EPOCH + WORK_DAY);
    content_load(&c);
    fail_everywhere(&c, NULL);
    fail_everywhere(&c, site);
    content_free(&c);
}

static void many_updates_leave_nothing(void **state)
{
    (void)state;
    char text[64];
    work_text("Posts/00", "x");
    update(1);
    uint64_t before = 0;
    for (int i = 0; i < 12; i++) {
        sprintf(text, "title: Round %c\n---\n", 'a' + i);
        work_text("Posts/00", text);
        update(i + 2);
        if (i == 1)
            before = memory_stats().blocks;
        else if (i > 1)
            assert_int_equal(memory_stats().blocks, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_do_not_depend_on_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(files_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(the_layout_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_site_goes_bit_by_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_outlives_its_site, setup, teardown),
        cmocka_unit_test_setup_teardown(a_build_can_be_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(any_allocation_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(many_updates_leave_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("site updates", tests, NULL, NULL);
}
