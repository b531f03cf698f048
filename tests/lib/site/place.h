/* One repository, the site that is made of it, and what a test asks of its pages. */
#ifndef TESTS_LIB_SITE_PLACE_H
#define TESTS_LIB_SITE_PLACE_H

#include "signatures/memory.h"
#include "tests/support/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint64_t blocks;
static struct site *site;

static inline int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    site = NULL;
    work_begin();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    site_free(site);
    return memory_stats().blocks == blocks ? 0 : -1;
}

static inline void make(void)
{
    work_commit(WORK_EPOCH + 100 * WORK_DAY);
    site = site_of_work(NULL);
}

static inline void has(const char *path, const char *text)
{
    const char *body = body_of(site, path);
    if (!body)
        fail_msg("no page %s", path);
    if (!strstr(body, text))
        fail_msg("%s has no '%s':\n%s", path, text, body);
}

static inline void has_not(const char *path, const char *text)
{
    const char *body = body_of(site, path);
    if (!body)
        fail_msg("no page %s", path);
    if (strstr(body, text))
        fail_msg("%s has '%s':\n%s", path, text, body);
}

static inline void no_page(const char *path)
{
    if (site_find(site, slice_text(path)))
        fail_msg("there is a page %s", path);
}

static inline void has_problem(const char *path, uint32_t line, const char *reason)
{
    size_t count;
    const struct site_problem *all = site_problems(site, &count);
    for (size_t i = 0; i < count; i++)
        if (slice_is(all[i].path, path) && all[i].line == line &&
            slice_search(all[i].reason, slice_text(reason)) < all[i].reason.len)
            return;
    for (size_t i = 0; i < count; i++)
        print_error("%.*s:%u: %.*s\n", SLICE_ARG(all[i].path), all[i].line,
                    SLICE_ARG(all[i].reason));
    fail_msg("no problem %s:%u: %s", path, line, reason);
}

#endif
