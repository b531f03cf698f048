/*
 * Protocol v0, and v1, which is v0 after a line "version 1" (gitprotocol-pack): the remote lists all
 * its refs, its capabilities behind a NUL on the first; the request answers with what is wanted.
 */
#include "lib/git/protocol_states.h"

static enum err capability(struct git_client *c, struct slice text)
{
    struct slice name, value, head = SLICE("HEAD:");
    slice_cut(text, '=', &name, &value);
    if (slice_is(name, "object-format"))
        return git_client_format(c, value);
    if (slice_is(name, "symref") && slice_starts(value, head))
        git_client_symref(c, slice_drop(value, head.len));
    c->can.agent |= slice_is(name, "agent");
    c->can.side_band |= slice_is(name, "side-band");
    c->can.side_band_64k |= slice_is(name, "side-band-64k");
    c->can.ofs_delta |= slice_is(name, "ofs-delta");
    c->can.thin_pack |= slice_is(name, "thin-pack");
    return OK;
}

static enum err capabilities(struct git_client *c, struct slice list)
{
    struct slice one;
    while (list.len > 0) {
        slice_cut(list, ' ', &one, &list);
        if (capability(c, one))
            return c->err;
    }
    return OK;
}

static enum err ref_line(struct git_client *c, struct slice line)
{
    struct slice id, name, peeled = SLICE("^{}");
    slice_cut(line, ' ', &id, &name);
    if (slice_is(id, "shallow"))
        return git_client_fail(c, ERR_UNSUPPORTED,
                               "the remote is a shallow clone: its history is not whole");
    if (slice_is(name, "capabilities^{}"))
        return OK;
    if (slice_ends(name, peeled))
        return git_client_peeled(c, slice_take(name, name.len - peeled.len), id);
    return git_client_ref(c, name, id);
}

enum err git_state_v0_refs(struct git_client *c, const struct pkt *p)
{
    struct slice line, list;
    if (p->kind == PKT_FLUSH)
        return git_client_refs_end(c);
    if (p->kind != PKT_DATA)
        return git_client_fail(c, ERR_MALFORMED, "the remote's list of refs is malformed");
    if (slice_cut(p->payload, '\0', &line, &list) && c->lines == 0 && capabilities(c, list))
        return c->err;
    if (git_client_count(c, GIT_REFS_MAX, "refs"))
        return c->err;
    return ref_line(c, line);
}

/* --- The request ---------------------------------------------------------------------------- */

/* What is used of what the remote offers, one after the other behind the first "want". That has to name what
 * was listed: a tag, not the commit behind it. */
static void put_want(struct git_client *c, size_t haves)
{
    char hex[OID_HEX_MAX];
    const char *band = c->can.side_band_64k ? " side-band-64k"
                       : c->can.side_band   ? " side-band"
                                            : "";
    const char *thin = c->can.thin_pack && haves > 0 ? " thin-pack" : "";
    const char *deltas = c->can.ofs_delta ? " ofs-delta" : "";
    const char *format = c->can.object_format ? " object-format=" : "";
    const char *format_name = c->can.object_format ? git_client_format_name(c) : "";
    const char *agent = c->can.agent ? " agent=" GIT_AGENT : "";
    oid_to_hex(c->kind, &c->tip, hex);
    pkt_put(&c->out, "want %s%s%s%s%s%s%s", hex, band, thin, deltas, format, format_name, agent);
}

enum err git_request_v0_fetch(struct git_client *c)
{
    char hex[OID_HEX_MAX];
    size_t haves = git_client_haves(c);
    put_want(c, haves);
    pkt_put_flush(&c->out);
    for (size_t i = 0; i < haves; i++) {
        oid_to_hex(c->kind, &c->set.have[i], hex);
        pkt_put(&c->out, "have %s", hex);
    }
    pkt_put(&c->out, "done");
    return git_client_ask(c, GIT_STATE_V0_ACK);
}

/* Without multi_ack there is exactly one answer to a run of haves and "done": the first commit that
 * both have, or NAK. */
enum err git_state_v0_ack(struct git_client *c, const struct pkt *p)
{
    if (!slice_is(p->payload, "NAK") && !slice_starts(p->payload, SLICE("ACK ")))
        return git_client_fail(c, ERR_MALFORMED, "the remote did not answer what was asked");
    c->state = c->can.side_band_64k || c->can.side_band ? GIT_STATE_BAND_PACK : GIT_STATE_BARE_PACK;
    return OK;
}
