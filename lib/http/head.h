/* Parsing of a request's head (RFC 9112, 2 to 5). Private to lib/http. */
#ifndef LIB_HTTP_HEAD_H
#define LIB_HTTP_HEAD_H

#include "lib/http/request.h"

#define HTTP_PARSE_WHOLE 0
#define HTTP_PARSE_MORE  1 /* no status has this number */

/* Reads one head off the front of *in. HTTP_PARSE_WHOLE: *in is what follows it, and r points into
 * it. HTTP_PARSE_MORE: all is well so far, the end is missing; *in is as it was. Anything else: the
 * status with which to refuse it. The answer for a head does not depend on what follows it. */
uint16_t http_parse_head(struct slice *in, struct http_request *r);

/* The parts that other files hold: the forms of a target (target.c) and the meaning of the fields
 * (framing.c). Each returns HTTP_PARSE_WHOLE or a status. */
uint16_t http_parse_target(struct http_request *r);
bool http_authority_valid(struct slice authority);

/* What the fields of one head said, gathered on the way. */
struct http_framing {
    struct slice host;
    uint8_t hosts;    /* how many Host fields */
    uint8_t lengths;  /* how many Content-Length fields */
    uint8_t codings;  /* how many Transfer-Encoding fields */
    bool close;       /* Connection: close */
    bool keep_alive;  /* Connection: keep-alive */
    bool unknown;     /* an expectation that we do not know */
    uint16_t refused; /* the first status that a field's value asks for */
};
void http_framing_note(struct http_framing *f, struct http_request *r,
                       const struct http_field *field);
uint16_t http_framing_end(const struct http_framing *f, struct http_request *r);

#endif
