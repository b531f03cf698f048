/*
 * A request's head, as a server sees it (RFC 9110, RFC 9112).
 *
 * Slices point into the bytes that were fed or into the parser's own copy: see who hands one out
 * for how long they are valid.
 */
#ifndef LIB_HTTP_REQUEST_H
#define LIB_HTTP_REQUEST_H

#include "runtime/err.h"
#include "runtime/slice.h"

#define HTTP_HEAD_MAX   16384 /* request line and fields, with their line ends */
#define HTTP_METHOD_MAX 32
#define HTTP_TARGET_MAX 8192
#define HTTP_FIELDS_MAX 96

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER /* a valid token that we do not know by name */
};

struct http_field {
    struct slice name;
    struct slice value; /* without the optional white space around it */
};

struct http_request {
    enum http_method method;
    struct slice method_text;
    struct slice target;    /* as it came */
    struct slice path;      /* of the target, still percent-encoded; starts with '/' or is "*" */
    struct slice query;     /* after the '?', without it */
    struct slice authority; /* from Host or an absolute target; empty in HTTP/1.0 without one */
    uint8_t minor;          /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;        /* the client permits another request on this connection */
    bool expect_continue;
    bool chunked;
    uint64_t content_length; /* 0 when chunked */
    struct http_field fields[HTTP_FIELDS_MAX];
    uint32_t field_count;
    uint64_t field_mask; /* of http_field_bit of every name: what is not in it is not there */
};

/* One of 64 bits for a field's name, whatever its case. */
static inline uint64_t http_field_bit(struct slice name)
{
    return name.len ? UINT64_C(1) << ((name.len * 5 + (name.ptr[0] | 0x20u)) & 63) : 0;
}

/* The value of the first field of this name (any case), or NULL. */
const struct slice *http_field(const struct http_request *r, struct slice name);

/* The same of a field that cannot be a list: NULL, too, where there are several of this name. Which of them was
 * meant nobody can know, and another server in between may have taken another one (RFC 9110, 5.3). */
const struct slice *http_field_only(const struct http_request *r, struct slice name);

/* The values of all fields of this name, one by one: start with *at = 0; NULL at the end. A list may
 * be spread over several fields (RFC 9110, 5.3). */
const struct slice *http_field_next(const struct http_request *r, struct slice name, uint32_t *at);

#endif
