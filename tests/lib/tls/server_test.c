/* The server: what it agrees to, whom it is, and what it does with those who mean no good. */
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

static void echo_data(void *owner, struct slice bytes)
{
    enum err e = flow_write(owner, bytes);
    if (e == ERR_MEMORY) { /* as test_no_memory has it; nowhere else */
        last.why = e;
        flow_abort(owner);
        return;
    }
    assert_int_equal(e, OK);
}

static void echo_eof(void *owner)
{
    last.why = OK;
    flow_close(owner);
}

static void echo_end(void *owner, enum err why)
{
    last.why = why;
    flow_close(owner);
}

static void echo_accept(void *owner, struct flow *f)
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

static void listen_at_443(void)
{
    struct endpoint local = {.port = 443};
    assert_int_equal(stack_listen(place.server_stack, local, echo_accept, NULL, &listener), OK);
    accepted = 0;
}

static void open_with(struct tls_server_config config)
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

static int setup(void **state)
{
    (void)state;
    open_with((struct tls_server_config){0});
    return 0;
}

static int close_all(void)
{
    stack_unlisten(place.server_stack, listener);
    return place_close();
}

static int teardown(void **state)
{
    (void)state;
    return close_all();
}

static void settle(uint64_t seconds)
{
    sim_run(NULL, NULL, clock_monotonic() + seconds * CLOCK_SEC);
}

static struct tls_counters counters(void)
{
    return tls_server_counters(place.server);
}

/* --- what is agreed on --- */

static void test_versions(void **state)
{
    (void)state;
    const uint16_t versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        peer_init(&p);
        SSL_CTX_set_max_proto_version(p.context, versions[i]);
        peer_dial(&p);
        assert_true(peer_shake(&p));
        assert_true(peer_echo(&p, "hello"));
        assert_int_equal(last.info.version, versions[i]);
        assert_string_equal(last.info.cipher, i ? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
                                                : "TLS_AES_128_GCM_SHA256");
        assert_false(last.info.resumed);
        assert_false(last.info.authenticated);
        peer_hang_up(&p);
        settle(1);
        assert_int_equal(last.why, OK);
        peer_deinit(&p);
    }
    assert_int_equal(counters().finished, 2);
    assert_int_equal(counters().tls12, 1);
    assert_int_equal(counters().open, 0);
}

