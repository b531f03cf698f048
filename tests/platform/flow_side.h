/*
 * Owners of flows that check the rules of signatures/flow.h while they keep what they are told, and
 * pairs of them over two stacks that a place gives: what the tests of conformance are written with.
 */
#ifndef TESTS_PLATFORM_FLOW_SIDE_H
#define TESTS_PLATFORM_FLOW_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "signatures/stack.h"

/* --- the place: two stacks of which one reaches the other at an address --- */

static struct stack *place_server(void);
static struct stack *place_client(void);
static struct address place_address(void);
static uint16_t place_port(const struct listener *l);
/* Runs the loop until done(arg), at most for a time that is generous there. False: not done. */
static bool place_run(bool (*done)(void *arg), void *arg);
/* Lets some time pass, in which whatever is on its way arrives. */
static void place_settle(void);

/* --- a side: an owner that checks the rules while it keeps what it is told --- */

struct side {
    struct flow *flow;
    const char *label;
    uint8_t *received;
    size_t length, cap;
    bool paused, closed, eof, echo, close_on_data, abort_on_data, close_on_eof;
    unsigned rooms, ends;
    enum err why;
    enum err connect_why;
    unsigned answers;
};

static int inside; /* of a call that an owner makes: no handler may run */

static inline void side_close(struct side *s)
{
    inside++;
    s->closed = true;
    flow_close(s->flow);
    inside--;
}

static inline void side_abort(struct side *s)
{
    inside++;
    s->closed = true;
    flow_abort(s->flow);
    inside--;
}

static inline enum err side_write(struct side *s, struct slice bytes)
{
    inside++;
    size_t room = flow_room(s->flow);
    enum err e = flow_write(s->flow, bytes);
    if (e == OK)
        assert_true(bytes.len <= room);
    else
        assert_int_equal(flow_room(s->flow), e == ERR_AGAIN || e == ERR_LIMIT ? room : 0);
    inside--;
    return e;
}

static inline enum err side_lend(struct side *s, struct slice bytes, struct loan loan)
{
    inside++;
    enum err e = flow_lend(s->flow, bytes, loan);
    inside--;
    return e;
}

static inline void side_pause(struct side *s, bool paused)
{
    inside++;
    s->paused = paused;
    flow_pause(s->flow, paused);
    inside--;
}

static inline void check_handler(const struct side *s)
{
    assert_int_equal(inside, 0);
    assert_false(s->closed);
    assert_int_equal(s->ends, 0);
}

static inline void side_on_data(void *owner, struct slice bytes)
{
    struct side *s = owner;
    check_handler(s);
    assert_false(s->paused);
    assert_false(s->eof);
    assert_true(bytes.len > 0);
    if (s->length + bytes.len > s->cap) {
        s->cap = (s->length + bytes.len) * 2;
        s->received = realloc(s->received, s->cap);
        assert_non_null(s->received);
    }
    memcpy(s->received + s->length, bytes.ptr, bytes.len);
    s->length += bytes.len;
    if (s->echo)
        assert_int_equal(side_write(s, bytes), OK);
    if (s->close_on_data)
        side_close(s);
    else if (s->abort_on_data)
        side_abort(s);
}

static inline void side_on_eof(void *owner)
{
    struct side *s = owner;
    check_handler(s);
    assert_false(s->eof);
    s->eof = true;
    if (s->close_on_eof)
        side_close(s);
}

static inline void side_on_room(void *owner)
{
    struct side *s = owner;
    check_handler(s);
    assert_true(flow_room(s->flow) > 0);
    s->rooms++;
}

static inline void side_on_end(void *owner, enum err why)
{
    struct side *s = owner;
    check_handler(s);
    assert_int_not_equal(why, OK);
    s->ends++;
    s->why = why;
}

static const struct flow_events side_events = {side_on_data, side_on_eof, side_on_room,
                                               side_on_end};
static const struct flow_events side_events_no_eof = {side_on_data, NULL, side_on_room,
                                                      side_on_end};

