/* The two ends of one TLS connection, for tests that look at them; over place.h. */
#ifndef TESTS_LIB_TLS_ENDS_H
#define TESTS_LIB_TLS_ENDS_H

#include "tests/lib/tls/place.h"

struct end {
    struct flow *flow;
    struct buf received;
    bool eof, over;
    enum err why;
    unsigned answers;
    char reason[TLS_REASON_MAX];
};

static inline void end_on_data(void *owner, struct slice bytes)
{
    struct end *e = owner;
    buf_put(&e->received, bytes);
}

static inline void end_on_eof(void *owner)
{
    struct end *e = owner;
    e->eof = true;
}

static inline void end_on_end(void *owner, enum err why)
{
    struct end *e = owner;
    e->over = true;
    e->why = why;
}

static const struct flow_events end_events = {end_on_data, end_on_eof, NULL, end_on_end};

static inline void end_own(struct end *e, struct flow *f)
{
    if (!e->received.max)
        buf_init(&e->received, 64 << 20);
    e->flow = f;
    flow_own(f, &end_events, e);
}

/* For stack_connect. */
static inline void end_answer(void *owner, enum err why, struct flow *f)
{
    struct end *e = owner;
    e->answers++;
    e->why = why;
    if (f)
        end_own(e, f);
}

static inline void end_close(struct end *e)
{
    if (e->flow)
        flow_close(e->flow);
    e->flow = NULL;
    buf_deinit(&e->received);
}

#endif
