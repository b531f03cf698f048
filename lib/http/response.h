/* Writing of a response's head (RFC 9112, 4 and 5). Private to lib/http. */
#ifndef LIB_HTTP_RESPONSE_H
#define LIB_HTTP_RESPONSE_H

#include "lib/http/service.h"
#include "runtime/buf.h"

enum http_persistence {
    HTTP_PERSIST_SILENT, /* what the version implies */
    HTTP_PERSIST_KEEP,   /* told to an HTTP/1.0 client that asked for it */
    HTTP_PERSIST_CLOSE
};

struct http_response_head {
    uint16_t status;   /* one of lib/http/status.h */
    struct slice date; /* a whole field line */
    struct slice fields;
    struct slice common; /* the same, of every answer of the service */
    bool has_length;     /* not for 1xx, 204 and 304 */
    uint64_t length;
    enum http_persistence persistence;
};

/* Puts it into b; what went wrong is in b->err. */
void http_response_put(struct buf *b, const struct http_response_head *head);

#endif
