/*
 * The navigation: first the folders that hold articles, then the pages at the root, each in the
 * order of their names.
 */
#include "lib/site/internal.h"

/* Files about the repository rather than for its readers: pages, but not in the navigation. */
static bool is_paper(const struct item *i)
{
    static const char *const names[] = {"/README",  "/LICENSE",      "/LICENCE",  "/COPYING",
                                        "/CHANGES", "/CONTRIBUTING", "/CHANGELOG"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        if (slice_starts(i->url, slice_text(names[n])))
            return true;
    return false;
}

/* "/Posts" of "/Posts/About"; empty for a file at the root. */
static struct slice folder_of(struct slice url)
{
    size_t end = slice_find(slice_drop(url, 1), '/') + 1;
    return end < url.len ? slice_take(url, end) : slice_of(NULL, 0);
}

static bool is_index(const struct layout *l, const struct item *i)
{
    return slice_equal(slice_drop(i->url, 1), l->index);
}

static void add(struct layout *l, struct slice url, struct slice title)
{
    l->nav[l->nav_count++] = (struct nav){url, title};
}

enum err build_navigation(struct site_build *b)
{
    struct layout *l = &b->layout;
    const struct site *s = b->site;
    l->nav = arena_alloc(&b->arena, (s->count + 1) * sizeof *l->nav);
    if (!l->nav)
        return ERR_MEMORY;
    struct slice last = slice_of(NULL, 0);
    for (size_t i = 0; i < s->count; i++) {
        const struct item *item = s->entries[i].item;
        struct slice folder = folder_of(item->url);
        if (item->kind == ITEM_ARTICLE && folder.len && !slice_equal(folder, last)) {
            add(l, folder, slice_drop(folder, 1));
            last = folder;
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct item *item = s->entries[i].item;
        if (item->kind == ITEM_ARTICLE && folder_of(item->url).len == 0 && !is_paper(item) &&
            !is_index(l, item))
            add(l, item->url, item->title);
    }
    return OK;
}