static void refused(const char *ciphers, uint16_t version, const char *groups)
{
    struct peer p;
    uint64_t before = counters().no_common;
    peer_init(&p);
    if (ciphers)
        assert_int_equal(SSL_CTX_set_cipher_list(p.context, ciphers), 1);
    if (groups)
        assert_int_equal(SSL_CTX_set1_groups_list(p.context, groups), 1);
    SSL_CTX_set_min_proto_version(p.context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(p.context, version);
    peer_dial(&p);
    assert_false(peer_shake(&p));
    peer_hang_up(&p);
    peer_deinit(&p);
    settle(1);
    assert_int_equal(counters().no_common, before + 1);
}

static void test_what_is_too_old(void **state)
{
    (void)state;
    refused(NULL, TLS1_1_VERSION, NULL);
    refused(NULL, TLS1_VERSION, NULL);
    refused("ECDHE-ECDSA-AES128-SHA", TLS1_2_VERSION, NULL);
    refused("AES128-GCM-SHA256", TLS1_2_VERSION, NULL);
    refused(NULL, TLS1_3_VERSION, "P-521");
}

static void test_groups(void **state)
{
    (void)state;
    const struct {
        const char *offered;
        uint16_t chosen;
    } cases[] = {{"X25519MLKEM768:X25519", 0x11ec},
                 {"X25519:P-256", 29},
                 {"P-256", 23},
                 {"P-384:P-256", 23},
                 {"P-384", 24},
                 {"X25519:X25519MLKEM768", 0x11ec}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p;
        peer_init(&p);
        assert_int_equal(SSL_CTX_set1_groups_list(p.context, cases[i].offered), 1);
        peer_dial(&p);
        assert_true(peer_shake(&p));
        assert_true(peer_echo(&p, "x"));
        assert_int_equal(last.info.group, cases[i].chosen);
        peer_hang_up(&p);
        peer_deinit(&p);
    }
}

static void test_names(void **state)
{
    (void)state;
    const struct {
        const char *host;
        const struct pki *expected;
    } cases[] = {
        {NULL, &place.leaf},
        {"server.example", &place.leaf},
        {"SERVER.example", &place.leaf},
        {"other.example", &other}, /* by the name of its entry */
        {"also.example", &other},  /* by its certificate */
        {"a.wild.example", &wild},
        {"exact.wild.example", &p384}, /* before the wildcard */
        {"a.b.wild.example", &place.leaf},
        {"wild.example", &place.leaf},
        {"rsa.example", &rsa},
        {"ed.example", &ed},
        {"nobody.example", &place.leaf},
    };
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            static const uint16_t all[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ED25519,
                                           SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
                                           SSL_SIGN_ECDSA_SECP384R1_SHA384};
            struct peer p;
            peer_init(&p);
            SSL_CTX_set_verify_algorithm_prefs(p.context, all, 5);
            SSL_CTX_set_max_proto_version(p.context, v ? TLS1_2_VERSION : TLS1_3_VERSION);
            peer_dial(&p);
            if (cases[i].host)
                SSL_set_tlsext_host_name(p.ssl, cases[i].host);
            assert_true(peer_shake(&p));
            assert_true(peer_echo(&p, "x"));
            assert_string_equal(last.host, cases[i].host ? cases[i].host : "");
            if (!slice_equal(p.spki, pki_spki(cases[i].expected)))
                fail_msg("%s got %s", cases[i].host, p.subject);
            peer_hang_up(&p);
            peer_deinit(&p);
        }
}

static void test_protocols(void **state)
{
    (void)state;
    const struct {
        const char *offered, *chosen; /* NULL: refused */
    } cases[] = {{"\x08http/1.1", "http/1.1"},
                 {"\x02h2\x08http/1.1", "http/1.1"},
                 {"\x05other\x08http/1.0\x08http/1.1", "http/1.1"},
                 {"", ""},
                 {"\x02h2", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p;
        peer_init(&p);
        if (cases[i].offered[0])
            SSL_CTX_set_alpn_protos(p.context, (const uint8_t *)cases[i].offered,
                                    (unsigned)strlen(cases[i].offered));
        peer_dial(&p);
        assert_int_equal(peer_shake(&p), cases[i].chosen != NULL);
        if (cases[i].chosen) {
            assert_true(peer_echo(&p, "x"));
            assert_string_equal(last.protocol, cases[i].chosen);
        }
        peer_hang_up(&p);
        peer_deinit(&p);
    }
    settle(1);
    assert_int_equal(counters().no_common, 1);
}

static int setup_protocols(void **state)
{
    static const char *const protocols[] = {"http/1.1", "http/1.0"};
    (void)state;
    open_with((struct tls_server_config){.protocols = protocols, .protocol_count = 2});
    return 0;
}

/* --- resumption --- */

static bool resumes(struct peer *p)
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

static void test_resumption(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++) {
        struct peer p;
        peer_init(&p);
        SSL_CTX_set_max_proto_version(p.context, v ? TLS1_2_VERSION : TLS1_3_VERSION);
        uint64_t before = counters().resumed;
        assert_false(resumes(&p));
        assert_false(SSL_SESSION_early_data_capable(p.ticket)); /* no 0-RTT */
        assert_true(resumes(&p));
        tls_server_rotate(place.server); /* the key of before still opens */
        SSL_SESSION *old = p.ticket;
        SSL_SESSION_up_ref(old);
        assert_true(resumes(&p));
        tls_server_rotate(place.server);
        SSL_SESSION_free(p.ticket);
        p.ticket = old;
        assert_false(resumes(&p)); /* that of two before does not */
        assert_true(resumes(&p));
        assert_int_equal(counters().resumed, before + 3);
        peer_deinit(&p);
    }
}

