/*
 * The server's side of one HTTP/1.1 connection: bytes in, requests out (RFC 9112).
 *
 * Pure: no I/O, no clock. A head that is whole in the bytes fed is read in place; only one that comes
 * in pieces is gathered (at most HTTP_HEAD_MAX bytes), and only a request with a body that is not
 * there yet has its head copied. Between requests nothing is held.
 *
 * Feed until HTTP_EVENT_NEED:
 *
 *     struct slice body;
 *     while ((event = http_server_feed(&core, &in, &request, &body)) != HTTP_EVENT_NEED) ...
 *
 * The events of a request are COMPLETE if it has no body, else HEAD, BODY for each piece, COMPLETE.
 */
#ifndef LIB_HTTP_SERVER_H
#define LIB_HTTP_SERVER_H

#include "lib/http/chunked.h"
#include "lib/http/request.h"
#include "runtime/buf.h"

enum http_event {
    HTTP_EVENT_NEED,     /* all of *in is taken */
    HTTP_EVENT_HEAD,     /* *request is understood, and a body follows */
    HTTP_EVENT_BODY,     /* *body is a piece of it, within what *in was */
    HTTP_EVENT_COMPLETE, /* *request is whole */
    HTTP_EVENT_BAD       /* answer with http_server_status and close; stays so */
};

struct http_server {
    struct buf kept;   /* a head that came in pieces, or that waits for its body */
    struct slice head; /* of the present request; in kept or in the bytes fed */
    size_t tried;      /* so many bytes of kept were parsed in vain */
    uint64_t left;     /* of a body with a length; UINT64_MAX: chunked */
    struct http_chunked chunked;
    uint16_t status;
    uint8_t state;
    bool blank;  /* an empty line came before this request */
    bool waited; /* for more of its body */
};

void http_server_init(struct http_server *s);
void http_server_deinit(struct http_server *s);

/* Takes bytes off the front of *in, up to the next event. What *request and *body point to is valid
 * as long as the bytes fed are, and until the next call for this connection. */
enum http_event http_server_feed(struct http_server *s, struct slice *in,
                                 struct http_request *request, struct slice *body);

/* Gives back the memory of the request that COMPLETE told (which is then no longer valid); without
 * effect at other times. The next feed does it at the latest. */
void http_server_forget(struct http_server *s);

/* Whether bytes of a request have been taken whose COMPLETE is still to come. */
bool http_server_busy(const struct http_server *s);

/* The status to refuse with, after HTTP_EVENT_BAD. */
static inline uint16_t http_server_status(const struct http_server *s)
{
    return s->status;
}

#endif
