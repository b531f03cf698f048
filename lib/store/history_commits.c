/*
 * The commits of a walk: each is read once and has a number; those that are to be visited wait in a
 * heap, the newest first.
 */
#include "lib/store/history_walk.h"

static enum err add_parent(struct walk *w, const struct oid *id)
{
    void *items = w->parent_ids;
    enum err e = store_grow(&items, w->parent_count, &w->parent_capacity, sizeof(*w->parent_ids));
    w->parent_ids = items;
    if (e == OK)
        w->parent_ids[w->parent_count++] = *id;
    return e;
}

static enum err add_commit(struct walk *w, const struct oid *id, const struct git_commit *parsed,
                           uint32_t *number)
{
    void *items = w->commits;
    enum err e = store_grow(&items, w->commit_count, &w->commit_capacity, sizeof(*w->commits));
    w->commits = items;
    if (e != OK)
        return e;
    struct commit c = {.id = *id,
                       .tree = parsed->tree,
                       .author = parsed->author.when,
                       .committer = parsed->committer.when,
                       .parents = w->parent_count,
                       .parent_count = parsed->parent_count};
    for (uint32_t i = 0; e == OK && i < parsed->parent_count; i++)
        e = add_parent(w, &parsed->parents[i]);
    *number = w->commit_count;
    if (e == OK)
        w->commits[w->commit_count++] = c;
    return e;
}

enum err store_walk_find(struct walk *w, const struct oid *id, uint32_t *number)
{
    uint32_t entry = store_find(w->s, id);
    if (entry == NO_ENTRY)
        return ERR_NOT_FOUND;
    if (w->by_entry[entry] != 0) {
        *number = w->by_entry[entry] - 1;
        return OK;
    }
    struct store_object o;
    struct git_commit parsed;
    enum err e = store_read_as(w->s, id, GIT_COMMIT, &o);
    if (e != OK)
        return e;
    e = git_commit_parse(w->s->kind, o.content, &parsed);
    if (e == OK)
        e = add_commit(w, id, &parsed, number);
    if (e == OK)
        w->by_entry[entry] = *number + 1;
    store_release(&o);
    return e;
}

enum err store_walk_parent(struct walk *w, uint32_t commit, uint32_t index, uint32_t *number)
{
    struct oid id = w->parent_ids[w->commits[commit].parents + index];
    return store_walk_find(w, &id, number);
}

/* --- the queue ------------------------------------------------------------------------------- */

static bool before(const struct place *a, const struct place *b)
{
    return a->date != b->date ? a->date > b->date : a->turn < b->turn;
}

enum err store_walk_enqueue(struct walk *w, uint32_t commit)
{
    void *items = w->queue;
    enum err e = store_grow(&items, w->queue_count, &w->queue_capacity, sizeof(*w->queue));
    w->queue = items;
    if (e != OK)
        return e;
    struct place p = {w->commits[commit].committer, w->turns++, commit};
    uint32_t at = w->queue_count++;
    while (at > 0 && before(&p, &w->queue[(at - 1) / 2])) {
        w->queue[at] = w->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    w->queue[at] = p;
    return OK;
}

uint32_t store_walk_dequeue(struct walk *w)
{
    uint32_t commit = w->queue[0].commit;
    struct place p = w->queue[--w->queue_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= w->queue_count)
            break;
        if (child + 1 < w->queue_count && before(&w->queue[child + 1], &w->queue[child]))
            child++;
        if (!before(&w->queue[child], &p))
            break;
        w->queue[at] = w->queue[child];
        at = child;
    }
    w->queue[at] = p;
    return commit;
}
