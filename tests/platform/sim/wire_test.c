/* The simulated wire: that it carries, harms, cuts and merges as it says, and sees what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "platform/sim/wire.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#define HEARD_MAX 4096

/* What one card's owner has heard. */
struct ear {
    struct net *card;
    size_t count, bytes, rooms, links;
    bool up;
    struct slice frames[HEARD_MAX];
    uint64_t at[HEARD_MAX];
    enum net_checksum checksum;
    uint16_t segment_size;
};

static struct sim_wire *wire;
static struct ear ears[3];

static void on_frame(void *owner, const struct net_arrival *a)
{
    struct ear *e = owner;
    size_t len = 0;
    uint8_t *copy = malloc(NET_FRAME_MAX);
    assert_non_null(copy);
    assert_true(a->count >= 1 && a->count <= NET_PARTS_MAX && e->count < HEARD_MAX);
    for (size_t i = 0; i < a->count; i++) {
        memcpy(copy + len, a->parts[i].ptr, a->parts[i].len);
        len += a->parts[i].len;
    }
    assert_true(a->parts[0].len == len || a->parts[0].len >= NET_HEAD_MAX);
    e->frames[e->count] = slice_of(copy, len);
    e->at[e->count++] = clock_monotonic();
    e->bytes += len;
    e->checksum = a->checksum;
    e->segment_size = a->segment_size;
}

static void on_room(void *owner)
{
    ((struct ear *)owner)->rooms++;
}

static void on_link(void *owner, bool up)
{
    struct ear *e = owner;
    e->links++;
    e->up = up;
}

static const struct net_events events = {on_frame, on_room, on_link};

static void plug(size_t i, const struct sim_card *card)
{
    ears[i] = (struct ear){.card = sim_wire_card(wire, card)};
    net_own(ears[i].card, &events, &ears[i]);
}

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    wire = sim_wire_open(1);
    return 0;
}

static void forget(struct ear *e)
{
    for (size_t i = 0; i < e->count; i++)
        free((void *)(uintptr_t)e->frames[i].ptr);
    e->count = e->bytes = 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_wire_close(wire);
    for (size_t i = 0; i < 3; i++)
        forget(&ears[i]);
    memset(ears, 0, sizeof ears);
    return memory_stats().blocks == 0 ? 0 : -1;
}

static void settle(void)
{
    sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_SEC);
}

static const uint8_t payload[65000] = {1, 2, 3};

static struct sim_frame segment(size_t from, size_t to, bool v6)
{
    struct sim_frame f = {.v6 = v6, .whole = true, .ecn = 2};
    memcpy(f.from, ears[from].card->features.mac, NET_MAC_SIZE);
    memcpy(f.to, ears[to].card->features.mac, NET_MAC_SIZE);
    f.source = address_v4(192, 0, 2, (uint8_t)(1 + from));
    f.destination = address_v4(192, 0, 2, (uint8_t)(1 + to));
    if (v6) {
        address_parse(SLICE("2001:db8::1"), &f.source);
        address_parse(SLICE("2001:db8::2"), &f.destination);
    }
    f.tcp = (struct sim_tcp){.source = 1000, .destination = 80, .seq = 0xfffffff0, .ack = 7};
    f.tcp.flags = SIM_ACK;
    f.tcp.options = SIM_HAS_TIMES;
    return f;
}

static enum err send_bytes(size_t from, const uint8_t *bytes, size_t len)
{
    struct slice parts[2] = {slice_of(bytes, len < 60 ? len : 60), {NULL, 0}};
    parts[1] = slice_drop(slice_of(bytes, len), parts[0].len);
    struct net_frame given = {.parts = parts, .count = parts[1].len ? 2 : 1};
    return net_send(ears[from].card, &given);
}

static enum err send_tcp(size_t from, size_t to, size_t len)
{
    static uint8_t made[2048];
    struct sim_frame f = segment(from, to, false);
    size_t all = sim_frame_tcp(made, &f, slice_of(payload, len));
    return send_bytes(from, made, all);
}

static void test_carries(void **state)
{
    (void)state;
    const struct sim_card plain = {.mtu = 0};
    for (size_t i = 0; i < 3; i++)
        plug(i, &plain);
    sim_wire_harm_all(wire, &(struct sim_harm){.delay = 10 * CLOCK_MS + 1});
    uint64_t start = clock_monotonic();
    assert_int_equal(send_tcp(0, 1, 100), OK);
    assert_int_equal(ears[1].count, 0);
    settle();
    assert_int_equal(ears[1].count, 1);
    assert_int_equal(ears[2].count, 0);
    assert_int_equal(ears[1].at[0] - start, 10 * CLOCK_MS + 1);
    assert_int_equal(ears[1].bytes, 14 + 20 + 32 + 100);
    assert_int_equal(ears[1].checksum, NET_CHECKSUM_UNKNOWN);
    assert_null(sim_wire_fault(wire));
    assert_int_equal(net_completed(ears[0].card), 1);
    assert_int_equal(sim_wire_flying(wire), 0);
}

