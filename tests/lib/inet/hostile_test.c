/*
 * A whole stack against peers that mean no good, or are of the simplest kind: every segment of theirs
 * is made by hand. What they can make it hold is bounded, and others do not notice them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "platform/sim/client.h"
#include "platform/sim/puppet.h"
#include "tests/lib/inet/world.h"

#define PORT 80

static struct world world;
static struct world_host *host;
static struct sim_puppet *puppet; /* also the gateway: all who are not on the link are it */
static struct listener *listener;
static struct flow *flows[4096]; /* that were accepted and not closed */
static size_t flow_count, received, ended, refused;
static enum err why_ended;
static uint8_t content[1 << 16];

/* --- the server --- */

static void on_data(void *owner, struct slice bytes)
{
    (void)owner;
    if (received + bytes.len <= sizeof content)
        memcpy(content + received, bytes.ptr, bytes.len);
    received += bytes.len;
}

static void on_eof(void *owner)
{
    (void)owner;
}

static void on_end(void *owner, enum err why)
{
    (void)owner;
    ended++;
    why_ended = why;
}

static const struct flow_events events = {on_data, on_eof, NULL, on_end};

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    assert_true(flow_count < sizeof flows / sizeof *flows);
    flows[flow_count] = f;
    flow_own(f, &events, &flows[flow_count]);
    flow_count++;
}

static void close_flows(bool abort)
{
    for (size_t i = 0; i < flow_count; i++)
        (abort ? flow_abort : flow_close)(flows[i]);
    flow_count = 0;
}

