/* See client.h. */
#include "platform/sim/client.h"

#include <stdlib.h>

#include "platform/sim/net_internal.h"
#include "runtime/panic.h"

struct bytes {
    uint8_t *ptr;
    size_t len, cap;
};

struct sim_client {
    struct stack *stack;
    struct connect *connecting;
    struct flow *flow;
    struct bytes received, unsent;
    bool connected, eof, finishing, paused;
    enum err why;
};

static void append(struct bytes *b, struct slice more)
{
    if (more.len == 0)
        return;
    if (more.len > b->cap - b->len) {
        b->cap = 2 * (b->len + more.len);
        b->ptr = realloc(b->ptr, b->cap);
    }
    assert_always(b->ptr != NULL);
    memcpy(b->ptr + b->len, more.ptr, more.len);
    b->len += more.len;
}

static void clear(struct bytes *b)
{
    free(b->ptr);
    *b = (struct bytes){NULL, 0, 0};
}

static void close_flow(struct sim_client *c)
{
    if (c->flow)
        flow_close(c->flow);
    c->flow = NULL;
}

static void send_more(struct sim_client *c)
{
    while (c->flow && c->unsent.len) {
        size_t room = flow_room(c->flow), n = room < c->unsent.len ? room : c->unsent.len;
        if (flow_write(c->flow, slice_of(c->unsent.ptr, n ? n : 1)) != OK)
            return; /* on_room, or on_end */
        c->unsent.len -= n;
        memmove(c->unsent.ptr, c->unsent.ptr + n, c->unsent.len);
    }
    if (c->finishing)
        close_flow(c);
}

static void on_data(void *owner, struct slice bytes)
{
    struct sim_client *c = owner;
    assert_always(bytes.len > 0 && !c->paused);
    append(&c->received, bytes);
}

static void on_eof(void *owner)
{
    struct sim_client *c = owner;
    assert_always(!c->eof);
    c->eof = true;
}

static void on_room(void *owner)
{
    send_more(owner);
}

static void on_end(void *owner, enum err why)
{
    struct sim_client *c = owner;
    assert_always(why != OK);
    c->why = why;
    close_flow(c);
}

static const struct flow_events events = {on_data, on_eof, on_room, on_end};

static void on_connect(void *owner, enum err why, struct flow *flow)
{
    struct sim_client *c = owner;
    c->connecting = NULL;
    c->why = why;
    if (why)
        return;
    c->connected = true;
    c->flow = flow;
    flow_own(flow, &events, c);
    if (c->paused)
        flow_pause(flow, true);
    send_more(c);
}

struct sim_client *sim_client_open(struct stack *from, const char *address, uint16_t port)
{
    struct sim_client *c = sim_zalloc(sizeof *c);
    struct endpoint remote = {.port = port};
    if (!address_parse(slice_text(address), &remote.address))
        panic("sim_client_open needs a numeric address");
    c->stack = from;
    c->why = stack_connect(from, remote, on_connect, c, &c->connecting);
    return c;
}

void sim_client_close(struct sim_client *c)
{
    if (c->connecting)
        stack_cancel_connect(c->stack, c->connecting);
    close_flow(c);
    clear(&c->received);
    clear(&c->unsent);
    free(c);
}

void sim_client_send(struct sim_client *c, struct slice bytes)
{
    append(&c->unsent, bytes);
    send_more(c);
}

void sim_client_text(struct sim_client *c, const char *text)
{
    sim_client_send(c, slice_text(text));
}

void sim_client_finish(struct sim_client *c)
{
    c->finishing = true;
    send_more(c);
}

void sim_client_abort(struct sim_client *c)
{
    if (c->flow)
        flow_abort(c->flow);
    c->flow = NULL;
}

void sim_client_pause(struct sim_client *c, bool paused)
{
    c->paused = paused;
    if (c->flow)
        flow_pause(c->flow, paused);
}

struct slice sim_client_received(const struct sim_client *c)
{
    return slice_of(c->received.ptr, c->received.len);
}

void sim_client_forget(struct sim_client *c)
{
    clear(&c->received);
}

bool sim_client_connected(const struct sim_client *c)
{
    return c->connected;
}

bool sim_client_eof(const struct sim_client *c)
{
    return c->eof;
}

enum err sim_client_why(const struct sim_client *c)
{
    return c->why;
}

bool sim_client_over(void *client)
{
    const struct sim_client *c = client;
    return c->eof || c->why;
}
