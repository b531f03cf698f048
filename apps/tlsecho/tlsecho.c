/* An echo over TLS: what a client sends comes back, until it says that it has no more. */
#include "apps/tlsecho/settings.h"
#include "lib/tls/tls.h"
#include "runtime/log.h"
#include "signatures/memory.h"

#define SOURCE "echo"

struct echo {
    struct flow *flow;
    struct buf waiting; /* what the flow had no room for */
};

static struct tls_server *server;

static void end(struct echo *e, void (*close)(struct flow *))
{
    close(e->flow);
    buf_deinit(&e->waiting);
    memory_free(e);
}

static void on_data(void *owner, struct slice bytes)
{
    struct echo *e = owner;
    enum err why = flow_write(e->flow, bytes);
    if (why == ERR_AGAIN) {
        flow_pause(e->flow, true);
        buf_put(&e->waiting, bytes);
        why = e->waiting.err;
    }
    if (why)
        end(e, flow_abort);
}

static void on_room(void *owner)
{
    struct echo *e = owner;
    if (e->waiting.len && flow_write(e->flow, buf_slice(&e->waiting)) != OK)
        return;
    buf_clear(&e->waiting);
    flow_pause(e->flow, false);
}

static void on_eof(void *owner)
{
    end(owner, flow_close);
}

static void on_end(void *owner, enum err why)
{
    struct echo *e = owner;
    log_debug(SOURCE, "a connection ended: %s", err_text(why));
    end(e, flow_close);
}

static void log_peer(const struct flow *flow)
{
    char peer[ENDPOINT_TEXT_MAX];
    struct tls_info i;
    tls_flow_info(flow, &i);
    endpoint_format(flow_peer(flow), peer);
    log_info(SOURCE, "%s: TLS 1.%u, %s%s%s", peer, i.version - 0x0301u, i.cipher,
             i.resumed ? ", resumed" : "", i.authenticated ? ", client verified" : "");
}

static void on_accept(void *owner, struct flow *flow)
{
    static const struct flow_events events = {on_data, on_eof, on_room, on_end};
    struct echo *e = memory_zalloc(sizeof *e);
    (void)owner;
    if (!e) {
        flow_abort(flow);
        return;
    }
    e->flow = flow;
    buf_init(&e->waiting, TLS_QUEUE_MAX);
    log_peer(flow);
    flow_own(flow, &events, e);
}

static enum err start(const struct world *world)
{
    static struct listener *listener;
    const struct tls_server_config config = {
        .signer = world->signer,
        .certificates = world->certificates,
        .client_auth = echo_client_auth ? TLS_CLIENT_ASK : TLS_CLIENT_NONE,
        .client_anchors = world->anchors,
    };
    struct endpoint local = {.address = ADDRESS_ANY, .port = echo_port};
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    enum err e = tls_server_open(&config, &server, &error);
    if (e)
        log_error(SOURCE, "%.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    struct stack *stack = e ? NULL : tls_server_stack(server, world->stack);
    if (!stack)
        return e ? e : ERR_MEMORY;
    e = stack_listen(stack, local, on_accept, NULL, &listener);
    if (e)
        log_error(SOURCE, "cannot listen on port %u: %s", echo_port, err_text(e));
    else
        log_info(SOURCE, "listening on port %u", echo_port);
    return e;
}

const struct program program = {.name = "tlsecho", .summary = "Echoes over TLS", .start = start};
