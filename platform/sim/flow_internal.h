/* A connection in memory, as the files that make it up see it. */
#ifndef PLATFORM_SIM_FLOW_INTERNAL_H
#define PLATFORM_SIM_FLOW_INTERNAL_H

#include "platform/sim/net_internal.h"
#include "signatures/clock.h"

struct piece {
    struct piece *next;
    const uint8_t *ptr;
    size_t len;
    size_t taken;     /* bytes that were delivered */
    uint64_t arrives; /* the first moment of delivery; later, of release */
    struct loan loan;
};

/* Pieces first..., of which those before `undelivered` wait for their release. */
struct pipe {
    struct piece *first, *last, *undelivered;
    size_t bytes;        /* in all pieces */
    uint64_t latest;     /* arrival of the newest piece */
    uint64_t free_at;    /* when the link has carried all, with bandwidth */
    uint64_t release_at; /* of the newest delivered piece */
    bool fin;            /* an end follows the pieces */
    uint64_t fin_at;
    bool fin_delivered;
    struct sim_event deliver, release;
};

struct end {
    struct flow flow;
    struct connection *connection;
    struct pipe out;
    struct sim_host *host;
    struct endpoint peer;
    struct sim_event fate;     /* the end of the stream comes to be known here */
    struct sim_event patience; /* after closing */
    enum err coming;           /* what fate will say */
    enum err ended;            /* what it said, or OK */
    bool told, paused, closed, cut, wants_room;
};

struct connection {
    struct list link;
    struct sim_net *net;
    struct sim_link path;
    uint64_t carried;  /* bytes, both directions */
    uint64_t opens_at; /* see read_delay */
    bool silent;       /* nothing arrives any more */
    bool deaf;         /* nobody listens any more, but ends are heard of */
    struct end ends[2];
};

/* The other end, and the time when something that leaves e now arrives there. */
struct end *sim_end_other(struct end *e);
uint64_t sim_end_soon(struct end *e);

/* The stream at e will be found to be over, at that time. The first reason counts. */
void sim_end_doom(struct end *e, enum err why, uint64_t at);

void sim_pipe_append(struct end *e, struct piece *piece);
void sim_pipe_finish(struct end *e);  /* an end behind all pieces */
void sim_pipe_drop(struct end *e);    /* all pieces; loans are released */
void sim_pipe_deliver(struct end *e); /* as soon as something has arrived */

void sim_connection_cut(struct connection *c);

/* Frees it when both owners have closed and nothing is on its way. */
void sim_connection_reap(struct connection *c);

/* What happens when the events of an end are due. */
void sim_on_deliver(struct sim_event *event);
void sim_on_release(struct sim_event *event);
void sim_on_fate(struct sim_event *event);
void sim_on_patience(struct sim_event *event);

#endif
