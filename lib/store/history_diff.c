/*
 * Which paths differ between two trees: the trees side by side, down into those folders only that
 * differ, that the final commit has, and in which there is a path that is asked for.
 *
 * A path is the same where what lies at it has the same id; so a mode that changed is no change,
 * and a folder that once stood where a file stands now counts as one thing (as for `git log`).
 */
#include "lib/store/history_walk.h"

#include "lib/store/pair.h"

struct diff {
    struct store *s;
    const struct paths *paths;
    const uint64_t *among;
    uint64_t *differ;
};

static enum err diff_trees(const struct diff *d, const struct name *folder, const struct oid *left,
                           const struct oid *right);

static void mark(const struct diff *d, uint32_t path)
{
    d->differ[path / 64] |= UINT64_C(1) << path % 64;
}

/* Below a folder of the final commit: as trees, where they are trees. */
static enum err diff_below(const struct diff *d, const struct name *folder,
                           const struct pair_difference *difference)
{
    const struct git_entry *l = difference->left;
    const struct git_entry *r = difference->right;
    if (!store_set_touches(d->among, folder->first, folder->end))
        return OK;
    if (folder->child_count == 0) /* it lies too deep, and is a path itself */
        mark(d, folder->first);
    return folder->child_count == 0 ? OK
                                    : diff_trees(d, folder, l ? &l->oid : NULL, r ? &r->oid : NULL);
}

/* The name may be a file's or a folder's in the final commit, whatever it is here. */
static enum err diff_name(const struct diff *d, const struct name *folder,
                          const struct pair_difference *difference)
{
    const struct git_entry *l = difference->left;
    const struct git_entry *r = difference->right;
    if (l != NULL && r != NULL && oid_equal(&l->oid, &r->oid))
        return OK;
    struct git_entry sought = l != NULL ? *l : *r;
    bool tree = sought.mode == GIT_MODE_TREE;
    sought.mode = GIT_MODE_FILE;
    const struct name *file = store_paths_child(d->paths, folder, &sought);
    if (file != NULL)
        mark(d, file->first);
    if (!tree)
        return OK;
    sought.mode = GIT_MODE_TREE;
    const struct name *below = store_paths_child(d->paths, folder, &sought);
    return below != NULL ? diff_below(d, below, difference) : OK;
}

static enum err read_tree(struct store *s, const struct oid *tree, struct store_object *into)
{
    *into = (struct store_object){.type = GIT_TREE};
    return tree != NULL ? store_read_as(s, tree, GIT_TREE, into) : OK;
}

static enum err diff_trees(const struct diff *d, const struct name *folder, const struct oid *left,
                           const struct oid *right)
{
    struct store_object l;
    struct store_object r = {.type = GIT_NONE};
    enum err e = read_tree(d->s, left, &l);
    if (e == OK)
        e = read_tree(d->s, right, &r);
    if (e == OK) {
        struct pair pair;
        struct pair_difference difference;
        d->s->effort += l.content.len + r.content.len;
        store_pair_init(&pair, d->s->kind, l.content, r.content);
        while (e == OK && store_pair_next(&pair, &difference))
            e = diff_name(d, folder, &difference);
        if (store_pair_bad(&pair))
            e = ERR_MALFORMED;
    }
    store_release(&l);
    store_release(&r);
    return e;
}

enum err store_history_diff(struct store *s, const struct paths *paths, const uint64_t *among,
                            const struct oid *left, const struct oid *right, uint64_t *differ)
{
    if (left != NULL && right != NULL && oid_equal(left, right))
        return OK;
    struct diff d = {s, paths, among, differ};
    return diff_trees(&d, &paths->names[0], left, right);
}
