/*
 * A bundle: refs and one pack in a file (gitformat-bundle, versions 2 and 3).
 *
 * Only whole ones: a bundle that builds on commits that its reader must have already is refused.
 */
#ifndef LIB_GIT_BUNDLE_H
#define LIB_GIT_BUNDLE_H

#include "lib/git/oid.h"
#include "runtime/err.h"

/* Slices into the bundle's bytes. */
struct git_bundle {
    enum oid_kind kind;
    struct slice refs; /* lines for git_bundle_next; checked */
    struct slice pack;
};

struct git_bundle_ref {
    struct oid oid;
    struct slice name; /* "refs/heads/main", "HEAD" */
};

/* ERR_MALFORMED, ERR_UNSUPPORTED (prerequisites, another version, an unknown capability). */
enum err git_bundle_parse(struct slice bytes, struct git_bundle *into);

/* Takes the next ref off *refs, which begins as a copy of bundle->refs. False at the end. */
bool git_bundle_next(enum oid_kind kind, struct slice *refs, struct git_bundle_ref *into);

#endif
