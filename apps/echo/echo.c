/*
 * The smallest servers: echo (RFC 862), discard (RFC 863), which at the end says how many bytes it had,
 * and a character generator (RFC 864), all over TCP.
 */
#include "apps/echo/settings.h"
#include "runtime/buf.h"
#include "runtime/format.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/memory.h"

#define SOURCE      "echo"
#define WAITING_MAX ((size_t)1 << 20)
#define LINES       95u /* until the characters are the first ones again */
#define LINE_SIZE   74u
#define CYCLES      9u /* of all lines, lent at once */

struct service {
    const char *name;
    const uint16_t *port;
    struct flow_events events;
    struct listener *listener;
};

struct connection {
    struct list link;
    struct flow *flow;
    const struct service *service;
    struct buf waiting; /* what the flow had no room for */
    uint64_t received;
    bool eof;
};

static uint8_t characters[CYCLES * LINES * LINE_SIZE];
static struct list connections = {&connections, &connections};

static void end(struct connection *c, void (*close)(struct flow *))
{
    list_remove(&c->link);
    close(c->flow);
    buf_deinit(&c->waiting);
    memory_free(c);
}

static void on_end(void *owner, enum err why)
{
    struct connection *c = owner;
    log_debug(SOURCE, "a connection to %s ended: %s", c->service->name, err_text(why));
    end(c, flow_close);
}

/* --- echo --- */

static void echo_data(void *owner, struct slice bytes)
{
    struct connection *c = owner;
    enum err why = c->waiting.len ? ERR_AGAIN : flow_write(c->flow, bytes);
    if (why == ERR_AGAIN) {
        flow_pause(c->flow, true);
        buf_put(&c->waiting, bytes);
        why = c->waiting.err;
    }
    if (why)
        end(c, flow_abort);
}

static void echo_room(void *owner)
{
    struct connection *c = owner;
    if (c->waiting.len && flow_write(c->flow, buf_slice(&c->waiting)) != OK)
        return;
    buf_clear(&c->waiting);
    flow_pause(c->flow, false);
    if (c->eof)
        end(c, flow_close);
}

static void echo_eof(void *owner)
{
    struct connection *c = owner;
    c->eof = true;
    if (!c->waiting.len)
        end(c, flow_close);
}

/* --- discard --- */

static void discard_data(void *owner, struct slice bytes)
{
    struct connection *c = owner;
    c->received += bytes.len;
}

static void discard_eof(void *owner)
{
    struct connection *c = owner;
    char text[32];
    size_t n = format_text(text, sizeof text, "%llu\n", (unsigned long long)c->received);
    flow_write(c->flow, slice_of(text, n));
    end(c, flow_close);
}

/* --- characters --- */

static void make_characters(void)
{
    for (size_t line = 0; line < CYCLES * LINES; line++) {
        uint8_t *at = characters + line * LINE_SIZE;
        for (size_t i = 0; i < LINE_SIZE - 2; i++)
            at[i] = (uint8_t)(' ' + (line + i) % LINES);
        at[LINE_SIZE - 2] = '\r';
        at[LINE_SIZE - 1] = '\n';
    }
}

static void chargen_room(void *owner)
{
    struct connection *c = owner;
    enum err why;
    do
        why = flow_lend(c->flow, slice_of(characters, sizeof characters), (struct loan){0});
    while (!why);
    if (why != ERR_AGAIN)
        end(c, flow_abort);
}

/* --- all --- */

static struct service services[] = {
    {"echo", &echo_port, {echo_data, echo_eof, echo_room, on_end}, NULL},
    {"discard", &discard_port, {discard_data, discard_eof, NULL, on_end}, NULL},
    {"chargen", &chargen_port, {discard_data, NULL, chargen_room, on_end}, NULL},
};

static void on_accept(void *owner, struct flow *flow)
{
    const struct service *service = owner;
    struct connection *c = memory_zalloc(sizeof *c);
    if (!c) {
        flow_abort(flow);
        return;
    }
    list_init(&c->link);
    list_append(&connections, &c->link);
    c->flow = flow;
    c->service = service;
    buf_init(&c->waiting, WAITING_MAX);
    flow_own(flow, &service->events, c);
    if (service->port == &chargen_port)
        chargen_room(c);
}

static enum err start(const struct world *world)
{
    make_characters();
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        struct service *s = &services[i];
        struct endpoint local = {.address = ADDRESS_ANY, .port = *s->port};
        enum err e = stack_listen(world->stack, local, on_accept, s, &s->listener);
        if (e) {
            log_error(SOURCE, "cannot listen on port %u: %s", *s->port, err_text(e));
            return e;
        }
        log_info(SOURCE, "%s: port %u", s->name, *s->port);
    }
    return OK;
}

static void stop(void)
{
    while (!list_empty(&connections))
        end(CONTAINER(connections.next, struct connection, link), flow_abort);
    loop_stop(0);
}

const struct program program = {.name = "echo",
                                .summary = "Echo, discard and characters over TCP",
                                .start = start,
                                .stop = stop};
