/*
 * History: for every file of a commit, when it came to be and when its bytes last changed.
 *
 * One walk over the history answers for all paths (git log's simplification, done for all paths at
 * once): a commit alters a path when the path's blob differs from that in every parent; at a merge,
 * a path that equals one parent's is followed to that parent only. created: author date of the
 * first commit that held the path; changed: author date of the last that altered its bytes.
 *
 * Folders lie one in the other STORE_PATH_DEPTH_MAX deep. One that lies deeper is there in the place of all
 * that is in it, with a '/' at the end of its path.
 */
#ifndef LIB_STORE_HISTORY_H
#define LIB_STORE_HISTORY_H

#include "lib/store/store.h"

#define HISTORY_PATHS_MAX (1u << 20)
#define HISTORY_SETS_MAX  (UINT64_C(256) << 20) /* bytes of a walk's notes: merges times paths / 4 */

struct history_file {
    struct slice path; /* "Posts/About" */
    struct oid blob;
    uint32_t mode;   /* GIT_MODE_FILE, _EXEC or _LINK; _TREE: see above */
    int64_t created; /* seconds since 1970 */
    int64_t changed;
};

struct history {
    struct oid commit;
    struct oid root;            /* the first commit of all: where the first parents end */
    struct history_file *files; /* in bytewise order of their paths */
    size_t count;
    uint32_t walked; /* commits looked at */
    int64_t
        newest; /* when the last of those was committed that lead to `commit`; INT64_MIN: none does */
    void *owned;
};

/* ERR_AGAIN (see "Turns" in store.h), ERR_NOT_FOUND (the store lacks a part of the history),
 * ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY. previous (may be NULL): the answer for an earlier commit;
 * where it is an ancestor, only what came since is walked, and further back only for paths that are
 * new, or where clocks went so wrong that branches are out of order. It stays the caller's, and has to
 * stay until the walk has ended. On OK, into is given back with history_release; otherwise there is
 * nothing in it. */
enum err history_walk(struct store *s, const struct oid *commit, const struct history *previous,
                      struct history *into);
void history_release(struct history *h);

/* Binary search; NULL if the path is no file of the commit. */
const struct history_file *history_find(const struct history *h, struct slice path);

#endif
