/*
 * A place for tests of TLS: two hosts of the simulated network, a server's stack on one, and on the
 * other a stack whose connections are TLS as well. Included by the tests of this room.
 */
#ifndef TESTS_LIB_TLS_PLACE_H
#define TESTS_LIB_TLS_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/tls/tls.h"
#include "platform/sim/client.h"
#include "platform/sim/net.h"
#include "platform/sim/signer.h"
#include "platform/sim/sim.h"
#include "runtime/loop.h"
#include "signatures/memory.h"
#include "tests/support/pki.h"

static struct place {
    uint64_t seed;
    struct sim_link link;
    struct pki ca, leaf;
    struct sim_net *net;
    struct stack *server_host, *client_host; /* plain */
    struct stack *server_stack, *client_stack;
    struct signer *signer;
    struct tls_server *server;
    struct tls_client *client;
    uint64_t blocks; /* that the library keeps for ever */
} place;

/* --- a stack whose connections are TLS --- */

struct dialing {
    struct connect *below;
    struct tls_connecting *handshake;
    connect_fn *answer;
    void *owner;
};

static inline void dialed(void *owner, enum err why, const char *reason, struct flow *flow)
{
    struct dialing d = *(struct dialing *)owner;
    (void)reason;
    free(owner);
    d.answer(d.owner, why, flow);
}

static inline void dialed_below(void *owner, enum err why, struct flow *flow)
{
    struct dialing *d = owner;
    d->below = NULL;
    if (!why)
        why = tls_connect(place.client, flow, SLICE("server.example"), dialed, d, &d->handshake);
    if (why)
        dialed(d, why, "", NULL);
}

static inline enum err tls_dial(struct stack *s, struct endpoint remote, connect_fn *answer,
                                void *owner, struct connect **into)
{
    struct dialing *d = calloc(1, sizeof *d);
    (void)s;
    d->answer = answer;
    d->owner = owner;
    enum err e = stack_connect(place.client_host, remote, dialed_below, d, &d->below);
    if (e)
        free(d);
    else
        *into = (struct connect *)(void *)d;
    return e;
}

static inline void tls_dial_cancel(struct stack *s, struct connect *c)
{
    struct dialing *d = (struct dialing *)(void *)c;
    (void)s;
    if (d->below)
        stack_cancel_connect(place.client_host, d->below);
    else
        tls_cancel(d->handshake);
    free(d);
}

static inline enum err dial_resolve(struct stack *s, struct slice name, resolve_fn *answer,
                                    void *owner, struct resolve **into)
{
    (void)s;
    return stack_resolve(place.client_host, name, answer, owner, into);
}

static inline void dial_cancel_resolve(struct stack *s, struct resolve *r)
{
    (void)s;
    stack_cancel_resolve(place.client_host, r);
}

static const struct stack_ops dial_ops = {.connect = tls_dial,
                                          .cancel_connect = tls_dial_cancel,
                                          .resolve = dial_resolve,
                                          .cancel_resolve = dial_cancel_resolve};
static struct stack dial_stack = {&dial_ops};

/* --- setting up --- */

static inline void place_certificates(void)
{
    const struct pki_request ca = {.name = "Test CA", .authority = true};
    const struct pki_request leaf = {.name = "server", .hosts = "DNS:server.example,IP:192.0.2.1"};
    place.ca = pki_make(&ca, NULL);
    place.leaf = pki_make(&leaf, &place.ca);
}

static inline void place_server_open(const struct pki_entry *entries, size_t count,
                                     struct tls_server_config config)
{
    struct buf keys, certs, error;
    buf_init(&keys, 1 << 20);
    buf_init(&certs, 1 << 20);
    buf_init(&error, 512);
    pki_keys(&keys, entries, count);
    pki_certs(&certs, entries, count);
    place.signer = sim_signer_open(buf_slice(&keys));
    config.signer = place.signer;
    config.certificates = buf_slice(&certs);
    if (tls_server_open(&config, &place.server, &error) != OK)
        fail_msg("%.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&keys);
    buf_deinit(&certs);
    buf_deinit(&error);
    place.server_stack = tls_server_stack(place.server, place.server_host);
    assert_non_null(place.server_stack);
}

static inline void place_client_open(struct tls_client_config config)
{
    assert_int_equal(tls_client_open(&config, &place.client), OK);
    place.client_stack = &dial_stack;
}

static inline void place_net_open(void)
{
    sim_reset(place.seed);
    sim_clock_set_wall(PKI_NOW * (int64_t)CLOCK_SEC);
    place.net = sim_net_open(place.seed);
    place.server_host = sim_net_host(place.net, "192.0.2.1");
    place.client_host = sim_net_host(place.net, "192.0.2.2");
    sim_net_name(place.net, "server.example", "192.0.2.1");
    sim_net_links(place.net, place.link);
}

static inline void place_open_with(struct tls_server_config server, struct tls_client_config client)
{
    const struct pki_entry entry = {"server", {&place.leaf, &place.ca, NULL}};
    place_net_open();
    place_server_open(&entry, 1, server);
    if (!client.pin_count && !client.anchors.len)
        client.anchors = place.ca.cert;
    place_client_open(client);
}

/* Nothing may be left: no flow, no timer, no memory. */
static inline int place_close(void)
{
    sim_run(NULL, NULL, clock_monotonic() + 60 * CLOCK_SEC);
    if (place.client)
        tls_client_close(place.client);
    if (place.server)
        tls_server_close(place.server);
    if (place.signer)
        sim_signer_close(place.signer);
    place.client = NULL;
    place.server = NULL;
    place.signer = NULL;
    size_t flows = sim_net_close(place.net);
    uint64_t blocks = memory_stats().blocks;
    if (flows == 0 && loop_timers() == 0 && blocks == place.blocks)
        return 0;
    print_message("left: %zu flows, %u timers, %llu blocks\n", flows, loop_timers(),
                  (unsigned long long)(blocks - place.blocks));
    return -1;
}

#endif
