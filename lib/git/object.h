/*
 * Objects: what the bytes of a tree, a commit and a tag say (git's Documentation/gitformat-*).
 *
 * All slices point into the object's own bytes.
 */
#ifndef LIB_GIT_OBJECT_H
#define LIB_GIT_OBJECT_H

#include "lib/git/oid.h"
#include "runtime/err.h"
#include "runtime/reader.h"

enum git_type { GIT_NONE = 0, GIT_COMMIT = 1, GIT_TREE = 2, GIT_BLOB = 3, GIT_TAG = 4 };

const char *git_type_name(enum git_type type);

/* The id of an object. False: the bytes carry a known SHA-1 collision attack. */
bool git_object_id(enum oid_kind kind, enum git_type type, struct slice content, struct oid *into);

#define GIT_MODE_TREE    0040000u
#define GIT_MODE_FILE    0100644u
#define GIT_MODE_EXEC    0100755u
#define GIT_MODE_LINK    0120000u
#define GIT_MODE_GITLINK 0160000u

struct git_entry {
    uint32_t mode;
    struct slice name; /* not empty, without '/' and NUL, not "." nor ".." nor ".git" */
    struct oid oid;
};

/* Takes the next entry off a tree. False at the end, or with r->bad for a malformed one. */
bool git_tree_next(enum oid_kind kind, struct reader *r, struct git_entry *into);

struct git_person {
    struct slice name;
    struct slice mail;
    int64_t when;   /* seconds since 1970, UTC */
    int32_t offset; /* minutes east of UTC, as written */
};

#define GIT_PARENTS_MAX 64

struct git_commit {
    struct oid tree;
    struct oid parents[GIT_PARENTS_MAX];
    uint32_t parent_count;
    struct git_person author;
    struct git_person committer;
    struct slice message;
};

enum err git_commit_parse(enum oid_kind kind, struct slice content, struct git_commit *into);

/* What an annotated tag points to. */
enum err git_tag_parse(enum oid_kind kind, struct slice content, struct oid *target,
                       enum git_type *type);

#endif
