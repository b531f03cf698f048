/* Static files, media types, built-in assets, and the field lines of all pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/hash/sha256.h"
#include "lib/site/media.h"
#include "platform/sim/sim.h"
#include "signatures/memory.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"
#include "tests/support/site.h"

static uint64_t blocks;
static struct site *site;

static const char canopy_css[] = "body { color: black } /* built in */";
static const char icon[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
/* With what make() adds: held as they are, and their digests. */
static struct site_asset assets[] = {
    {.path = "css/canopy.css", .ptr = (const uint8_t *)canopy_css, .len = sizeof canopy_css - 1},
    {.path = "css/highlight.css", .ptr = (const uint8_t *)canopy_css, .len = sizeof canopy_css - 1},
    {.path = "js/highlight.min.js", .ptr = (const uint8_t *)"1;", .len = 2},
    {.path = "favicon.svg", .ptr = (const uint8_t *)icon, .len = sizeof icon - 1},
    {.path = "fonts/a.woff2", .ptr = (const uint8_t *)"font", .len = 4},
};

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    site = NULL;
    work_begin();
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
    static uint8_t digests[sizeof assets / sizeof assets[0]][SHA256_BYTES];
    struct site_options options = SITE_PLAIN;
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++) {
        struct site_asset *a = &assets[i];
        if (a->held) /* packed: its digest stays */
            continue;
        a->held = a->len;
        sha256_of(slice_of(a->ptr, a->len), digests[i]);
        a->sha256 = digests[i];
    }
    options.assets = assets;
    options.asset_count = sizeof assets / sizeof assets[0];
    options.now = WORK_EPOCH + WORK_DAY;
    work_commit(WORK_EPOCH);
    site_free(site);
    site = site_of_work(&options);
}

static void field(const char *path, const char *line)
{
    const char *fields = fields_of(site, path);
    if (!fields)
        fail_msg("no page %s", path);
    if (!strstr(fields, line))
        fail_msg("%s has no '%s':\n%s", path, line, fields);
}

static void no_field(const char *path, const char *name)
{
    const char *fields = fields_of(site, path);
    if (!fields || strstr(fields, name))
        fail_msg("%s has '%s':\n%s", path, name, fields ? fields : "no page");
}

