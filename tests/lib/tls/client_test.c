/* The client: it is connected to whom it asked for, or not at all. */
#include <stddef.h>
#include <stdio.h>

#include "lib/hash/sha256.h"
#include "tests/lib/tls/ends.h"

static struct pki second_ca, middle, stranger_ca;

/* --- a server that is served with any chain --- */

static struct end server_end;
static struct listener *listener;

static void accept_one(void *owner, struct flow *f)
{
    (void)owner;
    if (server_end.flow)
        flow_close(server_end.flow);
    end_own(&server_end, f);
}

static void serve(const struct pki *leaf, const struct pki *next, const struct pki *last)
{
    const struct pki_entry entry = {"server", {leaf, next, last, NULL}};
    struct endpoint local = {.port = 443};
    place_net_open();
    place_server_open(&entry, 1, (struct tls_server_config){0});
    assert_int_equal(stack_listen(place.server_stack, local, accept_one, NULL, &listener), OK);
}

static void trust(const struct pki *ca, const struct tls_pin *pin)
{
    struct tls_client_config config = {0};
    if (ca)
        config.anchors = ca->cert;
    if (pin) {
        config.pins = pin;
        config.pin_count = 1;
    }
    place_client_open(config);
}

static void finish(struct end *client)
{
    end_close(client);
    end_close(&server_end);
    server_end = (struct end){0};
    if (place.server_stack)
        stack_unlisten(place.server_stack, listener);
    place.server_stack = NULL;
    assert_int_equal(place_close(), 0);
}

static void end_take(void *owner, struct flow *f)
{
    ((struct end *)owner)->flow = f;
}

/* --- connecting under a name --- */

struct attempt {
    struct end end;
    struct slice host;
    struct connect *connecting;
    struct tls_connecting *handshake;
};

static void on_answer(void *owner, enum err why, const char *reason, struct flow *f)
{
    struct attempt *a = owner;
    a->end.answers++;
    a->end.why = why;
    snprintf(a->end.reason, sizeof a->end.reason, "%s", reason);
    if (f)
        end_own(&a->end, f);
}

static void on_plain(void *owner, enum err why, struct flow *f)
{
    struct attempt *a = owner;
    assert_int_equal(why, OK);
    assert_int_equal(tls_connect(place.client, f, a->host, on_answer, a, &a->handshake), OK);
}

static void start(struct attempt *a, const char *host)
{
    struct endpoint remote = {.address = address_v4(192, 0, 2, 1), .port = 443};
    *a = (struct attempt){.host = slice_text(host)};
    assert_int_equal(stack_connect(place.client_host, remote, on_plain, a, &a->connecting), OK);
}

static bool answered(void *arg)
{
    return ((struct attempt *)arg)->end.answers > 0;
}

static void attempt(struct attempt *a, const char *host)
{
    start(a, host);
    assert_true(sim_run(answered, a, clock_monotonic() + 60 * CLOCK_SEC));
    assert_int_equal(a->end.answers, 1);
}

static void expect(const char *host, const char *reason)
{
    struct attempt a;
    attempt(&a, host);
    if (strcmp(a.end.reason, reason) != 0)
        fail_msg("%s: '%s', not '%s'", host, a.end.reason, reason);
    if (reason[0]) {
        assert_int_equal(a.end.why, ERR_DENIED);
        assert_null(a.end.flow);
    } else {
        struct tls_info info;
        tls_flow_info(a.end.flow, &info);
        assert_true(info.authenticated);
        assert_int_equal(flow_write(a.end.flow, SLICE("hello")), OK);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_true(slice_is(buf_slice(&server_end.received), "hello"));
    }
    sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    finish(&a.end);
}

/* --- whom it trusts --- */

static void test_good(void **state)
{
    (void)state;
    const char *hosts[] = {"server.example", "SERVER.example", "server.example.", "192.0.2.1"};
    for (size_t i = 0; i < 4; i++) {
        serve(&place.leaf, NULL, NULL); /* the anchor need not be shown */
        trust(&place.ca, NULL);
        expect(hosts[i], "");
    }
    serve(&place.leaf, &place.ca, NULL);
    trust(&place.ca, NULL);
    expect("server.example", "");
}

