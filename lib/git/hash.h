/*
 * The hash of a repository, SHA-1 or SHA-256 by its kind: of objects, and of whole packs.
 */
#ifndef LIB_GIT_HASH_H
#define LIB_GIT_HASH_H

#include "lib/git/oid.h"
#include "lib/hash/sha1.h"
#include "lib/hash/sha256.h"

/* Storage of the caller's. */
struct git_hash {
    enum oid_kind kind;
    union {
        struct sha1 sha1;
        struct sha256 sha256;
    } with;
};

void git_hash_init(struct git_hash *h, enum oid_kind kind);
void git_hash_update(struct git_hash *h, struct slice bytes);

/* False: the bytes carry a known SHA-1 collision attack. */
bool git_hash_final(struct git_hash *h, struct oid *into);

#endif
