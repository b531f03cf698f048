/* A generation that is printed, and one that is read from the print: the same answers, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/hash/sha256.h"
#include "lib/site/internal.h"
#include "lib/site/print.h"
#include "tests/support/blocks.h"
#include "tests/support/site.h"

static struct content content;
static struct site *site, *read;
static struct buf printed;
static struct site_options options;

/* The gzip form of 2,000 letters "a", as stock gzip makes it; and one that is held as it is. */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                 0x03, 0x4b, 0x4c, 0x1c, 0x05, 0xa3, 0x60, 0x14, 0x8c,
                                 0x82, 0x51, 0x30, 0x0a, 0x46, 0xc1, 0x50, 0x07, 0x00,
                                 0x39, 0x3e, 0x13, 0xa8, 0xd0, 0x07, 0x00, 0x00};
static uint8_t digests[2][SHA256_BYTES];
static struct site_asset assets[] = {
    {.path = "css/canopy.css",
     .ptr = packed,
     .held = sizeof packed,
     .len = 2000,
     .sha256 = digests[0]},
    {.path = "favicon.svg",
     .ptr = (const uint8_t *)"<svg/>",
     .held = 6,
     .len = 6,
     .sha256 = digests[1]},
};

static int setup(void **state)
{
    blocks_before(state);
    read = NULL;
    work_begin();
    work_text("About", "title: About\n---\nSome text, and some text, and some text again.\n");
    work_text("Posts/A", "title: A\ntags: x, y\n---\n```c\nint a;\n```\n<b>HTML</b>\n");
    work_text("Posts/B", "title: B\ntags: x\n---\nB\n");
    work_text("Old", "redirect: /About?a=b\n");
    work_text("Broken", "title: T\nno field\n---\n");
    work_put("static/picture.png", SLICE("\x89PNG\r\n\x1a\n"));
    work_text("static/a.txt", "a\n");
    work_text("static/empty.txt", "");
    work_text(".config/index_page", "Posts");
    work_commit(WORK_EPOCH);
    options = SITE_PLAIN;
    options.name = SLICE("Name");
    options.now = WORK_EPOCH;
    options.assets = assets;
    options.asset_count = 2;
    content_load(&content);
    site = site_make(&content, NULL, &options);
    buf_init(&printed, SITE_PRINT_MAX);
    assert_int_equal(site_print(site, &options, &printed), OK);
    return 0;
}

static int teardown(void **state)
{
    content_free(&content);
    site_free(site);
    site_free(read);
    buf_deinit(&printed);
    return blocks_after(state);
}

static void make_ready(struct site *s)
{
    size_t at = 0;
    for (struct map_entry *e; (e = map_next(&s->pages, &at));)
        assert_int_equal(site_page_ready(e->value), OK);
    for (size_t i = 0; i < ERROR_PAGES; i++)
        assert_int_equal(site_page_ready(s->errors[i]), OK);
}

static enum err take(struct slice bytes)
{
    return site_of_print(bytes, &options, &read);
}

static void every_answer_is_the_same(void **state)
{
    (void)state;
    assert_int_equal(take(buf_slice(&printed)), OK);
    make_ready(read);
    assert_true(same_sites(site, read));
    const char *paths[] = {"/",    "/Posts",      "/tags/x", "/atom", "/static/css/canopy.css",
                           "/Old", "/favicon.ico"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_non_null(site_find(read, slice_text(paths[i])));
    assert_ptr_equal(site_find(read, SLICE("/")), site_find(read, SLICE("/Posts")));
    assert_string_equal(body_of(read, "/static/empty.txt"), "");
    assert_int_equal(site_stats(read).pages, site_stats(site).pages);
    assert_int_equal(site_stats(read).articles, 3);
    assert_int_equal(site_stats(read).made, 0);
    enum oid_kind kind;
    assert_true(oid_equal(site_commit(read, &kind), site_commit(site, &kind)));
    assert_int_equal(kind, OID_SHA1);
}

static void what_an_author_should_mend_is_printed(void **state)
{
    (void)state;
    size_t count;
    assert_int_equal(take(buf_slice(&printed)), OK);
    const struct site_problem *problems = site_problems(read, &count);
    assert_int_equal(count, 1);
    assert_int_equal(site_stats(read).problems, 1);
    assert_true(slice_is(problems[0].path, "Broken") && problems[0].line == 2);
    assert_true(slice_equal(problems[0].reason, site_problems(site, &count)[0].reason));
}

/* Nothing that hashes, addresses or secrets decide is in it. */
static void the_same_generation_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf again;
    options.now += WORK_DAY;
    struct site *other = site_make(&content, NULL, &options);
    buf_init(&again, SITE_PRINT_MAX);
    options.secret.k0++;
    assert_int_equal(site_print(other, &options, &again), OK);
    assert_true(slice_equal(buf_slice(&again), buf_slice(&printed)));
    site_free(other);
    assert_int_equal(take(buf_slice(&printed)), OK);
    buf_clear(&again);
    assert_int_equal(site_print(read, &options, &again), OK);
    assert_true(slice_equal(buf_slice(&again), buf_slice(&printed)));
    buf_deinit(&again);
}