static void test_broadcast(void **state)
{
    (void)state;
    uint8_t arp[42] = {0};
    for (size_t i = 0; i < 3; i++)
        plug(i, &(struct sim_card){.scatters = true});
    memset(arp, 0xff, 6);
    memcpy(arp + 6, ears[1].card->features.mac, 6);
    sim_put16(arp + 12, SIM_ARP);
    assert_int_equal(send_bytes(1, arp, sizeof arp), OK);
    settle();
    assert_int_equal(ears[0].count, 1);
    assert_int_equal(ears[1].count, 0);
    assert_int_equal(ears[2].count, 1);
    assert_int_equal(ears[2].frames[0].len, 60); /* padded */
}

static void send_many(size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(send_tcp(0, 1, 1000), OK);
    settle();
    assert_null(sim_wire_fault(wire));
}

static void plug_two(void)
{
    plug(0, &(struct sim_card){.mtu = 1500});
    plug(1, &(struct sim_card){.verifies = true, .scatters = true});
}

static void test_loses(void **state)
{
    (void)state;
    plug_two();
    sim_wire_harm(ears[0].card, SIM_OUT, &(struct sim_harm){.loss = SIM_MILLION / 10});
    send_many(2000);
    assert_in_range(ears[1].count, 1740, 1860);
    assert_int_equal(ears[1].count + sim_wire_counts(wire).lost, 2000);
}

static void test_bursts(void **state)
{
    (void)state;
    plug_two();
    struct sim_harm h = {.burst_enter = 10000, .burst_leave = 100000, .burst_loss = SIM_MILLION};
    sim_wire_harm(ears[1].card, SIM_IN, &h);
    send_many(4000);
    assert_in_range(ears[1].count, 3300, 3900); /* one of eleven is lost, in the long run */
}

static void test_doubles_and_overtakes(void **state)
{
    (void)state;
    plug_two();
    struct sim_harm h = {.duplicate = 100000, .reorder = 50000, .reorder_by = 3 * CLOCK_MS};
    sim_wire_harm(ears[0].card, SIM_OUT, &h);
    send_many(1000);
    assert_int_equal(ears[1].count, 1000 + sim_wire_counts(wire).duplicated);
    assert_in_range(sim_wire_counts(wire).duplicated, 70, 130);
    assert_in_range(sim_wire_counts(wire).reordered, 30, 80);
}

static void test_corrupts_what_checksums_see(void **state)
{
    (void)state;
    plug_two();
    sim_wire_harm(ears[0].card, SIM_OUT, &(struct sim_harm){.corrupt = SIM_MILLION});
    send_many(1000);
    assert_int_equal(sim_wire_counts(wire).corrupted, 1000);
    for (size_t i = 0; i < ears[1].count; i++) {
        struct sim_frame f;
        if (!sim_frame_read(ears[1].frames[i], &f) && f.checksum)
            assert_false(sim_frame_ip_sum_good(ears[1].frames[i], &f) &&
                         sim_frame_sum_good(ears[1].frames[i], &f));
    }
}

static void test_queues(void **state)
{
    (void)state;
    plug_two();
    /* 1066 bytes each, at a million bytes a second, a queue of twenty. */
    struct sim_harm h = {.bandwidth = 1000000, .queue = 20 * 1066 + 100, .mark = 10 * 1066 - 100};
    sim_wire_harm(ears[0].card, SIM_OUT, &h);
    send_many(100);
    assert_in_range(ears[1].count, 20, 21);
    assert_in_range(sim_wire_counts(wire).marked, 9, 12);
    assert_int_equal(ears[1].at[1] - ears[1].at[0], 1066000);
    struct sim_frame f;
    assert_null(sim_frame_read(ears[1].frames[19], &f));
    assert_int_equal(f.ecn, 3);
    assert_true(sim_frame_ip_sum_good(ears[1].frames[19], &f));
}