static void check(struct pki_request r, const struct pki *issuer, const char *reason)
{
    if (!r.name)
        r.name = "server";
    if (!r.hosts)
        r.hosts = "DNS:server.example";
    struct pki leaf = pki_make(&r, issuer);
    serve(&leaf, NULL, NULL);
    trust(&place.ca, NULL);
    expect("server.example", reason);
    pki_free(&leaf);
}

static void test_leaves(void **state)
{
    (void)state;
    const struct pki *ca = &place.ca;
    check((struct pki_request){0}, ca, "");
    check((struct pki_request){.hosts = "DNS:*.example"}, ca,
          "its certificate is for *.example, not for server.example");
    check((struct pki_request){.hosts = "DNS:a.example,DNS:b.example"}, ca,
          "its certificate is for a.example and others, not for server.example");
    check((struct pki_request){.name = "server.example", .hosts = "email:a@b.c"}, ca,
          "its certificate is for nobody, not for server.example");
    check((struct pki_request){.not_after = PKI_NOW - 1}, ca, "certificate has expired");
    check((struct pki_request){.not_before = PKI_NOW + 60}, ca, "certificate is not yet valid");
    check((struct pki_request){.extended = "clientAuth"}, ca, "unsupported certificate purpose");
    check((struct pki_request){.extended = "serverAuth"}, ca, "");
    check((struct pki_request){.extended = ""}, ca, "");
    check((struct pki_request){.algorithm = SIGNER_RSA, .usage = "keyEncipherment"}, ca,
          "the TLS handshake failed: the certificate's key usage does not permit it");
    check((struct pki_request){.sha1 = true}, ca, "its chain has a signature by SHA-1 or MD5");
    check((struct pki_request){.algorithm = SIGNER_RSA}, ca, "");
    check((struct pki_request){.algorithm = SIGNER_ED25519}, ca, "");
    check((struct pki_request){.algorithm = SIGNER_ECDSA_P384}, ca, "");
}

static void test_strangers(void **state)
{
    (void)state;
    const char *unknown = "unable to get local issuer certificate";
    check((struct pki_request){0}, NULL, unknown);
    check((struct pki_request){0}, &stranger_ca, unknown);
    /* An issuer of the same name, with another key. */
    check((struct pki_request){0}, &second_ca, "certificate signature failure");
}