/* Nobody has been served it before. */
static void its_pages_change_when_it_is_read(void **state)
{
    (void)state;
    options.now = WORK_EPOCH + WORK_DAY;
    assert_int_equal(take(buf_slice(&printed)), OK);
    assert_int_equal(site_find(read, SLICE("/About"))->modified, options.now);
    assert_int_equal(site_find(read, SLICE("/static/css/canopy.css"))->modified, 0);
    struct site *later = site_make(&content, NULL, &options);
    make_ready(read);
    assert_true(same_sites(later, read));
    site_free(later);
}

static void other_options_are_noticed(void **state)
{
    (void)state;
    const struct site_options same = options;
    struct site_options others[5];
    for (size_t i = 0; i < 5; i++)
        others[i] = same;
    others[0].name = SLICE("Another");
    others[1].index = SLICE("About");
    others[2].root = SLICE("https://example.org");
    others[3].raw_html = !same.raw_html;
    others[4].bytes_max = 1;
    for (size_t i = 0; i < 5; i++) {
        options = others[i];
        assert_int_equal(take(buf_slice(&printed)), ERR_MISMATCH);
    }
    options = same;
    assert_int_equal(take(buf_slice(&printed)), OK);
}

static void it_is_nobodys_base(void **state)
{
    (void)state;
    assert_int_equal(take(buf_slice(&printed)), OK);
    options.now++;
    struct site *next = site_make(&content, read, &options),
                *first = site_make(&content, NULL, &options);
    assert_int_equal(site_stats(next).reused, 0);
    assert_true(same_sites(first, next));
    site_free(next);
    site_free(first);
}

static void what_is_not_finished_is_not_printed(void **state)
{
    (void)state;
    struct buf none;
    buf_init(&none, 100);
    struct site *begun = site_begin(&content, NULL);
    assert_int_equal(site_print(begun, &SITE_PLAIN, &none), ERR_AGAIN);
    site_free(begun);
    assert_int_equal(site_print(site, &options, &none), ERR_LIMIT);
    buf_deinit(&none);
}

static void no_part_of_it_is_a_print(void **state)
{
    (void)state;
    struct slice whole = buf_slice(&printed);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(take(slice_take(whole, len)), OK);
    buf_byte(&printed, 0);
    assert_int_equal(take(buf_slice(&printed)), ERR_MALFORMED);
}

/* Whatever its bytes are, no answer is read from outside of them, and all is given back. */
static void bytes_that_are_others(void **state)
{
    (void)state;
    uint8_t *copy = malloc(printed.len);
    unsigned refused = 0;
    assert_non_null(copy);
    memcpy(copy, printed.ptr, printed.len);
    for (size_t i = 0; i < printed.len; i++) {
        copy[i] ^= 0xff;
        enum err e = take(slice_of(copy, printed.len));
        refused += e != OK;
        if (e == OK)
            make_ready(read);
        if (e == OK)
            site_free(read);
        read = NULL;
        copy[i] ^= 0xff;
    }
    assert_true(refused > 500);
    free(copy);
}

static void memory_is_short(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (enum err e = ERR_MEMORY; e != OK; failures++) {
        sim_memory_fail_nth(failures + 1);
        e = take(buf_slice(&printed));
        assert_true(e == OK || e == ERR_MEMORY);
    }
    sim_memory_fail_nth(0);
    assert_true(failures > 20);
    struct buf again;
    buf_init(&again, SITE_PRINT_MAX);
    failures = 0;
    for (enum err e = ERR_MEMORY; e != OK; failures++) {
        buf_deinit(&again);
        sim_memory_fail_nth(failures + 1);
        e = site_print(site, &options, &again);
        assert_true(e == OK || e == ERR_MEMORY);
    }
    sim_memory_fail_nth(0);
    assert_true(failures > 5 && slice_equal(buf_slice(&again), buf_slice(&printed)));
    buf_deinit(&again);
}

int main(void)
{
    sha256_of(SLICE("<svg/>"), digests[1]);
    uint8_t letters[2000];
    memset(letters, 'a', sizeof letters);
    sha256_of(slice_of(letters, sizeof letters), digests[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_answer_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_author_should_mend_is_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_generation_gives_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(its_pages_change_when_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(other_options_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_nobodys_base, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_finished_is_not_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_part_of_it_is_a_print, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_others, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_short, setup, teardown),
    };
    return cmocka_run_group_tests_name("site, printed", tests, NULL, NULL);
}
