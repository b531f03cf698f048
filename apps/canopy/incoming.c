/* See incoming.h. */
#include "apps/canopy/incoming.h"

#include "lib/git/bundle.h"
#include "runtime/format.h"
#include "runtime/log.h"
#include "signatures/clock.h"

static void set_line(struct content *c, struct slice line)
{
    format_text(c->line, sizeof(c->line), "%.*s", SLICE_ARG(line));
}

/* Opens the store for what comes: the present one, or a fresh one where that is of no use. */
static enum err open_incoming(struct content *c, enum oid_kind kind)
{
    if (c->store && c->site && !c->whole && store_kind(c->store) == kind) {
        c->incoming = c->store;
        return OK;
    }
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.work_bytes = CONTENT_WORK_BYTES_MAX;
    c->incoming = store_open(kind, &limits);
    return c->incoming ? OK : ERR_MEMORY;
}

static enum err on_head(void *owner, const struct git_head *head)
{
    struct content *c = owner;
    if (c->site && !c->whole && store_kind(c->store) == head->kind &&
        oid_equal(&c->history.commit, &head->commit))
        return ERR_EXISTS;
    char hex[OID_HEX_MAX];
    oid_to_hex(head->kind, &head->commit, hex);
    log_info("content", "fetching %.*s at %.10s", SLICE_ARG(head->ref), hex);
    c->commit = head->commit;
    enum err e = open_incoming(c, head->kind);
    return e == OK ? store_pack_begin(c->incoming, &c->pack) : e;
}

static void fetch_progress(struct content *c)
{
    uint64_t now = clock_monotonic();
    if (now - c->progress_said < CLOCK_SEC)
        return;
    c->progress_said = now;
    struct store_progress p = store_pack_progress(c->pack);
    log_info("content", "receiving: %u of %u objects, %llu KiB", p.received, p.objects,
             (unsigned long long)(p.bytes >> 10));
}

static enum err on_pack(void *owner, struct slice bytes)
{
    struct content *c = owner;
    enum err e = store_pack_feed(c->pack, bytes);
    if (e == OK)
        fetch_progress(c);
    return e;
}

static void on_progress(void *owner, struct slice line)
{
    (void)owner;
    log_debug("content", "remote: %.*s", SLICE_ARG(line));
}

/* The pack is whole, or was refused: its own line says more than the conversation's. */
static enum err end_pack(struct content *c, enum err why)
{
    struct buf error;
    buf_init(&error, CONTENT_LINE_MAX);
    enum err e = store_pack_end(c->pack, &error);
    c->pack = NULL;
    if (e != OK && (why == OK || why == e))
        format_text(c->line, sizeof(c->line), "the remote's pack is refused: %.*s",
                    SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    return why == OK ? e : why;
}

static void on_done(void *owner, enum err why, struct slice line)
{
    struct content *c = owner;
    c->fetch = NULL;
    set_line(c, line);
    if (c->pack)
        why = end_pack(c, why);
    else if (why == OK) {
        format_text(c->line, sizeof(c->line), "nothing new at the remote");
        content_finish(c, OK);
        return;
    }
    if (why == OK)
        why = content_build(c);
    if (why != OK)
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
    bool based = c->site && !c->whole;
    struct buf error;
    buf_init(&error, CONTENT_LINE_MAX);
    const struct git_remote remote = {
        .url = c->settings->remote,
        .tls = c->tls,
        .user = c->settings->remote_user,
        .secret = c->settings->remote_token,
    };
    enum err e = git_fetch_open(c->stack, &remote, &c->history.commit, based ? 1 : 0,
                                based ? store_kind(c->store) : OID_SHA1, &fetch_events, c,
                                &c->fetch, &error);
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

enum err incoming_baked(struct content *c, struct slice bytes)
{
    struct git_bundle bundle;
    enum err e = git_bundle_parse(bytes, &bundle);
    if (e == OK && !bundle_commit(&bundle, &c->commit))
        e = ERR_NOT_FOUND;
    if (e != OK) {
        format_text(c->line, sizeof(c->line), "the content in the image is no git bundle: %s",
                    err_text(e));
        return e;
    }
    e = open_incoming(c, bundle.kind);
    if (e == OK)
        e = store_pack_begin(c->incoming, &c->pack);
    if (e == OK)
        e = store_pack_feed(c->pack, bundle.pack);
    if (c->pack)
        e = end_pack(c, e);
    if (e != OK && !c->line[0])
        format_text(c->line, sizeof(c->line), "cannot read the content in the image: %s",
                    err_text(e));
    return e;
}
