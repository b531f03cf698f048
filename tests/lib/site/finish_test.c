/* A generation that is served before its pages are finished: what they say until then, and afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/blocks.h"
#include "tests/support/site.h"

static struct site *site;
static struct content content;

static int setup(void **state)
{
    static uint8_t noise[4096];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    blocks_before(state);
    work_begin();
    work_text("About", "title: About\n---\nSome text, and some text, and some text again.\n");
    work_text("Old", "redirect: /About\n");
    work_put("static/noise.txt", slice_of(noise, sizeof noise));
    work_put("static/noise.png", slice_of(noise, sizeof noise));
    work_commit(WORK_EPOCH);
    content_load(&content);
    site = site_begin(&content, NULL);
    return 0;
}

static int teardown(void **state)
{
    content_free(&content);
    site_free(site);
    return blocks_after(state);
}

static struct site_page *ready(const char *path)
{
    struct site_page *page = site_find(site, slice_text(path));
    assert_non_null(page);
    assert_int_equal(site_page_ready(page), OK);
    return page;
}

static void finish(void)
{
    enum err e;
    while ((e = site_finish(site, 1)) == ERR_AGAIN)
        ;
    assert_int_equal(e, OK);
}

static bool says(struct slice fields, const char *what)
{
    return slice_search(fields, slice_text(what)) < fields.len;
}

/* A cache that keeps it may take no other form for it, neither now nor later. */
static void a_page_varies_before_it_has_two_forms(void **state)
{
    (void)state;
    struct site_page *page = ready("/About");
    char etag[64], gzip_etag[64];
    assert_int_equal(page->gzip.len, 0);
    assert_true(says(page->fields, "Vary: Accept-Encoding\r\n"));
    assert_true(says(page->cached_fields, "Vary: Accept-Encoding\r\n"));
    snprintf(etag, sizeof etag, "%.*s", SLICE_ARG(page->etag));
    snprintf(gzip_etag, sizeof gzip_etag, "%.*s", SLICE_ARG(page->gzip_etag));
    finish();
    assert_ptr_equal(ready("/About"), page);
    assert_true(page->gzip.len > 0);
    assert_true(slice_is(page->etag, etag) && slice_is(page->gzip_etag, gzip_etag));
    assert_string_not_equal(etag, gzip_etag);
    assert_true(says(page->fields, etag) && !says(page->fields, gzip_etag));
    assert_true(says(page->gzip_fields, gzip_etag) && !says(page->gzip_fields, etag));
}

static void a_page_that_stays_with_one_form(void **state)
{
    (void)state;
    struct site_page *text = ready("/static/noise.txt"), *picture = ready("/static/noise.png");
    struct site_page *old = ready("/Old");
    char etag[64];
    snprintf(etag, sizeof etag, "%.*s", SLICE_ARG(text->etag));
    assert_true(says(text->fields, "Vary"));
    assert_false(says(picture->fields, "Vary"));
    assert_false(says(old->fields, "Vary") || says(old->fields, "ETag"));
    finish();
    ready("/static/noise.txt");
    assert_int_equal(text->gzip.len + text->gzip_etag.len + text->gzip_fields.len, 0);
    assert_true(slice_is(text->etag, etag));
    assert_false(says(text->fields, "Vary"));
    assert_true(says(old->fields, "Location: /About\r\n"));
}

/* Whatever was asked for meanwhile, and whatever was not. */
static void what_comes_out_is_the_same(void **state)
{
    (void)state;
    struct site *other = site_begin(&content, NULL), *mine = site;
    ready("/About");
    ready("/static/noise.txt");
    assert_int_equal(site_page_ready(site_error(site, 404)), OK);
    finish();
    uint64_t bytes = site_stats(site).bytes;
    site = other;
    assert_true(site_stats(site).bytes < bytes);
    finish();
    assert_int_equal(site_stats(site).bytes, bytes);
    assert_true(same_sites(mine, other));
    site_free(mine);
}

/* Pages that the next generation takes over before they are finished. */
static void the_next_generation_goes_on(void **state)
{
    (void)state;
    ready("/About");
    for (int i = 0; i < 2; i++)
        assert_int_equal(site_finish(site, 1), ERR_AGAIN);
    struct site *next = site_begin(&content, site), *whole = site_make(&content, NULL, NULL);
    assert_ptr_equal(site_find(next, SLICE("/About")), site_find(site, SLICE("/About")));
    site_free(site);
    site = next;
    finish();
    assert_true(same_sites(whole, site));
    site_free(whole);
}

/* Without memory pages are as good as before; with memory again, what is left is done. */
static void memory_is_short(void **state)
{
    (void)state;
    struct site *whole = site_make(&content, NULL, NULL);
    struct site_page *page = site_find(site, SLICE("/About"));
    sim_memory_fail_nth(1);
    assert_int_equal(site_page_ready(page), ERR_MEMORY);
    unsigned failures = 0, steps = 0;
    for (enum err e = ERR_AGAIN; e != OK; steps++) {
        assert_true(steps < 10000);
        sim_memory_fail_nth(1);
        e = site_finish(site, 1);
        failures += e == ERR_MEMORY;
    }
    sim_memory_fail_nth(0);
    assert_true(failures > 10);
    ready("/About");
    assert_int_equal(page->gzip.len, 0);
    struct site *next = site_begin(&content, site);
    site_free(site);
    site = next;
    finish();
    assert_true(page->gzip.len > 0 && same_sites(whole, site));
    site_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_varies_before_it_has_two_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_that_stays_with_one_form, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_out_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_generation_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_short, setup, teardown),
    };
    return cmocka_run_group_tests_name("site, finishing", tests, NULL, NULL);
}
