/*
 * One connection: what its flow tells, its deadlines, its way in and out.
 *
 * Each has one timer, which is not touched while requests come and go: the deadline is only written
 * down, and the timer, when it fires, looks whether it is meant. So a busy connection costs no timer
 * work; a stale look costs little. Between looks at a slow reader send_seconds pass.
 */
#include "lib/http/internal.h"

#include "signatures/memory.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))

void http_connection_set_deadline(struct http_connection *c, uint32_t seconds)
{
    struct http_service *s = c->service;
    c->deadline = s->now + seconds * CLOCK_SEC;
    uint64_t look = MIN(c->deadline, s->now + s->limits.send_seconds * CLOCK_SEC);
    if (look < c->timer.deadline)
        timer_start(&c->timer, look); /* it runs, so it is only moved */
}

static void drop_body(struct http_connection *c)
{
    c->service->gathered -= c->body.len;
    buf_deinit(&c->body);
}

/* The end of the connection's memory; the flow has been given away before. */
static void release(struct http_connection *c)
{
    struct http_service *s = c->service;
    list_remove(&c->link);
    timer_stop(&c->timer);
    task_cancel(&c->resume);
    http_server_deinit(&c->core);
    drop_body(c);
    buf_deinit(&c->backlog);
    memory_free(c->exchange.story);
    pool_give(&s->pool, c);
    http_service_left(s);
}

/* Not before the handler has answered, and not while its bytes are being read. */
static void leave(struct http_connection *c)
{
    c->flow = NULL;
    timer_stop(&c->timer);
    if (c->phase == HTTP_SENDING)
        http_exchange_lost(c);
    c->over = true;
    if (!c->inside && c->phase != HTTP_ANSWERING)
        release(c);
}

void http_connection_end(struct http_connection *c)
{
    if (c->flow != NULL)
        flow_close(c->flow);
    leave(c);
}

void http_connection_abort(struct http_connection *c)
{
    if (c->flow != NULL)
        flow_abort(c->flow);
    leave(c);
}

static void move_to(struct http_connection *c, struct list *l)
{
    list_remove(&c->link);
    list_append(l, &c->link);
    c->busy = l == &c->service->busy;
}

/* What was read so far is dealt with: waits for more, or ends. */
static void settle(struct http_connection *c)
{
    struct http_service *s = c->service;
    if (c->phase != HTTP_READING) {
        if (!c->busy)
            move_to(c, &s->busy);
        flow_pause(c->flow, true);
        return;
    }
    bool busy = http_server_busy(&c->core);
    if (c->eof || (s->closing && !busy)) {
        http_connection_end(c);
        return;
    }
    if (!busy) {
        c->stage = HTTP_STAGE_IDLE;
        move_to(c, &s->idle);
        http_connection_set_deadline(c, s->limits.idle_seconds);
    } else if (c->stage == HTTP_STAGE_IDLE) {
        c->stage = HTTP_STAGE_HEAD;
        move_to(c, &s->asking);
        http_connection_set_deadline(c, s->limits.head_seconds);
    }
}

static void on_head(struct http_connection *c, bool body_is_here)
{
    struct http_service *s = c->service;
    const struct http_request *request = &s->request;
    uint64_t limit = s->handler.body_limit ? s->handler.body_limit(s->owner, request) : 0;
    if (request->content_length > limit) {
        http_exchange_refuse(c, request, 413);
        return;
    }
    buf_init(&c->body, limit < SIZE_MAX ? (size_t)limit : SIZE_MAX);
    c->whole = (struct slice){NULL, 0};
    c->stage = HTTP_STAGE_BODY;
    http_connection_set_deadline(c, s->limits.body_seconds);
    struct slice go_on = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
    if (request->expect_continue && !body_is_here && flow_write(c->flow, go_on) == OK)
        c->given += go_on.len; /* without room, the client goes on by itself after a while */
}

/* A body that is there as a whole is handed on from where it lies. */
static void on_body(struct http_connection *c, struct slice piece)
{
    if (c->body.len == 0 && c->core.left == 0) {
        c->whole = piece;
        return;
    }
    struct http_service *s = c->service;
    size_t before = c->body.len;
    bool crowded = piece.len > HTTP_BODIES_MAX - s->gathered;
    if (!crowded)
        buf_put(&c->body, piece);
    s->gathered += c->body.len - before;
    s->counters.bodies_refused += crowded;
    if (crowded || c->body.err != OK)
        http_exchange_refuse(c, NULL, c->body.err == ERR_LIMIT ? 413 : 503);
}

static void on_complete(struct http_connection *c)
{
    struct http_service *s = c->service;
    bool whole = c->whole.ptr != NULL;
    struct slice body = whole ? c->whole : buf_slice(&c->body);
    c->stage = HTTP_STAGE_IDLE;
    c->requests++;
    s->counters.requests++;
    http_exchange_begin(c, &s->request);
    s->handler.on_request(s->owner, &c->exchange, &s->request, body);
    http_exchange_remember(c);
    http_server_forget(&c->core);
    c->whole = (struct slice){NULL, 0};
    if (c->body.ptr != NULL)
        drop_body(c);
}

/* Reads requests until there is nothing more or one is not answered at once; what is left of *in
 * stays there. False: the connection is gone. */
static bool take(struct http_connection *c, struct slice *in)
{
    enum http_event event = HTTP_EVENT_BODY;
    struct slice piece = {NULL, 0};
    c->inside = true;
    while (c->phase == HTTP_READING && !c->over && event != HTTP_EVENT_NEED) {
        event = http_server_feed(&c->core, in, &c->service->request, &piece);
        if (event == HTTP_EVENT_COMPLETE)
            on_complete(c);
        else if (event == HTTP_EVENT_HEAD)
            on_head(c, in->len > 0);
        else if (event == HTTP_EVENT_BODY)
            on_body(c, piece);
        else if (event == HTTP_EVENT_BAD)
            http_exchange_refuse(c, NULL, http_server_status(&c->core));
    }
    c->inside = false;
    if (!c->over)
        return true;
    if (c->phase != HTTP_ANSWERING)
        release(c);
    return false;
}

