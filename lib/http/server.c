/*
 * START -> (BLANK -> START ->) (GATHER ->) LENGTH or CHUNKED -> COMPLETE -> START. One function per state; each returns
 * an event, or PROCEED when the next state has to look first.
 */
#include "lib/http/server.h"

#include "lib/http/head.h"
#include "lib/http/scan.h"

enum state { START, BLANK, GATHER, LENGTH, CHUNKED, COMPLETE, BAD };

#define PROCEED ((enum http_event) - 1)

void http_server_init(struct http_server *s)
{
    *s = (struct http_server){.state = START};
    buf_init(&s->kept, HTTP_HEAD_MAX);
}

void http_server_deinit(struct http_server *s)
{
    buf_deinit(&s->kept);
}

void http_server_forget(struct http_server *s)
{
    if (s->state == START && s->kept.ptr != NULL)
        buf_deinit(&s->kept);
}

bool http_server_busy(const struct http_server *s)
{
    return s->state != START;
}

static enum http_event refuse(struct http_server *s, uint16_t status)
{
    buf_deinit(&s->kept);
    s->status = status;
    s->state = BAD;
    return HTTP_EVENT_BAD;
}

/* One empty line before a request is passed over (RFC 9112, 2.2); a second is no request line. */
static enum http_event blank(struct http_server *s, struct slice *in)
{
    if (in->len == 0)
        return HTTP_EVENT_NEED;
    if (in->ptr[0] != '\n')
        return refuse(s, 400);
    *in = slice_drop(*in, 1);
    s->blank = true;
    s->state = START;
    return PROCEED;
}

static enum http_event head_read(struct http_server *s, struct slice head,
                                 const struct http_request *request)
{
    s->head = head;
    s->blank = false;
    s->waited = false;
    s->left = request->chunked ? UINT64_MAX : request->content_length;
    if (request->chunked)
        http_chunked_init(&s->chunked);
    s->state = request->chunked ? CHUNKED : s->left > 0 ? LENGTH : COMPLETE;
    return s->state == COMPLETE ? PROCEED : HTTP_EVENT_HEAD;
}

static enum http_event start(struct http_server *s, struct slice *in, struct http_request *request)
{
    http_server_forget(s);
    if (in->len == 0)
        return HTTP_EVENT_NEED;
    if (in->ptr[0] == '\r' && !s->blank) {
        *in = slice_drop(*in, 1);
        s->state = BLANK;
        return PROCEED;
    }
    struct slice before = *in;
    uint16_t status = http_parse_head(in, request);
    if (status == HTTP_PARSE_WHOLE)
        return head_read(s, slice_take(before, before.len - in->len), request);
    if (status != HTTP_PARSE_MORE)
        return refuse(s, status);
    s->state = GATHER;
    s->tried = in->len;
    buf_put(&s->kept, *in); /* less than HTTP_HEAD_MAX, or it were refused */
    *in = slice_drop(*in, in->len);
    return s->kept.err == OK ? HTTP_EVENT_NEED : refuse(s, 503);
}

/* Parsing from the front again is worth it when a line may have ended; and now and then otherwise,
 * so that what can be refused is, at a cost that stays in proportion to what came. */
static bool worth_a_try(const struct http_server *s, struct slice added)
{
    return s->kept.len == HTTP_HEAD_MAX || s->kept.len >= 2 * s->tried ||
           scan_value(added) < added.len;
}

static enum http_event gather(struct http_server *s, struct slice *in, struct http_request *request)
{
    struct slice added = slice_take(*in, HTTP_HEAD_MAX - s->kept.len);
    buf_put(&s->kept, added);
    if (s->kept.err != OK)
        return refuse(s, 503);
    *in = slice_drop(*in, added.len);
    if (!worth_a_try(s, added))
        return HTTP_EVENT_NEED;
    struct slice rest = buf_slice(&s->kept);
    uint16_t status = http_parse_head(&rest, request);
    s->tried = s->kept.len;
    if (status == HTTP_PARSE_MORE)
        return HTTP_EVENT_NEED;
    if (status != HTTP_PARSE_WHOLE)
        return refuse(s, status);
    /* What was gathered beyond the head goes back to whom it came from. */
    *in = slice_of(in->ptr - rest.len, in->len + rest.len);
    return head_read(s, slice_take(buf_slice(&s->kept), s->kept.len - rest.len), request);
}

/* The bytes fed will be gone when more of the body comes: the head is copied out of them. */
static enum http_event wait_for_body(struct http_server *s)
{
    s->waited = true;
    if (s->kept.len > 0)
        return HTTP_EVENT_NEED;
    buf_put(&s->kept, s->head);
    if (s->kept.err != OK)
        return refuse(s, 503);
    s->head = buf_slice(&s->kept);
    return HTTP_EVENT_NEED;
}

static enum http_event length(struct http_server *s, struct slice *in, struct slice *body)
{
    if (s->left == 0) {
        s->state = COMPLETE;
        return PROCEED;
    }
    if (in->len == 0)
        return wait_for_body(s);
    *body = slice_take(*in, s->left);
    *in = slice_drop(*in, body->len);
    s->left -= body->len;
    return HTTP_EVENT_BODY;
}

static enum http_event chunked(struct http_server *s, struct slice *in, struct slice *body)
{
    switch (http_chunked_feed(&s->chunked, in, body)) {
    case HTTP_CHUNKED_NEED:
        return wait_for_body(s);
    case HTTP_CHUNKED_DATA:
        return HTTP_EVENT_BODY;
    case HTTP_CHUNKED_DONE:
        s->state = COMPLETE;
        return PROCEED;
    case HTTP_CHUNKED_BAD:
        break;
    }
    return refuse(s, 400);
}

/* While a body was waited for, *request may have been used for other connections: its head is read once more. */
static enum http_event complete(struct http_server *s, struct http_request *request)
{
    struct slice head = s->head;
    s->state = START;
    s->head = (struct slice){NULL, 0};
    if (!s->waited)
        return HTTP_EVENT_COMPLETE;
    return http_parse_head(&head, request) == HTTP_PARSE_WHOLE ? HTTP_EVENT_COMPLETE
                                                               : refuse(s, 400);
}

enum http_event http_server_feed(struct http_server *s, struct slice *in,
                                 struct http_request *request, struct slice *body)
{
    enum http_event event = PROCEED;
    while (event == PROCEED) {
        switch ((enum state)s->state) {
        case START:
            event = start(s, in, request);
            break;
        case BLANK:
            event = blank(s, in);
            break;
        case GATHER:
            event = gather(s, in, request);
            break;
        case LENGTH:
            event = length(s, in, body);
            break;
        case CHUNKED:
            event = chunked(s, in, body);
            break;
        case COMPLETE:
            event = complete(s, request);
            break;
        case BAD:
            event = HTTP_EVENT_BAD;
            break;
        }
    }
    return event;
}