static void test_wildcard(void **state)
{
    (void)state;
    const struct pki_request r = {.name = "w", .hosts = "DNS:*.site.example"};
    struct pki leaf = pki_make(&r, &place.ca);
    const struct {
        const char *host, *reason;
    } cases[] = {
        {"a.site.example", ""},
        {"a.b.site.example", "its certificate is for *.site.example, not for a.b.site.example"},
        {"site.example", "its certificate is for *.site.example, not for site.example"},
        {"a.site.example.org", "its certificate is for *.site.example, not for a.site.example.org"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve(&leaf, NULL, NULL);
        trust(&place.ca, NULL);
        expect(cases[i].host, cases[i].reason);
    }
    pki_free(&leaf);
}

static void check_middle(struct pki_request r, const char *reason)
{
    const struct pki_request leaf_request = {.name = "leaf", .hosts = "DNS:server.example"};
    r.name = "Middle CA";
    struct pki between = pki_make(&r, &place.ca);
    struct pki leaf = pki_make(&leaf_request, &between);
    if (r.authority) {
        serve(&leaf, &between, NULL);
    } else { /* our own server refuses to show such a chain: it is anchored in the middle */
        serve(&leaf, NULL, NULL);
    }
    trust(&place.ca, NULL);
    expect("server.example", reason);
    pki_free(&between);
    pki_free(&leaf);
}

static void test_chains(void **state)
{
    (void)state;
    check_middle((struct pki_request){.authority = true}, "");
    check_middle((struct pki_request){.authority = true, .not_after = PKI_NOW - 1},
                 "certificate has expired");
    check_middle((struct pki_request){.authority = true, .sha1 = true},
                 "its chain has a signature by SHA-1 or MD5");
    check_middle((struct pki_request){.authority = true, .algorithm = SIGNER_RSA, .rsa_bits = 1024},
                 "its chain has an RSA key of less than 2048 bits");
    check_middle((struct pki_request){0}, "unable to get local issuer certificate");

    /* What is in the middle may be an anchor as well. */
    const struct pki_request r = {.name = "leaf", .hosts = "DNS:server.example"};
    struct pki leaf = pki_make(&r, &middle);
    serve(&leaf, &middle, NULL);
    trust(&middle, NULL);
    expect("server.example", "");
    pki_free(&leaf);
}

static void test_pins(void **state)
{
    (void)state;
    const char *not_it = "neither its certificate nor its key is the one that is pinned";
    uint8_t digest[32];
    struct tls_pin pin;
    sha256_of(place.leaf.cert, pin.sha256);
    serve(&place.leaf, NULL, NULL);
    trust(NULL, &pin);
    expect("server.example", "");

    serve(&place.leaf, NULL, NULL);
    trust(NULL, &pin);
    expect("elsewhere.example",
           "its certificate is for server.example and others, not for elsewhere.example");

    sha256_of(pki_spki(&place.leaf), pin.sha256);
    serve(&place.leaf, &place.ca, NULL);
    trust(&stranger_ca, &pin); /* with a pin anchors are not asked */
    expect("server.example", "");

    sha256_of(place.ca.cert, digest); /* who issued it is not who it is */
    memcpy(pin.sha256, digest, sizeof digest);
    serve(&place.leaf, &place.ca, NULL);
    trust(NULL, &pin);
    expect("server.example", not_it);

    const struct pki_request old = {
        .name = "old", .hosts = "DNS:server.example", .not_after = PKI_NOW - 1};
    struct pki leaf = pki_make(&old, NULL);
    sha256_of(leaf.cert, pin.sha256);
    serve(&leaf, NULL, NULL);
    trust(&place.ca, &pin);
    expect("server.example", "its certificate has expired");
    pki_free(&leaf);
}

static void test_pin_texts(void **state)
{
    (void)state;
    struct tls_pin pin;
    char text[128] = "sha256:";
    for (int i = 0; i < 32; i++)
        sprintf(text + 7 + 2 * i, "%02X", i);
    assert_true(tls_pin_parse(slice_text(text), &pin));
    for (int i = 0; i < 32; i++)
        assert_int_equal(pin.sha256[i], i);
    assert_false(tls_pin_parse(slice_of(text, strlen(text) - 1), &pin));
    assert_false(tls_pin_parse(slice_text(text + 1), &pin));
    strcat(text, "0");
    assert_false(tls_pin_parse(slice_text(text), &pin));
    char colons[128] = "sha256:00";
    for (int i = 1; i < 32; i++)
        sprintf(colons + strlen(colons), ":%02x", i);
    assert_true(tls_pin_parse(slice_text(colons), &pin));
    assert_int_equal(pin.sha256[31], 31);
    assert_false(tls_pin_parse(SLICE(""), &pin));
    assert_false(tls_pin_parse(SLICE("sha256:"), &pin));
    assert_false(tls_pin_parse(SLICE("sha1:00"), &pin));
}

static void test_nobody_to_trust(void **state)
{
    (void)state;
    struct tls_client *c;
    assert_int_equal(tls_client_open(&(struct tls_client_config){0}, &c), ERR_ARGUMENT);
    struct tls_client_config garbage = {.anchors = SLICE("no certificate")};
    assert_int_equal(tls_client_open(&garbage, &c), ERR_ARGUMENT);
    struct tls_client_config cut = {.anchors = slice_take(place.ca.cert, place.ca.cert.len - 1)};
    assert_int_equal(tls_client_open(&cut, &c), ERR_ARGUMENT);
    assert_int_equal(memory_stats().blocks, place.blocks);
}

/* --- servers that are none --- */

struct dummy {
    struct slice answer;
    struct flow *flow;
    bool hang_up;
};

static void dummy_data(void *owner, struct slice bytes)
{
    struct dummy *d = owner;
    (void)bytes;
    if (d->answer.len)
        assert_int_equal(flow_write(d->flow, d->answer), OK);
    d->answer.len = 0;
    if (d->hang_up) {
        flow_close(d->flow);
        d->flow = NULL;
    }
}

static void dummy_end(void *owner, enum err why)
{
    struct dummy *d = owner;
    (void)why;
    flow_close(d->flow);
    d->flow = NULL;
}

static void dummy_accept(void *owner, struct flow *f)
{
    static const struct flow_events events = {dummy_data, NULL, NULL, dummy_end};
    struct dummy *d = owner;
    d->flow = f;
    flow_own(f, &events, d);
}

static void against(struct dummy d, enum err why, const char *reason)
{
    struct attempt a;
    struct endpoint local = {.port = 443};
    place_net_open();
    assert_int_equal(stack_listen(place.server_host, local, dummy_accept, &d, &listener), OK);
    trust(&place.ca, NULL);
    attempt(&a, "server.example");
    assert_string_equal(a.end.reason, reason);
    assert_int_equal(a.end.why, why);
    assert_null(a.end.flow);
    sim_run(NULL, NULL, clock_monotonic() + 30 * CLOCK_SEC);
    if (d.flow)
        flow_close(d.flow);
    stack_unlisten(place.server_host, listener);
    assert_int_equal(place_close(), 0);
}

static void test_no_servers(void **state)
{
    (void)state;
    against((struct dummy){.hang_up = true}, ERR_RESET,
            "it ended the connection within the TLS handshake");
    against((struct dummy){0}, ERR_TIMEOUT, "it did not finish the TLS handshake in time");
    against((struct dummy){.answer = SLICE("HTTP/1.1 400 Bad Request\r\n\r\n")}, ERR_MALFORMED,
            "the TLS handshake failed: what came is not TLS");
    against((struct dummy){.answer = SLICE("\x15\x03\x03\x00\x02\x02\x28")}, ERR_REFUSED,
            "it refused the TLS handshake: handshake failure");
    against((struct dummy){.answer = SLICE("\x16\x03\x03\x00\x04\x02\xff\xff\xff")}, ERR_LIMIT,
            "the TLS handshake failed: too large a message");
}

static void test_cancel(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 200; ms += 3) {
        struct attempt a;
        place.link = (struct sim_link){.latency_min = 10 * CLOCK_MS, .latency_max = 12 * CLOCK_MS};
        serve(&place.leaf, NULL, NULL);
        trust(&place.ca, NULL);
        start(&a, "server.example");
        sim_run(answered, &a, clock_monotonic() + ms * CLOCK_MS);
        unsigned before = a.end.answers;
        if (a.handshake && !before)
            tls_cancel(a.handshake);
        else if (!a.handshake)
            stack_cancel_connect(place.client_host, a.connecting);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_int_equal(a.end.answers, before);
        finish(&a.end);
    }
    place.link = (struct sim_link){0};
}