static inline void side_own(struct side *s, struct flow *f, const struct flow_events *events)
{
    s->flow = f;
    inside++;
    flow_own(f, events, s);
    inside--;
}

static inline void side_free(struct side *s)
{
    if (s->flow && !s->closed)
        side_close(s);
    free(s->received);
    s->received = NULL;
}

/* --- a pair: a listener, and one connection through it --- */

struct pair {
    struct listener *listener;
    struct connect *connecting;
    struct side server, client;
    const struct flow_events *server_events; /* NULL: left without an owner */
    void (*on_accept)(struct pair *p, struct flow *f);
    unsigned accepted;
};

static inline void pair_accept(void *owner, struct flow *f)
{
    struct pair *p = owner;
    assert_int_equal(inside, 0);
    p->accepted++;
    p->server.flow = f;
    if (p->on_accept)
        p->on_accept(p, f);
    else if (p->server_events)
        side_own(&p->server, f, p->server_events);
}

static inline void pair_answer(void *owner, enum err why, struct flow *f)
{
    struct pair *p = owner;
    assert_int_equal(inside, 0);
    p->client.answers++;
    p->client.connect_why = why;
    assert_true(why ? f == NULL : f != NULL);
    if (f)
        side_own(&p->client, f, &side_events);
}

static inline bool pair_stands(void *arg)
{
    struct pair *p = arg;
    return p->accepted && p->client.answers;
}

static inline void pair_listen(struct pair *p)
{
    struct endpoint local = {.port = 0};
    p->server.label = "server";
    p->client.label = "client";
    if (!p->server_events)
        p->server_events = &side_events;
    assert_int_equal(stack_listen(place_server(), local, pair_accept, p, &p->listener), OK);
}

static inline void pair_connect(struct pair *p)
{
    struct endpoint remote = {.address = place_address(), .port = place_port(p->listener)};
    inside++;
    assert_int_equal(stack_connect(place_client(), remote, pair_answer, p, &p->connecting), OK);
    inside--;
    assert_int_equal(p->client.answers, 0);
}

static inline void pair_open(struct pair *p)
{
    pair_listen(p);
    pair_connect(p);
    assert_true(place_run(pair_stands, p));
    assert_int_equal(p->client.connect_why, OK);
}

static inline void pair_close(struct pair *p)
{
    side_free(&p->client);
    side_free(&p->server);
    stack_unlisten(place_server(), p->listener);
    place_settle();
}

/* --- waiting --- */

struct wanted {
    struct side *side;
    size_t length;
    struct side *eof, *end;
};

static inline bool has_wanted(void *arg)
{
    const struct wanted *w = arg;
    return (!w->side || w->side->length >= w->length) && (!w->eof || w->eof->eof) &&
           (!w->end || w->end->ends);
}

static inline void await_bytes(struct side *s, size_t length)
{
    struct wanted w = {.side = s, .length = length};
    assert_true(place_run(has_wanted, &w));
}

static inline void await_eof(struct side *s)
{
    struct wanted w = {.eof = s};
    assert_true(place_run(has_wanted, &w));
}

static inline void await_end(struct side *s)
{
    struct wanted w = {.end = s};
    assert_true(place_run(has_wanted, &w));
}

static inline bool is_zero(void *arg)
{
    return *(const unsigned *)arg == 0;
}

static inline bool is_not_zero(void *arg)
{
    return *(const unsigned *)arg != 0;
}

/* --- loans --- */

struct lent {
    unsigned released;
    uint8_t *block; /* freed on release: a read after that is caught by the sanitizer */
    unsigned *outstanding;
    bool own; /* the struct itself, too */
};

static inline void on_release(void *arg)
{
    struct lent *l = arg;
    assert_int_equal(l->released, 0);
    l->released++;
    free(l->block);
    l->block = NULL;
    if (l->outstanding)
        (*l->outstanding)--;
    if (l->own)
        free(l);
}

#endif
