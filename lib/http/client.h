/*
 * The client's side of HTTP/1.1 (RFC 9110, RFC 9112), as a pure core: requests are written into a
 * buffer, responses are read from bytes in any pieces.
 *
 *     http_client_expect, feed -> http_client_next -> HEAD   status and fields
 *                                                     BODY   a part of the input, without framing
 *                                                     END    the response is whole
 *
 * Interim responses (1xx) are skipped. Content-Length, chunked, or until the connection ends.
 */
#ifndef LIB_HTTP_CLIENT_H
#define LIB_HTTP_CLIENT_H

#include "lib/http/chunked.h"
#include "lib/http/request.h"
#include "runtime/buf.h"

#define HTTP_CLIENT_HEAD_MAX    32768 /* status line and fields */
#define HTTP_CLIENT_INTERIM_MAX 16    /* interim responses before the final one */

struct http_response {
    uint16_t status;
    uint8_t minor;           /* HTTP/1.minor */
    bool keep_alive;         /* the connection may carry another request after END */
    bool chunked;            /* the body is in chunks */
    bool until_close;        /* the body ends with the connection */
    uint64_t content_length; /* otherwise */
    struct http_field fields[HTTP_FIELDS_MAX];
    uint32_t field_count;
};

enum http_client_what { HTTP_CLIENT_HEAD, HTTP_CLIENT_BODY, HTTP_CLIENT_END };

struct http_client_event {
    enum http_client_what what;
    struct slice bytes; /* BODY: not empty; valid as long as the input */
};

enum http_client_state {
    HTTP_CLIENT_IDLE,
    HTTP_CLIENT_IN_HEAD,
    HTTP_CLIENT_IN_BODY, /* of a length, or until the end of the connection */
    HTTP_CLIENT_IN_CHUNKS,
    HTTP_CLIENT_AT_END
};

struct http_client {
    enum http_client_state state;
    bool no_body;      /* the request was HEAD */
    bool heard;        /* of the present response, a byte at least */
    uint32_t interim;  /* responses skipped */
    struct buf head;   /* bytes of the head, to which the response's slices point */
    size_t line_start; /* in head, of the line that is being read */
    uint64_t left;     /* of the body */
    struct http_chunked chunks;
    struct http_response response; /* valid from HEAD to END */
    enum err err;                  /* latched, until http_client_expect */
};

void http_client_init(struct http_client *c);
void http_client_deinit(struct http_client *c);

/* A request was sent (whether its method is HEAD): its response is read from now on. */
void http_client_expect(struct http_client *c, bool head_method);

/* The next event from *in. ERR_AGAIN: all of *in was taken, feed more. After END nothing more is
 * taken until the next http_client_expect. Errors: ERR_MALFORMED, ERR_LIMIT, ERR_UNSUPPORTED (a
 * transfer coding, another major version), ERR_MEMORY. */
enum err http_client_next(struct http_client *c, struct slice *in, struct http_client_event *event);

/* The connection has ended. OK: END is what http_client_next says next. ERR_CLOSED: before the
 * first byte of a response (a kept connection may do that: try again on a new one). ERR_RESET:
 * within a response. */
enum err http_client_eof(struct http_client *c);

/* The value of the response's first field of this name (any case), or NULL. */
const struct slice *http_response_field(const struct http_response *r, struct slice name);

/* Writing a request: its line and Host, any fields, the empty line. What must not stand in a head
 * (a line end, say) makes the buffer's err ERR_ARGUMENT. */
void http_client_put_request(struct buf *b, const char *method, struct slice target,
                             struct slice authority);
void http_client_put_field(struct buf *b, const char *name, struct slice value);
void http_client_put_end(struct buf *b);

#endif