static void test_bad_hosts(void **state)
{
    (void)state;
    struct attempt a = {0};
    char name[300];
    memset(name, 'a', sizeof name);
    place_net_open();
    trust(&place.ca, NULL);
    const struct slice hosts[] = {slice_of(NULL, 0), slice_of(name, sizeof name)};
    for (int i = 0; i < 2; i++) {
        struct sim_client *other; /* both ends of a plain connection */
        struct endpoint local = {.port = 443};
        struct end plain = {0};
        assert_int_equal(stack_listen(place.server_host, local, end_take, &plain, &listener), OK);
        other = sim_client_open(place.client_host, "192.0.2.1", 443);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_int_equal(
            tls_connect(place.client, plain.flow, hosts[i], on_answer, &a, &a.handshake),
            ERR_ARGUMENT);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_true(sim_client_over(other)); /* it was taken over, and ended */
        sim_client_close(other);
        stack_unlisten(place.server_host, listener);
    }
    assert_int_equal(a.end.answers, 0);
    assert_int_equal(place_close(), 0);
}

/* --- short of memory --- */

#define TIMERS 64 /* so many run at a time without memory */

static struct timer dummies[TIMERS];

static void on_dummy(struct timer *t)
{
    (void)t;
}

/* One more timer needs memory. */
static void take_all_timers(void)
{
    for (size_t i = 0; i < TIMERS; i++)
        timer_init(&dummies[i], on_dummy);
    for (size_t i = 0; loop_timers() < TIMERS; i++)
        assert_true(timer_start(&dummies[i], clock_monotonic() + 3600 * CLOCK_SEC));
}

static void give_timers_back(void)
{
    for (size_t i = 0; i < TIMERS; i++)
        timer_stop(&dummies[i]);
}

