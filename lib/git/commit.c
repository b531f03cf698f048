/* Commits and tags: lines of "key value" up to an empty one; see object.h. */
#include "lib/git/object.h"

/* Takes the line "key value" off *rest, if it is the next. */
static bool header(struct slice *rest, const char *key, struct slice *value)
{
    struct slice line = slice_take(*rest, slice_find(*rest, '\n'));
    struct slice name = slice_text(key);
    if (line.len == rest->len || !slice_starts(line, name))
        return false;
    *value = slice_drop(line, name.len);
    *rest = slice_drop(*rest, line.len + 1);
    return true;
}

static bool header_oid(enum oid_kind kind, struct slice *rest, const char *key, struct oid *into)
{
    struct slice value;
    return header(rest, key, &value) && oid_from_hex(kind, value, into);
}

/* "+0530" as minutes east; anything else is 0. */
static int32_t offset_of(struct slice zone)
{
    uint64_t digits;
    if (zone.len < 2 || zone.len > 5 || !slice_decimal(slice_drop(zone, 1), 9999, &digits))
        return 0;
    int32_t minutes = (int32_t)(digits / 100 * 60 + digits % 100);
    return zone.ptr[0] == '-' ? -minutes : minutes;
}

/* What follows the last such byte; empty where it does not occur. */
static struct slice after_last(struct slice s, uint8_t byte)
{
    for (size_t i = s.len; i > 0; i--) {
        if (s.ptr[i - 1] == byte)
            return slice_drop(s, i);
    }
    return slice_drop(s, s.len);
}

/* "Name <mail> seconds zone". Old histories hold odd ones: as in git, a date that is no number is
 * 1970, and the name and the mail are what the brackets say. */
static struct git_person person(struct slice line)
{
    struct git_person p = {.when = 0, .offset = 0};
    struct slice rest;
    slice_cut(line, '<', &p.name, &rest);
    p.name = slice_trim(p.name);
    slice_cut(rest, '>', &p.mail, &rest);
    struct slice seconds;
    struct slice zone;
    slice_cut(slice_trim(after_last(line, '>')), ' ', &seconds, &zone);
    uint64_t when;
    if (slice_decimal(seconds, INT64_MAX, &when)) {
        p.when = (int64_t)when;
        p.offset = offset_of(slice_trim(zone));
    }
    return p;
}

/* The lines between the committer and the message (encoding, gpgsig ...) say nothing for us. */
static struct slice message_after(struct slice rest)
{
    struct slice line;
    while (rest.len > 0 && rest.ptr[0] != '\n') {
        if (!slice_line(&rest, &line))
            break;
    }
    return slice_drop(rest, 1);
}

enum err git_commit_parse(enum oid_kind kind, struct slice content, struct git_commit *into)
{
    struct slice rest = content;
    struct slice line;
    if (!header_oid(kind, &rest, "tree ", &into->tree))
        return ERR_MALFORMED;
    into->parent_count = 0;
    while (header(&rest, "parent ", &line)) {
        if (into->parent_count == GIT_PARENTS_MAX)
            return ERR_LIMIT;
        if (!oid_from_hex(kind, line, &into->parents[into->parent_count++]))
            return ERR_MALFORMED;
    }
    if (!header(&rest, "author ", &line))
        return ERR_MALFORMED;
    into->author = person(line);
    if (!header(&rest, "committer ", &line))
        return ERR_MALFORMED;
    into->committer = person(line);
    into->message = message_after(rest);
    return OK;
}

enum err git_tag_parse(enum oid_kind kind, struct slice content, struct oid *target,
                       enum git_type *type)
{
    struct slice rest = content;
    struct slice name;
    if (!header_oid(kind, &rest, "object ", target) || !header(&rest, "type ", &name))
        return ERR_MALFORMED;
    for (unsigned t = GIT_COMMIT; t <= GIT_TAG; t++) {
        if (slice_is(name, git_type_name((enum git_type)t))) {
            *type = (enum git_type)t;
            return OK;
        }
    }
    return ERR_MALFORMED;
}
