/*
 * Stack: where flows come from. Listen, connect, resolve; IPv4 and IPv6 alike.
 *
 * Implementations: the host's sockets, an in-memory network for tests, a TCP/IP library over a
 * network card. A program cannot tell which it was given.
 */
#ifndef SIGNATURES_STACK_H
#define SIGNATURES_STACK_H

#include "runtime/address.h"
#include "runtime/buf.h"
#include "signatures/flow.h"

#define RESOLVE_ADDRESSES_MAX 16  /* of one name; more are dropped */
#define RESOLVE_NAME_MAX      253 /* bytes of a name (RFC 1035, 2.3.4) */

struct stack;
struct listener; /* opaque: an open listening endpoint */
struct connect;  /* opaque: a connection being made */
struct resolve;  /* opaque: a name being looked up */

/* A new connection: the listener's owner takes the flow with flow_own, or refuses it with
 * flow_abort; otherwise it is left paused. */
typedef void accept_fn(void *owner, struct flow *flow);

/* The answer to connect: OK and a flow without owner (take it with flow_own at once), or why not
 * and NULL. Called exactly once unless cancelled, never from inside of stack_connect. */
typedef void connect_fn(void *owner, enum err why, struct flow *flow);

/* The answer to resolve: the addresses in the order in which to try them; they are valid until the
 * handler returns. ERR_NOT_FOUND: the name has none. Called exactly once unless cancelled, never
 * from inside of stack_resolve. */
typedef void resolve_fn(void *owner, enum err why, const struct address *addresses, size_t count);

struct stack_ops {
    enum err (*listen)(struct stack *s, struct endpoint local, accept_fn *accept, void *owner,
                       struct listener **into);
    void (*unlisten)(struct stack *s, struct listener *l);
    enum err (*connect)(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                        struct connect **into);
    void (*cancel_connect)(struct stack *s, struct connect *c);
    enum err (*resolve)(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                        struct resolve **into);
    void (*cancel_resolve)(struct stack *s, struct resolve *r);
    void (*status)(const struct stack *s, struct buf *into); /* NULL: it has nothing to say */
};

struct stack {
    const struct stack_ops *ops;
};

/* Accepts connections to the endpoint from now on; ADDRESS_ANY takes both families. Port 0: any
 * free one (stack implementations tell which through their own headers). ERR_EXISTS: taken. */
static inline enum err stack_listen(struct stack *s, struct endpoint local, accept_fn *accept,
                                    void *owner, struct listener **into)
{
    return s->ops->listen(s, local, accept, owner, into);
}

/* Accepts no more; flows that were handed out go on. */
static inline void stack_unlisten(struct stack *s, struct listener *l)
{
    s->ops->unlisten(s, l);
}

/* Starts a connection; the handle is good for cancelling until answer is called. The stack gives up
 * after a time of its own (ERR_TIMEOUT); a caller in a hurry cancels. */
static inline enum err stack_connect(struct stack *s, struct endpoint remote, connect_fn *answer,
                                     void *owner, struct connect **into)
{
    return s->ops->connect(s, remote, answer, owner, into);
}

static inline void stack_cancel_connect(struct stack *s, struct connect *c)
{
    s->ops->cancel_connect(s, c);
}

/* Looks a name up; numeric addresses are understood too. name need not outlive the call. */
static inline enum err stack_resolve(struct stack *s, struct slice name, resolve_fn *answer,
                                     void *owner, struct resolve **into)
{
    return s->ops->resolve(s, name, answer, owner, into);
}

static inline void stack_cancel_resolve(struct stack *s, struct resolve *r)
{
    s->ops->cancel_resolve(s, r);
}

/* Appends what it knows and counts, lines "name: value", for people and scripts. */
static inline void stack_status(const struct stack *s, struct buf *into)
{
    if (s->ops->status)
        s->ops->status(s, into);
}

#endif
