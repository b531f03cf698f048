/* See incoming.h. */
#include "apps/canopy/incoming.h"

#include "lib/git/bundle.h"
#include "runtime/format.h"
#include "runtime/log.h"

#define BAKED_PIECE (64u << 10) /* of content in the image, taken in at once */

static void set_line(struct content *c, struct slice line)
{
    format_text(c->line, sizeof(c->line), "%.*s", SLICE_ARG(line));
}

/* Opens the store for what comes: the present one, or a fresh one where that is of no use. */
static enum err open_incoming(struct content *c, enum oid_kind kind)
{
    if (c->store && !c->whole && store_kind(c->store) == kind) {
        c->incoming = c->store;
        return OK;
    }
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.work_bytes = CONTENT_WORK_BYTES_MAX;
    limits.chain_bytes = CONTENT_CHAIN_BYTES_MAX;
    limits.turn_bytes = CONTENT_TURN_BYTES;
    limits.secret = c->options.secret;
    c->incoming = store_open(kind, &limits);
    return c->incoming ? OK : ERR_MEMORY;
}

static enum err on_head(void *owner, const struct git_head *head)
{
    struct content *c = owner;
    if (c->store && !c->whole && store_kind(c->store) == head->kind &&
        oid_equal(&c->history.commit, &head->commit))
        return ERR_EXISTS;
    char hex[OID_HEX_MAX];
    oid_to_hex(head->kind, &head->commit, hex);
    log_info("content", "fetching %.*s at %.10s", SLICE_ARG(head->ref), hex);
    c->commit = head->commit;
    enum err e = open_incoming(c, head->kind);
    return e == OK ? store_pack_begin(c->incoming, &c->pack) : e;
}

static void report_progress(struct content *c)
{
    struct store_progress p = store_pack_progress(c->pack);
    if (!content_is_slow(c))
        return;
    if (p.received < p.objects)
        log_info("content", "receiving: %u of %u objects, %llu KiB", p.received, p.objects,
                 (unsigned long long)(p.bytes >> 10));
    else
        log_info("content", "unpacking: %u of %u objects", p.resolved, p.objects);
}

/* --- the pack --- */

/* All of it was fed, or it was refused: its own line says more than the conversation's. */
static void end_pack(struct content *c)
{
    struct buf error;
    buf_init(&error, CONTENT_LINE_MAX);
    report_progress(c);
    enum err e = store_pack_end(c->pack, &error);
    if (e != ERR_AGAIN)
        c->pack = NULL;
    if (e == OK)
        (void)store_peel(c->incoming, &c->commit); /* if not, there is more to say of it */
    if (e != OK && e != ERR_AGAIN)
        format_text(c->line, sizeof(c->line), "%s is refused: %.*s",
                    c->baked.ptr ? "the content in the image" : "the remote's pack",
                    SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    if (e == ERR_AGAIN)
        content_go_on(c, end_pack);
    else if (e == OK)
        content_build(c);
    else
        content_finish(c, e);
}

/* Takes in what the last turns left, while the remote waits. */
static void take_in(struct content *c)
{
    enum err e = store_pack_feed(c->pack, (struct slice){NULL, 0});
    report_progress(c);
    if (e == ERR_AGAIN) {
        content_go_on(c, take_in);
    } else if (e == OK) {
        git_fetch_pause(c->fetch, false);
    } else {
        git_fetch_cancel(c->fetch);
        c->fetch = NULL;
        end_pack(c);
    }
}

/* Much may come in pieces, at once: they share a turn, which ends when they have been told. */
static enum err on_pack(void *owner, struct slice bytes)
{
    struct content *c = owner;
    enum err e = store_pack_feed(c->pack, bytes);
    c->refused = e != OK && e != ERR_AGAIN;
    if (c->refused)
        return e;
    if (e == ERR_AGAIN)
        git_fetch_pause(c->fetch, true);
    content_go_on(c, take_in);
    return OK;
}

static void on_progress(void *owner, struct slice line)
{
    (void)owner;
    log_debug("content", "remote: %.*s", SLICE_ARG(line));
}

static void on_done(void *owner, enum err why, struct slice line)
{
    struct content *c = owner;
    c->fetch = NULL;
    task_cancel(&c->turn);
    set_line(c, line);
    if (why == OK && !c->pack)
        set_line(c, SLICE("nothing new at the remote"));
    if (c->pack && (why == OK || c->refused))
        end_pack(c);
    else
        content_finish(c, why);
}

static const struct git_fetch_events fetch_events = {
    .on_head = on_head,
    .on_pack = on_pack,
    .on_progress = on_progress,
    .on_done = on_done,
};

enum err incoming_fetch(struct content *c)
{
    c->refused = false;
    bool based = c->store && !c->whole;
    struct buf error;
    struct git_remote remote = {
        .url = c->settings->remote,
        .user = c->settings->remote_user,
        .secret = c->settings->remote_token,
    };
    buf_init(&error, CONTENT_LINE_MAX);
    enum err e = trust_client(c->trust, &remote.tls);
    if (e == OK)
        e = git_fetch_open(c->stack, &remote, &c->history.commit, based ? 1 : 0,
                           based ? store_kind(c->store) : OID_SHA1, &fetch_events, c, &c->fetch,
                           &error);
    if (e != OK)
        format_text(c->line, sizeof(c->line), "cannot fetch: %.*s",
                    error.len ? (int)error.len : (int)strlen(err_text(e)),
                    error.len ? (const char *)error.ptr : err_text(e));
    buf_deinit(&error);
    return e;
}

/* The bundle's HEAD, or else its first branch. */
static bool bundle_commit(const struct git_bundle *bundle, struct oid *into)
{
    struct git_bundle_ref ref;
    struct slice rest = bundle->refs;
    bool found = false;
    while (git_bundle_next(bundle->kind, &rest, &ref)) {
        bool head = slice_is(ref.name, "HEAD");
        if (head || !found)
            *into = ref.oid;
        found = true;
        if (head)
            break;
    }
    return found;
}

static void take_baked(struct content *c)
{
    struct slice piece = slice_take(c->baked, BAKED_PIECE);
    enum err e = store_pack_feed(c->pack, piece);
    if (e == ERR_AGAIN) /* kept */
        e = store_pack_feed(c->pack, (struct slice){NULL, 0});
    c->baked = slice_drop(c->baked, piece.len);
    report_progress(c);
    if ((e == OK || e == ERR_AGAIN) && c->baked.len > 0)
        content_go_on(c, take_baked);
    else
        end_pack(c);
}

enum err incoming_baked(struct content *c, struct slice bytes)
{
    struct git_bundle bundle;
    enum err e = git_bundle_parse(bytes, &bundle);
    if (e == OK && !bundle_commit(&bundle, &c->commit))
        e = ERR_NOT_FOUND;
    if (e == OK)
        e = open_incoming(c, bundle.kind);
    if (e == OK)
        e = store_pack_begin(c->incoming, &c->pack);
    if (e == OK) {
        c->baked = bundle.pack;
        content_go_on(c, take_baked);
    } else {
        format_text(c->line, sizeof(c->line), "cannot read the content in the image: %s",
                    err_text(e));
    }
    return e;
}
