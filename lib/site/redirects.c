/* Where redirections of this site lead: to a page of it, in the end. One that does not is served as it is, and said. */
#include "lib/site/internal.h"
#include "lib/text/percent.h"

#define REDIRECTS_MAX 10u   /* one behind the other: browsers follow 20 */
#define REDIRECT_COST 2048u /* of one, in bytes of budget */

/* The entry of a path that is a redirection itself. Entries are in the order of their paths. */
static const struct item *find_redirect(const struct site *s, struct slice path)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct item *i = s->entries[middle].item;
        int order = slice_compare(i->url, path);
        if (order == 0)
            return i->kind == ITEM_REDIRECT ? i : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The path of this site that a target names: false for other places, and for what the program itself answers. */
static bool own_path(struct slice target, struct buf *scratch, struct slice *path)
{
    size_t end = slice_find(slice_take(target, slice_find(target, '#')), '?');
    target = slice_take(target, end);
    if (!slice_starts(target, SLICE("/")) || slice_starts(target, SLICE("//")))
        return false;
    while (target.len > 1 && target.ptr[target.len - 1] == '/')
        target = slice_take(target, target.len - 1);
    return percent_decode_path(target, scratch, path) == OK && !slice_is(*path, "/status");
}

static const char *fault_of(const struct site *s, const struct item *i, struct buf *scratch)
{
    struct slice path;
    for (unsigned n = 0; n < REDIRECTS_MAX; n++) {
        if (!own_path(i->redirect, scratch, &path))
            return NULL;
        if (!site_find(s, path))
            return "the redirection leads to a page that is not there";
        if (!(i = find_redirect(s, path)))
            return NULL;
    }
    return "the redirection leads to others, and never to a page";
}

enum err build_redirects(struct site_build *b, size_t n, bool *more, size_t *cost)
{
    struct site *s = b->site;
    struct buf scratch;
    *more = n < s->count;
    if (!*more || s->entries[n].item->kind != ITEM_REDIRECT)
        return OK;
    const struct item *i = s->entries[n].item;
    *cost = REDIRECT_COST;
    buf_init(&scratch, SITE_ARTICLE_MAX);
    const char *fault = fault_of(s, i, &scratch);
    if (fault)
        site_add_problem(s, slice_drop(i->url, 1), 0, fault);
    buf_deinit(&scratch);
    return OK;
}
