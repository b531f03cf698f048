/* Memory: what an idle connection costs, what is shed when all is in use, and nothing left behind,
 * whichever request fails. */
#include "lib/tcp/assembly.h"
#include "tests/lib/tcp/pair.h"

static struct session s;

static struct end *client(void)
{
    return &s.pair.ends[0];
}

static struct end *server(void)
{
    return &s.pair.ends[1];
}

/* --- many connections --- */

/* Fewer where each costs a multiple. */
#ifdef __SANITIZE_ADDRESS__
#define MANY     2000u
#define SEGMENTS 100000
#else
#define MANY     20000u
#define SEGMENTS 1000000
#endif

static struct flow **flows;
static unsigned accepted, answered, ended;

static void ignore_data(void *owner, struct slice bytes)
{
    (void)owner;
    (void)bytes;
}

static void count_end(void *owner, enum err why)
{
    (void)owner;
    (void)why;
    ended++;
}

static const struct flow_events ignore = {ignore_data, NULL, NULL, count_end};

static void on_accept_any(void *owner, struct flow *flow)
{
    (void)owner;
    flows[accepted++] = flow;
    flow_own(flow, &ignore, NULL);
}

static void on_answer_any(void *owner, enum err why, struct flow *flow)
{
    (void)owner;
    assert_int_equal(why, OK);
    flows[MANY + answered++] = flow;
    flow_own(flow, &ignore, NULL);
}

static void open_many(unsigned count)
{
    struct endpoint local = {ADDRESS_ANY, 80, 0}, remote;
    struct tcp_connection *c;
    accepted = answered = ended = 0;
    s = (struct session){.client = {.why = OK}};
    pair_open(&s.pair, 1, NULL, 0);
    remote = (struct endpoint){server()->address, 80, 0};
    assert_int_equal(tcp_listen(server()->tcp, local, on_accept_any, NULL, &s.listener), OK);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(tcp_connect(client()->tcp, remote, on_answer_any, NULL, &c), OK);
        if (i % 500 == 499)
            pair_run(&s.pair, NULL, NULL, 50 * CLOCK_MS);
    }
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    assert_int_equal(accepted, count);
    assert_int_equal(answered, count);
}

static void close_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        flow_abort(flows[i]);
        flow_abort(flows[MANY + i]);
    }
    session_end(&s);
}

/* All that a thousand idle connections have cost, after they had carried data both ways. */
static void test_idle_connections(void **state)
{
    (void)state;
    assert_true(tcp_connection_size() <= 984);
    flows = calloc(2 * MANY, sizeof(*flows));
    uint64_t before = memory_stats().bytes;
    open_many(MANY);
    for (unsigned i = 0; i < 2 * MANY; i++)
        assert_int_equal(flow_write(flows[i], SLICE("hello")), OK);
    pair_run(&s.pair, NULL, NULL, 10 * CLOCK_SEC);
    uint64_t each = (memory_stats().bytes - before - 2 * sizeof(void *)) / (2 * MANY);
    if (getenv("VERBOSE"))
        fprintf(stderr, "an idle connection costs %u bytes\n", (unsigned)each);
    /* nothing of the sending stays, but what an instance keeps to spare */
    assert_true(memory_stats().bytes - before < 2 * (uint64_t)MANY * 1024 + 131072);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tcp_usage(s.pair.ends[i].tcp).memory, 0);
    close_many(MANY);
    free(flows);
}

/* Without ever having sent, to the byte. */
static void test_idle_cost(void **state)
{
    (void)state;
    flows = calloc(2 * MANY, sizeof(*flows));
    open_many(1000);
    uint64_t before = memory_stats().bytes;
    unsigned more = MANY - 1000;
    struct endpoint remote = {server()->address, 80, 0};
    struct tcp_connection *c;
    for (unsigned i = 0; i < more; i++) {
        assert_int_equal(tcp_connect(client()->tcp, remote, on_answer_any, NULL, &c), OK);
        if (i % 500 == 499)
            pair_run(&s.pair, NULL, NULL, 50 * CLOCK_MS);
    }
    pair_run(&s.pair, NULL, NULL, 3 * CLOCK_SEC);
    uint64_t each = (memory_stats().bytes - before) / (2 * more);
    if (getenv("VERBOSE"))
        fprintf(stderr, "an idle connection costs %u bytes\n", (unsigned)each);
    assert_true(each <= 1024 || more < 10000); /* a few do not fill a slab */
    close_many(1000 + more);
    free(flows);
}

/* --- a million tiny segments, none in order --- */

static seq_t client_next, server_next;

static bool watch(struct pair *p, struct end *from, struct wire_packet *w)
{
    seq_t end = w->segment.seq + tcp_segment_span(&w->segment);
    if (from == &p->ends[0])
        client_next = end;
    else
        server_next = end;
    return true;
}

