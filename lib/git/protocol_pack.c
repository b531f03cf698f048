/*
 * The pack as it comes in: bare, or as one band of three (gitprotocol-pack, "Packfile Data").
 *
 * Bytes of the pack are parts of the input: nothing is copied here.
 */
#include "lib/git/escape.h"
#include "lib/git/protocol_states.h"

enum { BAND_PACK = 1, BAND_PROGRESS = 2, BAND_ERROR = 3 };

static enum err pack_bytes(struct git_client *c, struct slice bytes)
{
    if (bytes.len > GIT_PACK_BYTES_MAX - c->pack_bytes)
        return git_client_fail(c, ERR_LIMIT, "the pack is larger than %u MiB",
                               (unsigned int)(GIT_PACK_BYTES_MAX >> 20));
    c->pack_bytes += bytes.len;
    git_client_tell(c, GIT_CLIENT_PACK, bytes);
    return OK;
}

enum err git_state_bare_pack(struct git_client *c, struct slice *in)
{
    struct slice bytes = *in;
    if (bytes.len == 0)
        return ERR_AGAIN;
    *in = slice_drop(*in, bytes.len);
    return pack_bytes(c, bytes);
}

static void gather(struct git_client *c, struct slice text)
{
    struct slice part = slice_take(text, sizeof(c->text) - c->text_len);
    if (part.len > 0)
        memcpy(c->text + c->text_len, part.ptr, part.len);
    c->text_len += part.len;
}

/* Lines end in LF, or in CR where the next one takes their place. */
static enum err progress(struct git_client *c, struct slice *in)
{
    struct slice here = slice_take(*in, c->reader.left);
    size_t lf = slice_find(here, '\n'), cr = slice_find(here, '\r');
    size_t end = lf < cr ? lf : cr;
    gather(c, slice_take(here, end));
    (void)pkt_piece(&c->reader, in, end + 1);
    if (end == here.len)
        return OK;
    buf_clear(&c->shown);
    git_put_escaped(&c->shown, slice_trim(slice_of(c->text, c->text_len)));
    c->text_len = 0;
    if (c->shown.len > 0)
        git_client_tell(c, GIT_CLIENT_PROGRESS, buf_slice(&c->shown));
    return OK;
}

static enum err remote_error(struct git_client *c, struct slice *in)
{
    gather(c, pkt_piece(&c->reader, in, SIZE_MAX));
    if (c->reader.left > 0)
        return OK;
    return git_client_fail_quoting(c, ERR_IO,
                                   "the remote failed: ", slice_of(c->text, c->text_len));
}

static enum err next_packet(struct git_client *c, struct slice *in)
{
    enum pkt_kind kind;
    enum err e = pkt_head(&c->reader, in, &kind);
    if (e == ERR_AGAIN)
        return e;
    if (!e && kind == PKT_FLUSH && c->pack_bytes > 0) {
        c->state = GIT_STATE_DONE;
        return OK;
    }
    if (e || kind != PKT_DATA || c->reader.left == 0)
        return git_client_fail(c, ERR_MALFORMED, "the remote sent something else within the pack");
    c->band = 0;
    return OK;
}

/* The first byte of each packet says which band it is of; a packet of the pack's band with nothing
 * else keeps the connection alive. */
static enum err read_band(struct git_client *c, struct slice *in)
{
    struct slice one = pkt_piece(&c->reader, in, 1);
    c->band = one.ptr[0];
    if (c->band == BAND_ERROR)
        c->text_len = 0;
    if (c->band == BAND_ERROR && c->reader.left == 0)
        return remote_error(c, in);
    if (c->band < BAND_PACK || c->band > BAND_ERROR)
        return git_client_fail(c, ERR_MALFORMED, "the remote sent a band that does not exist");
    return OK;
}

enum err git_state_band_pack(struct git_client *c, struct slice *in)
{
    if (c->reader.left == 0)
        return next_packet(c, in);
    if (in->len == 0)
        return ERR_AGAIN;
    if (c->band == 0)
        return read_band(c, in);
    if (c->band == BAND_PROGRESS)
        return progress(c, in);
    if (c->band == BAND_ERROR)
        return remote_error(c, in);
    return pack_bytes(c, pkt_piece(&c->reader, in, SIZE_MAX));
}
