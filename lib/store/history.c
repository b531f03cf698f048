/* The answer for a commit; see history.h. */
#include "lib/store/history_walk.h"

#include "signatures/memory.h"

/* The last of the first parents. Ends early at the commit that `previous` answers for. */
static enum err find_root(struct store *s, const struct oid *commit, const struct history *previous,
                          struct oid *root)
{
    *root = *commit;
    for (;;) {
        if (previous != NULL && oid_equal(root, &previous->commit)) {
            *root = previous->root;
            return OK;
        }
        struct store_object o;
        struct git_commit parsed;
        enum err e = store_read_as(s, root, GIT_COMMIT, &o);
        if (e != OK)
            return e;
        e = git_commit_parse(s->kind, o.content, &parsed);
        store_release(&o);
        if (e != OK || parsed.parent_count == 0)
            return e;
        *root = parsed.parents[0];
    }
}

enum err history_walk(struct store *s, const struct oid *commit, const struct history *previous,
                      struct history *into)
{
    struct oid tree;
    struct paths *paths = memory_zalloc(sizeof(*paths));
    if (paths == NULL)
        return ERR_MEMORY;
    *into = (struct history){.commit = *commit, .owned = paths};
    enum err e = store_commit_tree(s, commit, &tree);
    if (e == OK)
        e = store_paths_list(s, &tree, paths);
    if (e == OK)
        e = store_history_walk(s, commit, paths, previous, &into->walked);
    if (e == OK)
        e = find_root(s, commit, previous, &into->root);
    store_paths_forget_names(paths);
    into->files = paths->files;
    into->count = paths->count;
    if (e != OK)
        history_release(into);
    return e;
}

void history_release(struct history *h)
{
    if (h->owned != NULL)
        store_paths_free(h->owned);
    memory_free(h->owned);
    *h = (struct history){.count = 0};
}

const struct history_file *history_find(const struct history *h, struct slice path)
{
    size_t low = 0;
    size_t high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(h->files[middle].path, path);
        if (order == 0)
            return &h->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
