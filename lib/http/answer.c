/* Answering: from a reply to bytes in the flow, and a record of it; see service.h. */
#include "lib/http/internal.h"

#include "lib/http/response.h"
#include "lib/http/status.h"
#include "runtime/panic.h"
#include "signatures/memory.h"

static struct http_connection *connection_of(struct http_exchange *x)
{
    return CONTAINER(x, struct http_connection, exchange);
}

static struct slice field_or_empty(const struct http_request *request, struct slice name)
{
    const struct slice *value = http_field(request, name);
    return value ? *value : (struct slice){NULL, 0};
}

static struct http_story story_of(const struct http_request *request)
{
    return (struct http_story){
        .method = request->method_text,
        .target = request->target,
        .referrer = field_or_empty(request, SLICE("referer")),
        .agent = field_or_empty(request, SLICE("user-agent")),
    };
}

void http_exchange_begin(struct http_connection *c, const struct http_request *request)
{
    struct http_service *s = c->service;
    struct http_exchange *x = &c->exchange;
    x->request = request;
    x->began = s->now;
    x->wall = http_service_wall(s);
    x->head_only = request != NULL && request->method == HTTP_HEAD;
    x->minor = request != NULL ? request->minor : 1;
    x->keep = request != NULL && request->keep_alive && c->requests < s->limits.requests;
    c->phase = HTTP_ANSWERING;
}

static struct slice append(uint8_t **at, struct slice s)
{
    uint8_t *start = *at;
    if (s.len > 0)
        memcpy(start, s.ptr, s.len);
    *at += s.len;
    return slice_of(start, s.len);
}

/* Without memory for it, the record will say less. */
void http_exchange_remember(struct http_connection *c)
{
    const struct http_request *request = c->exchange.request;
    c->exchange.request = NULL;
    if (request == NULL || c->service->handler.on_record == NULL)
        return;
    struct http_story now = story_of(request), *kept;
    kept = memory_alloc(sizeof *kept + now.method.len + now.target.len + now.referrer.len +
                        now.agent.len);
    if (kept == NULL)
        return;
    uint8_t *at = (uint8_t *)(kept + 1);
    kept->method = append(&at, now.method);
    kept->target = append(&at, now.target);
    kept->referrer = append(&at, now.referrer);
    kept->agent = append(&at, now.agent);
    c->exchange.story = kept;
}

static void count_status(struct http_counters *n, uint16_t status)
{
    if (status < 300)
        n->responses_2xx++;
    else if (status < 400)
        n->responses_3xx++;
    else if (status < 500)
        n->responses_4xx++;
    else
        n->responses_5xx++;
}

/* The exchange is over: the last byte was queued, or the client is lost. */
static void record(struct http_connection *c, uint16_t status, uint64_t sent)
{
    struct http_service *s = c->service;
    struct http_exchange *x = &c->exchange;
    count_status(&s->counters, status);
    s->counters.body_bytes += sent;
    if (s->handler.on_record != NULL) {
        struct http_story unknown = {.method = SLICE("-"), .target = SLICE("-")};
        struct http_story now = x->request ? story_of(x->request) : x->story ? *x->story : unknown;
        struct http_record r = {
            .wall = x->wall,
            .took = http_service_tick(s) - x->began,
            .client = c->client,
            .method = now.method,
            .target = now.target,
            .referrer = now.referrer,
            .agent = now.agent,
            .sent = sent,
            .status = status,
        };
        s->handler.on_record(s->owner, &r);
    }
    memory_free(x->story);
    x->story = NULL;
    x->request = NULL;
}

static void give_back(struct loan loan)
{
    if (loan.release != NULL)
        loan.release(loan.arg);
}

/* Queues as much as there is room for; OK: all of it. The loan is the flow's with the body. */
static enum err queue(struct http_connection *c, struct slice *head, struct slice *body,
                      struct loan *loan)
{
    while (head->len > 0) {
        enum err e = flow_write(c->flow, *head);
        size_t n = head->len;
        if (e == ERR_AGAIN && flow_room(c->flow) > 0) { /* even a small flow takes it in the end */
            n = flow_room(c->flow) < n ? flow_room(c->flow) : n - 1;
            e = flow_write(c->flow, slice_take(*head, n));
        }
        if (e != OK)
            return e;
        *head = slice_drop(*head, n);
        c->given += n;
    }
    if (body->len > 0) {
        enum err e = flow_lend(c->flow, *body, *loan);
        if (e != OK)
            return e;
        c->given += body->len;
        body->len = 0;
        *loan = (struct loan){NULL, NULL};
    }
    return OK;
}

