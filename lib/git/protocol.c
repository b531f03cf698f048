/* The conversation as a whole: from hello to done. See protocol.h. */
#include "lib/git/protocol_states.h"

#include "lib/git/escape.h"
#include "runtime/format.h"

void git_client_init(struct git_client *c, const struct git_client_settings *settings)
{
    *c = (struct git_client){.set = *settings};
    pkt_reader_init(&c->reader);
    buf_init(&c->out, GIT_REQUEST_MAX);
    buf_init(&c->shown, (size_t)GIT_PROGRESS_MAX * 4);
}

void git_client_deinit(struct git_client *c)
{
    pkt_reader_deinit(&c->reader);
    buf_deinit(&c->out);
    buf_deinit(&c->shown);
}

/* version=2 stands behind a second NUL: older daemons look no further than the first part. */
void git_client_greet(struct buf *into, const struct git_url *url)
{
    struct buf line;
    buf_init(&line, PKT_PAYLOAD_MAX);
    buf_text(&line, "git-upload-pack ");
    /* "/~name/x" asks for the home of a user, as "~name/x". */
    struct slice path = slice_drop(url->path, slice_starts(url->path, SLICE("/~")));
    git_url_put_decoded(&line, path);
    buf_put(&line, slice_of("\0host=", 6));
    git_url_put_authority(&line, url);
    buf_put(&line, slice_of("\0\0version=2\0", 12));
    pkt_put_bytes(into, buf_slice(&line));
    if (line.err && !into->err)
        into->err = line.err;
    buf_deinit(&line);
}

/* --- What the states use -------------------------------------------------------------------- */

static void put_line(void *arg, const char *piece, size_t len)
{
    struct git_client *c = arg;
    size_t used = strlen(c->line);
    size_t room = sizeof(c->line) - 1 - used;
    memcpy(c->line + used, piece, len < room ? len : room);
}

enum err git_client_fail(struct git_client *c, enum err why, const char *format, ...)
{
    va_list args;
    memset(c->line, 0, sizeof(c->line));
    va_start(args, format);
    format_to(put_line, c, format, args);
    va_end(args);
    return c->err = why;
}

enum err git_client_fail_quoting(struct git_client *c, enum err why, const char *before,
                                 struct slice quoted)
{
    buf_clear(&c->shown);
    git_put_escaped(&c->shown, slice_take(slice_trim(quoted), GIT_PROGRESS_MAX));
    return git_client_fail(c, why, "%s%.*s", before, SLICE_ARG(buf_slice(&c->shown)));
}

void git_client_tell(struct git_client *c, enum git_client_what what, struct slice bytes)
{
    c->event = (struct git_client_event){what, bytes};
    c->event_due = true;
}

enum err git_client_ask(struct git_client *c, enum git_client_state next)
{
    if (c->out.err)
        return git_client_fail(c, c->out.err, "no memory for a request");
    c->state = next;
    c->lines = 0;
    git_client_tell(c, GIT_CLIENT_SEND, (struct slice){NULL, 0});
    return OK;
}

enum err git_client_count(struct git_client *c, uint32_t max, const char *what)
{
    if (c->lines >= max)
        return git_client_fail(c, ERR_LIMIT, "the remote lists more than %u %s", (unsigned int)max,
                               what);
    c->lines++;
    return OK;
}

static const struct {
    struct slice name;
    enum oid_kind kind;
} formats[] = {{SLICE_INIT("sha1"), OID_SHA1}, {SLICE_INIT("sha256"), OID_SHA256}};

enum err git_client_format(struct git_client *c, struct slice name)
{
    c->can.object_format = true;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (slice_equal(name, formats[i].name)) {
            c->kind = formats[i].kind;
            return OK;
        }
    }
    return git_client_fail_quoting(c, ERR_UNSUPPORTED,
                                   "the remote's object format is unknown: ", name);
}

const char *git_client_format_name(const struct git_client *c)
{
    return c->kind == OID_SHA1 ? "sha1" : "sha256";
}

size_t git_client_haves(const struct git_client *c)
{
    if (c->kind != c->set.have_kind)
        return 0;
    return c->set.have_count < GIT_HAVE_MAX ? c->set.have_count : GIT_HAVE_MAX;
}

/* --- States of both versions ---------------------------------------------------------------- */

static enum err version_line(struct git_client *c, struct slice number)
{
    if (slice_is(number, "2")) {
        c->version = 2;
        c->state = GIT_STATE_V2_CAPABILITIES;
        return OK;
    }
    if (slice_is(number, "1") || slice_is(number, "0")) {
        c->state = GIT_STATE_V0_REFS;
        return OK;
    }
    return git_client_fail_quoting(
        c, ERR_UNSUPPORTED, "the remote speaks an unknown version of git's protocol: ", number);
}

