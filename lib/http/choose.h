/*
 * Choose: which form of a resource answers a request (RFC 9110, sections 12 to 14).
 *
 * Content coding (identity or gzip), preconditions in their order of precedence (13.2.2), one range:
 * a request for more gets the whole (14.2).
 */
#ifndef LIB_HTTP_CHOOSE_H
#define LIB_HTTP_CHOOSE_H

#include "lib/http/request.h"

/* A finished representation: strong entity tags with their quotes. */
struct http_resource {
    struct slice etag;      /* of the identity form */
    struct slice gzip_etag; /* empty: there is no gzip form */
    int64_t modified;       /* seconds since 1970; 0: not known */
    uint64_t length;        /* of the identity form */
    bool ranges;            /* whether Range is honoured (identity form only) */
};

struct http_choice {
    uint16_t status; /* 200, 206, 304, 412, 416 */
    bool gzip;
    uint64_t first; /* 206: the part, in bytes of the identity form */
    uint64_t length;
};

/* For GET and HEAD. now: wall clock seconds. */
struct http_choice http_choose(const struct http_request *request,
                               const struct http_resource *resource, int64_t now);

/* Whether Accept-Encoding (RFC 9110, 12.5.3) prefers gzip to identity at least equally. */
bool http_accepts_gzip(const struct http_request *request);

#endif
