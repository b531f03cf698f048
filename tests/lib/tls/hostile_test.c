/* The server, and those who mean no good: no TLS at all, and records in all shapes. */
#include "tests/lib/tls/serving.h"

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

/* Only who does speak HTTP. */
static void test_plain_http_is_answered(void **state)
{
    const struct slice sent[] = {SLICE_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                                 SLICE_INIT("SSH-2.0-x\r\n")};
    teardown(state);
    open_with((struct tls_server_config){.plain_answer = SLICE("use TLS")});
    for (int i = 0; i < 2; i++) {
        struct sim_client *c = sim_client_open(place.client_host, "192.0.2.1", 443);
        sim_client_send(c, sent[i]);
        settle(1);
        assert_true(sim_client_over(c));
        assert_int_equal(slice_equal(sim_client_received(c), SLICE("use TLS")), i == 0);
        sim_client_close(c);
        settle(1);
    }
    assert_int_equal(counters().plain_http, 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain_http),
        TEST(test_plain_http_is_answered),
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
    };
    return serving_run("tls hostile", tests, sizeof tests / sizeof tests[0]);
}
