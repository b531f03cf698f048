/*
 * Articles by folder and by tag, newest first.
 *
 * Entries lie in the order of their paths, so a folder's are side by side. An article below several
 * folders is listed in each of them. All of them are put in order once; what is listed follows their ranks.
 */
#include "lib/site/internal.h"
#include "runtime/sort.h"

#define COLLECT_COST 64u /* for each entry, in bytes of budget */

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

static size_t number_of(const struct site_build *b, const struct entry *e)
{
    return (size_t)(e - b->site->entries);
}

static int by_rank(const void *left, const void *right, void *arg)
{
    const struct site_build *b = arg;
    uint32_t l = b->ranks[number_of(b, *(struct entry *const *)left)];
    uint32_t r = b->ranks[number_of(b, *(struct entry *const *)right)];
    return (l > r) - (l < r);
}

/* Every article that has a page, those at the root as well. */
static enum err rank_articles(struct site_build *b)
{
    struct site *s = b->site;
    struct listing *all = &b->articles;
    all->entries = arena_alloc(&b->arena, s->count * sizeof *all->entries);
    b->ranks = arena_alloc(&b->arena, s->count * sizeof *b->ranks);
    if (!all->entries || !b->ranks)
        return ERR_MEMORY;
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].item->kind == ITEM_ARTICLE && s->entries[i].page)
            all->entries[all->count++] = &s->entries[i];
    enum err e = sort(all->entries, all->count, sizeof *all->entries, newest_first, NULL);
    for (size_t i = 0; i < all->count; i++)
        b->ranks[number_of(b, all->entries[i])] = (uint32_t)i;
    return e;
}

static bool is_listed(const struct entry *e)
{
    return e->item->kind == ITEM_ARTICLE && e->page &&
           slice_find(slice_drop(e->item->url, 1), '/') < e->item->url.len - 1;
}

static enum err collect_newest(struct site_build *b)
{
    struct listing *list = &b->newest;
    *list = (struct listing){.url = SLICE("/"), .title = b->layout.name};
    list->entries = arena_alloc(&b->arena, b->articles.count * sizeof *list->entries);
    for (size_t i = 0; list->entries && i < b->articles.count; i++)
        if (is_listed(b->articles.entries[i]))
            list->entries[list->count++] = b->articles.entries[i];
    return list->entries ? OK : ERR_MEMORY;
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
    list->entries = arena_alloc(&b->arena, (to - from) * sizeof *list->entries);
    if (!list->entries)
        return ERR_MEMORY;
    for (size_t i = from; i < to; i++)
        if (is_listed(&b->site->entries[i]))
            list->entries[list->count++] = &b->site->entries[i];
    b->folder_count += list->count > 0;
    return sort(list->entries, list->count, sizeof *list->entries, by_rank, b);
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

static int by_title(const void *left, const void *right, void *arg)
{
    (void)arg;
    return slice_compare(((const struct listing *)left)->title,
                         ((const struct listing *)right)->title);
}

static enum err count_tag(struct site_build *b, struct map *lists, struct slice tag)
{
    struct listing *list = map_get(lists, tag);
    if (list) {
        list->count++;
        return OK;
    }
    list = arena_alloc(&b->arena, sizeof *list);
    if (!list)
        return ERR_MEMORY;
    *list = (struct listing){.title = tag, .count = 1};
    return map_put(lists, tag, list);
}

/* How often there is each tag, also of articles at the root. */
static enum err count_tags(struct site_build *b, struct map *lists)
{
    enum err e = OK;
    for (size_t i = 0; i < b->articles.count; i++) {
        const struct item *item = b->articles.entries[i]->item;
        for (size_t t = 0; t < item->tag_count && e == OK; t++)
            e = count_tag(b, lists, item->tags[t]);
    }
    return e;
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

/* Room for so many as were counted; none of them is there yet. */
static enum err empty_list(struct site_build *b, struct map *lists, struct listing *list)
{
    list->entries = arena_alloc(&b->arena, list->count * sizeof *list->entries);
    list->count = 0;
    enum err e = list->entries ? tag_url(b, list->title, &list->url) : ERR_MEMORY;
    return e == OK ? map_put(lists, list->title, list) : e;
}

/* Lists in the order of their tags, in the place of those that counted. */
static enum err order_tags(struct site_build *b, struct map *lists)
{
    size_t at = 0;
    b->tags = arena_alloc(&b->arena, lists->count * sizeof *b->tags);
    if (!b->tags)
        return ERR_MEMORY;
    for (struct map_entry *e; (e = map_next(lists, &at));)
        b->tags[b->tag_count++] = *(struct listing *)e->value;
    enum err e = sort(b->tags, b->tag_count, sizeof *b->tags, by_title, NULL);
    for (size_t i = 0; i < b->tag_count && e == OK; i++)
        e = empty_list(b, lists, &b->tags[i]);
    return e;
}

static void fill_tags(struct site_build *b, const struct map *lists)
{
    for (size_t i = 0; i < b->articles.count; i++) {
        const struct item *item = b->articles.entries[i]->item;
        for (size_t t = 0; t < item->tag_count; t++) {
            struct listing *list = map_get(lists, item->tags[t]);
            list->entries[list->count++] = b->articles.entries[i];
        }
    }
}

static enum err collect_tags(struct site_build *b)
{
    struct map lists; /* tag to listing */
    map_init(&lists, b->options->secret);
    enum err e = count_tags(b, &lists);
    if (e == OK)
        e = order_tags(b, &lists);
    if (e == OK)
        fill_tags(b, &lists);
    map_deinit(&lists);
    return e;
}

enum err build_collection(struct site_build *b, size_t n, bool *more, size_t *cost)
{
    static enum err (*const parts[])(struct site_build *) = {rank_articles, collect_newest,
                                                             collect_folders, collect_tags};
    *more = n + 1 < sizeof parts / sizeof parts[0];
    *cost += b->site->count * COLLECT_COST;
    return parts[n](b);
}
