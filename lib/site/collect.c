/*
 * Articles by folder and by tag, newest first.
 *
 * Entries lie in the order of their paths, so a folder's are side by side. An article below several
 * folders is listed in each of them.
 */
#include "lib/site/internal.h"
#include "runtime/sort.h"

static int newest_first(const void *left, const void *right, void *arg)
{
    const struct item *a = (*(struct entry *const *)left)->item;
    const struct item *b = (*(struct entry *const *)right)->item;
    (void)arg;
    if (a->created != b->created)
        return a->created > b->created ? -1 : 1;
    if (a->changed != b->changed)
        return a->changed > b->changed ? -1 : 1;
    return slice_compare(a->url, b->url);
}

static bool is_listed(const struct entry *e)
{
    return e->item->kind == ITEM_ARTICLE && e->page &&
           slice_find(slice_drop(e->item->url, 1), '/') < e->item->url.len - 1;
}

/* The listed articles among entries[from, to), newest first. */
static enum err collect(struct site_build *b, size_t from, size_t to, struct listing *into)
{
    into->entries = arena_alloc(&b->arena, (to - from) * sizeof *into->entries);
    if (!into->entries)
        return ERR_MEMORY;
    for (size_t i = from; i < to; i++)
        if (is_listed(&b->site->entries[i]))
            into->entries[into->count++] = &b->site->entries[i];
    return sort(into->entries, into->count, sizeof *into->entries, newest_first, NULL);
}

static bool is_below(struct slice url, struct slice folder)
{
    return url.len > folder.len && url.ptr[folder.len] == '/' && slice_starts(url, folder);
}

/* One folder, which begins with entry `from`: it has all entries below it, side by side. */
static enum err add_folder(struct site_build *b, size_t from, struct slice url)
{
    size_t to = from;
    while (to < b->site->count && is_below(b->site->entries[to].item->url, url))
        to++;
    struct listing *list = &b->folders[b->folder_count];
    *list = (struct listing){.url = url, .title = slice_drop(url, 1)};
    enum err e = collect(b, from, to, list);
    if (e == OK && list->count > 0)
        b->folder_count++;
    return e;
}

/* The folders that begin with entry `at`: those of its path that the entry before is not below. */
static enum err add_folders(struct site_build *b, size_t at, size_t *room)
{
    struct slice url = b->site->entries[at].item->url;
    struct slice before = at ? b->site->entries[at - 1].item->url : slice_of(NULL, 0);
    for (size_t end = 1; end < url.len; end++) {
        struct slice folder = slice_take(url, end);
        if (url.ptr[end] != '/' || is_below(before, folder) || path_is_static(slice_drop(url, 1)))
            continue;
        if (b->folders) {
            enum err e = add_folder(b, at, folder);
            if (e != OK)
                return e;
        }
        ++*room;
    }
    return OK;
}

/* Twice: to count, then to fill. */
static enum err collect_folders(struct site_build *b)
{
    size_t room = 0;
    for (size_t i = 0; i < b->site->count; i++)
        add_folders(b, i, &room);
    b->folders = arena_alloc(&b->arena, room * sizeof *b->folders);
    if (!b->folders)
        return ERR_MEMORY;
    for (size_t i = 0; i < b->site->count; i++) {
        enum err e = add_folders(b, i, &room);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- tags --- */

struct tagged {
    struct slice tag;
    struct entry *entry;
};

static int by_tag(const void *left, const void *right, void *arg)
{
    (void)arg;
    return slice_compare(((const struct tagged *)left)->tag, ((const struct tagged *)right)->tag);
}

/* Every page with a tag: articles newest first, then pages at the root. */
static size_t gather_tagged(const struct site_build *b, struct tagged *into)
{
    size_t count = 0;
    for (size_t i = 0; i < b->site->count; i++) {
        struct entry *e = &b->site->entries[i];
        if (e->item->kind != ITEM_ARTICLE || !e->page)
            continue;
        for (size_t t = 0; t < e->item->tag_count; t++, count++)
            if (into)
                into[count] = (struct tagged){e->item->tags[t], e};
    }
    return count;
}

static enum err tag_url(struct site_build *b, struct slice tag, struct slice *into)
{
    struct buf url;
    bool ok = true;
    buf_init(&url, ARTICLE_TAG_MAX + 16);
    buf_text(&url, "/tags/");
    buf_put(&url, tag);
    *into = arena_copy(&b->site->arena, buf_slice(&url), &ok);
    enum err e = url.err != OK ? url.err : ok ? OK : ERR_MEMORY;
    buf_deinit(&url);
    return e;
}

static enum err add_tag(struct site_build *b, const struct tagged *first, size_t count)
{
    struct listing *list = &b->tags[b->tag_count];
    *list = (struct listing){.title = first->tag, .count = count};
    list->entries = arena_alloc(&b->arena, count * sizeof *list->entries);
    if (!list->entries)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        list->entries[i] = first[i].entry;
    b->tag_count++;
    enum err e = tag_url(b, first->tag, &list->url);
    return e == OK ? sort(list->entries, count, sizeof *list->entries, newest_first, NULL) : e;
}

static enum err collect_tags(struct site_build *b)
{
    size_t count = gather_tagged(b, NULL);
    struct tagged *all = arena_alloc(&b->arena, count * sizeof *all);
    b->tags = arena_alloc(&b->arena, count * sizeof *b->tags);
    if (!all || !b->tags)
        return ERR_MEMORY;
    gather_tagged(b, all);
    enum err e = sort(all, count, sizeof *all, by_tag, NULL);
    for (size_t from = 0, to; from < count && e == OK; from = to) {
        for (to = from; to < count && slice_equal(all[to].tag, all[from].tag);)
            to++;
        e = add_tag(b, all + from, to - from);
    }
    return e;
}

enum err build_collections(struct site_build *b)
{
    b->newest = (struct listing){.url = SLICE("/"), .title = b->layout.name};
    enum err e = collect(b, 0, b->site->count, &b->newest);
    if (e == OK)
        e = collect_folders(b);
    return e == OK ? collect_tags(b) : e;
}
