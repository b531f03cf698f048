/*
 * The walk: from the newest commit to the oldest, as `git log -- PATH` goes, for all paths at once.
 *
 * A queued commit carries the set of paths that are followed through it. When it is taken off:
 *
 *   - a path that is the same as in a parent is followed to the first such parent only;
 *   - any other is altered here, and is followed to all parents (it may have been there before);
 *   - with no parent, a path that is there is altered.
 *
 * The first commit met that alters a path tells when it changed, the last one when it was created.
 * A path meets a commit once at most, even where clocks were wrong and a commit comes before its
 * child: `seen` has the paths that were ever queued with it.
 *
 * Sets are shared, so that a history without forks needs only one.
 */
#include "lib/store/history_walk.h"

#include "signatures/memory.h"

/* --- following paths ------------------------------------------------------------------------- */

/* *set |= more, on a copy if others share it. */
static enum err unite(struct walk *w, struct set **set, const struct set *more)
{
    if ((*set)->refs > 1) {
        struct set *own = store_set_copy(&w->sets, *set);
        if (own == NULL)
            return store_set_error(&w->sets);
        store_set_release(&w->sets, *set);
        *set = own;
    }
    for (uint32_t i = 0; i < w->sets.words; i++)
        (*set)->words[i] |= more->words[i];
    return OK;
}

/* What of a set the commit has not seen yet; NULL without memory. */
static struct set *unseen(struct walk *w, const struct commit *c, struct set *set)
{
    set->refs++;
    if (c->seen == NULL)
        return set;
    struct set *fresh = store_set_copy(&w->sets, set);
    store_set_release(&w->sets, set);
    for (uint32_t i = 0; fresh != NULL && i < w->sets.words; i++)
        fresh->words[i] &= ~c->seen->words[i];
    return fresh;
}

/* Puts a set where there was none, or into the one that is there. */
static enum err put(struct walk *w, struct set **where, struct set *set)
{
    if (*where != NULL)
        return unite(w, where, set);
    set->refs++;
    *where = set;
    return OK;
}

/* Follows the paths of a set to a commit. */
static enum err follow(struct walk *w, uint32_t commit, struct set *set)
{
    struct commit *c = &w->commits[commit];
    struct set *fresh = unseen(w, c, set);
    if (fresh == NULL)
        return store_set_error(&w->sets);
    enum err e = OK;
    if (!store_set_empty(fresh->words, w->sets.words)) {
        bool waiting = c->queued != NULL;
        e = put(w, &c->seen, fresh);
        if (e == OK)
            e = put(w, &c->queued, fresh);
        if (e == OK && !waiting)
            e = store_walk_enqueue(w, commit);
    }
    store_set_release(&w->sets, fresh);
    return e;
}

/* The paths in `remaining` were altered by this commit. */
static void alter(struct walk *w, const struct commit *c)
{
    for (uint32_t i = 0; i < w->sets.words; i++) {
        for (uint64_t bits = w->remaining[i]; bits != 0; bits &= bits - 1) {
            struct history_file *f = &w->paths->files[i * 64 + (uint32_t)__builtin_ctzll(bits)];
            if (f->changed == HISTORY_UNKNOWN)
                f->changed = c->author;
            f->created = c->author;
        }
    }
}

/* Compares with one parent (NULL: with nothing). Leaves in `remaining` what is not the same; the
 * rest goes to *same, if it is wanted. */
static enum err compare(struct walk *w, const struct oid *tree, const struct oid *parent,
                        struct set *same)
{
    memset(w->differ, 0, w->sets.words * sizeof(uint64_t));
    enum err e = store_history_diff(w->s, w->paths, w->remaining, tree, parent, w->differ);
    for (uint32_t i = 0; i < w->sets.words; i++) {
        if (same != NULL)
            same->words[i] = w->remaining[i] & ~w->differ[i];
        w->remaining[i] &= w->differ[i];
    }
    return e;
}

/* A commit with at most one parent: all paths go there. */
static enum err visit_plain(struct walk *w, uint32_t commit, struct set *set)
{
    struct oid tree = w->commits[commit].tree;
    if (w->commits[commit].parent_count == 0) {
        enum err e = compare(w, &tree, NULL, NULL);
        alter(w, &w->commits[commit]);
        return e;
    }
    uint32_t parent;
    enum err e = store_walk_parent(w, commit, 0, &parent);
    if (e == OK)
        e = compare(w, &tree, &w->commits[parent].tree, NULL);
    if (e != OK)
        return e;
    alter(w, &w->commits[commit]);
    return follow(w, parent, set);
}

/* The set of those that are the same as in this parent, taken from `remaining`. */
static enum err take_same(struct walk *w, uint32_t commit, uint32_t parent, struct set **into)
{
    struct oid tree = w->commits[commit].tree;
    *into = store_set_new(&w->sets);
    if (*into == NULL)
        return store_set_error(&w->sets);
    if (store_set_empty(w->remaining, w->sets.words))
        return OK;
    return compare(w, &tree, &w->commits[parent].tree, *into);
}

static enum err visit_merge(struct walk *w, uint32_t commit)
{
    struct set *same[GIT_PARENTS_MAX] = {NULL};
    uint32_t parents[GIT_PARENTS_MAX];
    uint32_t count = w->commits[commit].parent_count;
    enum err e = OK;
    for (uint32_t i = 0; e == OK && i < count; i++) {
        e = store_walk_parent(w, commit, i, &parents[i]);
        if (e == OK)
            e = take_same(w, commit, parents[i], &same[i]);
    }
    if (e == OK)
        alter(w, &w->commits[commit]);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; e == OK && j < w->sets.words; j++)
            same[i]->words[j] |= w->remaining[j];
        if (e == OK)
            e = follow(w, parents[i], same[i]);
        store_set_release(&w->sets, same[i]);
    }
    return e;
}

