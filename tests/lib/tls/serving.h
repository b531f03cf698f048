/*
 * A TLS server with certificates of every kind, which gives back what it is sent: what the tests of
 * the server share.
 */
#ifndef TESTS_LIB_TLS_SERVING_H
#define TESTS_LIB_TLS_SERVING_H

#include <stddef.h>

#include "lib/x509/x509.h"
#include "tests/lib/tls/ends.h"
#include "tests/lib/tls/peer.h"

static struct listener *listener;
static struct pki other, wild, rsa, ed, p384, stranger;

/* --- an echo, of any number of connections --- */

struct served {
    struct flow *flow;
    struct tls_info info;
    enum err why;
    char host[64], protocol[32];
};
static struct served last;
static unsigned accepted;

static inline void echo_data(void *owner, struct slice bytes)
{
    enum err e = flow_write(owner, bytes);
    if (e == ERR_MEMORY) { /* as test_no_memory has it; nowhere else */
        last.why = e;
        flow_abort(owner);
        return;
    }
    assert_int_equal(e, OK);
}

static inline void echo_eof(void *owner)
{
    last.why = OK;
    flow_close(owner);
}

static inline void echo_end(void *owner, enum err why)
{
    last.why = why;
    flow_close(owner);
}

static inline void echo_accept(void *owner, struct flow *f)
{
    static const struct flow_events events = {echo_data, echo_eof, NULL, echo_end};
    (void)owner;
    accepted++;
    last = (struct served){.flow = f, .why = ERR_AGAIN};
    tls_flow_info(f, &last.info);
    snprintf(last.host, sizeof last.host, "%.*s", SLICE_ARG(last.info.host));
    snprintf(last.protocol, sizeof last.protocol, "%.*s", SLICE_ARG(last.info.protocol));
    flow_own(f, &events, f);
}

static inline void listen_at_443(void)
{
    struct endpoint local = {.port = 443};
    assert_int_equal(stack_listen(place.server_stack, local, echo_accept, NULL, &listener), OK);
    accepted = 0;
}

static inline void open_with(struct tls_server_config config)
{
    const struct pki_entry entries[] = {
        {"server", {&place.leaf, &place.ca, NULL}},
        {"other.example", {&other, &place.ca, NULL}},
        {"wild", {&wild, &place.ca, NULL}},
        {"rsa", {&rsa, NULL}},
        {"ed", {&ed, &place.ca, NULL}},
        {"p384", {&p384, &place.ca, NULL}},
    };
    place_net_open();
    place_server_open(entries, sizeof entries / sizeof entries[0], config);
    place_client_open((struct tls_client_config){.anchors = place.ca.cert});
    listen_at_443();
}

static inline int setup(void **state)
{
    (void)state;
    open_with((struct tls_server_config){0});
    return 0;
}

static inline int close_all(void)
{
    stack_unlisten(place.server_stack, listener);
    return place_close();
}

static inline int teardown(void **state)
{
    (void)state;
    return close_all();
}

static inline void settle(uint64_t seconds)
{
    sim_run(NULL, NULL, clock_monotonic() + seconds * CLOCK_SEC);
}

static inline struct tls_counters counters(void)
{
    return tls_server_counters(place.server);
}

/* --- a peer that comes again --- */

static inline bool resumes(struct peer *p)
{
    peer_dial(p);
    assert_true(peer_shake(p));
    assert_true(peer_echo(p, "again"));
    bool resumed = SSL_session_reused(p->ssl);
    assert_int_equal(last.info.resumed, resumed);
    peer_hang_up(p);
    settle(1);
    return resumed;
}

/* --- the whole --- */

static inline void make_certificates(void)
{
    const struct pki_request r[] = {
        {.name = "other", .hosts = "DNS:also.example"},
        {.name = "wild", .hosts = "DNS:*.wild.example"},
        {.name = "rsa", .hosts = "DNS:rsa.example", .algorithm = SIGNER_RSA},
        {.name = "ed", .hosts = "DNS:ed.example", .algorithm = SIGNER_ED25519},
        {.name = "p384", .hosts = "DNS:exact.wild.example", .algorithm = SIGNER_ECDSA_P384},
        {.name = "stranger", .hosts = "DNS:stranger.example"},
    };
    place_certificates();
    other = pki_make(&r[0], &place.ca);
    wild = pki_make(&r[1], &place.ca);
    rsa = pki_make(&r[2], &place.ca);
    ed = pki_make(&r[3], &place.ca);
    p384 = pki_make(&r[4], &place.ca);
    stranger = pki_make(&r[5], NULL);
}

/* Libraries keep what they have once made: each kind of connection, before anything is counted. */
static inline void warm_up(void)
{
    static const uint16_t all[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ED25519,
                                   SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
                                   SSL_SIGN_ECDSA_SECP384R1_SHA384};
    static const char *const hosts[] = {"server.example", "rsa.example", "ed.example",
                                        "exact.wild.example"};
    open_with((struct tls_server_config){0});
    for (size_t i = 0; i < 8; i++) {
        struct peer p;
        peer_init(&p);
        SSL_CTX_set_verify_algorithm_prefs(p.context, all, 5);
        SSL_CTX_set_max_proto_version(p.context, i & 1 ? TLS1_2_VERSION : TLS1_3_VERSION);
        peer_dial(&p);
        SSL_set_tlsext_host_name(p.ssl, hosts[i / 2]);
        assert_true(peer_shake(&p));
        assert_true(peer_echo(&p, "first"));
        peer_hang_up(&p);
        settle(1);
        resumes(&p);
        peer_deinit(&p);
    }
    close_all();
    place.blocks = memory_stats().blocks;
}

/* All tests of a program: failed ones. */
static inline int serving_run(const char *title, const struct CMUnitTest *tests, size_t count)
{
    sim_reset(1);
    make_certificates();
    warm_up();
    int failed = _cmocka_run_group_tests(title, tests, count, NULL, NULL);
    struct pki *all[] = {&place.ca, &place.leaf, &other, &wild, &rsa, &ed, &p384, &stranger};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        pki_free(all[i]);
    return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