static void test_tickets_grow_old(void **state)
{
    (void)state;
    struct peer p;
    peer_init(&p);
    assert_false(resumes(&p));
    settle(11 * 60 * 60);
    assert_true(resumes(&p));
    settle(25 * 60 * 60);
    assert_false(resumes(&p));
    peer_deinit(&p);
}

static void test_changed_ticket(void **state)
{
    (void)state;
    struct peer p;
    peer_init(&p);
    SSL_CTX_set_max_proto_version(p.context, TLS1_2_VERSION);
    assert_false(resumes(&p));
    const uint8_t *ticket;
    size_t len;
    SSL_SESSION_get0_ticket(p.ticket, &ticket, &len);
    uint8_t *changed = malloc(len);
    for (size_t i = 0; i < len; i += 13) {
        SSL_SESSION *s = SSL_SESSION_copy_without_early_data(p.ticket);
        memcpy(changed, ticket, len);
        changed[i] ^= 0x40;
        SSL_SESSION_set_ticket(s, changed, len);
        struct peer q;
        peer_init(&q);
        SSL_CTX_set_max_proto_version(q.context, TLS1_2_VERSION);
        q.ticket = s;
        assert_false(resumes(&q));
        peer_deinit(&q);
        SSL_SESSION_get0_ticket(p.ticket, &ticket, &len);
    }
    free(changed);
    peer_deinit(&p);
}

/* --- client certificates --- */

static bool shows(const struct pki *certificate, uint16_t version)
{
    struct peer p;
    peer_init(&p);
    SSL_CTX_set_max_proto_version(p.context, version);
    peer_dial(&p);
    if (certificate)
        peer_show(&p, certificate);
    bool ok = peer_shake(&p) && peer_echo(&p, "x");
    peer_hang_up(&p);
    peer_deinit(&p);
    settle(1);
    return ok;
}

static void check_client_auth(enum tls_client_auth auth, bool anchors, bool none_ok,
                              bool stranger_ok)
{
    for (int v = 0; v < 2; v++) {
        uint16_t version = v ? TLS1_2_VERSION : TLS1_3_VERSION;
        open_with((struct tls_server_config){
            .client_auth = auth, .client_anchors = anchors ? place.ca.cert : slice_of(NULL, 0)});
        assert_true(shows(&other, version));
        assert_int_equal(last.info.authenticated, anchors);
        assert_int_equal(last.info.certificate_sha256[0] != 0 || last.info.certificate_sha256[1],
                         auth != TLS_CLIENT_NONE);
        assert_int_equal(shows(&stranger, version), stranger_ok);
        assert_int_equal(shows(NULL, version), none_ok);
        assert_int_equal(counters().certificates_refused, !stranger_ok + !none_ok);
        assert_int_equal(close_all(), 0);
    }
}

static void test_client_certificates(void **state)
{
    (void)state;
    check_client_auth(TLS_CLIENT_NONE, false, true, true);
    check_client_auth(TLS_CLIENT_ASK, true, true, false);
    check_client_auth(TLS_CLIENT_REQUIRE, true, false, false);
    check_client_auth(TLS_CLIENT_ASK, false, true, true);
    check_client_auth(TLS_CLIENT_REQUIRE, false, false, true);
}

/* --- hostile --- */

static void throw(struct slice bytes)
{
    struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
    sim_client_send(c, bytes);
    settle(1);
    assert_true(sim_client_over(c));
    sim_client_close(c);
    settle(1);
}

