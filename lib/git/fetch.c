/*
 * The fetch as a whole: its start, its deadlines, its end, and what its owner is told. See
 * fetch_parts.h.
 */
#include "lib/git/fetch_parts.h"

#include "lib/git/escape.h"
#include "runtime/format.h"
#include "signatures/memory.h"

#define URL_SHOWN_MAX 200 /* of a URL, in a line that says what went wrong */

/* --- The end -------------------------------------------------------------------------------- */

static void free_fetch(struct git_fetch *f)
{
    git_client_deinit(&f->client);
    git_smart_deinit(&f->smart);
    buf_deinit(&f->out);
    memory_free(f->have);
    memory_free(f);
}

static void stop(struct git_fetch *f, bool in_good_order)
{
    f->over = true;
    timer_stop(&f->timer);
    git_fetch_drop_flow(f, in_good_order);
}

void git_fetch_enter(struct git_fetch *f)
{
    f->calls++;
}

void git_fetch_leave(struct git_fetch *f)
{
    f->calls--;
    if (f->over && f->calls == 0)
        free_fetch(f);
}

static void put_line(const struct git_fetch *f, const char *reason, char into[GIT_ERROR_MAX])
{
    struct buf url, shown;
    buf_init(&url, GIT_URL_MAX);
    buf_init(&shown, (size_t)GIT_URL_MAX * 4);
    git_url_put(&url, &f->url);
    git_put_escaped(&shown, buf_slice(&url));
    struct slice start = slice_take(buf_slice(&shown), URL_SHOWN_MAX);
    format_text(into, GIT_ERROR_MAX, "%.*s: %s", SLICE_ARG(start), reason);
    buf_deinit(&url);
    buf_deinit(&shown);
}

void git_fetch_end(struct git_fetch *f, enum err why, const char *reason)
{
    char line[GIT_ERROR_MAX] = "";
    if (f->over)
        return;
    stop(f, why == OK);
    if (why)
        put_line(f, reason, line);
    f->events.on_done(f->owner, why, slice_text(line));
}

void git_fetch_cancel(struct git_fetch *f)
{
    if (f->over)
        return;
    git_fetch_enter(f);
    stop(f, false);
    git_fetch_leave(f);
}

/* --- Time ----------------------------------------------------------------------------------- */

bool git_fetch_heard(struct git_fetch *f)
{
    uint64_t next = clock_monotonic() + GIT_FETCH_IDLE_SEC * CLOCK_SEC;
    return timer_start(&f->timer, next < f->deadline ? next : f->deadline);
}

void git_fetch_pause(struct git_fetch *f, bool paused)
{
    if (f->paused == paused)
        return;
    f->paused = paused;
    if (f->flow)
        flow_pause(f->flow, paused);
    if (!paused)
        (void)git_fetch_heard(f);
}

static void on_timer(struct timer *t)
{
    struct git_fetch *f = CONTAINER(t, struct git_fetch, timer);
    bool whole = clock_monotonic() >= f->deadline;
    if (f->paused && !whole) {
        (void)git_fetch_heard(f);
        return;
    }
    git_fetch_enter(f);
    git_fetch_end(f, ERR_TIMEOUT,
                  whole ? "the fetch takes too long" : "the remote does not answer");
    git_fetch_leave(f);
}

/* --- The conversation ------------------------------------------------------------------------ */

/* The client has made a request. Over http it waits for the end of the present exchange. */
static void on_request(struct git_fetch *f)
{
    if (git_fetch_by_http(f)) {
        f->post_due = true;
        return;
    }
    buf_clear(&f->out);
    buf_put(&f->out, buf_slice(&f->client.out));
    git_client_sent(&f->client);
    git_fetch_send(f);
}

static void on_head(struct git_fetch *f)
{
    struct git_head head = git_client_head(&f->client);
    enum err e = f->events.on_head(f->owner, &head);
    if (f->over)
        return;
    if (e == OK)
        git_client_want(&f->client);
    else if (e == ERR_EXISTS)
        git_client_leave(&f->client);
    else
        git_fetch_end(f, e, err_text(e));
}

static void on_pack(struct git_fetch *f, struct slice bytes)
{
    enum err e = f->events.on_pack(f->owner, bytes);
    if (e != OK && !f->over)
        git_fetch_end(f, e, err_text(e));
}

static void handle(struct git_fetch *f, const struct git_client_event *event)
{
    switch (event->what) {
    case GIT_CLIENT_SEND:
        on_request(f);
        break;
    case GIT_CLIENT_HEAD:
        on_head(f);
        break;
    case GIT_CLIENT_PACK:
        on_pack(f, event->bytes);
        break;
    case GIT_CLIENT_PROGRESS:
        if (f->events.on_progress)
            f->events.on_progress(f->owner, event->bytes);
        break;
    case GIT_CLIENT_DONE:
        git_fetch_end(f, OK, "");
        break;
    }
}

