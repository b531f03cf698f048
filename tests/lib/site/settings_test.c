/* Name, front page, root, uuid, language: options, files below .config/, defaults, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "signatures/memory.h"
#include "tests/support/site.h"

static uint64_t blocks;
static struct site *site;
static struct site_options options;

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    site = NULL;
    options = SITE_PLAIN;
    work_begin();
    work_text("About", "title: About\n---\nabout us\n");
    work_text("Posts/One", "title: One\n---\nfirst\n");
    work_text("Notes/Two", "title: Two\n---\nsecond\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_free(site);
    return memory_stats().blocks == blocks ? 0 : -1;
}

static void make(void)
{
    work_commit(WORK_EPOCH);
    site_free(site);
    site = site_of_work(&options);
}

static bool has(const char *path, const char *text)
{
    return strstr(body_of(site, path), text) != NULL;
}

/* The one problem, about this file. */
static void one_problem(const char *path)
{
    size_t count;
    const struct site_problem *all = site_problems(site, &count);
    assert_int_equal(count, 1);
    assert_true(slice_is(all[0].path, path));
}

static void the_name(void **state)
{
    (void)state;
    make();
    assert_true(has("/About", "<title>About \xC2\xB7 Canopy</title>"));
    work_text(".config/blog_name", "\xEF\xBB\xBF  Hers & <his> \r\nmore\n");
    make();
    assert_true(has("/About", "<title>About \xC2\xB7 Hers &amp; &lt;his&gt;</title>"));
    options.name = SLICE("Option");
    make();
    assert_true(has("/About", "<title>About \xC2\xB7 Option</title>"));
    assert_int_equal(site_stats(site).problems, 0);
    work_text(".config/blog_name", "caf\xE9\n");
    options.name = SLICE("");
    make();
    one_problem(".config/blog_name");
    assert_true(has("/About", "Canopy</title>"));
}

static void the_front_page(void **state)
{
    (void)state;
    make(); /* none chosen, none usual: all articles */
    assert_true(has("/", "2 articles") && has("/", "One") && has("/", "Two"));
    work_text("README", "# Read me\n");
    make();
    assert_true(has("/", "Read me</h1>"));
    work_text("index.md", "# The index\n");
    make();
    assert_true(has("/", "The index</h1>"));
    work_text(".config/index_page", "About\n");
    make();
    assert_true(has("/", "about us"));
    assert_false(has("/", "<a href=\"/About\"")); /* its place in the bar is the site's name */
    work_text(".config/index_page", "/Posts/\n");
    make();
    assert_true(has("/", "1 article<") && has("/", "One"));
    assert_ptr_equal(site_find(site, SLICE("/")), site_find(site, SLICE("/Posts")));
    options.index = SLICE("Notes/Two");
    make();
    assert_true(has("/", "second"));
    assert_int_equal(site_stats(site).problems, 0);
    work_text(".config/index_page", "Nowhere\n");
    options.index = SLICE("");
    make();
    one_problem(".config/index_page");
    assert_true(has("/", "The index</h1>"));
    options.index =
        SLICE("/Nowhere/else/"); /* the repository's is not asked then, and not to blame */
    make();
    one_problem("Nowhere/else");
    assert_true(has("/", "The index</h1>"));
}

static void the_root(void **state)
{
    (void)state;
    make();
    assert_false(has("/About", "canonical"));
    assert_true(has("/atom", "href=\"/Posts/One\""));
    work_text(".config/root", "https://a.example/\n");
    make();
    assert_true(has("/About", "<link rel=\"canonical\" href=\"https://a.example/About\">"));
    assert_true(has("/About", "<meta property=\"og:url\" content=\"https://a.example/About\">"));
    assert_true(has("/atom", "href=\"https://a.example/Posts/One\""));
    options.root = SLICE("http://b.example");
    make();
    assert_true(has("/About", "\"http://b.example/About\""));
    static const char *const wrong[] = {"javascript:alert(1)", "https://", "https:///x",
                                        "https://a.example?x", "https://a.example/#x"};
    options.root = SLICE("");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        work_text(".config/root", wrong[i]);
        make();
        one_problem(".config/root");
        assert_false(has("/About", "canonical"));
    }
}

static void the_uuid(void **state)
{
    char before[4096];
    (void)state;
    make();
    strcpy(before, strstr(body_of(site, "/atom"), "urn:uuid:"));
    before[45] = 0;
    assert_int_equal(before[23], '8'); /* version 8, RFC 9562 */
    assert_non_null(strchr("89ab", before[28]));
    work_text("Posts/Three", "title: Three\n---\n");
    make();
    assert_true(has("/atom", before)); /* it hangs on the first commit */
    work_text(".config/uuid", "981361CA-e71d-4997-a52c-baeee78e4156\n");
    make();
    assert_true(has("/atom", "<id>urn:uuid:981361ca-e71d-4997-a52c-baeee78e4156</id>"));
    work_text(".config/uuid", "981361ca-e71d-4997-a52c-baeee78e415\n");
    make();
    one_problem(".config/uuid");
    assert_true(has("/atom", before));
}

static void the_language(void **state)
{
    (void)state;
    make();
    assert_true(has("/About", "<html lang=\"en\">"));
    work_text(".config/language", "pt-BR\n");
    make();
    assert_true(has("/About", "<html lang=\"pt-BR\">") && has("/atom", "xml:lang=\"pt-BR\""));
    work_text(".config/language", "\"><script>\n");
    make();
    one_problem(".config/language");
    assert_true(has("/About", "<html lang=\"en\">"));
}

static void a_long_setting(void **state)
{
    char text[400];
    (void)state;
    memset(text, 'x', sizeof text);
    text[256] = 0;
    work_text(".config/blog_name", text);
    make();
    assert_int_equal(site_stats(site).problems, 0);
    text[256] = 'x';
    text[257] = 0;
    work_text(".config/blog_name", text);
    make();
    one_problem(".config/blog_name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_name, setup, teardown),
        cmocka_unit_test_setup_teardown(the_front_page, setup, teardown),
        cmocka_unit_test_setup_teardown(the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(the_uuid, setup, teardown),
        cmocka_unit_test_setup_teardown(the_language, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_setting, setup, teardown),
    };
    return cmocka_run_group_tests_name("site settings", tests, NULL, NULL);
}