static void test_plain_http(void **state)
{
    (void)state;
    throw(SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    throw(SLICE("POST / HTTP/1.1\r\n\r\n"));
    throw(SLICE("CONNECT a:443 HTTP/1.1\r\n\r\n"));
    assert_int_equal(counters().plain_http, 3);
    assert_int_equal(accepted, 0);
}

static void test_garbage(void **state)
{
    (void)state;
    struct sim_random r;
    uint8_t bytes[2000];
    sim_random_seed(&r, 5);
    for (int i = 0; i < 300; i++) {
        for (size_t at = 0; at < sizeof bytes; at++)
            bytes[at] = (uint8_t)sim_random_next(&r);
        if (i % 3 == 0)
            memcpy(bytes, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11); /* like a hello */
        if (i % 3 == 1)
            memcpy(bytes, "\x16\x03\x01\x00\x04\xff", 6);
        throw(slice_of(bytes, sizeof bytes));
    }
    struct tls_counters c = counters();
    assert_int_equal(c.malformed + c.no_common + c.alerts + c.oversized, 300);
    assert_int_equal(accepted, 0);
}

/* A handshake that never ends: fragments of a message of the largest length there is. */
static void test_huge_hello(void **state)
{
    (void)state;
    struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
    static uint8_t record[5 + 16384] = {0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff, 3, 3};
    for (int i = 0; i < 10; i++)
        sim_client_send(c, slice_of(record, sizeof record));
    settle(1);
    assert_true(sim_client_over(c));
    sim_client_close(c);
    assert_int_equal(counters().oversized, 1);

    /* The same in many small records, each of a length that is permitted. */
    c = sim_client_open(place.client_host, "192.0.2.1", 443);
    uint8_t small[5 + 64] = {0x16, 3, 1, 0, 64, 1, 0, 0x3f, 0xf0, 3, 3};
    sim_client_send(c, slice_of(small, sizeof small));
    memset(small + 5, 0, 64);
    for (int i = 0; i < 700; i++)
        sim_client_send(c, slice_of(small, sizeof small));
    settle(1);
    assert_true(sim_client_over(c));
    sim_client_close(c);
    assert_int_equal(counters().oversized + counters().malformed, 2);
}

static void test_deadline(void **state)
{
    (void)state;
    struct sim_client *silent = sim_client_open(place.client_host, "192.0.2.1", 443);
    struct sim_client *slow = sim_client_open(place.client_host, "192.0.2.1", 443);
    static const uint8_t start[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc};
    for (size_t i = 0; i < sizeof start; i++) {
        sim_client_send(slow, slice_of(start + i, 1));
        settle(1);
    }
    assert_false(sim_client_over(silent));
    assert_false(sim_client_over(slow));
    settle(2);
    assert_true(sim_client_over(silent));
    assert_true(sim_client_over(slow));
    assert_int_equal(counters().timeouts, 2);
    assert_int_equal(counters().unfinished, 0);
    sim_client_close(silent);
    sim_client_close(slow);
}

/* --- records in shapes that are permitted, or nearly --- */

/* The peer's hello, one record; what it says next goes out as always. */
static struct slice hello_of(struct peer *p, uint8_t into[4096])
{
    SSL_do_handshake(p->ssl);
    ERR_clear_error();
    int n = BIO_read(SSL_get_wbio(p->ssl), into, 4096);
    assert_true(n > 5);
    return slice_of(into, (size_t)n);
}

/* A message may be cut anywhere, into records of any size (RFC 8446, 5.1). */
static void send_torn(struct peer *p, struct slice record, size_t size)
{
    for (struct slice rest = slice_drop(record, 5); rest.len; rest = slice_drop(rest, size)) {
        struct slice some = slice_take(rest, size);
        uint8_t head[5] = {0x16, 3, 1, (uint8_t)(some.len >> 8), (uint8_t)some.len};
        sim_client_send(p->client, slice_of(head, sizeof head));
        sim_client_send(p->client, some);
    }
}

static void test_torn_hello(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 2, 3, 4, 50, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[4096];
        struct peer p;
        peer_init(&p);
        peer_dial(&p);
        send_torn(&p, hello_of(&p, bytes), sizes[i]);
        assert_true(peer_shake(&p));
        assert_true(peer_echo(&p, "in pieces"));
        peer_hang_up(&p);
        peer_deinit(&p);
    }
}

