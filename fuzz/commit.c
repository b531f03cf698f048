/* Commits and tags, and the heads of bundles: lines of text around ids. */
#include "lib/git/bundle.h"
#include "lib/git/object.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, struct slice whole)
{
    if (part.len > 0 && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
        abort();
}

static void parse(enum oid_kind kind, struct slice bytes)
{
    struct git_commit c;
    struct oid target;
    enum git_type type;
    if (git_commit_parse(kind, bytes, &c) == OK) {
        within(c.author.name, bytes);
        within(c.author.mail, bytes);
        within(c.committer.name, bytes);
        within(c.committer.mail, bytes);
        within(c.message, bytes);
        if (c.parent_count > GIT_PARENTS_MAX || c.author.when < 0)
            abort();
    }
    if (git_tag_parse(kind, bytes, &target, &type) == OK && (type == GIT_NONE || type > GIT_TAG))
        abort();
}

/* Every line between the head and the pack is a ref. */
static void parse_bundle(struct slice bytes)
{
    struct git_bundle b;
    struct git_bundle_ref ref;
    if (git_bundle_parse(bytes, &b) != OK)
        return;
    within(b.refs, bytes);
    within(b.pack, bytes);
    struct slice rest = b.refs;
    while (git_bundle_next(b.kind, &rest, &ref))
        within(ref.name, b.refs);
    if (rest.len > 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(OID_SHA1, slice_of(data, size));
    parse(OID_SHA256, slice_of(data, size));
    parse_bundle(slice_of(data, size));
    return 0;
}
