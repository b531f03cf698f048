/* From a tag to its commit, and from that to a path's entry: one tree after the other. */
#include "lib/store/internal.h"

static enum err target_of(struct store *s, const struct oid *tag, struct oid *into)
{
    struct store_object o;
    enum git_type type;
    enum err e = store_read_as(s, tag, GIT_TAG, &o);
    if (e != OK)
        return e;
    e = git_tag_parse(s->kind, o.content, into, &type);
    store_release(&o);
    return e;
}

enum err store_peel(struct store *s, struct oid *id)
{
    for (unsigned depth = 0; depth < STORE_PATH_DEPTH_MAX; depth++) {
        struct oid target;
        uint32_t number = store_find(s, id);
        if (number == NO_ENTRY)
            return ERR_NOT_FOUND;
        if (s->entries[number].type != GIT_TAG)
            return OK;
        enum err e = target_of(s, id, &target);
        if (e != OK)
            return e;
        *id = target;
    }
    return ERR_LIMIT;
}

enum err store_commit_tree(struct store *s, const struct oid *commit, struct oid *tree)
{
    struct store_object o;
    struct git_commit parsed;
    enum err e = store_read_as(s, commit, GIT_COMMIT, &o);
    if (e != OK)
        return e;
    e = git_commit_parse(s->kind, o.content, &parsed);
    if (e == OK)
        *tree = parsed.tree;
    store_release(&o);
    return e;
}

/* Replaces a tree's entry by that of a name in it. */
static enum err step(struct store *s, struct slice name, struct git_entry *at)
{
    struct store_object o;
    if (at->mode != GIT_MODE_TREE)
        return ERR_NOT_FOUND;
    enum err e = store_read_as(s, &at->oid, GIT_TREE, &o);
    if (e != OK)
        return e;
    struct reader r = reader_of(o.content);
    e = ERR_NOT_FOUND;
    while (e != OK && git_tree_next(s->kind, &r, at)) {
        if (slice_equal(at->name, name))
            e = OK;
    }
    store_release(&o);
    return r.bad ? ERR_MALFORMED : e;
}

enum err store_path(struct store *s, const struct oid *commit, struct slice path,
                    struct git_entry *into)
{
    struct git_entry at = {.mode = GIT_MODE_TREE};
    enum err e = store_commit_tree(s, commit, &at.oid);
    for (unsigned depth = 0; e == OK && path.len > 0; depth++) {
        struct slice name;
        slice_cut(path, '/', &name, &path);
        e = depth < STORE_PATH_DEPTH_MAX ? step(s, name, &at) : ERR_LIMIT;
    }
    at.name = slice_take(at.name, 0);
    if (e == OK)
        *into = at;
    return e;
}