/* Cut off after each number of bytes: lost, each counted once. */
static void test_cut_hello(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    struct peer p;
    peer_init(&p);
    peer_dial(&p);
    struct slice hello = hello_of(&p, bytes);
    peer_hang_up(&p);
    settle(1);
    uint64_t before = counters().lost, count = 0;
    for (size_t at = 0; at < hello.len; at += 1 + at / 16, count++) {
        struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
        sim_client_send(c, slice_take(hello, at));
        sim_client_finish(c);
        settle(1);
        sim_client_close(c);
    }
    assert_int_equal(counters().lost, before + count);
    assert_int_equal(counters().unfinished, 0);
    assert_int_equal(accepted, 0);
    peer_deinit(&p);
}

static bool asks_at_once(void *arg)
{
    struct peer *p = arg;
    peer_flush(p);
    bool stands = SSL_do_handshake(p->ssl) == 1;
    if (stands)
        SSL_write(p->ssl, "at once", 7);
    peer_flush(p);
    ERR_clear_error();
    return stands || sim_client_over(p->client);
}

/* The first data come in one piece with the handshake's end. */
static void test_coalesced(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++) {
        uint8_t back[8] = "";
        struct peer p;
        peer_init(&p);
        SSL_CTX_set_max_proto_version(p.context, v ? TLS1_2_VERSION : TLS1_3_VERSION);
        peer_dial(&p);
        sim_run(asks_at_once, &p, clock_monotonic() + 30 * CLOCK_SEC);
        struct peer_wait w = {&p, back, 0, 7};
        sim_run(peer_has, &w, clock_monotonic() + 30 * CLOCK_SEC);
        assert_string_equal((char *)back, "at once");
        peer_hang_up(&p);
        peer_deinit(&p);
    }
}

/* A second hello where the handshake's end should be, and records with nothing in them. */
static void test_out_of_turn(void **state)
{
    (void)state;
    uint8_t bytes[4096], many[64 * 7];
    struct peer p;
    peer_init(&p);
    peer_dial(&p);
    struct slice hello = hello_of(&p, bytes);
    sim_client_send(p.client, hello);
    sim_client_send(p.client, hello);
    peer_shake(&p); /* the peer's own part is fine */
    assert_false(peer_echo(&p, "x"));
    peer_hang_up(&p);
    peer_deinit(&p);
    settle(1);
    assert_int_equal(counters().malformed, 1);
    for (size_t i = 0; i < 64; i++)
        memcpy(many + 5 * i, "\x16\x03\x01\x00\x00", 5);
    throw(slice_of(many, 64 * 5));
    for (size_t i = 0; i < 64; i++)
        memcpy(many + 7 * i, "\x15\x03\x01\x00\x02\x01\x5a", 7); /* a warning */
    throw(slice_of(many, 64 * 7));
    assert_int_equal(counters().malformed, 3);
    assert_int_equal(accepted, 0);
}

static void test_key_update(void **state)
{
    (void)state;
    struct peer p;
    peer_init(&p);
    peer_dial(&p);
    assert_true(peer_shake(&p));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_true(peer_echo(&p, "with other keys"));
    }
    peer_hang_up(&p);
    peer_deinit(&p);
}

static void test_lost(void **state)
{
    (void)state;
    struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
    sim_client_send(c, SLICE("\x16\x03\x01"));
    sim_client_finish(c);
    settle(1);
    sim_client_close(c);
    struct sim_client *d = sim_client_open(place.client_host, "192.0.2.1", 443);
    settle(1);
    sim_client_abort(d);
    settle(1);
    sim_client_close(d);
    assert_int_equal(counters().lost, 2);
}

/* Ten thousand who never finish: bounded, and others are served. */
static void test_flood(void **state)
{
    (void)state;
    const unsigned many = 10000;
    struct sim_client **c = calloc(many, sizeof *c);
    static const uint8_t start[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc};
    uint64_t before = memory_stats().bytes;
    for (unsigned i = 0; i < many; i++) {
        c[i] = sim_client_open(place.client_host, "192.0.2.1", 443);
        sim_client_send(c[i], slice_of(start, sizeof start));
        if (i % 100 == 0)
            sim_run(NULL, NULL, clock_monotonic() + CLOCK_MS);
    }
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_MS);
    assert_int_equal(counters().unfinished, TLS_HANDSHAKES_MAX);
    assert_int_equal(counters().shed, many - TLS_HANDSHAKES_MAX);
    assert_true(memory_stats().bytes - before < (uint64_t)TLS_HANDSHAKES_MAX * 12 * 1024);
    struct peer p;
    peer_init(&p);
    peer_dial(&p);
    assert_true(peer_shake(&p));
    assert_true(peer_echo(&p, "still here"));
    peer_hang_up(&p);
    peer_deinit(&p);
    for (unsigned i = 0; i < many; i++)
        sim_client_close(c[i]);
    free(c);
    settle(20);
    assert_int_equal(counters().unfinished, 0);
}

