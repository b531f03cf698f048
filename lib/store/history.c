/*
 * The answer for a commit, see history.h: its files are listed, the walk dates them, and the first
 * parents lead to the root.
 */
#include "lib/store/history_walk.h"

#include "signatures/memory.h"

/* A walk between turns. */
struct history_job {
    struct oid commit;
    const struct history *previous;
    struct paths *paths;
    struct walk walk;
    struct oid root; /* how far we are on the way to it */
};

void store_history_drop(struct store *s)
{
    struct history_job *j = s->dating;
    if (j == NULL)
        return;
    store_walk_end(&j->walk);
    if (j->paths != NULL)
        store_paths_free(j->paths);
    memory_free(j->paths);
    memory_free(j);
    s->dating = NULL;
}

static enum err begin(struct store *s, const struct oid *commit, const struct history *previous)
{
    struct history_job *j = memory_zalloc(sizeof(*j));
    if (j == NULL)
        return ERR_MEMORY;
    s->dating = j;
    *j = (struct history_job){.commit = *commit, .previous = previous, .root = *commit};
    j->paths = memory_zalloc(sizeof(*j->paths));
    if (j->paths == NULL)
        return ERR_MEMORY;
    struct oid tree;
    enum err e = store_commit_tree(s, commit, &tree);
    if (e == OK)
        e = store_paths_list(s, &tree, j->paths);
    j->walk = (struct walk){.s = s,
                            .paths = j->paths,
                            .previous = previous,
                            .newest = INT64_MIN,
                            .oldest = INT64_MAX,
                            .sets.words = set_words(j->paths->count)};
    return e == OK ? store_walk_begin(&j->walk, commit) : e;
}

/* One step to the last of the first parents; `there` when it is reached, or the commit that
 * `previous` answers for. */
static enum err step_to_root(struct store *s, struct history_job *j, bool *there)
{
    if (j->previous != NULL && oid_equal(&j->root, &j->previous->commit)) {
        j->root = j->previous->root;
        *there = true;
        return OK;
    }
    struct store_object o;
    struct git_commit parsed;
    enum err e = store_read_as(s, &j->root, GIT_COMMIT, &o);
    if (e != OK)
        return e;
    s->effort += o.content.len;
    e = git_commit_parse(s->kind, o.content, &parsed);
    store_release(&o);
    *there = e == OK && parsed.parent_count == 0;
    if (e == OK && !*there)
        j->root = parsed.parents[0];
    return e;
}

static enum err find_root(struct store *s, struct history_job *j)
{
    bool there = false;
    enum err e = OK;
    while (e == OK && !there) {
        if (store_turn_over(s))
            return ERR_AGAIN;
        e = step_to_root(s, j, &there);
    }
    return e;
}

static void take_answer(struct history_job *j, struct history *into)
{
    store_paths_forget_names(j->paths);
    *into = (struct history){.commit = j->commit,
                             .root = j->root,
                             .files = j->paths->files,
                             .count = j->paths->count,
                             .walked = j->walk.walked,
                             .newest = j->walk.newest,
                             .owned = j->paths};
    j->paths = NULL;
}

enum err history_walk(struct store *s, const struct oid *commit, const struct history *previous,
                      struct history *into)
{
    enum err e = OK;
    *into = (struct history){.count = 0};
    store_turn_begin(s);
    if (s->dating == NULL)
        e = begin(s, commit, previous);
    if (e == OK)
        e = store_walk_turn(&s->dating->walk);
    if (e == OK)
        e = find_root(s, s->dating);
    if (e == ERR_AGAIN)
        return e;
    if (e == OK)
        take_answer(s->dating, into);
    store_history_drop(s);
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
