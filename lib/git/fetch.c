/*
 * The fetch driver: a connection, its deadlines, and the pure cores between it and the owner.
 *
 *     git://   flow -> protocol            http://   flow -> smart (HTTP) -> protocol
 *
 * The owner may cancel from inside of any handler: the memory is given back when the outermost call
 * from the loop returns.
 */
#include "lib/git/fetch.h"

#include "lib/dial/dial.h"
#include "lib/git/escape.h"
#include "lib/git/protocol.h"
#include "lib/git/smart.h"
#include "signatures/memory.h"
#include "signatures/timer.h"

#define URL_SHOWN_MAX 200 /* of a URL, in a line that says what went wrong */

struct git_fetch {
    struct stack *stack;
    struct git_fetch_events events;
    void *owner;
    char text[GIT_URL_MAX];
    struct git_url url;
    struct oid *have;
    struct git_client client;
    struct git_smart smart; /* http only */
    struct dial *dial;
    struct flow *flow;
    struct timer timer;
    uint64_t deadline; /* of the whole */
    struct buf out;    /* a request, kept until its answer begins: it may have to be sent again */
    size_t sent;       /* of it, taken by the flow */
    bool answered;     /* this flow has carried an answer */
    bool post_due;     /* the client's request goes out when the present exchange has ended */
    bool over;
    unsigned int calls; /* from the loop, not yet returned */
};

static void connect_flow(struct git_fetch *f);
static void lost(struct git_fetch *f, enum err why);

/* --- The end -------------------------------------------------------------------------------- */

static void free_fetch(struct git_fetch *f)
{
    git_client_deinit(&f->client);
    git_smart_deinit(&f->smart);
    buf_deinit(&f->out);
    memory_free(f->have);
    memory_free(f);
}

static void drop_flow(struct git_fetch *f, bool in_good_order)
{
    if (f->dial)
        dial_cancel(f->dial);
    if (f->flow && in_good_order)
        flow_close(f->flow);
    else if (f->flow)
        flow_abort(f->flow);
    f->dial = NULL;
    f->flow = NULL;
}

static void stop(struct git_fetch *f, bool in_good_order)
{
    f->over = true;
    timer_stop(&f->timer);
    drop_flow(f, in_good_order);
}

static void enter(struct git_fetch *f)
{
    f->calls++;
}

static void leave(struct git_fetch *f)
{
    f->calls--;
    if (f->over && f->calls == 0)
        free_fetch(f);
}

/* Tells the owner why, with the URL before the reason. Only from within enter and leave. */
static void end(struct git_fetch *f, enum err why, const char *reason)
{
    struct buf line, url;
    if (f->over)
        return;
    stop(f, why == OK);
    buf_init(&line, GIT_ERROR_MAX);
    buf_init(&url, GIT_URL_MAX);
    git_url_put(&url, &f->url);
    git_put_escaped(&line, slice_take(buf_slice(&url), URL_SHOWN_MAX));
    buf_printf(&line, ": %.*s", GIT_ERROR_MAX - URL_SHOWN_MAX - 2, reason);
    f->events.on_done(f->owner, why, why ? buf_slice(&line) : (struct slice){NULL, 0});
    buf_deinit(&line);
    buf_deinit(&url);
}

void git_fetch_cancel(struct git_fetch *f)
{
    if (f->over)
        return;
    enter(f);
    stop(f, false);
    leave(f);
}

/* --- Time ----------------------------------------------------------------------------------- */

/* Something was heard: the next must come soon. The timer runs, so that starting cannot fail. */
static bool heard(struct git_fetch *f)
{
    uint64_t next = clock_monotonic() + GIT_FETCH_IDLE_SEC * CLOCK_SEC;
    return timer_start(&f->timer, next < f->deadline ? next : f->deadline);
}

static void on_timer(struct timer *t)
{
    struct git_fetch *f = CONTAINER(t, struct git_fetch, timer);
    bool whole = clock_monotonic() >= f->deadline;
    enter(f);
    end(f, ERR_TIMEOUT, whole ? "the fetch takes too long" : "the remote does not answer");
    leave(f);
}

/* --- Sending -------------------------------------------------------------------------------- */

