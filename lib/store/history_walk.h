/*
 * What the files of the history walk share (this room only).
 *
 *     history_paths.c   the files of a commit, as a list and as a tree of names
 *     history_set.c     sets of paths
 *     history_diff.c    which paths differ between two trees
 *     history_commits.c the commits that were met, and those that wait
 *     history_walk.c    from commit to parents
 *     history.c         the answer
 */
#ifndef LIB_STORE_HISTORY_WALK_H
#define LIB_STORE_HISTORY_WALK_H

#include "lib/store/history.h"
#include "lib/store/internal.h"
#include "runtime/arena.h"

#define HISTORY_UNKNOWN INT64_MIN /* no commit that alters the path was met yet */

/* A name of the final commit's trees. Paths are numbered in their order, so that those below a
 * folder have consecutive numbers. */
struct name {
    struct slice text;
    uint32_t first; /* of its paths: itself, or all below it */
    uint32_t end;
    uint32_t children; /* index of the first; in the order of a tree */
    uint32_t child_count;
    bool folder;
};

struct paths {
    struct arena text;
    struct history_file *files;
    uint32_t count;
    uint32_t capacity;
    struct name *names; /* the root is the first */
    uint32_t name_count;
    uint32_t name_capacity;
    uint64_t tree_bytes; /* read so far */
};

/* Lists the files below a tree. On error too, store_paths_free is owed. */
enum err store_paths_list(struct store *s, const struct oid *tree, struct paths *into);
void store_paths_free(struct paths *p);

/* The tree of names serves the walk only. */
void store_paths_forget_names(struct paths *p);

/* A folder's child of this name and kind, or NULL. */
const struct name *store_paths_child(const struct paths *p, const struct name *folder,
                                     const struct git_entry *e);

/* A set of paths: a bit for each. Sets are shared between commits, and then not written. */
struct set {
    uint32_t refs;
    uint64_t words[];
};

/* What all sets of a walk have in common. */
struct sets {
    uint32_t words; /* of each */
    uint64_t bytes; /* of all that there are */
    bool refused;   /* one would have been more than HISTORY_SETS_MAX */
};

static inline uint32_t set_words(uint32_t paths)
{
    return (paths + 63) / 64;
}

/* Empty. NULL without memory or beyond the limit: store_set_error tells. */
struct set *store_set_new(struct sets *all);
struct set *store_set_copy(struct sets *all, const struct set *from);
void store_set_release(struct sets *all, struct set *s);

static inline enum err store_set_error(const struct sets *all)
{
    return all->refused ? ERR_LIMIT : ERR_MEMORY;
}

bool store_set_empty(const uint64_t *set, uint32_t words);

/* Whether any path from first to end (excluded) is in it. */
bool store_set_touches(const uint64_t *set, uint32_t first, uint32_t end);

/* Sets the bits of those paths of `among` that differ between two trees; NULL stands for an empty
 * one. Bits of other paths may be set as well. */
enum err store_history_diff(struct store *s, const struct paths *paths, const uint64_t *among,
                            const struct oid *left, const struct oid *right, uint64_t *differ);

/* A commit that was met. */
struct commit {
    struct oid id;
    struct oid tree;
    int64_t author;
    int64_t committer;
    uint32_t parents; /* index of the first in walk.parent_ids */
    uint32_t parent_count;
    struct set *seen;
    struct set *queued; /* NULL: not in the queue */
};

/* A commit that waits, in a heap. */
struct place {
    int64_t date;
    uint64_t turn; /* of queueing: first come, first served */
    uint32_t commit;
};

struct walk {
    struct store *s;
    struct paths *paths;
    const struct history *previous;
    struct sets sets;

    struct commit *commits;
    uint32_t commit_count;
    uint32_t commit_capacity;
    uint32_t *by_entry; /* number of the commit + 1 */
    struct oid *parent_ids;
    uint32_t parent_count;
    uint32_t parent_capacity;

    struct place *queue; /* a heap */
    uint32_t queue_count;
    uint32_t queue_capacity;
    uint64_t turns;

    uint64_t *remaining; /* scratch sets */
    uint64_t *differ;
    uint32_t walked;
    int64_t newest; /* see struct history */
    int64_t oldest; /* of those looked at, the one committed first */
    bool forked;    /* two were in the queue at once */
    uint64_t began; /* the store's effort then */
};

/* --- history_commits.c --- */

/* The number of the commit with this id, which is read at the first time. */
enum err store_walk_find(struct walk *w, const struct oid *id, uint32_t *number);
enum err store_walk_parent(struct walk *w, uint32_t commit, uint32_t index, uint32_t *number);

/* The queue: newest first. */
enum err store_walk_enqueue(struct walk *w, uint32_t commit);
uint32_t store_walk_dequeue(struct walk *w);

/* --- history_walk.c: answers for paths->files, all of them --- */

enum err store_walk_begin(struct walk *w, const struct oid *commit);

/* One turn. ERR_AGAIN: another one is needed. */
enum err store_walk_turn(struct walk *w);
void store_walk_end(struct walk *w);

#endif
