/* The network card against a puppet of a device: what it agrees to, sends and delivers; lies are counted. */
#include "tests/platform/virtio/card.h"

/* --- beginning --- */

static void test_agreement(void **state)
{
    struct world *w = *state;
    assert_int_equal(puppet.accepted, ALL | VIRTIO_F_VERSION_1);
    assert_int_equal(puppet.status, 15);
    assert_int_equal(w->net->features.mac[5], 0x56);
    assert_int_equal(w->net->features.mtu, 1500);
    assert_int_equal(w->net->features.offloads, 15);
    open_with(w, ALL & ~MRG_RXBUF);
    assert_int_equal(puppet.accepted & GUEST_TSO, 0);
    open_with(w, ALL & ~GUEST_CSUM);
    assert_int_equal(puppet.accepted & GUEST_TSO, 0);
    open_with(w, ALL & ~CSUM);
    assert_int_equal(puppet.accepted & HOST_TSO, 0);
    assert_int_equal(w->net->features.offloads, 0);
}

static struct net *refused(struct world *w)
{
    struct net *n = virtio_net_open(0);
    w->net = NULL;
    return n;
}

static void test_refusals(void **state)
{
    struct world *w = *state;
    memory_free(w->net);
    puppet_begin(VIRTIO_NET, ALL);
    puppet.offered = ALL; /* not of version 1 */
    assert_null(refused(w));
    assert_int_equal(puppet.status, VIRTIO_FAILED);
    puppet_begin(VIRTIO_NET, ALL);
    puppet.refuses_features = true;
    assert_null(refused(w));
    puppet_begin(VIRTIO_NET, ALL);
    puppet.refuses_queues = true;
    assert_null(refused(w));
    puppet_begin(VIRTIO_NET, ALL);
    puppet.queue_most = 0;
    assert_null(refused(w));
    puppet_begin(VIRTIO_NET, ALL);
    puppet.never_resets = true;
    puppet.status = VIRTIO_DRIVER_OK;
    assert_null(refused(w));
    puppet_begin(VIRTIO_CONSOLE, ALL);
    assert_null(refused(w));
}

/* The longest frame has to fit into each queue: it would wait there for ever. */
static void test_short_queues(void **state)
{
    static const struct {
        uint64_t without;
        uint16_t size;
        bool used;
    } cases[] = {{0, 16, false},
                 {GUEST_TSO, 16, true},
                 {GUEST_TSO | VIRTIO_F_INDIRECT_DESC, 16, false},
                 {GUEST_TSO | VIRTIO_F_INDIRECT_DESC, 32, true},
                 {0, 64, true},
                 {VIRTIO_F_INDIRECT_DESC, 64, true}};
    struct world *w = *state;
    memory_free(w->net);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        puppet_begin(VIRTIO_NET, ALL & ~cases[i].without);
        puppet.queue_most = cases[i].size;
        struct net *n = refused(w);
        assert_int_equal(n != NULL, cases[i].used);
        assert_int_equal(puppet.status, n ? 15 : 0);
        memory_free(n);
    }
}

/* An address of many, or of nobody, is none. */
static void test_address(void **state)
{
    struct world *w = *state;
    static const uint8_t bad[3][6] = {{0}, {1, 2, 3, 4, 5, 6}, {255, 255, 255, 255, 255, 255}};
    for (size_t i = 0; i < 3; i++) {
        memory_free(w->net);
        puppet_begin(VIRTIO_NET, ALL);
        memcpy(puppet.config, bad[i], 6);
        w->net = virtio_net_open(0);
        assert_int_equal(w->net->features.mac[0] & 3, 2); /* one station's, and local */
        assert_int_equal(w->net->features.mtu, 1500);
    }
}

static void test_status(void **state)
{
    struct world *w = *state;
    struct buf text;
    buf_init(&text, 4096);
    net_status(w->net, &text);
    assert_true(slice_search(buf_slice(&text), SLICE("virtio-net broken: 0\n")) < text.len);
    buf_deinit(&text);
}

