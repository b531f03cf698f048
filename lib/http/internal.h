/*
 * The service's own structures. Private to service.c, connection.c and answer.c.
 *
 * A connection reads requests until one is whole, hands it to the handler, and reads on when the
 * answer has been queued: there is at most one request at a time, and meanwhile the flow is paused.
 *
 *     READING --whole request--> ANSWERING --http_answer--> (SENDING --room-->) READING or the end
 */
#ifndef LIB_HTTP_INTERNAL_H
#define LIB_HTTP_INTERNAL_H

#include "lib/date/http.h"
#include "lib/http/server.h"
#include "lib/http/service.h"
#include "runtime/list.h"
#include "runtime/pool.h"
#include "signatures/clock.h"
#include "signatures/timer.h"

#define HTTP_CONNECTION_BYTES_MAX 512 /* what an idle connection costs us */
#define HTTP_SHED_LOOKS           16  /* connections to look at for one that may be closed */

enum http_phase {
    HTTP_READING,
    HTTP_ANSWERING, /* the handler has the request */
    HTTP_SENDING    /* the answer waits for room in the flow */
};

/* How far the request that is being read has come. */
enum http_stage { HTTP_STAGE_IDLE, HTTP_STAGE_HEAD, HTTP_STAGE_BODY };

/* What the access log will want to know of a request, when its bytes are gone. */
struct http_story {
    struct slice method, target, referrer, agent; /* behind this structure */
};

struct http_exchange {
    const struct http_request *request; /* while its bytes are there, else NULL */
    struct http_story *story;           /* from then on; owned; NULL: nothing is known */
    int64_t wall;
    uint64_t began; /* monotonic, ns */
    bool head_only;
    bool keep; /* as far as the client and we before the answer are concerned */
    uint8_t minor;
};

/* An answer that waits for room. */
struct http_waiting {
    struct slice head; /* what is left of it; the bytes are behind this structure */
    struct slice body;
    struct loan loan;
    uint16_t status;
    bool keep;
};

struct http_connection {
    struct list link; /* in one of the service's lists */
    struct http_service *service;
    struct flow *flow; /* NULL: the client is gone */
    struct timer timer;
    uint64_t deadline;
    uint64_t given; /* bytes given to the flow, ever */
    uint64_t taken; /* of them taken by the peer, when we last looked */
    bool pending;   /* then there was more for it to take */
    struct http_server core;
    struct buf body;
    struct slice whole; /* a body that came in one piece, where it came */
    struct buf backlog; /* bytes behind the present request */
    size_t backlog_at;  /* read of it so far */
    struct task resume; /* reads the backlog */
    struct http_exchange exchange;
    struct http_waiting *waiting; /* owned; while SENDING */
    struct endpoint client;
    uint32_t requests;
    uint8_t phase;
    uint8_t stage;
    bool busy;   /* it is in the list of those */
    bool inside; /* its bytes are being read just now: it must not vanish */
    bool over;   /* it goes when `inside` ends */
    bool eof;    /* the client will send no more */
};
_Static_assert(sizeof(struct http_connection) <= HTTP_CONNECTION_BYTES_MAX, "budget");

struct http_service {
    struct stack *stack;
    struct listener *listener;
    struct http_handler handler;
    void *owner;
    struct http_limits limits;
    struct http_counters counters;
    size_t gathered;    /* bytes of bodies in all connections' buffers */
    struct pool pool;   /* of connections */
    struct list idle;   /* longest idle first */
    struct list asking; /* whose request is not whole yet; the oldest of these first */
    struct list busy;
    struct http_request request; /* the one that is being read just now, of whatever connection */
    struct buf head;             /* the response's head that is being written just now */
    uint64_t now;                /* monotonic, as of the present event */
    uint64_t date_from, date_until;
    int64_t date_wall; /* at date_from */
    uint8_t date[sizeof "Date: \r\n" - 1 + DATE_HTTP_LEN];
    struct timer timer; /* ends the closing */
    void (*done)(void *owner);
    bool closing;
};

/* service.c */
uint64_t http_service_tick(struct http_service *s); /* looks at the clock; the time */
int64_t http_service_wall(const struct http_service *s);
void http_service_left(struct http_service *s); /* a connection has gone: s may be gone now */

/* connection.c */
bool http_connection_open(struct http_service *s, struct flow *flow);
void http_connection_end(struct http_connection *c);   /* in good order */
void http_connection_abort(struct http_connection *c); /* at once */
bool http_connection_shed(struct http_service *s);
/* The answer is queued: what comes next? */
void http_connection_next(struct http_connection *c, bool keep);
void http_connection_set_deadline(struct http_connection *c, uint32_t seconds);

/* answer.c */
void http_exchange_begin(struct http_connection *c, const struct http_request *request);
void http_exchange_remember(struct http_connection *c); /* the request's bytes will be gone */
/* An answer of the service's own, after which the connection ends. request NULL: not understood. */
void http_exchange_refuse(struct http_connection *c, const struct http_request *request,
                          uint16_t status);
void http_exchange_go_on(struct http_connection *c); /* SENDING: there is room again */
void http_exchange_lost(struct http_connection *c);  /* SENDING: the client is gone */

#endif