/* Whatever it is for which there is no memory: it is said at once, once, and all is given back. */
static void test_no_memory(void **state)
{
    (void)state;
    enum err e = ERR_MEMORY;
    uint64_t nth = 0;
    while (e == ERR_MEMORY) {
        struct attempt a = {0};
        struct end plain = {0};
        struct endpoint local = {.port = 443};
        place_net_open();
        trust(&place.ca, NULL);
        assert_int_equal(stack_listen(place.server_host, local, end_take, &plain, &listener), OK);
        struct sim_client *other = sim_client_open(place.client_host, "192.0.2.1", 443);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        take_all_timers();
        sim_memory_fail_nth(++nth);
        e = tls_connect(place.client, plain.flow, SLICE("server.example"), on_answer, &a,
                        &a.handshake);
        sim_memory_fail_nth(0);
        give_timers_back();
        if (e == OK)
            tls_cancel(a.handshake);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
        assert_true(sim_client_over(other));
        assert_int_equal(a.end.answers, 0);
        sim_client_close(other);
        stack_unlisten(place.server_host, listener);
        assert_int_equal(place_close(), 0);
    }
    assert_int_equal(e, OK);
    assert_int_equal(nth,
                     5); /* the fifth is not asked for: a name, a flow, its handshake, a timer */
}

static void on_plain_or_not(void *owner, enum err why, struct flow *f)
{
    struct attempt *a = owner;
    if (why == OK)
        why = tls_connect(place.client, f, a->host, on_answer, a, &a->handshake);
    if (why != OK)
        on_answer(a, why, "no connection", NULL);
}

/* Whatever request fails, of either side: who is not connected is told why. */
static void test_no_memory_meanwhile(void **state)
{
    (void)state;
    unsigned refused = 0, told = 0;
    serve(&place.leaf, &place.ca, NULL);
    trust(&place.ca, NULL);
    for (uint64_t nth = 1; nth < 600; nth += nth < 100 ? 1 : 7) {
        struct endpoint remote = {.address = address_v4(192, 0, 2, 1), .port = 443};
        struct attempt a = {.host = SLICE("server.example")};
        assert_int_equal(
            stack_connect(place.client_host, remote, on_plain_or_not, &a, &a.connecting), OK);
        sim_memory_fail_nth(nth);
        sim_run(answered, &a, clock_monotonic() + 60 * CLOCK_SEC);
        sim_memory_fail_nth(0);
        if (a.end.why) {
            size_t len = strlen(a.end.reason);
            refused++;
            told += strcmp(a.end.reason, "there is not enough memory for TLS") == 0;
            assert_true(len > 0 && a.end.reason[len - 1] != ' ');
        }
        end_close(&a.end);
        sim_run(NULL, NULL, clock_monotonic() + CLOCK_SEC);
    }
    assert_true(refused > 100 && told > 3);
    finish(&server_end);
}

/* --- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_wildcard),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_pin_texts),
        cmocka_unit_test(test_nobody_to_trust),
        cmocka_unit_test(test_no_servers),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_bad_hosts),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_meanwhile),
    };
    const struct pki_request same_name = {.name = "Test CA", .authority = true};
    const struct pki_request between = {.name = "Middle CA", .authority = true};
    const struct pki_request stranger = {.name = "Stranger CA", .authority = true};
    struct attempt a;
    sim_reset(1);
    place_certificates();
    second_ca = pki_make(&same_name, NULL);
    middle = pki_make(&between, &place.ca);
    stranger_ca = pki_make(&stranger, NULL);

    /* What the library takes once is taken. */
    serve(&place.leaf, NULL, NULL);
    trust(&place.ca, NULL);
    attempt(&a, "server.example");
    end_close(&a.end);
    end_close(&server_end);
    server_end = (struct end){0};
    stack_unlisten(place.server_stack, listener);
    place_close();
    place.server_stack = NULL;
    place.blocks = memory_stats().blocks;

    int failed = cmocka_run_group_tests_name("tls client", tests, NULL, NULL);
    struct pki *all[] = {&place.ca, &place.leaf, &second_ca, &middle, &stranger_ca};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        pki_free(all[i]);
    return failed;
}
