/* The server: what a connection costs, and where there is no memory for it. */
#include "lib/tls/internal.h"
#include "platform/crypto/keys.h"
#include "runtime/keyring.h"
#include "tests/lib/tls/serving.h"

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
        assert_true(!opened || opened == ERR_MEMORY); /* nothing is wrong with them */
        assert_true(!exchanged || exchanged == ERR_MEMORY);
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

/* Of a chain all is served or nothing: the first requests are those for its certificates, the next for the
 * list of them that is made to see whether there is room. */
static void test_no_half_chain(void **state)
{
    (void)state;
    enum { REQUESTS = 2 * 2 + 2 };
    const struct pki_entry entry = {"server", {&place.leaf, &place.ca, NULL}};
    struct keyring ring;
    struct keyring_entry chain;
    struct buf certs;
    buf_init(&certs, 1 << 20);
    pki_certs(&certs, &entry, 1);
    assert_int_equal(keyring_open(&ring, KEYRING_CERTS, buf_slice(&certs)), OK);
    assert_true(keyring_next(&ring, &chain));
    for (uint64_t nth = 1; nth <= REQUESTS + 1; nth++) {
        SSL_CTX *context = tls_context();
        sim_memory_fail_nth(nth <= REQUESTS ? nth : 0);
        enum err e = tls_identity_set(context, chain.bytes, SIGNER_ECDSA_P256);
        sim_memory_fail_nth(0);
        assert_int_equal(e, nth <= REQUESTS ? ERR_MEMORY : OK);
        if (!e)
            assert_int_equal(sk_CRYPTO_BUFFER_num(SSL_CTX_get0_chain(context)), 2);
        SSL_CTX_free(context);
    }
    buf_deinit(&certs);
}

/* A sound key is not called broken where there is no memory to read it. */
static void test_keys_without_memory(void **state)
{
    (void)state;
    const struct pki_entry all[] = {{"server", {&place.leaf, NULL}},
                                    {"rsa", {&rsa, NULL}},
                                    {"ed", {&ed, NULL}},
                                    {"p384", {&p384, NULL}}};
    struct buf section, error;
    struct keys *keys;
    uint64_t nth = 0, blocks;
    buf_init(&section, KEYRING_KEYS_SIZE);
    buf_init(&error, 512);
    pki_keys(&section, all, 4);
    blocks = memory_stats().blocks;
    for (bool reached = true; reached;) {
        sim_memory_fail_nth(++nth);
        enum err e = keys_open(buf_slice(&section), &keys, &error);
        reached = sim_memory_requests() >= nth;
        sim_memory_fail_nth(0);
        const char *line = e ? "there is not enough memory for the private keys" : "";
        if ((e && e != ERR_MEMORY) || !slice_is(buf_slice(&error), line))
            fail_msg("request %u: %s: %.*s", (unsigned)nth, err_text(e),
                     SLICE_ARG(buf_slice(&error)));
        if (!e)
            keys_close(keys);
        buf_deinit(&error);
        assert_int_equal(memory_stats().blocks, blocks);
    }
    assert_in_range(nth, 50, 5000);
    buf_deinit(&section);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idle_memory),         TEST(test_no_memory),
        TEST(test_open_without_memory), TEST(test_no_half_chain),
        TEST(test_keys_without_memory), TEST(test_close_with_some_in_handshake),
    };
    return serving_run("tls memory", tests, sizeof tests / sizeof tests[0]);
}