static enum err hello(struct git_client *c, const struct pkt *p)
{
    struct slice version = SLICE("version ");
    if (slice_starts(p->payload, version))
        return version_line(c, slice_drop(p->payload, version.len));
    if (c->set.stateless && slice_is(p->payload, "# service=git-upload-pack")) {
        c->state = GIT_STATE_SERVICE;
        return OK;
    }
    c->state = GIT_STATE_V0_REFS;
    return git_state_v0_refs(c, p);
}

static enum err service(struct git_client *c, const struct pkt *p)
{
    if (p->kind != PKT_FLUSH)
        return git_client_fail(c, ERR_MALFORMED, "the remote's greeting is malformed");
    c->state = GIT_STATE_HELLO;
    return OK;
}

typedef enum err line_state(struct git_client *c, const struct pkt *p);
static line_state *const line_states[] = {
    [GIT_STATE_HELLO] = hello,
    [GIT_STATE_SERVICE] = service,
    [GIT_STATE_V2_CAPABILITIES] = git_state_v2_capabilities,
    [GIT_STATE_V2_REFS] = git_state_v2_refs,
    [GIT_STATE_V2_SECTION] = git_state_v2_section,
    [GIT_STATE_V2_ACKS] = git_state_v2_acks,
    [GIT_STATE_V0_REFS] = git_state_v0_refs,
    [GIT_STATE_V0_ACK] = git_state_v0_ack,
};

static enum err next_line(struct git_client *c, struct slice *in)
{
    struct slice error = SLICE("ERR ");
    struct pkt p;
    enum err e = pkt_line(&c->reader, in, &p);
    if (e == ERR_AGAIN)
        return e;
    if (e)
        return git_client_fail(c, e, "what the remote says is not git's protocol");
    if (p.kind == PKT_RESPONSE_END)
        return git_client_fail(c, ERR_MALFORMED, "the remote sent a packet out of place");
    if (slice_starts(p.payload, error))
        return git_client_fail_quoting(c, ERR_DENIED,
                                       "the remote says: ", slice_drop(p.payload, error.len));
    return line_states[c->state](c, &p);
}

static enum err step(struct git_client *c, struct slice *in)
{
    switch (c->state) {
    case GIT_STATE_DONE:
        git_client_tell(c, GIT_CLIENT_DONE, (struct slice){NULL, 0});
        return OK;
    case GIT_STATE_ASK:
        return ERR_AGAIN;
    case GIT_STATE_BAND_PACK:
        return git_state_band_pack(c, in);
    case GIT_STATE_BARE_PACK:
        return git_state_bare_pack(c, in);
    default:
        return next_line(c, in);
    }
}

/* Every step takes bytes, changes the state, makes an event, or ends the loop. */
enum err git_client_next(struct git_client *c, struct slice *in, struct git_client_event *event)
{
    while (!c->err && !c->event_due) {
        enum err e = step(c, in);
        if (e)
            return e;
    }
    if (c->err)
        return c->err;
    c->event_due = false;
    *event = c->event;
    return OK;
}

enum err git_client_eof(struct git_client *c)
{
    if (c->err)
        return c->err;
    if (c->state == GIT_STATE_DONE)
        return OK;
    if (c->state == GIT_STATE_BARE_PACK && c->pack_bytes > 0) {
        c->state = GIT_STATE_DONE;
        return OK;
    }
    bool pack = c->state == GIT_STATE_BAND_PACK || c->state == GIT_STATE_BARE_PACK;
    return git_client_fail(c, ERR_RESET, "the remote ended the connection %s",
                           pack ? "within the pack" : "before the pack");
}

void git_client_sent(struct git_client *c)
{
    buf_clear(&c->out);
}

struct git_head git_client_head(const struct git_client *c)
{
    bool named = slice_is(slice_text(c->ref), "HEAD") && c->target[0];
    return (struct git_head){c->kind, c->commit, slice_text(named ? c->target : c->ref)};
}

void git_client_want(struct git_client *c)
{
    if (c->version == 2)
        (void)git_request_v2_fetch(c);
    else
        (void)git_request_v0_fetch(c);
}

/* A connection is told that nothing more is asked; an exchange has ended by itself. */
void git_client_leave(struct git_client *c)
{
    c->state = GIT_STATE_DONE;
    if (c->set.stateless)
        return;
    pkt_put_flush(&c->out);
    (void)git_client_ask(c, GIT_STATE_DONE);
}

const char *git_client_line(const struct git_client *c)
{
    return c->line;
}
