/*
 * The client's side of TLS: connects, says why it does not trust whom it found, or sends a text and
 * prints what comes back. Status 0: the server ended in good order; 1: anything else.
 */
#include "apps/tlsclient/settings.h"
#include "lib/dial/dial.h"
#include "lib/tls/tls.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/console.h"

#define SOURCE   "client"
#define PATIENCE (20 * CLOCK_SEC)

static struct tls_client *client;
static struct flow *flow;
static struct slice unechoed; /* of what was sent */

static void end(enum err why)
{
    if (why)
        log_error(SOURCE, "the connection ended: %s", err_text(why));
    flow_close(flow);
    loop_stop(why ? 1 : 0);
}

/* An echo does not end by itself: when all that was sent has come back, it is enough. */
static void on_data(void *owner, struct slice bytes)
{
    (void)owner;
    console_write(bytes);
    if (slice_starts(unechoed, bytes))
        unechoed = slice_drop(unechoed, bytes.len);
    else
        unechoed = client_send; /* it is no echo */
    if (unechoed.len == 0) {
        console_write(SLICE("\n"));
        end(OK);
    }
}

static void on_eof(void *owner)
{
    (void)owner;
    end(OK);
}

static void on_end(void *owner, enum err why)
{
    (void)owner;
    end(why);
}

static void on_secure(void *owner, enum err why, const char *reason, struct flow *f)
{
    static const struct flow_events events = {on_data, on_eof, NULL, on_end};
    struct tls_info i;
    (void)owner;
    if (why) {
        log_error(SOURCE, "%.*s: %s", SLICE_ARG(client_host), reason);
        loop_stop(1);
        return;
    }
    flow = f;
    tls_flow_info(f, &i);
    log_info(SOURCE, "TLS 1.%u, %s, verified", i.version - 0x0301u, i.cipher);
    flow_own(f, &events, NULL);
    unechoed = client_send;
    why = flow_write(f, client_send);
    if (why)
        end(why);
}

static void on_dialed(void *owner, enum err why, struct flow *f)
{
    static struct tls_connecting *handshake;
    (void)owner;
    if (!why)
        why = tls_connect(client, f, client_host, on_secure, NULL, &handshake);
    if (why) {
        log_error(SOURCE, "cannot connect to %.*s port %u: %s", SLICE_ARG(client_host), client_port,
                  err_text(why));
        loop_stop(1);
    }
}

static enum err start(const struct world *world)
{
    static struct dial *dial;
    struct tls_pin pin;
    struct tls_client_config config = {.anchors = world->anchors};
    if (tls_pin_parse(client_pin, &pin)) {
        config.pins = &pin;
        config.pin_count = 1;
    }
    enum err e = tls_client_open(&config, &client);
    if (e)
        log_error(SOURCE, "%s",
                  e == ERR_ARGUMENT ? "the image has no trust anchors, and none is pinned "
                                      "(--authenticator): nobody would be trusted"
                                    : err_text(e));
    if (e)
        return e;
    return dial_open(world->stack, client_host, client_port, clock_monotonic() + PATIENCE,
                     on_dialed, NULL, &dial);
}

const struct program program = {.name = "tlsclient",
                                .summary = "Speaks TLS to a server, if it is the right one",
                                .start = start};
