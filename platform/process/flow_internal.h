/* A flow over a socket, as the files that make it up see it. */
#ifndef PLATFORM_PROCESS_FLOW_INTERNAL_H
#define PLATFORM_PROCESS_FLOW_INTERNAL_H

#include "platform/process/flow.h"
#include "platform/process/queue.h"
#include "platform/process/wait.h"
#include "runtime/list.h"
#include "runtime/loop.h"
#include "runtime/pool.h"

struct socket_flow {
    struct flow flow;
    struct source source;
    struct list link; /* in the agenda, or in none */
    struct queue out;
    struct timer timer; /* runs after flow_close, until everything is sent and told */
    struct endpoint peer;
    int fd;             /* -1 once the stream is over */
    enum err ended;     /* why it is over, or OK */
    uint32_t discarded; /* bytes, after flow_close */
    bool told;          /* on_end was called */
    bool watched;       /* the kernel reports events */
    bool watched_room;  /* also those about room to send */
    bool readable;      /* there may be bytes to receive */
    bool hung_up;       /* the peer's end is (or will be) in what is to be received */
    bool eof;           /* it was received */
    bool blocked;       /* the kernel takes no more now */
    bool paused;
    bool wants_room;
    bool closed; /* by the owner */
    bool cut;    /* nothing more is to be sent: flow_abort, or out of patience */
    bool shut;   /* the peer was told the end */
    bool prompt; /* acknowledges at once */
};

extern struct pool flow_pool;
extern uint32_t flow_closing; /* flows that their owners have closed */

/* Puts the flow on the agenda: something is to be done for it, soon, from the loop. */
void flow_note(struct socket_flow *f);

/* Does what is to be done. The flow may be gone afterwards. */
void flow_attend(struct socket_flow *f);

/* The handlers of its source and of its timer, and the loop's hook for the agenda. */
void flow_on_events(struct source *s, uint32_t events);
void flow_patience_lost(struct timer *t);
void flow_work_off(struct loop_hook *h);

#endif
