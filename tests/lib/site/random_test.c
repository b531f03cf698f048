/*
 * Updates by random changes: each gives what a build from nothing gives, byte for byte; a page that comes out as
 * its path's was before is that page, and any other says that it changed now.
 */
#include "lib/site/internal.h"
#include "platform/sim/sim.h"
#include "tests/lib/site/place.h"
#include "tests/support/shell.h"

#include <stdio.h>

#define UPDATES 40
#define BOOT    (WORK_EPOCH + 1000 * WORK_DAY)

static struct sim_random sim;

static const char *pick(const char *const *from, size_t count)
{
    return from[sim_random_range(&sim, 0, count - 1)];
}
#define PICK(list) pick(list, sizeof list / sizeof list[0])

/* A file stands where a folder stood, and the other way round; what has a meaning of its own; what is taken. */
static const char *const paths[] = {
    "About",
    "Posts/A",
    "Posts/B",
    "Posts/sub/C",
    "Posts/sub",
    "Notes/D",
    "Notes",
    "index",
    "README.md",
    "favicon.ico",
    "robots.txt",
    "static/x.png",
    "static/css/style.css",
    "static/favicon.svg",
    "static/js/canopy.js",
    "tags/x",
    "atom",
    ".well-known/x",
    ".hidden/y",
    "Posts/Old",
    "a b/c d",
    ".config/root",
    ".config/blog_name",
    ".config/index_page",
    ".config/language",
};

static const char *const settings[] = {"About", "Posts",  "/Posts/", "nowhere",          "de",
                                       "b_d",   "Name 1", "Name 2",  "https://a.example"};

static const char *const texts[] = {
    "redirect: /About\n",
    "redirect: /Posts/A\n",
    "title: without an end\n",
    "# Heading\n\ntext\n",
    "title: T1\nauthor: Z\ntags: x, y z\n---\n```c\ncode\n```\n",
    "title: T1\nabstract: *a*\ntags: x\n---\ntext\n",
    "title: T2\ntags: a/b, \xC3\xA4\n---\n<b>raw</b>\n",
    "prefers-color-scheme\n",
    "plain\n",
};

/* Files where the path has folders go. */
static void make_way(const char *path)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        shell("[ -d 'work/%s' ] || rm -f 'work/%s'", folder, folder);
        *slash = '/';
    }
    shell("rm -rf 'work/%s'", path);
}

static void change(void)
{
    const char *path = PICK(paths);
    make_way(path);
    if (!sim_random_chance(&sim, 25))
        work_text(path, strncmp(path, ".config", 7) == 0 ? PICK(settings) : PICK(texts));
}

static bool shows_the_same(struct site_page *a, struct site_page *b)
{
    struct page_spec one, other;
    struct site_asset held;
    struct site_page *source;
    page_tell(a, &one, &held, &source);
    page_tell(b, &other, &held, &source);
    return a->status == b->status && slice_equal(a->body, b->body) &&
           strcmp(one.type, other.type) == 0 && one.policy == other.policy &&
           slice_equal(one.location, other.location);
}

static void check_dates(const struct site *before, const struct site *now, int64_t when)
{
    size_t at = 0;
    for (struct map_entry *e; (e = map_next(&now->pages, &at));) {
        struct site_page *page = e->value, *old = site_find(before, e->key);
        int64_t told = page->status == 200 ? when : 0;
        if (old && shows_the_same(page, old))
            told = old->modified;
        if (page->modified != told)
            fail_msg("%.*s tells %lld instead of %lld", SLICE_ARG(e->key),
                     (long long)page->modified, (long long)told);
    }
}

/* What is told of changes is another matter: a chain of sites without dates, and one with them. */
static struct site *dated;

static void update(const struct content *c, int64_t now)
{
    struct site_options options = SITE_PLAIN;
    struct site *whole = site_make(c, NULL, NULL), *next = site_make(c, site, NULL);
    assert_true(same_sites(whole, next));
    site_free(whole);
    site_free(site);
    site = next;
    options.now = now;
    next = site_make(c, dated, &options);
    if (dated)
        check_dates(dated, next, now);
    site_free(dated);
    dated = next;
}

static void an_update_is_what_a_build_is(void **state)
{
    (void)state;
    sim_random_seed(&sim, 1);
    for (int i = 0; i < UPDATES; i++) {
        struct content c;
        for (uint64_t n = sim_random_range(&sim, 1, 4); n > 0; n--)
            change();
        work_commit(WORK_EPOCH + i * WORK_DAY);
        content_load(&c);
        update(&c, BOOT + i);
        content_free(&c);
    }
    site_free(dated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_update_is_what_a_build_is, setup, teardown),
    };
    return cmocka_run_group_tests_name("site, random updates", tests, NULL, NULL);
}