/* Over http, a request ends the exchange: nothing may follow in its answer. */
void git_fetch_converse(struct git_fetch *f, struct slice in)
{
    struct git_client_event event;
    enum err e = OK;
    while (!f->over && !f->post_due && (e = git_client_next(&f->client, &in, &event)) == OK)
        handle(f, &event);
    if (f->post_due && in.len > 0)
        git_fetch_end(f, ERR_MALFORMED, "the remote sent more than was asked for");
    else if (e != OK && e != ERR_AGAIN)
        git_fetch_end(f, e, git_client_line(&f->client));
}

/* --- The start ------------------------------------------------------------------------------ */

const char *git_url_check(struct slice url)
{
    struct git_url parsed;
    const char *wanted;
    return git_url_parse(url, &parsed, &wanted) ? wanted : NULL;
}

bool git_url_is_secure(struct slice url)
{
    struct git_url parsed;
    const char *wanted;
    return git_url_parse(url, &parsed, &wanted) == OK && parsed.scheme == GIT_SCHEME_HTTPS;
}

/* Whether the parts of a remote go together; *line says what does not. */
static enum err check_remote(const struct git_remote *remote, const char **line)
{
    struct git_url url;
    enum err e = git_url_parse(remote->url, &url, line);
    if (e)
        return e;
    if (url.scheme == GIT_SCHEME_HTTPS && !remote->tls) {
        *line = "nobody is trusted who could vouch for a remote at https://";
        return ERR_UNSUPPORTED;
    }
    if (url.scheme != GIT_SCHEME_HTTPS && remote->secret.len > 0) {
        *line = "a password or token is sent to https:// only, where nobody else can read it";
        return ERR_ARGUMENT;
    }
    return OK;
}

/* The first request and the connection: what can fail at once. */
static enum err start(struct git_fetch *f)
{
    timer_init(&f->timer, on_timer);
    f->deadline = clock_monotonic() + GIT_FETCH_MAX_SEC * CLOCK_SEC;
    if (git_fetch_by_http(f))
        git_smart_get(&f->smart, &f->out);
    else
        git_client_greet(&f->out, &f->url);
    if (f->out.err)
        return f->out.err;
    return git_fetch_connect(f);
}

static enum err copy_have(struct git_fetch *f, const struct oid *have, size_t count)
{
    if (count == 0)
        return OK;
    f->have = memory_alloc(count * sizeof(*have));
    if (f->have)
        memcpy(f->have, have, count * sizeof(*have));
    return f->have ? OK : ERR_MEMORY;
}

/* The URL was checked: parsing its copy gives the same parts, of the copy. */
static void init(struct git_fetch *f, const struct git_remote *remote, size_t have_count,
                 enum oid_kind have_kind)
{
    const char *wanted;
    memcpy(f->text, remote->url.ptr, remote->url.len);
    (void)git_url_parse(slice_of(f->text, remote->url.len), &f->url, &wanted);
    f->tls = remote->tls;
    buf_init(&f->out, (size_t)GIT_REQUEST_MAX * 2);
    git_smart_init(&f->smart, &f->url, remote->user, remote->secret);
    git_client_init(&f->client, &(struct git_client_settings){
                                    .branch = f->url.branch,
                                    .stateless = git_fetch_by_http(f),
                                    .have = f->have,
                                    .have_count = have_count,
                                    .have_kind = have_kind,
                                });
}

enum err git_fetch_open(struct stack *stack, const struct git_remote *remote,
                        const struct oid *have, size_t have_count, enum oid_kind have_kind,
                        const struct git_fetch_events *events, void *owner, struct git_fetch **into,
                        struct buf *error)
{
    const char *line;
    enum err e = check_remote(remote, &line);
    if (e) {
        buf_text(error, line);
        return e;
    }
    struct git_fetch *f = memory_zalloc(sizeof(*f));
    if (!f)
        return ERR_MEMORY;
    have_count = have_count < GIT_HAVE_MAX ? have_count : GIT_HAVE_MAX;
    f->stack = stack;
    f->events = *events;
    f->owner = owner;
    e = copy_have(f, have, have_count);
    init(f, remote, have_count, have_kind);
    if (!e)
        e = start(f);
    if (e) {
        buf_text(error, err_text(e));
        timer_stop(&f->timer);
        free_fetch(f);
        return e;
    }
    *into = f;
    return OK;
}
