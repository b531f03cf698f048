/*
 * Two trees side by side: what is in the one and not, or not the same, in the other (this room
 * only).
 */
#ifndef LIB_STORE_PAIR_H
#define LIB_STORE_PAIR_H

#include "lib/git/object.h"

struct pair {
    enum oid_kind kind;
    struct reader left;
    struct reader right;
    struct git_entry left_entry;
    struct git_entry right_entry;
    bool left_held; /* read, and not told of yet */
    bool right_held;
};

/* NULL where that tree has no such entry. Both: same name and both trees or both none. */
struct pair_difference {
    const struct git_entry *left;
    const struct git_entry *right;
};

/* Either content may be empty: then everything in the other differs. */
void store_pair_init(struct pair *p, enum oid_kind kind, struct slice left, struct slice right);

/* The next difference. False at the end, or with a reader `bad`. */
bool store_pair_next(struct pair *p, struct pair_difference *into);

static inline bool store_pair_bad(const struct pair *p)
{
    return p->left.bad || p->right.bad;
}

/* The order of entries in a tree: bytewise, trees as if their name ended in '/'. */
int store_tree_order(const struct git_entry *a, const struct git_entry *b);

#endif
