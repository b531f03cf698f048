/*
 * Private to the two files of the fetch driver: fetch.c holds the fetch as a whole and its owner's
 * side, fetch_wire.c the remote's side.
 *
 *     git://    flow -> protocol
 *     http://   flow -> smart (HTTP) -> protocol
 *     https://  flow -> TLS flow -> smart (HTTP) -> protocol
 */
#ifndef LIB_GIT_FETCH_PARTS_H
#define LIB_GIT_FETCH_PARTS_H

#include "lib/dial/dial.h"
#include "lib/git/fetch.h"
#include "lib/git/protocol.h"
#include "lib/git/smart.h"
#include "signatures/timer.h"

struct git_fetch {
    struct stack *stack;
    struct git_fetch_events events;
    void *owner;
    char text[GIT_URL_MAX]; /* to which url points */
    struct git_url url;
    struct oid *have;
    struct git_client client;
    struct git_smart smart; /* http and https only */
    struct dial *dial;
    struct tls_client *tls;
    struct tls_connecting *handshake;
    struct flow *flow;
    struct timer timer;
    uint64_t deadline; /* of the whole */
    struct buf out;    /* a request, kept until its answer begins: it may have to be sent again */
    size_t sent;       /* of it, taken by the flow */
    bool answered;     /* this flow has carried an answer */
    bool post_due;     /* the client's request goes out when the present exchange has ended */
    bool paused;
    bool over;
    unsigned int calls; /* from the loop, not yet returned */
};

/* Whether git's protocol is carried by HTTP, plain or not. */
static inline bool git_fetch_by_http(const struct git_fetch *f)
{
    return f->url.scheme != GIT_SCHEME_GIT;
}

/* Around whatever the loop calls: the owner may cancel from inside of any handler, and the memory is
 * given back when the outermost call returns. */
void git_fetch_enter(struct git_fetch *f);
void git_fetch_leave(struct git_fetch *f);

/* Ends it: tells the owner why, with the URL before the reason. Between enter and leave only. */
void git_fetch_end(struct git_fetch *f, enum err why, const char *reason);

/* Something was heard: the next must come soon. Cannot fail while the timer runs. */
bool git_fetch_heard(struct git_fetch *f);

/* Bytes of git's protocol, or none, to see whether there is an event without more of them. */
void git_fetch_converse(struct git_fetch *f, struct slice in);

/* Starts to connect; the request in f->out is sent then. */
enum err git_fetch_connect(struct git_fetch *f);

/* Sends the request in f->out, on this connection or on a new one. */
void git_fetch_send(struct git_fetch *f);

/* Ends the connection, or the attempt to make one. */
void git_fetch_drop_flow(struct git_fetch *f, bool in_good_order);

#endif