/* A write is taken whole or not at all; one that is refused is followed by on_room. */
static void send_out(struct git_fetch *f)
{
    enum err e = OK;
    while (e == OK && f->sent < f->out.len) {
        size_t room = flow_room(f->flow);
        struct slice part = slice_drop(buf_slice(&f->out), f->sent);
        part = slice_take(part, room > 0 ? room : 1);
        e = flow_write(f->flow, part);
        f->sent += e == OK ? part.len : 0;
    }
    if (e != OK && e != ERR_AGAIN)
        lost(f, e);
}

/* The request in f->out, on this connection, or on a new one. */
static void send_request(struct git_fetch *f)
{
    f->sent = 0;
    if (f->out.err)
        end(f, f->out.err, "no memory for a request");
    else if (f->flow)
        send_out(f);
    else
        connect_flow(f);
}

static void send_get(struct git_fetch *f)
{
    buf_clear(&f->out);
    git_smart_get(&f->smart, &f->out);
    send_request(f);
}

static void send_post(struct git_fetch *f)
{
    f->post_due = false;
    if (!git_smart_keeps(&f->smart))
        drop_flow(f, true);
    buf_clear(&f->out);
    git_smart_post(&f->smart, buf_slice(&f->client.out), &f->out);
    git_client_sent(&f->client);
    send_request(f);
}

/* The client has made a request. Over http it waits for the end of the present exchange. */
static void on_request(struct git_fetch *f)
{
    if (f->url.scheme == GIT_SCHEME_HTTP) {
        f->post_due = true;
        return;
    }
    buf_clear(&f->out);
    buf_put(&f->out, buf_slice(&f->client.out));
    git_client_sent(&f->client);
    send_request(f);
}

/* --- What arrives --------------------------------------------------------------------------- */

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
        end(f, e, err_text(e));
}

static void on_pack(struct git_fetch *f, struct slice bytes)
{
    enum err e = f->events.on_pack(f->owner, bytes);
    if (e != OK && !f->over)
        end(f, e, err_text(e));
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
        end(f, OK, "");
        break;
    }
}

/* Bytes of git's protocol, or none, to see whether there is an event without more of them. Over
 * http, a request ends the exchange: nothing may follow in its answer. */
static void converse(struct git_fetch *f, struct slice in)
{
    struct git_client_event event;
    enum err e = OK;
    while (!f->over && !f->post_due && (e = git_client_next(&f->client, &in, &event)) == OK)
        handle(f, &event);
    if (f->post_due && in.len > 0)
        end(f, ERR_MALFORMED, "the remote sent more than was asked for");
    else if (e != OK && e != ERR_AGAIN)
        end(f, e, git_client_line(&f->client));
}

/* An exchange is whole: the next one, or the end. */
static void exchange_end(struct git_fetch *f)
{
    if (f->post_due) {
        send_post(f);
        return;
    }
    enum err e = git_client_eof(&f->client);
    if (e)
        end(f, e, git_client_line(&f->client));
    else
        converse(f, (struct slice){NULL, 0});
}

static void handle_smart(struct git_fetch *f, const struct git_smart_event *event)
{
    switch (event->what) {
    case GIT_SMART_BODY:
        converse(f, event->bytes);
        break;
    case GIT_SMART_END:
        exchange_end(f);
        break;
    case GIT_SMART_REDIRECT:
        drop_flow(f, true);
        send_get(f);
        break;
    }
}

/* Bytes of HTTP. A new request leaves nothing of the old answer to be read. */
static void exchange(struct git_fetch *f, struct slice in)
{
    struct git_smart_event event;
    enum err e = OK;
    while (!f->over && (e = git_smart_next(&f->smart, &in, &event)) == OK) {
        handle_smart(f, &event);
        if (event.what != GIT_SMART_BODY)
            return;
    }
    if (!f->over && e != ERR_AGAIN)
        end(f, e, f->smart.line);
}

static void pump(struct git_fetch *f, struct slice in)
{
    if (f->url.scheme == GIT_SCHEME_HTTP)
        exchange(f, in);
    else
        converse(f, in);
}

/* --- The flow ------------------------------------------------------------------------------- */

static void on_data(void *owner, struct slice bytes)
{
    struct git_fetch *f = owner;
    enter(f);
    (void)heard(f);
    f->answered = true;
    pump(f, bytes);
    leave(f);
}

static void on_room(void *owner)
{
    struct git_fetch *f = owner;
    enter(f);
    send_out(f);
    leave(f);
}

