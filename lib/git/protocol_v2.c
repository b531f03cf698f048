/* Protocol v2: capabilities, then the commands ls-refs and fetch (gitprotocol-v2). */
#include "lib/git/protocol_states.h"

/* --- Capabilities --------------------------------------------------------------------------- */

static bool has_word(struct slice words, const char *word)
{
    struct slice one;
    while (words.len > 0) {
        slice_cut(words, ' ', &one, &words);
        if (slice_is(one, word))
            return true;
    }
    return false;
}

static void put_command(struct git_client *c, const char *command)
{
    pkt_put(&c->out, "command=%s", command);
    if (c->can.agent)
        pkt_put(&c->out, "agent=%s", GIT_AGENT);
    if (c->can.object_format)
        pkt_put(&c->out, "object-format=%s", git_client_format_name(c));
    pkt_put_delim(&c->out);
}

/* Only refs that could be meant are asked for. */
static enum err ask_refs(struct git_client *c)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/tags/", ""};
    struct slice branch = c->set.branch;
    if (!c->can.ls_refs || !c->can.fetch)
        return git_client_fail(c, ERR_UNSUPPORTED, "the remote does not offer to be fetched from");
    put_command(c, "ls-refs");
    pkt_put(&c->out, "peel");
    pkt_put(&c->out, "symrefs");
    if (c->can.unborn)
        pkt_put(&c->out, "unborn");
    for (size_t i = 0; branch.len > 0 && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        pkt_put(&c->out, "ref-prefix %s%.*s", prefixes[i], SLICE_ARG(branch));
    if (branch.len == 0)
        pkt_put(&c->out, "ref-prefix HEAD");
    pkt_put_flush(&c->out);
    return git_client_ask(c, GIT_STATE_V2_REFS);
}

enum err git_state_v2_capabilities(struct git_client *c, const struct pkt *p)
{
    struct slice name, value;
    if (p->kind == PKT_FLUSH)
        return ask_refs(c);
    if (p->kind != PKT_DATA)
        return git_client_fail(c, ERR_MALFORMED, "the remote's capabilities are malformed");
    slice_cut(p->payload, '=', &name, &value);
    if (slice_is(name, "agent"))
        c->can.agent = true;
    else if (slice_is(name, "ls-refs")) {
        c->can.ls_refs = true;
        c->can.unborn = has_word(value, "unborn");
    } else if (slice_is(name, "fetch"))
        c->can.fetch = true;
    else if (slice_is(name, "object-format") && git_client_format(c, value))
        return c->err;
    return git_client_count(c, GIT_CAPABILITIES_MAX, "capabilities");
}

/* --- ls-refs -------------------------------------------------------------------------------- */

/* obj-id-or-"unborn" SP refname *(SP attribute) */
enum err git_state_v2_refs(struct git_client *c, const struct pkt *p)
{
    struct slice id, name, attribute, attributes;
    struct slice symref = SLICE("symref-target:"), peeled = SLICE("peeled:");
    if (p->kind == PKT_FLUSH)
        return git_client_refs_end(c);
    if (p->kind != PKT_DATA)
        return git_client_fail(c, ERR_MALFORMED, "the remote's list of refs is malformed");
    if (git_client_count(c, GIT_REFS_MAX, "refs"))
        return c->err;
    slice_cut(p->payload, ' ', &id, &attributes);
    slice_cut(attributes, ' ', &name, &attributes);
    if (!slice_is(id, "unborn") && git_client_ref(c, name, id))
        return c->err;
    while (attributes.len > 0) {
        slice_cut(attributes, ' ', &attribute, &attributes);
        if (slice_starts(attribute, symref) && slice_is(name, "HEAD"))
            git_client_symref(c, slice_drop(attribute, symref.len));
        else if (slice_starts(attribute, peeled) &&
                 git_client_peeled(c, name, slice_drop(attribute, peeled.len)))
            return c->err;
    }
    return OK;
}

/* --- fetch ---------------------------------------------------------------------------------- */

enum err git_request_v2_fetch(struct git_client *c)
{
    char hex[OID_HEX_MAX];
    size_t haves = git_client_haves(c);
    put_command(c, "fetch");
    if (haves > 0)
        pkt_put(&c->out, "thin-pack");
    pkt_put(&c->out, "ofs-delta");
    oid_to_hex(c->kind, &c->tip, hex);
    pkt_put(&c->out, "want %s", hex);
    for (size_t i = 0; i < haves; i++) {
        oid_to_hex(c->kind, &c->set.have[i], hex);
        pkt_put(&c->out, "have %s", hex);
    }
    pkt_put(&c->out, "done");
    pkt_put_flush(&c->out);
    return git_client_ask(c, GIT_STATE_V2_SECTION);
}

enum err git_state_v2_section(struct git_client *c, const struct pkt *p)
{
    if (slice_is(p->payload, "packfile")) {
        c->state = GIT_STATE_BAND_PACK;
        return OK;
    }
    if (slice_is(p->payload, "acknowledgments")) {
        c->state = GIT_STATE_V2_ACKS;
        return OK;
    }
    if (slice_is(p->payload, "shallow-info"))
        return git_client_fail(c, ERR_UNSUPPORTED,
                               "the remote is a shallow clone: its history is not whole");
    return git_client_fail_quoting(c, ERR_MALFORMED, "the remote sent no pack but ",
                                   p->kind == PKT_DATA ? p->payload : SLICE("nothing"));
}

/* "done" was sent, so that this section is not due; a remote that sends it all the same goes on
 * with the pack. */
enum err git_state_v2_acks(struct git_client *c, const struct pkt *p)
{
    bool known = slice_is(p->payload, "NAK") || slice_is(p->payload, "ready") ||
                 slice_starts(p->payload, SLICE("ACK "));
    if (p->kind == PKT_DELIM) {
        c->state = GIT_STATE_V2_SECTION;
        return OK;
    }
    if (p->kind != PKT_DATA || !known)
        return git_client_fail(c, ERR_MALFORMED, "the remote's acknowledgments are malformed");
    return git_client_count(c, GIT_HAVE_MAX + 2, "acknowledgments");
}