static void test_tells_what_is_too_big(void **state)
{
    (void)state;
    plug_two();
    struct sim_harm h = {.mtu = 900, .too_big = SIM_TOO_BIG_TOLD};
    sim_wire_harm(ears[1].card, SIM_IN, &h);
    assert_int_equal(send_tcp(0, 1, 1000), OK);
    settle();
    assert_int_equal(ears[1].count, 0);
    assert_int_equal(ears[0].count, 1);
    struct sim_frame f;
    assert_null(sim_frame_read(ears[0].frames[0], &f));
    assert_int_equal(f.protocol, SIM_ICMP);
    assert_int_equal(sim_get16(ears[0].frames[0].ptr + f.transport + 6), 900);
    assert_true(sim_frame_sum_good(ears[0].frames[0], &f));
    h.too_big = SIM_TOO_BIG_SILENT;
    sim_wire_harm(ears[1].card, SIM_IN, &h);
    assert_int_equal(send_tcp(0, 1, 1000), OK);
    settle();
    assert_int_equal(ears[0].count, 1);
    assert_int_equal(ears[1].count, 0);
}

static void test_fragments(void **state)
{
    (void)state;
    static uint8_t made[2048];
    plug_two();
    sim_wire_harm(ears[1].card, SIM_IN, &(struct sim_harm){.mtu = 600});
    struct sim_frame f = segment(0, 1, false);
    f.whole = false;
    size_t len = sim_frame_tcp(made, &f, slice_of(payload, 1300));
    assert_int_equal(send_bytes(0, made, len), OK);
    settle();
    assert_int_equal(ears[1].count, 3); /* 1332 bytes, 576 in each */
    for (size_t i = 0; i < 3; i++) {
        assert_null(sim_frame_read(ears[1].frames[i], &f));
        assert_true(f.fragment && sim_frame_ip_sum_good(ears[1].frames[i], &f));
        assert_int_equal(f.end - f.transport, i < 2 ? 576 : 1332 - 2 * 576);
    }
}

static const struct sim_card big = {
    .offloads = NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6 | NET_SEGMENTS_ECN,
    .merges = 20 * CLOCK_US,
    .scatters = true,
    .completes = CLOCK_MS,
    .ring = 4,
};

/* A frame with much payload, as net.h wants it. */
static enum err send_super(const struct sim_frame *f, size_t len, bool spoiled)
{
    static uint8_t made[66000];
    struct sim_frame read;
    size_t all = sim_frame_tcp(made, f, slice_of(payload, len));
    assert_null(sim_frame_read(slice_of(made, all), &read));
    sim_put16(made + read.checksum, (uint16_t)(sim_sum_pseudo(&read) + spoiled));
    struct slice parts[3] = {slice_of(made, read.payload), slice_of(payload, len / 2), {NULL, 0}};
    parts[2] = slice_of(payload + len / 2, len - len / 2);
    struct net_frame given = {.parts = parts, .count = 3, .segment_size = 1448, .v6 = f->v6};
    given.checksum_start = (uint16_t)read.transport;
    given.checksum_offset = 16;
    given.head_size = (uint16_t)read.payload;
    given.ecn = f->tcp.flags & SIM_CWR;
    if (f->v6)
        given.segment_size = 1428;
    return net_send(ears[0].card, &given);
}

static void cuts(bool v6)
{
    plug(0, &big);
    plug(1, &(struct sim_card){.verifies = true});
    struct sim_frame f = segment(0, 1, v6);
    f.tcp.flags = SIM_ACK | SIM_PSH | SIM_FIN | SIM_CWR;
    assert_int_equal(send_super(&f, 40000, false), OK);
    settle();
    assert_null(sim_wire_fault(wire));
    assert_int_equal(ears[1].count, v6 ? 29 : 28);
    assert_int_equal(ears[1].checksum, NET_CHECKSUM_GOOD);
    uint32_t next = 0xfffffff0;
    for (size_t i = 0; i < ears[1].count; i++) {
        bool last = i + 1 == ears[1].count;
        assert_null(sim_frame_read(ears[1].frames[i], &f));
        assert_true(sim_frame_sum_good(ears[1].frames[i], &f));
        assert_true(sim_frame_ip_sum_good(ears[1].frames[i], &f));
        assert_int_equal(f.tcp.seq, next);
        next += (uint32_t)(f.end - f.payload);
        assert_int_equal(f.tcp.flags & (SIM_PSH | SIM_FIN), last ? SIM_PSH | SIM_FIN : 0);
        assert_int_equal(f.tcp.flags & SIM_CWR, i == 0 ? SIM_CWR : 0);
    }
    assert_int_equal(next, 0xfffffff0 + 40000);
}

static void test_cuts_v4(void **state)
{
    (void)state;
    cuts(false);
}

static void test_cuts_v6(void **state)
{
    (void)state;
    cuts(true);
}

