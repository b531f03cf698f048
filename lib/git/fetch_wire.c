/*
 * The remote's side of a fetch: a flow, requests out, bytes in; over http, the exchanges that carry
 * them. See fetch_parts.h.
 */
#include "lib/git/fetch_parts.h"

static void lost(struct git_fetch *f, enum err why);

void git_fetch_drop_flow(struct git_fetch *f, bool in_good_order)
{
    if (f->dial)
        dial_cancel(f->dial);
    if (f->handshake)
        tls_cancel(f->handshake);
    if (f->flow && in_good_order)
        flow_close(f->flow);
    else if (f->flow)
        flow_abort(f->flow);
    f->dial = NULL;
    f->handshake = NULL;
    f->flow = NULL;
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

void git_fetch_send(struct git_fetch *f)
{
    enum err e = f->out.err;
    f->sent = 0;
    if (e == OK && f->flow)
        send_out(f);
    else if (e == OK)
        e = git_fetch_connect(f);
    if (e)
        git_fetch_end(f, e, err_text(e));
}

static void send_get(struct git_fetch *f)
{
    buf_clear(&f->out);
    git_smart_get(&f->smart, &f->out);
    git_fetch_send(f);
}

static void send_post(struct git_fetch *f)
{
    f->post_due = false;
    if (!git_smart_keeps(&f->smart))
        git_fetch_drop_flow(f, true);
    buf_clear(&f->out);
    git_smart_post(&f->smart, buf_slice(&f->client.out), &f->out);
    git_client_sent(&f->client);
    git_fetch_send(f);
}

/* --- Exchanges ------------------------------------------------------------------------------ */

/* An exchange is whole: the next one, or the end. */
static void exchange_end(struct git_fetch *f)
{
    if (f->post_due) {
        send_post(f);
        return;
    }
    enum err e = git_client_eof(&f->client);
    if (e)
        git_fetch_end(f, e, git_client_line(&f->client));
    else
        git_fetch_converse(f, (struct slice){NULL, 0});
}

static void handle_smart(struct git_fetch *f, const struct git_smart_event *event)
{
    switch (event->what) {
    case GIT_SMART_BODY:
        git_fetch_converse(f, event->bytes);
        break;
    case GIT_SMART_END:
        exchange_end(f);
        break;
    case GIT_SMART_REDIRECT:
        git_fetch_drop_flow(f, true);
        if (f->smart.url.scheme == GIT_SCHEME_HTTPS && !f->tls)
            git_fetch_end(f, ERR_UNSUPPORTED,
                          "the remote redirects to https://, and nobody is trusted there");
        else
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
        git_fetch_end(f, e, f->smart.line);
}

static void pump(struct git_fetch *f, struct slice in)
{
    if (git_fetch_by_http(f))
        exchange(f, in);
    else
        git_fetch_converse(f, in);
}

/* --- The flow ------------------------------------------------------------------------------- */

static void on_data(void *owner, struct slice bytes)
{
    struct git_fetch *f = owner;
    git_fetch_enter(f);
    (void)git_fetch_heard(f);
    f->answered = true;
    pump(f, bytes);
    git_fetch_leave(f);
}

static void on_room(void *owner)
{
    struct git_fetch *f = owner;
    git_fetch_enter(f);
    send_out(f);
    git_fetch_leave(f);
}

/* A kept connection may be closed by the remote at any time, also just when we ask again. */
static void ended_in_order(struct git_fetch *f)
{
    bool http = git_fetch_by_http(f);
    enum err e = http ? git_smart_eof(&f->smart) : git_client_eof(&f->client);
    if (e == ERR_CLOSED && http && f->answered) {
        git_fetch_drop_flow(f, false);
        http_client_expect(&f->smart.http, false);
        git_fetch_send(f);
    } else if (e) {
        git_fetch_end(f, e, http ? f->smart.line : git_client_line(&f->client));
    } else {
        pump(f, (struct slice){NULL, 0});
    }
}

static void on_eof(void *owner)
{
    struct git_fetch *f = owner;
    git_fetch_enter(f);
    ended_in_order(f);
    git_fetch_leave(f);
}

/* Where the stream was cut, its end says nothing of whether all of it came; but a kept connection
 * that the remote had closed answers a new request with a reset. */
static void lost(struct git_fetch *f, enum err why)
{
    bool unanswered = git_fetch_by_http(f) && f->answered && !f->smart.http.heard;
    if (why == ERR_CLOSED || unanswered)
        ended_in_order(f);
    else
        git_fetch_end(f, why, err_text(why));
}

static void on_end(void *owner, enum err why)
{
    struct git_fetch *f = owner;
    git_fetch_enter(f);
    lost(f, why);
    git_fetch_leave(f);
}

static const struct flow_events flow_handlers = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_room = on_room,
    .on_end = on_end,
};

/* --- The place where flows come from --------------------------------------------------------- */

/* The URL after all redirects. */
static const struct git_url *present_url(const struct git_fetch *f)
{
    return git_fetch_by_http(f) ? &f->smart.url : &f->url;
}

static void take_flow(struct git_fetch *f, struct flow *flow)
{
    f->flow = flow;
    f->answered = false;
    flow_own(flow, &flow_handlers, f);
    if (f->paused)
        flow_pause(flow, true);
    send_out(f);
}

static void on_secured(void *owner, enum err why, const char *reason, struct flow *flow)
{
    struct git_fetch *f = owner;
    f->handshake = NULL;
    git_fetch_enter(f);
    (void)git_fetch_heard(f);
    if (why)
        git_fetch_end(f, why, reason);
    else
        take_flow(f, flow);
    git_fetch_leave(f);
}

static void secure(struct git_fetch *f, struct flow *flow)
{
    enum err e = tls_connect(f->tls, flow, present_url(f)->host, on_secured, f, &f->handshake);
    if (e)
        git_fetch_end(f, e, err_text(e));
}

static void on_dialled(void *owner, enum err why, struct flow *flow)
{
    struct git_fetch *f = owner;
    f->dial = NULL;
    git_fetch_enter(f);
    if (why)
        git_fetch_end(f, why,
                      why == ERR_NOT_FOUND ? "the host's name is not known" : err_text(why));
    else if (present_url(f)->scheme == GIT_SCHEME_HTTPS)
        secure(f, flow);
    else
        take_flow(f, flow);
    git_fetch_leave(f);
}

enum err git_fetch_connect(struct git_fetch *f)
{
    const struct git_url *u = present_url(f);
    if (!git_fetch_heard(f))
        return ERR_MEMORY;
    return dial_open(f->stack, u->host, u->port, f->timer.deadline, on_dialled, f, &f->dial);
}
