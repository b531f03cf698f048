/* see bundle.h */
#include "lib/git/bundle.h"

/* Takes the next line off *rest, without its newline. False where there is no whole line. */
static bool whole_line(struct slice *rest, struct slice *line)
{
    return slice_cut(*rest, '\n', line, rest);
}

static enum err capability(struct slice text, enum oid_kind *kind)
{
    if (slice_is(text, "object-format=sha1"))
        *kind = OID_SHA1;
    else if (slice_is(text, "object-format=sha256"))
        *kind = OID_SHA256;
    else
        return ERR_UNSUPPORTED;
    return OK;
}

/* Version 3 has lines "@capability" between the signature and the rest. */
static enum err capabilities(struct slice *rest, enum oid_kind *kind)
{
    while (rest->len > 0 && rest->ptr[0] == '@') {
        struct slice line;
        if (!whole_line(rest, &line))
            return ERR_MALFORMED;
        enum err e = capability(slice_drop(line, 1), kind);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err signature(struct slice *rest, enum oid_kind *kind)
{
    struct slice line;
    if (!whole_line(rest, &line))
        return ERR_MALFORMED;
    *kind = OID_SHA1;
    if (slice_is(line, "# v2 git bundle"))
        return OK;
    if (slice_is(line, "# v3 git bundle"))
        return capabilities(rest, kind);
    bool other = slice_starts(line, SLICE("# v")) && slice_ends(line, SLICE(" git bundle"));
    return other ? ERR_UNSUPPORTED : ERR_MALFORMED;
}

static bool ref_line(enum oid_kind kind, struct slice line, struct git_bundle_ref *into)
{
    struct slice hex;
    return slice_cut(line, ' ', &hex, &into->name) && into->name.len > 0 &&
           oid_from_hex(kind, hex, &into->oid);
}

enum err git_bundle_parse(struct slice bytes, struct git_bundle *into)
{
    struct slice rest = bytes;
    enum err e = signature(&rest, &into->kind);
    if (e != OK)
        return e;
    into->refs = rest;
    for (;;) {
        struct slice before = rest;
        struct slice line;
        struct git_bundle_ref ref;
        if (!whole_line(&rest, &line))
            return ERR_MALFORMED;
        if (line.len == 0) {
            into->refs = slice_take(into->refs, into->refs.len - before.len);
            into->pack = rest;
            return OK;
        }
        if (line.ptr[0] == '-')
            return ERR_UNSUPPORTED;
        if (!ref_line(into->kind, line, &ref))
            return ERR_MALFORMED;
    }
}

bool git_bundle_next(enum oid_kind kind, struct slice *refs, struct git_bundle_ref *into)
{
    struct slice line;
    return whole_line(refs, &line) && ref_line(kind, line, into);
}