/* A kept connection may be closed by the remote at any time, also just when we ask again. */
static void ended_in_order(struct git_fetch *f)
{
    bool http = f->url.scheme == GIT_SCHEME_HTTP;
    enum err e = http ? git_smart_eof(&f->smart) : git_client_eof(&f->client);
    if (e == ERR_CLOSED && http && f->answered) {
        drop_flow(f, false);
        http_client_expect(&f->smart.http, false);
        send_request(f);
    } else if (e) {
        end(f, e, http ? f->smart.line : git_client_line(&f->client));
    } else {
        pump(f, (struct slice){NULL, 0});
    }
}

static void on_eof(void *owner)
{
    struct git_fetch *f = owner;
    enter(f);
    ended_in_order(f);
    leave(f);
}

/* Where the stream was cut, its end says nothing of whether all of it came; but a kept connection
 * that the remote had closed answers a new request with a reset. */
static void lost(struct git_fetch *f, enum err why)
{
    bool unanswered = f->url.scheme == GIT_SCHEME_HTTP && f->answered && !f->smart.http.heard;
    if (why == ERR_CLOSED || unanswered)
        ended_in_order(f);
    else
        end(f, why, err_text(why));
}

static void on_end(void *owner, enum err why)
{
    struct git_fetch *f = owner;
    enter(f);
    lost(f, why);
    leave(f);
}

static const struct flow_events flow_handlers = {on_data, on_eof, on_room, on_end};

static void on_dialled(void *owner, enum err why, struct flow *flow)
{
    struct git_fetch *f = owner;
    f->dial = NULL;
    enter(f);
    if (why) {
        end(f, why, why == ERR_NOT_FOUND ? "the host's name is not known" : err_text(why));
    } else {
        f->flow = flow;
        f->answered = false;
        flow_own(flow, &flow_handlers, f);
        send_out(f);
    }
    leave(f);
}

/* The one place where a flow comes from. */
static enum err open_flow(struct git_fetch *f)
{
    const struct git_url *u = f->url.scheme == GIT_SCHEME_HTTP ? &f->smart.url : &f->url;
    return dial_open(f->stack, u->host, u->port, f->timer.deadline, on_dialled, f, &f->dial);
}

static void connect_flow(struct git_fetch *f)
{
    (void)heard(f);
    enum err e = open_flow(f);
    if (e)
        end(f, e, err_text(e));
}

/* --- The start ------------------------------------------------------------------------------ */

static const char *const https_refusal = "a URL with http:// or git:// (https:// is not supported)";

static enum err check_url(struct slice text, struct git_url *url, const char **why)
{
    enum err e = git_url_parse(text, url, why);
    if (e || url->scheme != GIT_SCHEME_HTTPS)
        return e;
    *why = https_refusal;
    return ERR_UNSUPPORTED;
}

const char *git_url_check(struct slice url)
{
    struct git_url parsed;
    const char *why;
    return check_url(url, &parsed, &why) ? why : NULL;
}

/* First request, timer and connection: what can fail at once. */
static enum err start(struct git_fetch *f)
{
    timer_init(&f->timer, on_timer);
    f->deadline = clock_monotonic() + GIT_FETCH_MAX_SEC * CLOCK_SEC;
    if (f->url.scheme == GIT_SCHEME_HTTP)
        git_smart_get(&f->smart, &f->out);
    else
        git_client_greet(&f->out, &f->url);
    if (f->out.err)
        return f->out.err;
    if (!heard(f))
        return ERR_MEMORY;
    return open_flow(f);
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
static void init(struct git_fetch *f, struct slice url, size_t have_count, enum oid_kind have_kind)
{
    const char *why;
    memcpy(f->text, url.ptr, url.len);
    (void)git_url_parse(slice_of(f->text, url.len), &f->url, &why);
    buf_init(&f->out, (size_t)GIT_REQUEST_MAX * 2);
    git_smart_init(&f->smart, &f->url);
    git_client_init(&f->client, &(struct git_client_settings){
                                    .branch = f->url.branch,
                                    .stateless = f->url.scheme == GIT_SCHEME_HTTP,
                                    .have = f->have,
                                    .have_count = have_count,
                                    .have_kind = have_kind,
                                });
}

enum err git_fetch_open(struct stack *stack, struct slice url, const struct oid *have,
                        size_t have_count, enum oid_kind have_kind,
                        const struct git_fetch_events *events, void *owner, struct git_fetch **into,
                        struct buf *error)
{
    const char *why;
    struct git_url parsed;
    enum err e = check_url(url, &parsed, &why);
    if (e) {
        buf_text(error, why);
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
    init(f, url, have_count, have_kind);
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