static void lost(struct http_connection *c, uint16_t status)
{
    c->service->counters.lost++;
    record(c, status, 0);
}

static void wait_for_room(struct http_connection *c, struct http_waiting what)
{
    struct http_waiting *w = memory_alloc(sizeof *w + what.head.len);
    if (w == NULL) {
        give_back(what.loan);
        lost(c, what.status);
        c->phase = HTTP_READING;
        http_connection_abort(c);
        return;
    }
    *w = what;
    uint8_t *at = (uint8_t *)(w + 1);
    w->head = append(&at, what.head);
    c->waiting = w;
    c->phase = HTTP_SENDING;
    http_exchange_remember(c);
}

/* Sends what is left of an answer, or keeps it; then goes on, or ends. */
static void send(struct http_connection *c, struct http_waiting *w)
{
    uint64_t length = w->body.len;
    struct http_waiting *waited = c->waiting;
    enum err e = queue(c, &w->head, &w->body, &w->loan);
    if (e == ERR_AGAIN) {
        if (waited == NULL)
            wait_for_room(c, *w);
        return;
    }
    c->waiting = NULL;
    give_back(w->loan); /* of a body that was not sent */
    if (e == OK)
        record(c, w->status, length);
    else
        lost(c, w->status);
    bool keep = w->keep && e == OK;
    memory_free(waited);
    http_connection_next(c, keep);
}

void http_exchange_go_on(struct http_connection *c)
{
    send(c, c->waiting);
}

void http_exchange_lost(struct http_connection *c)
{
    struct http_waiting *w = c->waiting;
    c->waiting = NULL;
    c->phase = HTTP_READING;
    give_back(w->loan);
    lost(c, w->status);
    memory_free(w);
}

static bool has_body(const struct http_exchange *x, uint16_t status)
{
    return !x->head_only && status != 204 && status != 304;
}

/* Writes the head into the service's buffer. */
static struct slice write_head(struct http_connection *c, const struct http_reply *reply, bool keep)
{
    struct http_service *s = c->service;
    struct http_response_head head = {
        .status = reply->status,
        .date = slice_of(s->date, sizeof s->date),
        .fields = reply->fields,
        .common = s->handler.fields,
        .has_length = reply->status != 204 && reply->status != 304,
        .length = reply->body.len,
        .persistence = !keep                    ? HTTP_PERSIST_CLOSE
                       : c->exchange.minor == 0 ? HTTP_PERSIST_KEEP
                                                : HTTP_PERSIST_SILENT,
    };
    buf_clear(&s->head);
    http_response_put(&s->head, &head);
    return buf_slice(&s->head);
}

static void answer(struct http_connection *c, const struct http_reply *reply)
{
    struct http_exchange *x = &c->exchange;
    bool keep = x->keep && !reply->close && !c->service->closing;
    struct http_waiting w = {
        .head = write_head(c, reply, keep),
        .body = has_body(x, reply->status) ? reply->body : (struct slice){NULL, 0},
        .loan = reply->loan,
        .status = reply->status,
        .keep = keep,
    };
    if (c->service->head.err != OK) { /* too many fields, or no memory: nothing true can be said */
        give_back(reply->loan);
        lost(c, 500);
        c->phase = HTTP_READING;
        http_connection_abort(c);
        return;
    }
    send(c, &w);
}

void http_answer(struct http_exchange *x, const struct http_reply *reply)
{
    struct http_connection *c = connection_of(x);
    assert_always(c->phase == HTTP_ANSWERING);
    if (!c->inside)
        http_service_tick(c->service);
    if (c->flow != NULL) {
        answer(c, reply);
        return;
    }
    give_back(reply->loan);
    lost(c, reply->status);
    c->phase = HTTP_READING;
    http_connection_end(c);
}

void http_exchange_refuse(struct http_connection *c, const struct http_request *request,
                          uint16_t status)
{
    struct http_service *s = c->service;
    struct http_reply reply = {
        .status = status,
        .fields = SLICE("Content-Type: text/plain\r\n"),
        .body = slice_drop(http_status_line(status), sizeof "HTTP/1.1 " - 1),
    };
    if (s->handler.error_page != NULL)
        s->handler.error_page(s->owner, status, &reply);
    reply.status = status;
    reply.close = true;
    if (status != 408 &&
        status != 503) /* a slow one is none, and neither is one that we have no room for */
        s->counters.malformed++;
    http_exchange_begin(c, request);
    http_answer(&c->exchange, &reply);
}
