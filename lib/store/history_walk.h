/*
 * What the files of the history walk share (this room only).
 *
 *     history_paths.c   the files of a commit, as a list and as a tree of names
 *     history_set.c     sets of paths
 *     history_diff.c    which paths differ between two trees
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

/* Answers for paths->files, all of them. */
enum err store_history_walk(struct store *s, const struct oid *commit, struct paths *paths,
                            const struct history *previous, uint32_t *walked);

#endif