static void media_types_by_extension(void **state)
{
    static const char *const types[][2] = {
        {"a.css", "text/css"},
        {"a.js", "text/javascript"},
        {"a.mjs", "text/javascript"},
        {"a.svg", "image/svg+xml"},
        {"a.woff2", "font/woff2"},
        {"a.avif", "image/avif"},
        {"a.webp", "image/webp"},
        {"a.jpeg", "image/jpeg"},
        {"a.JPG", "image/jpeg"},
        {"a.PnG", "image/png"},
        {"a.ico", "image/vnd.microsoft.icon"},
        {"a.html", "text/html"},
        {"a.txt", "text/plain"},
        {"a.md", "text/markdown"},
        {"a.json", "application/json"},
        {"a.webmanifest", "application/manifest+json"},
        {"a.wasm", "application/wasm"},
        {"a.pdf", "application/pdf"},
        {"a.mp4", "video/mp4"},
        {"a.webm", "video/webm"},
        {"a.mp3", "audio/mpeg"},
        {"a.zip", "application/zip"},
        {"a.tar.gz", "application/gzip"},
        {"a.atom", "application/atom+xml"},
        {"a.3dml", "text/vnd.in3d.3dml"},                        /* near the first of the table */
        {"a.zmm", "application/vnd.handheld-entertainment+xml"}, /* and the last */
        {"a", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"a.unheard-of", "application/octet-stream"},
        {"a.png/b", "application/octet-stream"},
        {"a.averyveryverylongextension", "application/octet-stream"},
        {"", "application/octet-stream"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_string_equal(media_type(slice_text(types[i][0])), types[i][1]);
}

static void static_files_are_served_as_they_are(void **state)
{
    uint8_t bytes[300];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    work_put("static/img/a b.png", slice_of(bytes, sizeof bytes));
    work_text("static/text.txt", "na\xC3\xAFve");
    work_text("static/latin.txt", "na\xEFve");
    work_text("static/no/Markdown.md", "title: x\n---\n*y*\n");
    work_text("static/.hidden", "x");
    work_put("static/empty", slice_of("", 0));
    make();
    const struct site_page *page = site_find(site, SLICE("/static/img/a b.png"));
    assert_true(slice_equal(page->body, slice_of(bytes, sizeof bytes)));
    assert_true(page->ranges);
    field("/static/img/a b.png", "Content-Type: image/png\r\n");
    field("/static/img/a b.png", "Accept-Ranges: bytes\r\n");
    field("/static/img/a b.png", "X-Content-Type-Options: nosniff\r\n");
    field("/static/img/a b.png", "Cache-Control: public, max-age=3600\r\n");
    field("/static/img/a b.png", "Last-Modified: Wed, 15 Nov 2023 22:13:20 GMT\r\n");
    field("/static/text.txt", "Content-Type: text/plain; charset=utf-8\r\n");
    field("/static/latin.txt", "Content-Type: text/plain\r\n");
    field("/static/text.txt", "Cache-Control: no-cache\r\n");
    assert_string_equal(body_of(site, "/static/no/Markdown.md"), "title: x\n---\n*y*\n");
    assert_int_equal(site_find(site, SLICE("/static/empty"))->body.len, 0);
    assert_null(site_find(site, SLICE("/static/.hidden")));
    assert_null(site_find(site, SLICE("/static")));
    assert_int_equal(site_stats(site).articles, 0);
}

static void dot_files_are_not_served(void **state)
{
    (void)state;
    work_text(".secret", "x");
    work_text(".config/blog_name", "x");
    work_text(".github/workflows/a.yml", "x");
    work_text("Posts/.draft/One", "x");
    make();
    assert_null(site_find(site, SLICE("/.secret")));
    assert_null(site_find(site, SLICE("/.config/blog_name")));
    assert_null(site_find(site, SLICE("/.github/workflows/a.yml")));
    assert_null(site_find(site, SLICE("/Posts/.draft/One")));
    assert_int_equal(site_stats(site).problems, 0);
}

static void pages_are_asked_for_again(void **state)
{
    (void)state;
    work_text("Posts/A", "title: A\ntags: t\n---\n");
    make();
    static const char *const paths[] = {"/", "/Posts", "/Posts/A", "/tags", "/atom"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        field(paths[i], "Cache-Control: no-cache\r\n");
        field(paths[i], "ETag: \"");
        field(paths[i], "Last-Modified: Wed, 15 Nov 2023 22:13:20 GMT\r\n");
        field(paths[i], "Vary: Accept-Encoding\r\n");
        field(paths[i], "; charset=utf-8\r\n");
        assert_false(site_find(site, slice_text(paths[i]))->ranges);
    }
    field("/Posts", "Content-Type: text/html;");
    field("/atom", "Content-Type: application/atom+xml;");
    field("/Posts", "Content-Security-Policy: default-src 'self';");
}

/* A strong tag, another one for the gzip form; the same bytes, the same tag. */
static void entity_tags(void **state)
{
    (void)state;
    work_text("static/a.txt", "same");
    work_text("static/b.txt", "same");
    work_text("static/c.txt", "other");
    work_text("A", "title: A\n---\n");
    make();
    struct site_page *a = site_find(site, SLICE("/static/a.txt"));
    struct site_page *c = site_find(site, SLICE("/static/c.txt"));
    assert_true(slice_equal(a->etag, site_find(site, SLICE("/static/b.txt"))->etag));
    assert_false(slice_equal(a->etag, c->etag));
    assert_true(slice_starts(a->etag, SLICE("\"")) && slice_ends(a->etag, SLICE("\"")));
    assert_int_equal(a->etag.len, 34);
    struct site_page *page = site_find(site, SLICE("/A"));
    assert_true(page->gzip.len > 0);
    assert_false(slice_equal(page->etag, page->gzip_etag));
    assert_true(slice_search(page->gzip_fields, page->gzip_etag) < page->gzip_fields.len);
    assert_true(slice_search(page->fields, page->etag) < page->fields.len);
}

static void gzip_forms_unpack_to_the_body(void **state)
{
    (void)state;
    work_text("A",
              "title: A\n---\nSome text that is long enough to be packed, and packed again.\n");
    make();
    struct site_page *page = site_find(site, SLICE("/A"));
    work_put("../page.gz", page->gzip);
    shell("gzip -dc <page.gz >page");
    struct slice plain = file_read("page");
    assert_true(slice_equal(page->body, plain));
    file_free(plain);
    assert_true(page->gzip.len < page->body.len);
    assert_true(slice_search(page->gzip_fields, SLICE("Content-Encoding: gzip\r\n")) <
                page->gzip_fields.len);
    assert_true(slice_search(page->gzip_fields, SLICE("Vary: Accept-Encoding\r\n")) <
                page->gzip_fields.len);
    assert_true(slice_search(page->fields, SLICE("Content-Encoding")) == page->fields.len);
}

static void gzip_only_where_it_saves(void **state)
{
    static uint8_t noise[4096], zeros[4096];
    uint32_t x = 1;
    (void)state;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    work_put("static/noise.txt", slice_of(noise, sizeof noise));
    work_put("static/zeros.txt", slice_of(zeros, sizeof zeros));
    work_put("static/zeros.png", slice_of(zeros, sizeof zeros)); /* packed by its own format */
    work_text("static/short.txt", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    make();
    assert_true(site_find(site, SLICE("/static/zeros.txt"))->gzip.len > 0);
    static const char *const others[] = {"/static/noise.txt", "/static/zeros.png",
                                         "/static/short.txt"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct site_page *page = site_find(site, slice_text(others[i]));
        assert_int_equal(page->gzip.len + page->gzip_etag.len + page->gzip_fields.len, 0);
        no_field(others[i], "Vary");
    }
}

/* What a 304 repeats: RFC 9110, 15.4.5. */
static void cached_fields(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    make();
    struct site_page *page = site_find(site, SLICE("/A"));
    assert_true(slice_starts(page->fields, page->cached_fields));
    assert_true(slice_starts(page->gzip_fields, page->gzip_cached_fields));
    static const char *const kept[] = {"ETag: ", "Cache-Control: ", "Vary: ", "Last-Modified: "};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        struct slice name = slice_text(kept[i]);
        assert_true(slice_search(page->cached_fields, name) < page->cached_fields.len);
        assert_true(slice_search(page->gzip_cached_fields, name) < page->gzip_cached_fields.len);
    }
    assert_true(slice_search(page->cached_fields, SLICE("Content-")) == page->cached_fields.len);
    assert_true(slice_ends(page->cached_fields, SLICE("\r\n")));
}

static void built_in_assets(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    work_text("Code", "```c\nint x;\n```\n");
    make();
    assert_string_equal(body_of(site, "/static/css/canopy.css"), canopy_css);
    field("/static/css/canopy.css", "Content-Type: text/css; charset=utf-8\r\n");
    struct slice etag = site_find(site, SLICE("/static/css/canopy.css"))->etag;
    char link[128];
    snprintf(link, sizeof link, "<link rel=\"stylesheet\" href=\"/static/css/canopy.css?v=%.8s\">",
             (const char *)etag.ptr + 1);
    assert_non_null(strstr(body_of(site, "/A"), link));
    assert_null(strstr(body_of(site, "/A"), "highlight"));
    assert_non_null(strstr(body_of(site, "/Code"), "href=\"/static/css/highlight.css?v="));
    assert_non_null(
        strstr(body_of(site, "/Code"), "<script defer src=\"/static/js/highlight.min.js"));
    assert_null(strstr(body_of(site, "/A"), "own-style"));
}

/* Under a name that the repository may take, an asset may be another one tomorrow. */
static void only_names_with_a_version_last_for_ever(void **state)
{
    static const char hourly[] = "Cache-Control: public, max-age=3600\r\n";
    static const char immutable[] = "Cache-Control: public, max-age=31536000, immutable\r\n";
    (void)state;
    make();
    struct site_page *bare = site_find(site, SLICE("/static/css/canopy.css"));
    char name[64];
    snprintf(name, sizeof name, "/static/css/canopy.css?v=%.8s", (const char *)bare->etag.ptr + 1);
    struct site_page *versioned = site_find(site, slice_text(name));
    assert_non_null(versioned);
    assert_true(slice_equal(versioned->body, bare->body));
    assert_true(slice_equal(versioned->etag, bare->etag));
    field(name, immutable);
    field(name, "Content-Type: text/css; charset=utf-8\r\n");
    field("/static/css/canopy.css", hourly);
    field("/static/favicon.svg", hourly);
    field("/favicon.ico", hourly);
    field("/static/fonts/a.woff2", immutable); /* style sheets name it without */
}

static void an_icon_of_the_repositorys_is_the_only_one(void **state)
{
    (void)state;
    make();
    assert_non_null(strstr(body_of(site, "/"), "<link rel=\"icon\""));
    work_text("favicon.ico", "icon");
    make();
    assert_null(strstr(body_of(site, "/"), "<link rel=\"icon\""));
    work_remove("favicon.ico");
    work_text("static/favicon.ico", "icon");
    make();
    assert_null(strstr(body_of(site, "/"), "<link rel=\"icon\""));
    work_text("static/favicon.svg", "icon");
    make();
    assert_non_null(strstr(body_of(site, "/"), "<link rel=\"icon\" type=\"image/svg+xml\" "
                                               "href=\"/static/favicon.svg\">"));
}

/* What is held packed is the same page as what is not. */
static void packed_assets(void **state)
{
    (void)state;
    char text[4096], etag[64], text_path[64];
    struct buf packed;
    struct site_asset plain = assets[2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    work_text("A", "title: A\n---\n");
    assets[2].ptr = (const uint8_t *)text;
    assets[2].len = sizeof text - 1;
    assets[2].held = 0;
    make();
    const struct site_page *page = site_find(site, SLICE("/static/js/highlight.min.js"));
    snprintf(etag, sizeof etag, "%.*s", SLICE_ARG(page->etag));
    buf_init(&packed, sizeof text);
    buf_put(&packed, page->gzip);
    assert_int_equal(packed.err, OK);
    site_free(site);
    site = NULL;
    assets[2].ptr = packed.ptr;
    assets[2].held = packed.len;
    make();
    struct site_page *held = site_find(site, SLICE("/static/js/highlight.min.js"));
    assert_true(slice_is(held->etag, etag));
    assert_ptr_equal(held->gzip.ptr, packed.ptr);
    assert_true(slice_starts(held->gzip_fields, SLICE("ETag: ")));
    /* Its bytes are there when somebody asks for them, under whatever name. */
    assert_null(held->body.ptr);
    assert_int_equal(held->body.len, sizeof text - 1);
    snprintf(text_path, sizeof text_path, "/static/js/highlight.min.js?v=%.8s", etag + 1);
    struct site_page *versioned = site_find(site, slice_text(text_path));
    sim_memory_fail_nth(1);
    assert_int_equal(site_page_unpack(versioned), ERR_MEMORY);
    sim_memory_fail_nth(0);
    assert_int_equal(site_page_unpack(versioned), OK);
    assert_true(slice_is(versioned->body, text));
    assert_int_equal(site_page_unpack(held), OK);
    assert_ptr_equal(held->body.ptr, versioned->body.ptr);
    site_free(site);
    packed.ptr[packed.len - 1] ^= 1;
    site = NULL;
    make();
    assert_int_equal(site_page_unpack(site_find(site, SLICE("/static/js/highlight.min.js"))),
                     ERR_MALFORMED);
    site_free(site);
    site = NULL;
    buf_deinit(&packed);
    assets[2] = plain;
    assets[2].held = 0;
}

static void the_repositorys_files_come_first(void **state)
{
    (void)state;
    work_text("A", "title: A\n---\n");
    work_text("static/css/canopy.css", "own");
    work_text("static/css/style.css", "last");
    make();
    assert_string_equal(body_of(site, "/static/css/canopy.css"), "own");
    field("/static/css/canopy.css", "Cache-Control: no-cache\r\n");
    assert_non_null(strstr(body_of(site, "/A"), "href=\"/static/css/canopy.css\""));
    const char *style = strstr(body_of(site, "/A"), "href=\"/static/css/style.css\"");
    assert_non_null(style);
    assert_null(strstr(style, "stylesheet"));
    assert_non_null(strstr(body_of(site, "/A"), "<html lang=\"en\" class=\"own-style\">"));
    assert_non_null(strstr(body_of(site, "/A"), "content=\"light\""));
    work_text("static/css/style.css", "@media (prefers-color-scheme: dark) {}");
    make();
    assert_non_null(strstr(body_of(site, "/A"), "<html lang=\"en\">"));
    assert_non_null(strstr(body_of(site, "/A"), "content=\"light dark\""));
}

static void names_that_are_asked_for_at_the_root(void **state)
{
    (void)state;
    make();
    assert_string_equal(body_of(site, "/favicon.ico"), icon);
    field("/favicon.ico", "Content-Type: image/svg+xml");
    assert_null(site_find(site, SLICE("/robots.txt")));
    work_text("static/favicon.ico", "icon");
    work_text("static/robots.txt", "static");
    make();
    assert_string_equal(body_of(site, "/favicon.ico"), "icon");
    field("/favicon.ico", "Content-Type: image/vnd.microsoft.icon\r\n");
    assert_string_equal(body_of(site, "/robots.txt"), "static");
    work_text("robots.txt", "root");
    make();
    assert_string_equal(body_of(site, "/robots.txt"), "root");
    field("/robots.txt", "Content-Type: text/plain; charset=utf-8\r\n");
}

static void well_known_files(void **state)
{
    (void)state;
    work_text(".well-known/acme-challenge/A_b-1", "A_b-1.thumb");
    work_text(".well-known/.hidden/x", "secret");
    work_text(".other/x", "secret");
    make();
    assert_string_equal(body_of(site, "/.well-known/acme-challenge/A_b-1"), "A_b-1.thumb");
    assert_null(site_find(site, SLICE("/.well-known")));
    assert_null(site_find(site, SLICE("/.well-known/acme-challenge")));
    assert_null(site_find(site, SLICE("/.well-known/.hidden/x")));
    assert_null(site_find(site, SLICE("/.other/x")));
}

static void redirections_are_not_kept(void **state)
{
    (void)state;
    work_text("A", "redirect: /B\n");
    make();
    field("/A", "Cache-Control: no-cache\r\n");
    no_field("/A", "ETag");
    assert_int_equal(site_find(site, SLICE("/A"))->gzip.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_types_by_extension),
        cmocka_unit_test_setup_teardown(static_files_are_served_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(dot_files_are_not_served, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_are_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(entity_tags, setup, teardown),
        cmocka_unit_test_setup_teardown(gzip_forms_unpack_to_the_body, setup, teardown),
        cmocka_unit_test_setup_teardown(gzip_only_where_it_saves, setup, teardown),
        cmocka_unit_test_setup_teardown(cached_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(built_in_assets, setup, teardown),
        cmocka_unit_test_setup_teardown(only_names_with_a_version_last_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(an_icon_of_the_repositorys_is_the_only_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(packed_assets, setup, teardown),
        cmocka_unit_test_setup_teardown(the_repositorys_files_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_are_asked_for_at_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(well_known_files, setup, teardown),
        cmocka_unit_test_setup_teardown(redirections_are_not_kept, setup, teardown),
    };
    return cmocka_run_group_tests_name("site caching", tests, NULL, NULL);
}
