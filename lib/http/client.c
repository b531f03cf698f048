/* Responses, as they come in: see client.h. One function a state. */
#include "lib/http/client.h"

#include "lib/http/client_head.h"

void http_client_init(struct http_client *c)
{
    *c = (struct http_client){0};
    buf_init(&c->head, HTTP_CLIENT_HEAD_MAX);
}

void http_client_deinit(struct http_client *c)
{
    buf_deinit(&c->head);
}

void http_client_expect(struct http_client *c, bool head_method)
{
    struct buf head = c->head;
    buf_clear(&head);
    *c = (struct http_client){.head = head, .no_body = head_method, .state = HTTP_CLIENT_IN_HEAD};
}

static enum err fail(struct http_client *c, enum err why)
{
    return c->err = why;
}

static void tell(struct http_client_event *event, enum http_client_what what, struct slice bytes)
{
    *event = (struct http_client_event){what, bytes};
}

/* Takes up to the end of the line off *in. */
static struct slice take_line(struct slice *in)
{
    size_t end = slice_find(*in, '\n');
    struct slice part = slice_take(*in, end < in->len ? end + 1 : end);
    *in = slice_drop(*in, part.len);
    return part;
}

/* --- The head ------------------------------------------------------------------------------- */

/* What follows a head, by RFC 9112, 6.3. */
static enum http_client_state after_head(struct http_client *c)
{
    const struct http_response *r = &c->response;
    if (c->no_body || r->status == 204 || r->status == 304)
        return HTTP_CLIENT_AT_END;
    http_chunked_init(&c->chunks);
    if (r->chunked)
        return HTTP_CLIENT_IN_CHUNKS;
    c->left = r->until_close ? UINT64_MAX : r->content_length;
    return c->left > 0 ? HTTP_CLIENT_IN_BODY : HTTP_CLIENT_AT_END;
}

/* An interim response is followed by another. */
static enum err interim(struct http_client *c)
{
    if (c->response.status == 101)
        return fail(c, ERR_MALFORMED);
    if (c->interim >= HTTP_CLIENT_INTERIM_MAX)
        return fail(c, ERR_LIMIT);
    c->interim++;
    c->line_start = 0;
    buf_clear(&c->head);
    return ERR_AGAIN;
}

/* ERR_AGAIN: go on. */
static enum err head_complete(struct http_client *c, struct http_client_event *event)
{
    enum err e = http_client_parse_head(&c->head, &c->response);
    if (e)
        return fail(c, e);
    if (c->response.status < 200)
        return interim(c);
    c->state = after_head(c);
    tell(event, HTTP_CLIENT_HEAD, (struct slice){NULL, 0});
    return OK;
}

static enum err in_head(struct http_client *c, struct slice *in, struct http_client_event *event)
{
    c->heard = true;
    buf_put(&c->head, take_line(in));
    if (c->head.err)
        return fail(c, c->head.err);
    struct slice line = slice_drop(buf_slice(&c->head), c->line_start);
    if (!slice_ends(line, SLICE("\n")))
        return ERR_AGAIN;
    bool empty = slice_is(line, "\n") || slice_is(line, "\r\n");
    if (empty && c->line_start == 0)
        return fail(c, ERR_MALFORMED);
    c->line_start = c->head.len;
    return empty ? head_complete(c, event) : ERR_AGAIN;
}

/* --- The body ------------------------------------------------------------------------------- */

static enum err in_body(struct http_client *c, struct slice *in, struct http_client_event *event)
{
    struct slice bytes = slice_take(*in, c->left);
    *in = slice_drop(*in, bytes.len);
    if (!c->response.until_close)
        c->left -= bytes.len;
    if (c->left == 0)
        c->state = HTTP_CLIENT_AT_END;
    tell(event, HTTP_CLIENT_BODY, bytes);
    return OK;
}

static enum err in_chunks(struct http_client *c, struct slice *in, struct http_client_event *event)
{
    struct slice bytes;
    switch (http_chunked_feed(&c->chunks, in, &bytes)) {
    case HTTP_CHUNKED_DATA:
        tell(event, HTTP_CLIENT_BODY, bytes);
        return OK;
    case HTTP_CHUNKED_DONE:
        c->state = HTTP_CLIENT_AT_END;
        return ERR_AGAIN;
    case HTTP_CHUNKED_BAD:
        return fail(c, ERR_MALFORMED);
    default:
        return ERR_AGAIN;
    }
}

/* --- All together --------------------------------------------------------------------------- */

static enum err step(struct http_client *c, struct slice *in, struct http_client_event *event)
{
    switch (c->state) {
    case HTTP_CLIENT_IN_HEAD:
        return in_head(c, in, event);
    case HTTP_CLIENT_IN_BODY:
        return in_body(c, in, event);
    case HTTP_CLIENT_IN_CHUNKS:
        return in_chunks(c, in, event);
    default:
        return fail(c, ERR_ARGUMENT);
    }
}

enum err http_client_next(struct http_client *c, struct slice *in, struct http_client_event *event)
{
    if (c->err)
        return c->err;
    while (in->len > 0 && c->state != HTTP_CLIENT_AT_END && c->state != HTTP_CLIENT_IDLE) {
        enum err e = step(c, in, event);
        if (e != ERR_AGAIN)
            return e;
    }
    if (c->state != HTTP_CLIENT_AT_END)
        return c->state == HTTP_CLIENT_IDLE && in->len > 0 ? fail(c, ERR_MALFORMED) : ERR_AGAIN;
    c->state = HTTP_CLIENT_IDLE;
    tell(event, HTTP_CLIENT_END, (struct slice){NULL, 0});
    return OK;
}

enum err http_client_eof(struct http_client *c)
{
    if (c->err)
        return c->err;
    if (c->state == HTTP_CLIENT_IN_BODY && c->response.until_close)
        c->state = HTTP_CLIENT_AT_END;
    if (c->state == HTTP_CLIENT_AT_END)
        return OK;
    return fail(c, c->heard && c->state != HTTP_CLIENT_IDLE ? ERR_RESET : ERR_CLOSED);
}