static void test_truncation(void **state)
{
    (void)state;
    struct peer p;
    peer_init(&p);
    peer_dial(&p);
    assert_true(peer_shake(&p));
    assert_true(peer_echo(&p, "x"));
    sim_client_finish(p.client); /* without close_notify */
    settle(1);
    assert_int_equal(last.why, ERR_RESET);
    assert_int_equal(counters().truncated, 1);
    peer_hang_up(&p);
    peer_deinit(&p);
}

static void test_changed_record(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++)
        for (size_t at = 1; at < 25; at += 4) {
            struct peer p;
            uint64_t before = counters().broken_records;
            peer_init(&p);
            SSL_CTX_set_max_proto_version(p.context, v ? TLS1_2_VERSION : TLS1_3_VERSION);
            peer_dial(&p);
            assert_true(peer_shake(&p));
            assert_true(peer_echo(&p, "x"));
            p.flip = p.sent + at;
            if (at > 3 && at < 6)
                p.flip = p.sent + 6; /* a changed length only waits for more */
            assert_false(peer_echo(&p, "changed"));
            settle(1);
            assert_int_not_equal(last.why, OK);
            assert_int_equal(counters().broken_records, before + 1);
            peer_hang_up(&p);
            peer_deinit(&p);
        }
}

/* Every byte of the client's handshake, changed: it fails, or the handshake has told both the same. */
static void test_changed_handshake(void **state)
{
    (void)state;
    for (size_t at = 1; at < 700; at += 7) {
        struct peer p;
        peer_init(&p);
        SSL_CTX_set1_groups_list(p.context, "X25519");
        p.flip = at;
        peer_dial(&p);
        if (peer_shake(&p))
            peer_echo(&p, "x");
        peer_hang_up(&p);
        peer_deinit(&p);
        settle(1);
    }
    settle(20);
    assert_int_equal(counters().unfinished, 0);
    assert_int_equal(counters().open, 0);
}

/* --- the signer --- */

static void test_slow_signer(void **state)
{
    (void)state;
    struct peer p;
    sim_signer_delay(place.signer, 2 * CLOCK_SEC);
    peer_init(&p);
    peer_dial(&p);
    assert_true(peer_shake(&p));
    assert_true(peer_echo(&p, "slow"));
    peer_hang_up(&p);

    /* Who goes away meanwhile is forgotten there, too. */
    SSL_SESSION_free(p.ticket);
    p.ticket = NULL;
    peer_dial(&p);
    sim_run(peer_stands, &p, clock_monotonic() + CLOCK_SEC);
    assert_int_equal(sim_signer_waiting(place.signer), 1);
    peer_hang_up(&p);
    settle(1);
    assert_int_equal(sim_signer_waiting(place.signer), 0);
    assert_int_equal(counters().lost, 1);

    /* Slower than the deadline. */
    sim_signer_delay(place.signer, 20 * CLOCK_SEC);
    peer_dial(&p);
    assert_false(peer_shake(&p));
    assert_int_equal(counters().timeouts, 1);
    peer_hang_up(&p);
    peer_deinit(&p);
}

static void test_broken_signer(void **state)
{
    (void)state;
    struct peer p;
    peer_init(&p);
    sim_signer_delay(place.signer, CLOCK_SEC);
    peer_dial(&p);
    sim_run(peer_stands, &p, clock_monotonic() + CLOCK_SEC / 2);
    sim_signer_break(place.signer);
    assert_false(peer_shake(&p));
    peer_hang_up(&p);
    settle(1);
    assert_int_equal(counters().signer_failures, 1);
    peer_dial(&p);
    assert_false(peer_shake(&p));
    peer_hang_up(&p);
    settle(1);
    assert_int_equal(counters().signer_failures, 2);
    peer_deinit(&p);
}

