/*
 * Which ref is meant: #NAME is a branch, else a tag, else the full name of any ref; nothing is HEAD.
 *
 * The list is looked at once, as it goes by; the best match so far is kept.
 */
#include "lib/git/protocol_states.h"

static const struct {
    struct slice prefix;
    unsigned int rank;
} places[] = {{SLICE_INIT("refs/heads/"), 3}, {SLICE_INIT("refs/tags/"), 2}, {SLICE_INIT(""), 1}};

static unsigned int rank_of(const struct git_client *c, struct slice name)
{
    if (c->set.branch.len == 0)
        return slice_is(name, "HEAD");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (slice_starts(name, places[i].prefix) &&
            slice_equal(slice_drop(name, places[i].prefix.len), c->set.branch))
            return places[i].rank;
    return 0;
}

static bool keep_name(char into[GIT_REF_NAME_MAX + 1], struct slice name)
{
    if (!git_ref_name_ok(name))
        return false;
    memcpy(into, name.ptr, name.len);
    into[name.len] = '\0';
    return true;
}

static enum err keep_id(struct git_client *c, struct slice id, struct oid *into)
{
    if (!oid_from_hex(c->kind, id, into) || oid_is_zero(into))
        return git_client_fail(c, ERR_MALFORMED, "the remote's list of refs is malformed");
    return OK;
}

/* Others' ids are not looked at beyond their form: their refs are not meant. */
enum err git_client_ref(struct git_client *c, struct slice name, struct slice id)
{
    struct oid form;
    if (name.len == 0 || !oid_from_hex(c->kind, id, &form))
        return git_client_fail(c, ERR_MALFORMED, "the remote's list of refs is malformed");
    unsigned int rank = rank_of(c, name);
    if (rank <= c->rank || !keep_name(c->ref, name))
        return OK;
    c->rank = rank;
    enum err e = keep_id(c, id, &c->tip);
    c->commit = c->tip;
    return e;
}

enum err git_client_peeled(struct git_client *c, struct slice name, struct slice id)
{
    return c->rank > 0 && slice_is(name, c->ref) ? keep_id(c, id, &c->commit) : OK;
}

void git_client_symref(struct git_client *c, struct slice target)
{
    if (!keep_name(c->target, target))
        c->target[0] = '\0';
}

static enum err nothing_found(struct git_client *c)
{
    if (c->set.branch.len > 0)
        return git_client_fail_quoting(c, ERR_NOT_FOUND, "the remote has no branch or tag ",
                                       c->set.branch);
    if (c->target[0])
        return git_client_fail(c, ERR_NOT_FOUND,
                               "the remote's HEAD is %s, which has no commit yet (another "
                               "branch: URL#branch)",
                               c->target);
    return git_client_fail(c, ERR_NOT_FOUND,
                           "the remote has no HEAD: it is empty, or its HEAD names a branch "
                           "that does not exist (another branch: URL#branch)");
}

enum err git_client_refs_end(struct git_client *c)
{
    if (c->rank == 0)
        return nothing_found(c);
    c->state = GIT_STATE_ASK;
    git_client_tell(c, GIT_CLIENT_HEAD, (struct slice){NULL, 0});
    return OK;
}
