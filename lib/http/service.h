/*
 * Service: an HTTP server over a stack: connections, deadlines, limits, one handler.
 *
 * A driver of the pure core in lib/http/server.h over signatures (stack, timer, clock). It keeps
 * the rules of the protocol (framing, HEAD, Date, Connection, 100-continue, errors before a request
 * is understood); the handler only answers requests.
 */
#ifndef LIB_HTTP_SERVICE_H
#define LIB_HTTP_SERVICE_H

#include "lib/http/request.h"
#include "signatures/flow.h"
#include "signatures/stack.h"

struct http_service;  /* opaque */
struct http_exchange; /* opaque: one request being answered */

struct http_limits {
    uint32_t connections;  /* for one more the longest idle one is closed, or who has been asking
                            * longest; where all are being answered, it is refused */
    uint32_t head_seconds; /* from the first byte of a request to the end of its head */
    uint32_t body_seconds; /* from there to the end of its body */
    uint32_t idle_seconds; /* between requests */
    uint32_t send_seconds; /* without any progress of a response; noticed within twice the time */
    uint32_t requests;     /* on one connection */
};
extern const struct http_limits HTTP_LIMITS_DEFAULT;

/* Bytes of bodies that are being gathered, all connections together; a request that would bring more
 * is answered 503. */
#define HTTP_BODIES_MAX ((size_t)64 << 20)

#define HTTP_REPLY_FIELDS_MAX 32768 /* bytes; with more the connection ends, recorded as a 500 */

/* An answer. Everything is the handler's; the body is lent until released (loan.release may be NULL
 * for bytes that live as long as the program). */
struct http_reply {
    uint16_t status;     /* a final one, of those in lib/http/status.h */
    struct slice fields; /* whole field lines, each with its CRLF; without Date, Content-Length,
                          * Connection, which the service writes. Copied. */
    struct slice body;   /* not sent for HEAD, 304 and 204, but its length is told for HEAD */
    struct loan loan;    /* of the body; released even when it is not sent */
    bool close;          /* end the connection after it */
};

/* What the access log is told, after the last byte was queued or the client was lost. */
struct http_record {
    int64_t wall;  /* when the head was complete, ns since 1970 */
    uint64_t took; /* ns from there to the answer */
    struct endpoint client;
    struct slice method; /* "-" where the request was not understood */
    struct slice target;
    struct slice referrer; /* empty if none */
    struct slice agent;
    uint64_t sent; /* bytes of the body */
    uint16_t status;
};

struct http_handler {
    /* The head is complete: how many body bytes the request may bring. More is answered 413.
     * NULL: none for any request. */
    uint64_t (*body_limit)(void *owner, const struct http_request *request);
    /* A whole request. Answer with http_answer, now or later; request and body are valid until
     * this returns. */
    void (*on_request)(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body);
    /* May be NULL. */
    void (*on_record)(void *owner, const struct http_record *record);
    /* The page for an error that the service itself answers (400, 408, 413, 414, 417, 431, 501, 503,
     * 505); may be NULL (then a short text). The body must live as long as the program. */
    void (*error_page)(void *owner, uint16_t status, struct http_reply *into);
    /* Whole field lines that every answer carries beside its own ("Strict-Transport-Security: ...").
     * Must live as long as the service. */
    struct slice fields;
};

struct http_counters {
    uint64_t accepted;
    uint64_t shed; /* connections closed for new ones */
    uint64_t refused;
    uint64_t bodies_refused; /* beyond HTTP_BODIES_MAX */
    uint64_t requests;
    uint64_t responses_2xx, responses_3xx, responses_4xx, responses_5xx;
    uint64_t malformed;
    uint64_t timeouts;
    uint64_t lost; /* clients gone before their answer was out */
    uint64_t body_bytes;
    uint32_t open, peak;
};

/* Listens at `local`. limits NULL: the default. ERR_EXISTS: taken; ERR_DENIED: not permitted. */
enum err http_service_open(struct stack *stack, struct endpoint local,
                           const struct http_limits *limits, const struct http_handler *handler,
                           void *owner, struct http_service **into);

/* Accepts no more and ends idle connections; what is in flight goes on for at most `seconds`, then
 * it is cut off. When nothing is left (perhaps at once) calls done (may be NULL): the service is
 * gone. Every exchange must still be answered; until then the service stays. */
void http_service_close(struct http_service *s, uint32_t seconds, void (*done)(void *owner));

/* Answers; exactly once for every exchange. The client may be gone: then nothing but the release
 * happens. */
void http_answer(struct http_exchange *x, const struct http_reply *reply);

const struct http_counters *http_service_counters(const struct http_service *s);

#endif