static int setup(void **state)
{
    (void)state;
    const struct sim_card plain = {.verifies = true};
    flow_count = received = ended = refused = 0;
    why_ended = OK;
    world_open(&world, 1);
    assert_int_equal(world_host(&world, &plain, &(struct tcp_limits){.half_open = 256}), OK);
    assert_int_equal(world_host(&world, &plain, NULL), OK);
    host = &world.hosts[0];
    puppet = sim_puppet_open(world.wire, "10.0.255.254", "fd00::fffe");
    sim_puppet_aim(puppet, host->card);
    world_run(WORLD_SETTLE);
    struct endpoint here = {.port = PORT};
    assert_int_equal(stack_listen(host->stack, here, on_accept, NULL, &listener), OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_flows(true);
    stack_unlisten(host->stack, listener);
    world_run(CLOCK_SEC);
    sim_puppet_close(puppet);
    const char *fault = world_close(&world);
    if (fault)
        print_message("%s\n", fault);
    return fault ? -1 : 0;
}

static struct tcp *tcp(void)
{
    return inet_tcp(host->inet);
}

/* --- a peer --- */

struct peer {
    struct sim_frame f; /* what it sends next */
    struct sim_frame heard;
    uint32_t base; /* the first number of the server's */
    size_t heard_count, heard_bytes;
    size_t smallest, largest; /* segments with data */
};

static struct peer peer_of(uint32_t number)
{
    struct peer p = {.f = {.destination = host->v4, .whole = true}};
    p.f.source =
        address_v4(10, (uint8_t)(1 + (number >> 16)), (uint8_t)(number >> 8), (uint8_t)number);
    p.f.tcp = (struct sim_tcp){.source = (uint16_t)(1024 + number % 50000), .destination = PORT};
    p.f.tcp.seq = number * 7;
    p.f.tcp.window = 65535;
    p.smallest = SIZE_MAX;
    return p;
}

/* Sends, and what was sent goes on counting. */
static void say(struct peer *p, uint8_t flags, struct slice payload)
{
    p->f.tcp.flags = flags;
    sim_puppet_send(puppet, &p->f, payload);
    p->f.tcp.seq += (uint32_t)payload.len + !!(flags & SIM_SYN) + !!(flags & SIM_FIN);
}

static void note(struct peer *p, const struct sim_frame *f)
{
    size_t payload = f->end - f->payload;
    p->heard = *f;
    p->heard_count++;
    p->heard_bytes += payload;
    if (payload && payload < p->smallest)
        p->smallest = payload;
    if (payload > p->largest)
        p->largest = payload;
    if (f->tcp.flags & SIM_SYN)
        p->base = f->tcp.seq;
    uint32_t end = f->tcp.seq + (uint32_t)payload + !!(f->tcp.flags & (SIM_SYN | SIM_FIN));
    if ((int32_t)(end - p->f.tcp.ack) > 0 || (f->tcp.flags & SIM_SYN))
        p->f.tcp.ack = end;
}

/* Hears all that was said to it for so long. */
static void hear(struct peer *p, uint64_t ns)
{
    struct sim_frame f;
    struct slice bytes;
    world_run(ns);
    while (sim_puppet_take(puppet, &f, &bytes))
        if (f.protocol == SIM_TCP && f.tcp.destination == p->f.tcp.source)
            note(p, &f);
}

static void shake(struct peer *p)
{
    say(p, SIM_SYN, SLICE(""));
    hear(p, CLOCK_MS);
    assert_int_equal(p->heard.tcp.flags, SIM_SYN | SIM_ACK);
    p->f.tcp.options = 0;
    say(p, SIM_ACK, SLICE(""));
    hear(p, CLOCK_MS);
}

/* --- tests --- */

static struct sim_client *ask(void)
{
    char address[ADDRESS_TEXT_MAX];
    address_format(host->v4, address);
    return sim_client_open(world.hosts[1].stack, address, PORT);
}

/* 50,000 a second from everywhere; meanwhile others are served. */
static void test_flood(void **state)
{
    (void)state;
    struct sim_client *clients[40];
    uint64_t most = 0, before = memory_stats().bytes;
    uint32_t number = 0;
    for (size_t i = 0; i < 40; i++) {
        clients[i] = ask();
        sim_client_text(clients[i], "a request");
        for (uint32_t k = 0; k < 2500; k++) {
            struct peer p = peer_of(number++);
            say(&p, SIM_SYN, SLICE(""));
            if (k % 50 == 0)
                world_run(CLOCK_MS);
            if (memory_stats().bytes > most)
                most = memory_stats().bytes;
            assert_true(tcp_usage(tcp()).half_open <= 256);
        }
    }
    world_run(10 * CLOCK_SEC);
    assert_int_equal(flow_count, 40);
    assert_int_equal(received, 40 * strlen("a request"));
    for (size_t i = 0; i < 40; i++) {
        assert_true(sim_client_connected(clients[i]));
        sim_client_close(clients[i]);
    }
    assert_true(tcp_counter(tcp(), TCP_COOKIES_SENT) > 90000);
    assert_true(tcp_counter(tcp(), TCP_COOKIES_ACCEPTED) > 0);
    printf("flood: %llu cookies, %llu accepted; memory at most %llu bytes more\n",
           (unsigned long long)tcp_counter(tcp(), TCP_COOKIES_SENT),
           (unsigned long long)tcp_counter(tcp(), TCP_COOKIES_ACCEPTED),
           (unsigned long long)(most - before));
    assert_true(most - before < 1 << 20);
}

static uint8_t page[1 << 20];

/* The window is shut, and every probe is answered, for ever. */
static void test_zero_window(void **state)
{
    (void)state;
    struct peer p = peer_of(1);
    p.f.tcp.options = SIM_HAS_MSS;
    p.f.tcp.mss = 1000;
    p.f.tcp.window = 2000;
    shake(&p);
    assert_int_equal(flow_count, 1);
    size_t taken = flow_room(flows[0]);
    assert_int_equal(flow_write(flows[0], slice_of(page, taken)), OK);
    hear(&p, CLOCK_SEC);
    assert_int_equal(p.heard_bytes >= 2000, true);
    uint64_t before = memory_stats().bytes;
    p.f.tcp.window = 0;
    p.f.tcp.ack = p.base + 1 + 2000;
    say(&p, SIM_ACK, SLICE(""));
    size_t probes = p.heard_count;
    for (int i = 0; i < 600; i++) {
        size_t heard = p.heard_count;
        hear(&p, CLOCK_SEC);
        p.f.tcp.ack = p.base + 1 + 2000; /* nothing more is taken */
        if (p.heard_count > heard)
            say(&p, SIM_ACK, SLICE(""));
    }
    probes = p.heard_count - probes;
    printf("zero window: %zu probes in 10 minutes\n", probes);
    assert_true(probes >= 8 && probes < 60);
    assert_true(memory_stats().bytes <= before + 4096);
    /* Who closes does not wait for ever. */
    if (!ended)
        flow_close(flows[0]);
    else
        flow_abort(flows[0]);
    flow_count = 0;
    for (int i = 0; i < 200; i++) {
        size_t heard = p.heard_count;
        hear(&p, CLOCK_SEC);
        p.f.tcp.ack = p.base + 1 + 2000;
        if (p.heard_count > heard)
            say(&p, SIM_ACK, SLICE(""));
    }
    assert_int_equal(tcp_usage(tcp()).connections, 0);
}

/* A little at a time: no segment is sent that is silly (RFC 9293, 3.8.6.2.1), all of it arrives. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct peer p = peer_of(2);
    p.f.tcp.options = SIM_HAS_MSS;
    p.f.tcp.mss = 1000;
    p.f.tcp.window = 4000;
    shake(&p);
    assert_int_equal(flow_write(flows[0], slice_of(page, 60000)), OK);
    uint64_t before = memory_stats().bytes;
    for (int i = 0; i < 600 && p.heard_bytes < 60000; i++) {
        hear(&p, 100 * CLOCK_MS);
        p.f.tcp.window = i % 4 ? 10 : 2000;
        say(&p, SIM_ACK, SLICE(""));
    }
    assert_int_equal(p.f.tcp.ack, p.base + 1 + 60000);
    assert_true(memory_stats().bytes <= before + 4096);
    assert_true(p.largest <= 1000);
}

/* Segments that overlap and contradict each other: what came first stays. */
static void test_overlaps(void **state)
{
    (void)state;
    uint8_t first[1000], second[1000];
    struct peer p = peer_of(3);
    p.f.tcp.options = SIM_HAS_SACK_OK | SIM_HAS_MSS;
    p.f.tcp.mss = 1460;
    shake(&p);
    uint32_t base = p.f.tcp.seq;
    memset(first, 'a', sizeof first);
    memset(second, 'b', sizeof second);
    /* Four islands, of which one is sent again otherwise and larger; and a gap at the front. */
    for (uint32_t i = 0; i < 4; i++) {
        p.f.tcp.seq = base + 1000 + i * 2000;
        say(&p, SIM_ACK, slice_of(first, 1000));
        hear(&p, CLOCK_MS);
    }
    assert_int_equal(p.heard.tcp.sack_count, 4); /* no timestamps: there is room for four */
    assert_int_equal(p.heard.tcp.sacks[0][0], base + 7000);
    for (uint32_t i = 0; i < 8; i++) {
        p.f.tcp.seq = base + i * 1000 + 500;
        say(&p, SIM_ACK, slice_of(second, 1000));
        hear(&p, CLOCK_MS);
    }
    p.f.tcp.seq = base;
    say(&p, SIM_ACK, slice_of(second, 1000));
    hear(&p, CLOCK_SEC);
    assert_int_equal(received, 8500);
    for (size_t i = 0; i < 8500; i++)
        assert_int_equal(content[i], i / 1000 % 2 && i < 8000 ? 'a' : 'b');
    assert_int_equal(p.heard.tcp.ack, base + 8500);
}

/* Far outside of the window: dropped, answered at a bounded rate; the connection lives. */
static void test_outside(void **state)
{
    (void)state;
    struct peer p = peer_of(4);
    shake(&p);
    uint32_t base = p.f.tcp.seq;
    size_t heard = p.heard_count;
    for (uint32_t i = 0; i < 20000; i++) {
        p.f.tcp.seq = base + (1u << 30) + i * 65536u % (1u << 30);
        say(&p, i % 3 == 0 ? SIM_RST : i % 3 == 1 ? SIM_SYN : SIM_ACK, SLICE("lies"));
        if (i % 200 == 0)
            hear(&p, CLOCK_MS);
    }
    hear(&p, CLOCK_SEC);
    printf("outside: %zu answers to 20,000\n", p.heard_count - heard);
    assert_true(p.heard_count - heard <= 2000);
    p.f.tcp.seq = base;
    say(&p, SIM_ACK, SLICE("truth"));
    world_run(CLOCK_SEC);
    assert_int_equal(received, 5);
    assert_int_equal(ended, 0);
}

/* An acknowledgement of what was never sent, however often, opens nothing. */
static void test_optimist(void **state)
{
    (void)state;
    struct peer p = peer_of(5);
    p.f.tcp.options = SIM_HAS_MSS;
    p.f.tcp.mss = 1000;
    shake(&p);
    assert_int_equal(flow_write(flows[0], slice_of(page, 60000)), OK);
    for (int i = 0; i < 1000; i++) {
        p.f.tcp.ack = p.base + 1 + 1000000;
        say(&p, SIM_ACK, SLICE(""));
        world_run(CLOCK_US);
    }
    hear(&p, CLOCK_MS);
    assert_true(p.heard_bytes <= 15000); /* the initial window */
    assert_int_equal(ended, 0);
}

/* A segment size that would make a packet of every byte (RFC 9293, 3.7.1; CVE-2019-11479). */
static void test_tiny_segments(void **state)
{
    (void)state;
    struct peer p = peer_of(6);
    p.f.tcp.options = SIM_HAS_MSS;
    p.f.tcp.mss = 1;
    shake(&p);
    assert_int_equal(flow_write(flows[0], slice_of(page, 20000)), OK);
    for (int i = 0; i < 300 && p.heard_bytes < 20000; i++) {
        hear(&p, 10 * CLOCK_MS);
        say(&p, SIM_ACK, SLICE(""));
    }
    assert_true(p.heard_bytes >= 20000);
    assert_true(p.largest >= 48);
    printf("tiny segments: of %zu bytes\n", p.largest);
}

/* --- the stack connects --- */

static enum err answered;
static struct flow *connected;

static void on_connect(void *owner, enum err why, struct flow *f)
{
    (void)owner;
    answered = why;
    connected = f;
    if (f) {
        flows[flow_count] = f;
        flow_own(f, &events, &flows[flow_count++]);
    }
}

/* Our SYN is answered by a SYN: both open at once (RFC 9293, 3.5, figure 7). */
static void test_simultaneous_open(void **state)
{
    (void)state;
    struct sim_frame f;
    struct slice bytes;
    struct connect *c;
    struct endpoint there = {.address = address_v4(10, 5, 0, 1), .port = 4000};
    answered = ERR_AGAIN;
    assert_int_equal(stack_connect(host->stack, there, on_connect, NULL, &c), OK);
    world_run(CLOCK_MS);
    while (sim_puppet_take(puppet, &f, &bytes) && f.protocol != SIM_TCP)
        ;
    assert_int_equal(f.tcp.flags & (SIM_SYN | SIM_ACK), SIM_SYN);
    struct peer p = {.f = {.source = there.address, .destination = host->v4, .whole = true}};
    p.f.tcp = (struct sim_tcp){.source = 4000, .destination = f.tcp.source, .window = 65535};
    p.f.tcp.seq = 77;
    say(&p, SIM_SYN, SLICE(""));
    hear(&p, CLOCK_MS);
    assert_int_equal(p.heard.tcp.flags & (SIM_SYN | SIM_ACK), SIM_SYN | SIM_ACK);
    assert_int_equal(p.heard.tcp.ack, 78);
    p.f.tcp.seq = 77;
    p.f.tcp.ack = f.tcp.seq + 1;
    say(&p, SIM_SYN | SIM_ACK, SLICE(""));
    hear(&p, CLOCK_SEC);
    assert_int_equal(answered, OK);
    assert_non_null(connected);
    say(&p, SIM_ACK, SLICE("hello"));
    hear(&p, CLOCK_SEC);
    assert_int_equal(received, 5);
    assert_int_equal(tcp_counter(tcp(), TCP_SIMULTANEOUS), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_flood),         CASE(test_zero_window),       CASE(test_slow_reader),
        CASE(test_overlaps),      CASE(test_outside),           CASE(test_optimist),
        CASE(test_tiny_segments), CASE(test_simultaneous_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