static void test_tiny_segments_out_of_order(void **state)
{
    struct sim_random r;
    uint64_t worst = 0;
    (void)state;
    session_open(&s, 1, 0);
    s.pair.filter = watch;
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    sim_random_seed(&r, 1);
    struct tcp_segment m = {.source = flow_peer(s.server.flow).port,
                            .destination = 80,
                            .flags = TCP_ACK,
                            .window = 1000,
                            .ack = server_next};
    s.pair.delay = 0;
    for (int i = 0; i < SEGMENTS; i++) {
        uint8_t header[TCP_HEADER_MAX + 1];
        m.seq = client_next + 2 + 2 * (uint32_t)sim_random_range(&r, 0, 30000);
        size_t len = tcp_segment_format(&m, header);
        header[len] = 'x';
        struct slice whole = slice_of(header, len + 1);
        struct ip_arrival a = {.source = client()->address,
                               .destination = server()->address,
                               .protocol = IP_TCP,
                               .parts = &whole,
                               .count = 1};
        tcp_input(server()->tcp, s.pair.now, &a);
        if (i % 64 == 0) {
            s.pair.now += CLOCK_US;
            tcp_flush(server()->tcp, s.pair.now);
            server()->awake = false;
            while (s.pair.first)
                pair_deliver(&s.pair);
            uint64_t used = tcp_usage(server()->tcp).memory;
            worst = used > worst ? used : worst;
        }
    }
    assert_true(worst <= 65536 + 2 * ASSEMBLY_CHUNK); /* the window */
    assert_true(counted(server(), TCP_DROP_ISLANDS) > 0);
    assert_false(s.server.ended);
    pair_run(&s.pair, NULL, NULL, CLOCK_SEC);
    session_end(&s);
}

/* --- the budget --- */

static void test_budget(void **state)
{
    struct tcp_limits limits = {.memory = 200000};
    struct endpoint here = {ADDRESS_ANY, 80, 0};
    static uint8_t block[4096];
    (void)state;
    s = (struct session){.client = {.why = OK}};
    pair_open(&s.pair, 1, &limits, 0);
    assert_int_equal(tcp_listen(server()->tcp, here, side_on_accept, &s.server, &s.listener), OK);
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    /* who writes without end is refused, and so is who comes then */
    flow_pause(s.client.flow, true);
    s.client.pause = true;
    enum err e = OK;
    uint64_t written = 0;
    while (!(e = flow_write(s.server.flow, slice_of(block, sizeof block)))) {
        written += sizeof block;
        pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    }
    assert_true(e == ERR_AGAIN || e == ERR_MEMORY || e == ERR_LIMIT);
    assert_true(tcp_usage(server()->tcp).memory <= 200000 + 2 * sizeof block);
    assert_true(tcp_usage(client()->tcp).memory <= 200000);
    assert_true(written > 50000);
    session_end(&s);
}

static void test_syns_beyond_the_budget(void **state)
{
    struct tcp_limits limits = {.memory = 4096};
    struct endpoint here = {ADDRESS_ANY, 80, 0};
    (void)state;
    s = (struct session){.client = {.why = OK}};
    pair_open(&s.pair, 1, &limits, 0);
    assert_int_equal(tcp_listen(server()->tcp, here, side_on_accept, &s.server, &s.listener), OK);
    session_connect(&s);
    assert_true(pair_run(&s.pair, is_connected, &s, CLOCK_SEC));
    assert_int_equal(flow_write(s.client.flow, SLICE("fits")), OK);
    flow_pause(s.server.flow, true);
    s.server.pause = true;
    for (int i = 0; i < 20; i++) {
        enum err e = flow_write(s.client.flow, SLICE("fits"));
        assert_true(e == OK || e == ERR_MEMORY);
        pair_run(&s.pair, NULL, NULL, 100 * CLOCK_MS);
    }
    assert_int_equal(tcp_usage(server()->tcp).memory, 4096);
    struct tcp_segment m = {.source = 1, .destination = 80, .flags = TCP_SYN};
    pair_inject(&s.pair, address_v4(192, 0, 2, 1), server()->address, &m, slice_of(NULL, 0));
    pair_run(&s.pair, NULL, NULL, CLOCK_MS);
    assert_int_equal(counted(server(), TCP_DROP_MEMORY_SYN), 1);
    s.server.pause = false; /* and all goes on */
    flow_pause(s.server.flow, false);
    pair_run(&s.pair, NULL, NULL, 10 * CLOCK_SEC);
    assert_true(s.server.length >= 8);
    assert_int_equal(tcp_usage(server()->tcp).memory, 0);
    session_end(&s);
}

/* --- every request for memory fails once --- */

static bool is_done(void *arg)
{
    (void)arg;
    return (s.server.length >= 30000 && s.client.length >= 30000) || s.client.ended ||
           s.server.ended || (s.client.answers && !s.client.flow);
}

static void run_with_failure(uint64_t nth, uint64_t every)
{
    static uint8_t block[30000];
    session_open(&s, nth + every, 0);
    s.pair.jitter = 5 * CLOCK_MS;
    sim_memory_fail_nth(nth);
    if (every)
        sim_memory_fail_every(every);
    struct endpoint remote = {server()->address, 80, 0};
    enum err e = tcp_connect(client()->tcp, remote, side_on_answer, &s.client, &s.connecting);
    if (!e) {
        pair_run(&s.pair, is_connected, &s, 5 * CLOCK_SEC);
        if (s.client.flow && flow_write(s.client.flow, slice_of(block, sizeof block)) == OK &&
            s.server.flow && flow_write(s.server.flow, slice_of(block, sizeof block)) == OK)
            assert_true(pair_run(&s.pair, is_done, NULL, 60 * CLOCK_SEC));
    }
    sim_memory_fail_nth(0);
    sim_memory_fail_every(0);
    session_end(&s);
}

static void test_failing_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 60; nth++)
        run_with_failure(nth, 0);
    for (uint64_t every = 2; every < 20; every++)
        run_with_failure(0, every);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_connections),           cmocka_unit_test(test_idle_cost),
        cmocka_unit_test(test_tiny_segments_out_of_order), cmocka_unit_test(test_budget),
        cmocka_unit_test(test_syns_beyond_the_budget),     cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
