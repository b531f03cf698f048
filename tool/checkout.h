/*
 * Checkout: the tree of a commit, written into a folder.
 *
 * Names and links come from a stranger. Every file is created anew in a folder that is held open,
 * no symbolic link is ever followed, and nothing that exists is written to: whatever a tree holds,
 * nothing outside of the folder is touched.
 */
#ifndef TOOL_CHECKOUT_H
#define TOOL_CHECKOUT_H

#include "lib/store/store.h"

struct checkout_counts {
    unsigned long files;
    unsigned long long bytes;
};

/* folder: an open, empty directory. False after a message on standard error. */
bool checkout_tree(struct store *s, const struct oid *tree, int folder,
                   struct checkout_counts *counts);

#endif