static void on_data(void *owner, struct slice bytes)
{
    struct http_connection *c = owner;
    http_service_tick(c->service);
    if (!take(c, &bytes))
        return;
    if (bytes.len > 0) {
        buf_put(&c->backlog, bytes);
        if (c->backlog.err != OK) {
            http_connection_abort(c);
            return;
        }
    }
    settle(c);
}

static void on_resume(struct task *t)
{
    struct http_connection *c = CONTAINER(t, struct http_connection, resume);
    http_service_tick(c->service);
    struct slice rest = slice_drop(buf_slice(&c->backlog), c->backlog_at);
    if (!take(c, &rest))
        return;
    c->backlog_at = c->backlog.len - rest.len;
    if (rest.len == 0) {
        buf_deinit(&c->backlog);
        c->backlog_at = 0;
        if (c->phase == HTTP_READING)
            flow_pause(c->flow, false);
    }
    settle(c);
}

void http_connection_next(struct http_connection *c, bool keep)
{
    c->phase = HTTP_READING;
    if (!keep) {
        http_connection_end(c);
    } else if (!c->inside) {
        if (c->backlog.len > 0) {
            task_post(&c->resume); /* the handler may be anywhere: no request out of its own call */
            return;
        }
        flow_pause(c->flow, false);
        settle(c);
    }
}

static void on_eof(void *owner)
{
    struct http_connection *c = owner;
    c->eof = true; /* what was asked before is still answered */
    if (c->phase == HTTP_READING && c->backlog.len == 0)
        http_connection_end(c);
}

static void on_room(void *owner)
{
    struct http_connection *c = owner;
    http_service_tick(c->service);
    if (c->phase == HTTP_SENDING)
        http_exchange_go_on(c);
}

static void on_end(void *owner, enum err why)
{
    struct http_connection *c = owner;
    (void)why;
    http_service_tick(c->service);
    http_connection_end(c);
}

/* A peer who has left bytes waiting between two looks, without taking any, is stuck. */
static bool stuck(struct http_connection *c)
{
    uint64_t queued = flow_queued(c->flow), taken = c->given - queued;
    bool is = c->pending && taken == c->taken;
    c->taken = taken;
    c->pending = queued > 0;
    return is;
}

static bool look_again(struct http_connection *c, uint64_t when)
{
    if (timer_start(&c->timer, when))
        return true;
    http_connection_abort(c);
    return false;
}

static void on_timer(struct timer *t)
{
    struct http_connection *c = CONTAINER(t, struct http_connection, timer);
    struct http_service *s = c->service;
    uint64_t now = http_service_tick(s), look = now + s->limits.send_seconds * CLOCK_SEC;
    bool reading = c->phase == HTTP_READING && c->backlog.len == 0;
    if (stuck(c)) {
        s->counters.timeouts++;
        http_connection_abort(c);
        return;
    }
    if (c->pending && c->stage == HTTP_STAGE_IDLE) /* it is not idle while it takes an answer */
        c->deadline = now + s->limits.idle_seconds * CLOCK_SEC;
    if (reading && now >= c->deadline && c->stage == HTTP_STAGE_IDLE) {
        http_connection_end(c);
    } else if (reading && now >= c->deadline) {
        s->counters.timeouts++;
        if (look_again(c, look))
            http_exchange_refuse(c, NULL, 408);
    } else {
        look_again(c, reading ? MIN(c->deadline, look) : look);
    }
}

static const struct flow_events EVENTS = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_room = on_room,
    .on_end = on_end,
};

bool http_connection_open(struct http_service *s, struct flow *flow)
{
    struct http_connection *c = pool_take(&s->pool);
    if (c == NULL)
        return false;
    c->service = s;
    c->flow = flow;
    timer_init(&c->timer, on_timer);
    task_init(&c->resume, on_resume);
    list_init(&c->link);
    if (!timer_start(&c->timer, s->now + s->limits.send_seconds * CLOCK_SEC)) {
        pool_give(&s->pool, c);
        return false;
    }
    http_server_init(&c->core);
    buf_init(&c->body, 0);
    buf_init(&c->backlog, SIZE_MAX); /* of one on_data: the flow is paused then */
    if (s->handler.on_record != NULL)
        c->client = flow_peer(flow);
    move_to(c, &s->idle);
    http_connection_set_deadline(c, s->limits.idle_seconds);
    flow_own(flow, &EVENTS, c);
    return true;
}

/* Closes the first of the list. One that still takes its last response is let be: it moves to the end, so that another
 * is looked at next time. */
static bool shed_one(struct http_service *s, struct list *from)
{
    for (int i = 0; i < HTTP_SHED_LOOKS && !list_empty(from); i++) {
        struct http_connection *c = CONTAINER(from->next, struct http_connection, link);
        if (c->phase == HTTP_READING && !c->inside && flow_queued(c->flow) == 0) {
            s->counters.shed++;
            http_connection_end(c);
            return true;
        }
        move_to(c, from);
    }
    return false;
}

/* The longest idle one gives way; where nobody is idle, who has been asking longest. An honest client's request is
 * whole within a round trip: those that come a byte at a time, to take all places, lose theirs to it. */
bool http_connection_shed(struct http_service *s)
{
    return shed_one(s, &s->idle) || shed_one(s, &s->asking);
}
