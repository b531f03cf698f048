/*
 * Sequence numbers that wrap around in the middle of a stream: ours, with losses on both sides of
 * zero and SACK blocks across it, and the peer's, out of order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/tcp/bare.h"

#define TOTAL 300000u
#define NEAR  100000u /* of zero: where our first number is to lie */

static struct bare bare;
static struct flow *flow;
static uint8_t stream[TOTAL], seen[TOTAL], got[TOTAL];
static size_t received, packets, wrong;
static uint32_t base; /* of our stream */
static uint64_t blocks_before;

static void on_data(void *owner, struct slice bytes)
{
    (void)owner;
    assert_true(received + bytes.len <= TOTAL);
    memcpy(got + received, bytes.ptr, bytes.len);
    received += bytes.len;
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, enum err why)
{
    (void)owner, (void)why;
    wrong++;
}

static const struct flow_events events = {.on_data = on_data, .on_room = on_room, .on_end = on_end};

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    flow = f;
    flow_own(f, &events, NULL);
}

static int setup(void **state)
{
    (void)state;
    blocks_before = memory_stats().blocks;
    received = packets = wrong = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < TOTAL; i++)
        stream[i] = (uint8_t)(i * 2654435761u >> 13);
    bare_open(&bare, NULL);
    bare_listen(&bare, on_accept, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_abort(flow);
    bare_flush(&bare);
    tcp_unlisten(bare.tcp, bare.listener);
    tcp_close(bare.tcp);
    return memory_stats().blocks == blocks_before ? 0 : -1;
}

/* What the peer hears: every ninth packet is lost the first time that it would be heard. */
static void hear(const struct ip_packet *p)
{
    uint32_t at = bare_be32(p->header.ptr + 4) - base;
    bool lost = ++packets % 9 == 0;
    for (size_t i = 0; i < p->payload_count && !lost; i++) {
        struct slice part = p->payload[i];
        if (at + part.len > TOTAL || memcmp(part.ptr, stream + at, part.len) != 0)
            wrong++;
        else
            memset(seen + at, 1, part.len);
        at += (uint32_t)part.len;
    }
}

/* From there on: the end of what is all seen, or all not. */
static uint32_t run_end(uint32_t from)
{
    uint32_t to = from;
    while (to < TOTAL && seen[to] == seen[from])
        to++;
    return to;
}

static void acknowledge(struct bare_peer *p)
{
    uint8_t options[28] = {1, 1, 5, 2};
    uint32_t ack = seen[0] ? run_end(0) : 0, at = ack;
    size_t length = 4;
    while (at < TOTAL && length < sizeof options) {
        uint32_t start = run_end(at), end = start < TOTAL ? run_end(start) : TOTAL;
        if (start == TOTAL)
            break;
        bare_put32(options + length, base + start);
        bare_put32(options + length + 4, base + end);
        options[3] = (uint8_t)(options[3] + 8);
        length += 8;
        at = end;
    }
    p->ack = base + ack;
    bare_segment(&bare, p, BARE_ACK, slice_of(options, length > 4 ? length : 0), slice_of(NULL, 0));
}

/* Peers come and go until our first number is just below zero. */
static struct bare_peer connect_near_zero(void)
{
    for (uint32_t i = 0; i < 2000000; i++) {
        struct bare_peer p = bare_peer(i);
        assert_true(bare_connect(&bare, &p));
        base = p.ack;
        if (base > UINT32_MAX - NEAR && base < UINT32_MAX - 20000)
            return p;
        bare_segment(&bare, &p, BARE_RST, slice_of(NULL, 0), slice_of(NULL, 0));
        flow_abort(flow);
        bare_flush(&bare);
        wrong = 0;
    }
    fail_msg("no first number near zero");
    return bare_peer(0);
}

static void test_ours(void **state)
{
    (void)state;
    struct bare_peer p = connect_near_zero();
    uint32_t written = 0;
    bare.hear = hear;
    for (int turn = 0; turn < 3000 && (seen[0] ? run_end(0) : 0) < TOTAL; turn++) {
        while (written < TOTAL) {
            uint32_t n = TOTAL - written < 5000 ? TOTAL - written : 5000;
            if (flow_write(flow, slice_of(stream + written, n)))
                break;
            written += n;
        }
        bare_flush(&bare);
        bare_advance(&bare, 20 * CLOCK_MS);
        acknowledge(&p);
    }
    acknowledge(&p); /* what was heard last */
    assert_int_equal(run_end(0), TOTAL);
    assert_true(base + TOTAL < base); /* it did wrap */
    assert_int_equal(wrong, 0);
    assert_int_equal(flow_queued(flow), 0);
    assert_true(tcp_recovery_counters(bare.tcp)->recoveries > 0);
}

/* Pieces in the order 3, 1, 2, 0 of each four. */
static void test_theirs(void **state)
{
    (void)state;
    struct bare_peer p = bare_peer(1);
    p.seq = UINT32_MAX - 30000;
    assert_true(bare_connect(&bare, &p));
    uint32_t first = p.seq;
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t at = (i / 4 * 4 + (uint32_t[]){3, 1, 2, 0}[i % 4]) * 1000;
        p.seq = first + at;
        bare_segment(&bare, &p, BARE_ACK, slice_of(NULL, 0), slice_of(stream + at, 1000));
    }
    assert_int_equal(received, 100000);
    assert_memory_equal(got, stream, 100000);
    assert_int_equal(bare.last.ack, first + 100000);
    assert_true(first + 100000 < first);
    /* What lies a little before zero is old now, not new. */
    p.seq = UINT32_MAX - 100;
    bare_segment(&bare, &p, BARE_ACK, slice_of(NULL, 0), slice_of(stream, 1000));
    assert_int_equal(received, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_theirs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