/* --- what was known before ------------------------------------------------------------------- */

/* Takes from a set all paths that are still followed elsewhere too. */
static void without_queued(const struct walk *w, uint64_t *set)
{
    for (uint32_t i = 0; i < w->queue_count; i++) {
        const struct set *other = w->commits[w->queue[i].commit].queued;
        for (uint32_t j = 0; j < w->sets.words; j++)
            set[j] &= ~other->words[j];
    }
}

/* Whether this is the commit that `previous` answers for, and nothing that leads to it was looked at yet: then
 * its answers are what is still to come. Where clocks were wrong, a commit before it may have had its turn
 * already, by way of another branch: that cannot be where each one so far is younger than all of those. */
static bool is_known(const struct walk *w, const struct commit *c)
{
    const struct history *known = w->previous;
    return known != NULL && oid_equal(&c->id, &known->commit) &&
           (!w->forked || known->newest < w->oldest);
}

/* At that commit: its answers end the walk of every path that it knows
 * and that is followed nowhere else. Leaves in `set` the others. */
static void take_over(struct walk *w, struct set *set)
{
    const struct history *previous = w->previous;
    memcpy(w->differ, set->words, w->sets.words * sizeof(uint64_t));
    without_queued(w, w->differ);
    size_t at = 0;
    for (uint32_t i = 0; i < w->paths->count && at < previous->count; i++) {
        struct history_file *f = &w->paths->files[i];
        while (at < previous->count && slice_compare(previous->files[at].path, f->path) < 0)
            at++;
        bool ours = w->differ[i / 64] >> i % 64 & 1;
        if (!ours || at == previous->count || !slice_equal(previous->files[at].path, f->path))
            continue;
        f->created = previous->files[at].created;
        if (f->changed == HISTORY_UNKNOWN)
            f->changed = previous->files[at].changed;
        set->words[i / 64] &= ~(UINT64_C(1) << i % 64);
    }
}

/* --- the walk -------------------------------------------------------------------------------- */

/* Dates of what was looked at so far: for is_known, and, but for the first commit's, for the answer. */
static void note_date(struct walk *w, int64_t date)
{
    if (w->walked++ > 0 && date > w->newest)
        w->newest = date;
    if (date < w->oldest)
        w->oldest = date;
}

/* The set without the paths whose walk ends here, which others may share. */
static enum err use_known(struct walk *w, struct set **set)
{
    struct set *own = store_set_copy(&w->sets, *set);
    if (own == NULL)
        return store_set_error(&w->sets);
    store_set_release(&w->sets, *set);
    *set = own;
    take_over(w, own);
    if (w->previous->newest > w->newest)
        w->newest = w->previous->newest;
    return OK;
}

static enum err visit(struct walk *w, uint32_t commit)
{
    struct set *set = w->commits[commit].queued;
    enum err e = OK;
    w->commits[commit].queued = NULL;
    if (is_known(w, &w->commits[commit]))
        e = use_known(w, &set);
    note_date(w, w->commits[commit].committer);
    if (e == OK && !store_set_empty(set->words, w->sets.words)) {
        memcpy(w->remaining, set->words, w->sets.words * sizeof(uint64_t));
        e = w->commits[commit].parent_count > 1 ? visit_merge(w, commit)
                                                : visit_plain(w, commit, set);
    }
    store_set_release(&w->sets, set);
    return e;
}

enum err store_walk_begin(struct walk *w, const struct oid *commit)
{
    w->began = w->s->effort;
    w->by_entry = memory_zalloc(w->s->count * sizeof(*w->by_entry));
    w->remaining = memory_alloc(w->sets.words * sizeof(uint64_t));
    w->differ = memory_alloc(w->sets.words * sizeof(uint64_t));
    struct set *all = store_set_new(&w->sets);
    uint32_t number;
    enum err e = ERR_MEMORY;
    if (w->by_entry != NULL && w->remaining != NULL && w->differ != NULL && all != NULL)
        e = store_walk_find(w, commit, &number);
    if (e == OK) {
        for (uint32_t i = 0; i < w->paths->count; i++)
            all->words[i / 64] |= UINT64_C(1) << i % 64;
        e = follow(w, number, all);
    }
    store_set_release(&w->sets, all);
    return e;
}

enum err store_walk_turn(struct walk *w)
{
    enum err e = OK;
    while (e == OK && w->queue_count > 0 && !store_turn_over(w->s)) {
        w->s->effort += w->sets.words * sizeof(uint64_t);
        w->forked = w->forked || w->queue_count > 1;
        e = visit(w, store_walk_dequeue(w));
        if (e == OK && w->s->effort - w->began > w->s->limits.walk_bytes)
            e = ERR_LIMIT;
    }
    return e == OK && w->queue_count > 0 ? ERR_AGAIN : e;
}

void store_walk_end(struct walk *w)
{
    for (uint32_t i = 0; i < w->commit_count; i++) {
        store_set_release(&w->sets, w->commits[i].seen);
        store_set_release(&w->sets, w->commits[i].queued);
    }
    memory_free(w->commits);
    memory_free(w->by_entry);
    memory_free(w->parent_ids);
    memory_free(w->queue);
    memory_free(w->remaining);
    memory_free(w->differ);
}
