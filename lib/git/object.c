/* see object.h: types, ids, trees. Commits and tags are read in commit.c. */
#include "lib/git/object.h"

#include "lib/git/hash.h"
#include "runtime/format.h"

const char *git_type_name(enum git_type type)
{
    static const char *const names[] = {"none", "commit", "tree", "blob", "tag"};
    return names[type <= GIT_TAG ? type : GIT_NONE];
}

/* What is hashed before the content: "blob 12" and a NUL. */
static struct slice preamble(enum git_type type, size_t size, char into[32])
{
    size_t n = format_text(into, 32, "%s %zu", git_type_name(type), size);
    return slice_of(into, n + 1);
}

bool git_object_id(enum oid_kind kind, enum git_type type, struct slice content, struct oid *into)
{
    char text[32];
    struct git_hash h;
    git_hash_init(&h, kind);
    git_hash_update(&h, preamble(type, content.len, text));
    git_hash_update(&h, content);
    return git_hash_final(&h, into);
}

/* Octal digits up to a blank. Old writers gave them leading zeros and odd permissions: a mode is
 * told as git's own readers see it. 0 for what no mode is. */
static uint32_t mode_of(struct slice digits)
{
    uint32_t mode = 0;
    if (digits.len == 0 || digits.len > 7)
        return 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = digits.ptr[i];
        if (c < '0' || c > '7')
            return 0;
        mode = mode << 3 | (uint32_t)(c - '0');
    }
    switch (mode & 0170000) {
    case 0100000:
        return mode & 0100 ? GIT_MODE_EXEC : GIT_MODE_FILE;
    case GIT_MODE_TREE:
    case GIT_MODE_LINK:
    case GIT_MODE_GITLINK:
        return mode & 0170000;
    default:
        return 0;
    }
}

static bool name_permitted(struct slice name)
{
    return name.len > 0 && slice_find(name, '/') == name.len && !slice_is(name, ".") &&
           !slice_is(name, "..") && !slice_is(name, ".git");
}

bool git_tree_next(enum oid_kind kind, struct reader *r, struct git_entry *into)
{
    if (r->bad || r->rest.len == 0)
        return false;
    struct slice digits;
    struct slice rest;
    bool whole = slice_cut(r->rest, ' ', &digits, &rest);
    whole = whole && slice_cut(rest, '\0', &into->name, &rest);
    r->rest = rest;
    struct slice raw = read_bytes(r, oid_bytes(kind));
    into->mode = mode_of(digits);
    if (!whole || r->bad || into->mode == 0 || !name_permitted(into->name)) {
        r->bad = true;
        return false;
    }
    return oid_from_raw(kind, raw, &into->oid);
}
