/* A finished generation: lookups, and giving it back. */
#include "lib/site/internal.h"
#include "lib/text/percent.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

enum err site_put(struct site *s, struct slice path, struct site_page *page)
{
    struct site_page *old = map_get(&s->pages, path);
    enum err e = s->pages.count >= SITE_PAGES_MAX && !old ? ERR_LIMIT : OK;
    if (e == OK)
        e = map_put(&s->pages, path, page);
    if (e != OK) {
        site_page_drop(page);
        return e;
    }
    if (old)
        site_page_drop(old);
    return OK;
}

bool site_take_room(struct site *s, const struct site_page *page)
{
    uint64_t bytes = page_bytes(page);
    if (bytes > s->room)
        return false;
    s->room -= bytes;
    return true;
}

void site_add_problem(struct site *s, struct slice path, uint32_t line, const char *reason)
{
    s->stats.problems++;
    if (s->problem_count < SITE_PROBLEMS_MAX)
        s->problems[s->problem_count++] = (struct site_problem){path, line, slice_text(reason)};
}

/* --- lookups --- */

struct site_page *site_find(const struct site *s, struct slice path)
{
    return map_get(&s->pages, path);
}

bool site_moved(const struct site *s, struct slice path, struct buf *location)
{
    struct slice bare = path;
    while (bare.len > 1 && bare.ptr[bare.len - 1] == '/')
        bare = slice_take(bare, bare.len - 1);
    if (bare.len == path.len || !site_find(s, bare))
        return false;
    percent_encode_path(location, bare);
    return true;
}

struct site_page *site_error(const struct site *s, uint16_t status)
{
    return s->errors[error_page_of(status)];
}

const struct site_problem *site_problems(const struct site *s, size_t *count)
{
    *count = s->problem_count;
    return s->problems;
}

struct site_stats site_stats(const struct site *s)
{
    return s->stats;
}

const struct oid *site_commit(const struct site *s)
{
    return &s->commit;
}

/* --- the end --- */

void site_free(struct site *s)
{
    if (!s)
        return;
    size_t at = 0;
    for (struct map_entry *e; (e = map_next(&s->pages, &at));)
        site_page_drop(e->value);
    at = 0;
    for (struct map_entry *e; (e = map_next(&s->derived, &at));)
        site_page_drop(((struct derived *)e->value)->page);
    for (size_t i = 0; i < s->count; i++) {
        item_drop(s->entries[i].item);
        if (s->entries[i].page)
            site_page_drop(s->entries[i].page);
    }
    for (size_t i = 0; i < SITE_ERRORS; i++)
        if (s->errors[i])
            site_page_drop(s->errors[i]);
    map_deinit(&s->pages);
    map_deinit(&s->derived);
    arena_deinit(&s->arena);
    memory_free(s);
}