static void test_merges(void **state)
{
    (void)state;
    plug(0, &big);
    plug(1, &big);
    struct sim_frame f = segment(0, 1, false);
    f.tcp.flags = SIM_ACK | SIM_PSH;
    assert_int_equal(send_super(&f, 60000, false), OK);
    settle();
    assert_int_equal(ears[1].count, 1);
    assert_int_equal(ears[1].segment_size, 1448);
    assert_null(sim_frame_read(ears[1].frames[0], &f));
    assert_int_equal(f.end - f.payload, 60000);
    assert_int_equal(f.tcp.flags, SIM_ACK | SIM_PSH);
    assert_memory_equal(ears[1].frames[0].ptr + f.payload, payload, 60000);
}

static void test_ring_and_room(void **state)
{
    (void)state;
    plug(0, &big);
    plug(1, &big);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(send_tcp(0, 1, 100), OK);
    assert_int_equal(send_tcp(0, 1, 100), ERR_AGAIN);
    assert_int_equal(ears[0].card->sent, 4);
    assert_true(net_completed(ears[0].card) < 4);
    settle();
    assert_int_equal(net_completed(ears[0].card), 4);
    assert_int_equal(ears[0].rooms, 1);
    assert_int_equal(send_tcp(0, 1, 100), OK);
}

static void test_sees_changed_loans(void **state)
{
    (void)state;
    static uint8_t made[2048];
    plug(0, &big);
    plug(1, &big);
    struct sim_frame f = segment(0, 1, false);
    size_t len = sim_frame_tcp(made, &f, slice_of(payload, 500));
    assert_int_equal(send_bytes(0, made, len), OK);
    made[300]++;
    settle();
    assert_non_null(sim_wire_fault(wire));
}

static void test_sees_bad_frames(void **state)
{
    (void)state;
    uint8_t made[2048];
    for (int what = 0; what < 5; what++) {
        plug(0, &big);
        plug(1, &big);
        struct sim_frame f = segment(0, 1, false);
        f.tcp.flags = what == 4 ? SIM_SYN | SIM_FIN : SIM_ACK;
        if (what == 3) {
            assert_int_equal(send_super(&f, 5000, true), OK);
        } else {
            size_t len = sim_frame_tcp(made, &f, slice_of(payload, 500));
            if (what == 0)
                made[100]++; /* checksum of the transport */
            if (what == 1)
                made[14 + 8]++; /* of IPv4 */
            send_bytes(0, made, what == 2 ? len - 1 : len);
        }
        assert_non_null(sim_wire_fault(wire));
        settle();
        teardown(NULL);
        setup(NULL);
    }
}

static void test_link_and_vanishing(void **state)
{
    (void)state;
    plug_two();
    sim_wire_link(ears[0].card, false);
    settle();
    assert_int_equal(ears[0].links, 1);
    assert_false(ears[0].up || net_link(ears[0].card));
    assert_int_equal(send_tcp(0, 1, 10), ERR_UNREACHABLE);
    sim_wire_link(ears[0].card, true);
    settle();
    sim_wire_vanish(ears[1].card, true);
    assert_int_equal(send_tcp(0, 1, 10), OK);
    settle();
    assert_int_equal(ears[1].count, 0);
    assert_int_equal(sim_wire_counts(wire).unheard, 1);
    static uint8_t made[2048];
    struct sim_frame f = segment(0, 1, false);
    size_t len = sim_frame_tcp(made, &f, slice_of(payload, 1460));
    assert_int_equal(send_bytes(0, made, len), ERR_LIMIT);
}

/* The same seed does the same again. */
static void test_replays(void **state)
{
    (void)state;
    uint64_t when[2] = {0, 0};
    for (int run = 0; run < 2; run++) {
        plug_two();
        struct sim_harm h = {.loss = 50000, .jitter = CLOCK_MS, .duplicate = 50000};
        sim_wire_harm_all(wire, &h);
        send_many(300);
        for (size_t i = 0; i < ears[1].count; i++)
            when[run] = when[run] * 31 + ears[1].at[i];
        teardown(NULL);
        setup(NULL);
    }
    assert_int_equal(when[0], when[1]);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_carries),
        CASE(test_broadcast),
        CASE(test_loses),
        CASE(test_bursts),
        CASE(test_doubles_and_overtakes),
        CASE(test_corrupts_what_checksums_see),
        CASE(test_queues),
        CASE(test_tells_what_is_too_big),
        CASE(test_fragments),
        CASE(test_cuts_v4),
        CASE(test_cuts_v6),
        CASE(test_merges),
        CASE(test_ring_and_room),
        CASE(test_sees_changed_loans),
        CASE(test_sees_bad_frames),
        CASE(test_link_and_vanishing),
        CASE(test_replays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