/* --- sending --- */

static void test_send(void **state)
{
    struct world *w = *state;
    struct puppet_chain c;
    const struct net_frame tso = {.checksum_start = 34,
                                  .checksum_offset = 16,
                                  .segment_size = 1448,
                                  .head_size = 54,
                                  .v6 = true,
                                  .ecn = true};
    static const uint8_t head[HEAD] = {1, 0x84, 54, 0, 0xa8, 5, 34, 0, 16, 0, 0, 0};
    assert_int_equal(send(w, 3, &tso), OK);
    puppet_run(false);
    assert_int_equal(puppet.notified[SEND], 1);
    assert_true(puppet_take(SEND, &c));
    assert_int_equal(c.count, 3);
    assert_int_equal(c.parts[0].size, HEAD + 54);
    assert_memory_equal(c.parts[0].at, head, HEAD);
    assert_int_equal(net_completed(w->net), 0);
    puppet_use(SEND, c.number, 0);
    assert_int_equal(net_completed(w->net), 1);
}

/* Frames complete in the order of their numbers, in whatever order they are sent. */
static void test_completion(void **state)
{
    struct world *w = *state;
    struct puppet_chain c[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send(w, 1, NULL), OK);
        assert_true(puppet_take(SEND, &c[i]));
    }
    puppet_use(SEND, c[2].number, 0);
    assert_int_equal(net_completed(w->net), 0);
    puppet_use(SEND, c[0].number, 0);
    assert_int_equal(net_completed(w->net), 1);
    puppet_use(SEND, c[1].number, 0);
    assert_int_equal(net_completed(w->net), 3);
}

/* Whether it asks for an interrupt for the next frame that is sent. */
static bool listens(void)
{
    const struct puppet_queue *q = &puppet.queues[SEND];
    return q->available->entries[q->size] == q->used->index;
}

/* Who waits for the last frames is woken, who only sends is not. */
static void test_drained(void **state)
{
    struct world *w = *state;
    struct puppet_chain c;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(send(w, 1, NULL), OK);
        puppet_run(false);
        assert_true(puppet_take(SEND, &c));
        if (i == 0)
            puppet_use(SEND, c.number, 0);
    }
    puppet_run(false);
    assert_false(listens());
    assert_false(net_drained(w->net));
    puppet_run(false);
    assert_true(listens());
    puppet_use(SEND, c.number, 0);
    puppet_run(true);
    assert_true(net_drained(w->net));
    puppet_run(false);
    assert_int_equal(send(w, 1, NULL), OK);
    assert_true(puppet_take(SEND, &c));
    puppet_use(SEND, c.number, 0);
    puppet_run(false);
    assert_false(listens());
}

/* With tables there are more frames under way than descriptors for all their parts; then it is full. */
static void test_full(void **state)
{
    struct world *w = *state;
    struct puppet_chain c;
    unsigned sent = 0, tables = 0;
    while (!send(w, 8, NULL))
        sent++;
    assert_true(sent > 2 * QUEUE_SIZE_MAX / 8 && sent <= QUEUE_SIZE_MAX);
    assert_int_equal(counters(w).refused_full, 1);
    while (puppet_take(SEND, &c)) {
        assert_int_equal(c.count, 8);
        tables += c.indirect;
        puppet_use(SEND, c.number, 0);
    }
    assert_true(tables > 0 && tables < sent);
    puppet_run(true);
    assert_int_equal(w->rooms, 1);
    assert_int_equal(net_completed(w->net), sent);
    open_with(w, ALL & ~VIRTIO_F_INDIRECT_DESC);
    for (sent = 0; !send(w, 8, NULL);)
        sent++;
    assert_int_equal(sent, QUEUE_SIZE_MAX / 8);
}

/* --- receiving --- */

