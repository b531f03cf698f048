/* The server: what it agrees to, whom it is, and how it comes by its signatures. */
#include "tests/lib/tls/serving.h"

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

/* Comes for this host: whether the session of before was resumed. */
static bool resumes_at(struct peer *p, const char *host)
{
    peer_dial(p);
    if (host)
        SSL_set_tlsext_host_name(p->ssl, host);
    assert_true(peer_shake(p));
    assert_true(peer_echo(p, "again"));
    bool resumed = SSL_session_reused(p->ssl);
    peer_hang_up(p);
    settle(1);
    return resumed;
}

/* A session of one name is none of another: whoever is to be somebody else shows who he is (RFC 6066, 3). */
static void test_tickets_of_other_names(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++) {
        struct peer p;
        peer_init(&p);
        SSL_CTX_set_max_proto_version(p.context, v ? TLS1_2_VERSION : TLS1_3_VERSION);
        assert_false(resumes_at(&p, "server.example"));
        assert_true(resumes_at(&p, "SERVER.example"));
        assert_false(resumes_at(&p, "also.example"));
        assert_true(slice_equal(p.spki, pki_spki(&other)));
        assert_true(resumes_at(&p, "also.example"));
        assert_false(resumes_at(&p, NULL));
        assert_true(resumes_at(&p, NULL));
        assert_false(resumes_at(&p, "server.example"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_versions),
        TEST(test_what_is_too_old),
        TEST(test_groups),
        TEST(test_names),
        cmocka_unit_test_setup_teardown(test_protocols, setup_protocols, teardown),
        TEST(test_resumption),
        TEST(test_tickets_of_other_names),
        TEST(test_tickets_grow_old),
        TEST(test_changed_ticket),
        cmocka_unit_test(test_client_certificates),
        TEST(test_slow_signer),
        TEST(test_broken_signer),
        TEST(test_exchange),
    };
    return serving_run("tls server", tests, sizeof tests / sizeof tests[0]);
}
