/*
 * What a peer sends in a handshake, to a server and to a client: the first byte says to whom and in
 * pieces of what length, the others are its bytes.
 *
 * Whatever they are: the flow below is closed once, what it was lent is released, no memory is left.
 */
#include "lib/tls/tls.h"
#include "runtime/loop.h"
#include "runtime/panic.h"
#include "signatures/memory.h"
#include "tests/support/pki.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- a flow below, and a signer, that do as little as their headers permit --- */

struct below {
    struct flow flow;
    unsigned closed;
    bool paused;
};

static enum err below_write(struct flow *f, struct slice bytes)
{
    (void)f;
    (void)bytes;
    return OK;
}

static enum err below_lend(struct flow *f, struct slice bytes, struct loan loan)
{
    (void)f;
    (void)bytes;
    loan.release(loan.arg);
    return OK;
}

static size_t below_room(const struct flow *f)
{
    (void)f;
    return 1 << 20;
}

static size_t below_queued(const struct flow *f)
{
    (void)f;
    return 0;
}

static void below_pause(struct flow *f, bool paused)
{
    ((struct below *)(void *)f)->paused = paused;
}

static void below_close(struct flow *f)
{
    ((struct below *)(void *)f)->closed++;
}

static struct endpoint below_peer(const struct flow *f)
{
    (void)f;
    return (struct endpoint){.port = 443};
}

static const struct flow_ops below_ops = {.write = below_write,
                                          .lend = below_lend,
                                          .room = below_room,
                                          .queued = below_queued,
                                          .pause = below_pause,
                                          .close = below_close,
                                          .abort = below_close,
                                          .peer = below_peer};

static struct slice public_half;

static size_t signer_keys(const struct signer *s)
{
    (void)s;
    return 1;
}

static struct signer_key signer_public(const struct signer *s, size_t index)
{
    (void)s;
    (void)index;
    return (struct signer_key){SLICE("key"), public_half, SIGNER_ECDSA_P256};
}

static struct task soon;
static signer_fn *soon_answer;
static void *soon_owner;

static void answer(struct task *t)
{
    (void)t;
    soon_answer(soon_owner, OK, SLICE("a signature, for whoever does not look at it"));
}

static enum err sign(struct signer *s, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *to, void *owner, struct signing **into)
{
    (void)s;
    (void)index;
    (void)scheme;
    (void)message;
    soon_answer = to;
    soon_owner = owner;
    *into = (struct signing *)(void *)&soon;
    task_init(&soon, answer);
    task_post(&soon);
    return OK;
}

static void cancel(struct signer *s, struct signing *g)
{
    (void)s;
    (void)g;
    task_cancel(&soon);
}

/* --- the two --- */

static struct tls_server *server;
static struct tls_client *client;
static struct flow *handed_out;

static void keep(struct flow *f)
{
    static const struct flow_events none;
    (void)none;
    handed_out = f;
}

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    keep(f);
}

static void on_answer(void *owner, enum err why, const char *reason, struct flow *f)
{
    bool *answered = owner;
    if (*answered || (why == OK) != (f != NULL) || !reason)
        abort();
    *answered = true;
    if (f)
        keep(f);
}

static void set_up(void)
{
    static const struct signer_ops ops = {
        .count = signer_keys, .key = signer_public, .sign = sign, .cancel = cancel};
    static struct signer signer = {&ops};
    static const char *const protocols[] = {"http/1.1"};
    const struct pki_request r = {.name = "fuzz", .hosts = "DNS:fuzz.example"};
    static struct pki pair;
    pair = pki_make(&r, NULL);
    const struct pki_entry entry = {"fuzz", {&pair, NULL}};
    struct buf certs, error;
    public_half = pki_spki(&pair);
    buf_init(&certs, 1 << 16);
    buf_init(&error, 512);
    pki_certs(&certs, &entry, 1);
    const struct tls_server_config config = {.signer = &signer,
                                             .certificates = buf_slice(&certs),
                                             .protocols = protocols,
                                             .protocol_count = 1,
                                             .client_auth = TLS_CLIENT_ASK};
    const struct tls_client_config trust = {.anchors = pair.cert};
    assert_always(tls_server_open(&config, &server, &error) == OK);
    assert_always(tls_client_open(&trust, &client) == OK);
    buf_deinit(&certs);
}

static void feed(struct below *b, struct slice bytes, size_t piece)
{
    while (bytes.len && !b->closed && !b->paused) {
        struct slice some = slice_take(bytes, piece);
        b->flow.events->on_data(b->flow.owner, some);
        bytes = slice_drop(bytes, some.len);
        loop_round(0);
    }
    if (!b->closed)
        b->flow.events->on_end(b->flow.owner, ERR_RESET);
    loop_round(0);
}

static void play(const uint8_t *data, size_t size)
{
    struct below b = {.flow.ops = &below_ops};
    struct tls_connecting *handshake;
    bool answered = false;
    size_t piece = data[0] >> 1 ? data[0] >> 1 : SIZE_MAX;
    handed_out = NULL;
    if (data[0] & 1)
        assert_always(tls_connect(client, &b.flow, SLICE("fuzz.example"), on_answer, &answered,
                                  &handshake) == OK);
    else
        tls_server_accept(server, &b.flow, on_accept, NULL);
    loop_round(0);
    feed(&b, slice_of(data + 1, size - 1), piece);
    if (handed_out)
        flow_abort(handed_out);
    loop_round(0);
    if (b.closed != 1 || ((data[0] & 1) && !answered))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t blocks;
    if (!server) {
        set_up();
        play((const uint8_t *)"\0\x16", 2); /* what is taken once is taken */
        play((const uint8_t *)"\1\x16", 2);
    }
    if (size == 0)
        return 0;
    play(data, size);
    uint64_t now = memory_stats().blocks;
    if (blocks && now > blocks + 64) /* buffers that are kept for the next records */
        abort();
    if (!blocks)
        blocks = now;
    return 0;
}