static void test_receive(void **state)
{
    struct world *w = *state;
    give(plain, 60);
    puppet_run(true);
    assert_int_equal(w->frames, 1);
    assert_int_equal(w->len, 60);
    assert_int_equal(w->last.checksum, NET_CHECKSUM_UNKNOWN);
    const uint8_t verified[HEAD] = {2, [10] = 1};
    give(verified, 1514);
    puppet_run(true);
    assert_int_equal(w->last.checksum, NET_CHECKSUM_GOOD);
    assert_int_equal(w->len, 1514);
    assert_int_equal(counters(w).received, 2);
}

static void test_receive_merged(void **state)
{
    struct world *w = *state;
    const uint8_t head[HEAD] = {1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, 3};
    give(head, 2000);
    give(NULL, 2048);
    give(NULL, 100);
    puppet_run(true);
    assert_int_equal(w->frames, 1);
    assert_int_equal(w->len, 4148);
    assert_int_equal(w->last.segment_size, 1448);
    assert_int_equal(w->bytes[4147], 0x5a);
    for (int i = 0; i < 2000; i++) { /* all buffers come back */
        give(plain, 60);
        puppet_run(true);
    }
    assert_int_equal(w->frames, 2001);
}

static void expect_malformed(struct world *w)
{
    uint64_t before = counters(w).dropped_malformed;
    unsigned frames = w->frames;
    puppet_run(true);
    assert_int_equal(counters(w).dropped_malformed, before + 1);
    assert_int_equal(w->frames, frames);
    give(plain, 60);
    puppet_run(true);
    assert_int_equal(w->frames, frames + 1);
}

static void test_malformed(void **state)
{
    struct world *w = *state;
    static const uint8_t bad[][HEAD] = {
        {[1] = 3, [4] = 1, [10] = 1},                   /* segments of UDP */
        {[1] = 0x80, [4] = 1, [10] = 1},                /* of nothing, with ECN */
        {[1] = 1, [10] = 1},                            /* of no size */
        {[1] = 1, [4] = 0xff, 0xff, [10] = 1},          /* larger than the frame */
        {1, [6] = 0xff, 0xff, [10] = 1},                /* a checksum beyond the frame */
        {1, [6] = 0xf0, 0xff, [8] = 0x20, 0, [10] = 1}, /* whose place does not fit 16 bits */
        {1, [6] = 50, 0, [8] = 9, 0, [10] = 1},         /* half beyond it */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        give(bad[i], 60);
        expect_malformed(w);
    }
    give(plain, 0); /* nothing but a header */
    expect_malformed(w);
    give(NULL, 7); /* not even that */
    expect_malformed(w);
    const uint8_t two[HEAD] = {[10] = 2}, many[HEAD] = {[10] = 0xff, 0xff};
    give(two, 60); /* headers are not in the first piece */
    give(NULL, 60);
    expect_malformed(w);
    give(two, 60); /* the second never comes */
    expect_malformed(w);
    for (int i = 0; i < 40; i++)
        give(i ? NULL : many, 1000);
    expect_malformed(w);
}

/* What was not agreed on is not believed. */
static void test_not_agreed(void **state)
{
    struct world *w = *state;
    const uint8_t partial[HEAD] = {1, [6] = 34, 0, [8] = 16, 0, [10] = 1};
    const uint8_t verified[HEAD] = {2, [10] = 9};
    const uint8_t merged[HEAD] = {[1] = 1, [4] = 10, [10] = 1};
    open_with(w, ALL & ~(GUEST_CSUM | MRG_RXBUF));
    give(partial, 60);
    expect_malformed(w);
    give(merged, 60);
    expect_malformed(w);
    give(verified, 60); /* the number of buffers means nothing */
    puppet_run(true);
    assert_int_equal(w->last.checksum, NET_CHECKSUM_UNKNOWN);
    assert_int_equal(w->last.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agreement, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drained, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receive_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_agreed, setup, teardown),
    };
    return cmocka_run_group_tests_name("platform/virtio/net_test", tests, NULL, NULL);
}