/* --- certificates, exchanged --- */

static enum err exchange(const struct pki_entry *entries, size_t count, char *line)
{
    struct buf certs, error;
    buf_init(&certs, 1 << 20);
    buf_init(&error, 512);
    if (count)
        pki_certs(&certs, entries, count);
    enum err e = tls_server_certificates(place.server, buf_slice(&certs), &error);
    sprintf(line, "%.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&certs);
    buf_deinit(&error);
    return e;
}

static void test_exchange(void **state)
{
    (void)state;
    char line[512];
    struct peer before, after;
    peer_init(&before);
    peer_dial(&before);
    assert_true(peer_shake(&before));
    assert_true(peer_echo(&before, "x"));

    const struct pki_entry wrong[] = {{"new", {&stranger, NULL}}};
    assert_int_equal(exchange(wrong, 1, line), ERR_MISMATCH);
    assert_string_equal(line, "the certificate new fits none of the image's private keys");
    const struct pki_entry disorder[] = {{"new", {&other, &wild, NULL}}};
    assert_int_equal(exchange(disorder, 1, line), ERR_MISMATCH);
    assert_string_equal(line,
                        "the certificate new has a chain in which one was not issued by the next");
    assert_int_equal(exchange(NULL, 0, line), ERR_NOT_FOUND);

    const struct pki_entry right[] = {{"new", {&other, &place.ca, NULL}}};
    assert_int_equal(exchange(right, 1, line), OK);
    peer_init(&after);
    peer_dial(&after);
    assert_true(peer_shake(&after));
    assert_true(slice_equal(after.spki, pki_spki(&other)));
    assert_true(peer_echo(&after, "new"));
    assert_true(peer_echo(&before, "old"));
    peer_hang_up(&before);
    peer_hang_up(&after);
    peer_deinit(&before);
    peer_deinit(&after);
}

/* --- memory --- */

static void test_idle_memory(void **state)
{
    (void)state;
    enum { MANY = 200 };
    static struct peer peers[MANY];
    struct peer one;
    peer_init(&one);
    peer_dial(&one);
    assert_true(peer_shake(&one));
    assert_true(peer_echo(&one, "x"));
    uint64_t used = 0;
    for (int i = 0; i < MANY; i++) {
        peer_init(&peers[i]);
        peer_dial(&peers[i]);
        uint64_t before = memory_stats().bytes;
        assert_true(peer_shake(&peers[i]));
        assert_true(peer_echo(&peers[i], "x"));
        used += memory_stats().bytes - before;
    }
    /* With the peer's own side, which is as large. */
    print_message("an idle connection and its peer: %llu bytes\n",
                  (unsigned long long)(used / MANY));
    assert_true(used / MANY < 2 * 8 * 1024);
    for (int i = 0; i < MANY; i++) {
        peer_hang_up(&peers[i]);
        peer_deinit(&peers[i]);
    }
    peer_hang_up(&one);
    peer_deinit(&one);
}

static void no_memory_once(uint64_t nth)
{
    struct end client = {0};
    struct tls_connecting *handshake;
    struct connect *c;
    struct endpoint remote = {.address = address_v4(192, 0, 2, 1), .port = 443};
    (void)handshake;
    sim_memory_fail_nth(nth);
    if (stack_connect(place.client_stack, remote, end_answer, &client, &c) == OK)
        settle(15);
    if (client.flow && !client.over && flow_write(client.flow, SLICE("hello")) == OK)
        settle(5);
    sim_memory_fail_nth(0);
    end_close(&client);
    settle(30);
}

static void test_no_memory(void **state)
{
    (void)state;
    uint64_t blocks = memory_stats().blocks;
    for (uint64_t nth = 1; nth < 1500; nth += nth < 50 ? 1 : 3) {
        no_memory_once(nth);
        if (memory_stats().blocks != blocks)
            fail_msg("request %llu: %llu blocks are left", (unsigned long long)nth,
                     (unsigned long long)(memory_stats().blocks - blocks));
    }
    assert_true(counters().finished > 0);
}

/* A server is opened, and certificates are exchanged, with memory for a little more each time. */
static void test_open_without_memory(void **state)
{
    (void)state;
    const struct pki_entry all[] = {{"server", {&place.leaf, &place.ca, NULL}},
                                    {"rsa", {&rsa, NULL}},
                                    {"ed", {&ed, &place.ca, NULL}}};
    struct buf certs, error;
    struct tls_server *s;
    buf_init(&certs, 1 << 20);
    buf_init(&error, 512);
    pki_certs(&certs, all, 3);
    struct tls_server_config config = {.signer = place.signer, .certificates = buf_slice(&certs)};
    const struct memory_stats before = memory_stats();
    enum err opened = ERR_MEMORY, exchanged = ERR_MEMORY;
    unsigned refused = 0;
    for (uint64_t room = 0; opened || exchanged; room += 64) {
        uint64_t blocks = memory_stats().blocks;
        sim_memory_limit(before.bytes + room);
        opened = tls_server_open(&config, &s, &error);
        if (!opened)
            tls_server_close(s);
        buf_deinit(&error);
        assert_int_equal(memory_stats().blocks, blocks);
        exchanged = tls_server_certificates(place.server, buf_slice(&certs), &error);
        buf_deinit(&error);
        refused += opened != OK && exchanged != OK;
        sim_memory_limit(0);
        assert_true(refused < 10000);
        if (exchanged) { /* those before still work */
            struct peer p;
            peer_init(&p);
            peer_dial(&p);
            assert_true(peer_shake(&p));
            peer_hang_up(&p);
            peer_deinit(&p);
        }
    }
    assert_true(refused > 50);
    buf_deinit(&certs);
}

static void test_close_with_some_in_handshake(void **state)
{
    (void)state;
    struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
    sim_client_send(c, SLICE("\x16\x03"));
    settle(1);
    assert_int_equal(counters().unfinished, 1);
    stack_unlisten(place.server_stack, listener);
    assert_int_equal(counters().unfinished, 0);
    settle(1);
    assert_true(sim_client_over(c));
    sim_client_close(c);
    listen_at_443();
}

/* --- */

static void make_certificates(void)
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

static void warm_up(void)
{
    void *none = NULL;
    setup(&none);
    test_names(&none);
    test_resumption(&none);
    close_all();
    place.blocks = memory_stats().blocks;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_versions),
        TEST(test_what_is_too_old),
        TEST(test_groups),
        TEST(test_names),
        cmocka_unit_test_setup_teardown(test_protocols, setup_protocols, teardown),
        TEST(test_resumption),
        TEST(test_tickets_grow_old),
        TEST(test_changed_ticket),
        cmocka_unit_test(test_client_certificates),
        TEST(test_plain_http),
        TEST(test_garbage),
        TEST(test_huge_hello),
        TEST(test_deadline),
        TEST(test_torn_hello),
        TEST(test_cut_hello),
        TEST(test_coalesced),
        TEST(test_out_of_turn),
        TEST(test_key_update),
        TEST(test_lost),
        TEST(test_flood),
        TEST(test_truncation),
        TEST(test_changed_record),
        TEST(test_changed_handshake),
        TEST(test_slow_signer),
        TEST(test_broken_signer),
        TEST(test_exchange),
        TEST(test_idle_memory),
        TEST(test_no_memory),
        TEST(test_open_without_memory),
        TEST(test_close_with_some_in_handshake),
    };
    sim_reset(1);
    make_certificates();
    warm_up();
    int failed = cmocka_run_group_tests_name("tls server", tests, NULL, NULL);
    struct pki *all[] = {&place.ca, &place.leaf, &other, &wild, &rsa, &ed, &p384, &stranger};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        pki_free(all[i]);
    return failed;
}
