/* A finished generation: lookups, and giving it back. */
#include "lib/site/internal.h"
#include "lib/text/percent.h"
#include "signatures/memory.h"

#define FINISH_COST 512u /* what a page costs besides its bytes, in bytes of budget */

struct site *site_empty(const struct site_options *options)
{
    struct site *s = memory_zalloc(sizeof *s);
    if (!s)
        return NULL;
    arena_init(&s->arena, SITE_ARENA_MAX);
    map_init(&s->pages, options->secret);
    map_init(&s->derived, options->secret);
    s->made_at = options->now;
    s->room = options->bytes_max ? options->bytes_max : SITE_BYTES_MAX;
    return s;
}

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
    if (page->body.len > s->room)
        return false;
    s->room -= page->body.len;
    return true;
}

void site_count_bytes(struct site *s)
{
    size_t at = 0;
    s->stats.pages = (uint32_t)s->pages.count;
    s->stats.bytes = 0;
    for (struct map_entry *e; (e = map_next(&s->pages, &at));)
        s->stats.bytes += page_bytes(e->value);
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

const struct oid *site_commit(const struct site *s, enum oid_kind *kind)
{
    *kind = s->kind;
    return &s->commit;
}

/* --- what a page needs besides its body --- */

/* NULL: that was the last one. */
static struct site_page *next_to_finish(struct site *s)
{
    struct map_entry *e = map_next(&s->pages, &s->finish_at);
    if (e)
        return e->value;
    return s->errors_finished < ERROR_PAGES ? s->errors[s->errors_finished++] : NULL;
}

static enum err end_finishing(struct site *s)
{
    packer_close(&s->packer);
    site_count_bytes(s);
    s->finished = true;
    return OK;
}

enum err site_finish(struct site *s, size_t budget)
{
    size_t spent = 0;
    enum err e = s->finished ? OK : ERR_AGAIN;
    while (e == ERR_AGAIN && spent < budget) {
        struct site_page *p = next_to_finish(s);
        if (p && page_finish(p, &s->packer, &spent) != OK)
            e = ERR_MEMORY;
        else if (!p)
            e = end_finishing(s);
        spent += FINISH_COST;
    }
    return e;
}

/* --- the end --- */

/* A page under one of its names, or a file's item with its page. False: there is none left. */
static bool drop_next(struct site *s)
{
    struct map_entry *e = map_next(&s->pages, &s->freed_at);
    if (e) {
        site_page_drop(e->value);
        return true;
    }
    if (s->entries_freed == s->count)
        return false;
    struct entry *entry = &s->entries[s->entries_freed++];
    item_drop(entry->item);
    if (entry->page)
        site_page_drop(entry->page);
    return true;
}

static void free_rest(struct site *s)
{
    size_t at = 0;
    for (struct map_entry *e; (e = map_next(&s->derived, &at));)
        site_page_drop(((struct derived *)e->value)->page);
    for (size_t i = 0; i < SITE_ERRORS; i++)
        if (s->errors[i])
            site_page_drop(s->errors[i]);
    packer_close(&s->packer);
    map_deinit(&s->pages);
    map_deinit(&s->derived);
    arena_deinit(&s->arena);
    memory_free(s);
}

bool site_free_some(struct site *s, size_t most)
{
    while (most > 0 && drop_next(s))
        most--;
    if (most > 0)
        free_rest(s);
    return most > 0;
}

void site_free(struct site *s)
{
    if (s)
        (void)site_free_some(s, SIZE_MAX);
}
