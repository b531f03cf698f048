/*
 * What TCP itself costs, without IP and cards: two instances talk to each other in memory. Prints, in
 * CPU time,
 *
 *   tcp_segments exchange       nanoseconds of one small request and its answer (two packets, two
 *                               segments in), with 10 connections open, with 100,000 of which the same
 *                               10 talk, and with 100,000 that all talk in turn;
 *   tcp_segments bulk           nanoseconds of a segment of a bulk transfer, as single segments and as
 *                               those that a card cuts;
 *   tcp_segments short [COUNT]  connections opened, used and closed one after the other: the first
 *                               thousand and the last thousand of a million, and the memory before, then,
 *                               and when the last TIME-WAIT is over.
 *
 * What is compared is measured in turn, a little each time, in two worlds: that with few connections and
 * that with many, that which is new and that which has seen a million: what a busy machine does, it
 * does to both.
 */
#include "lib/tcp/info.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MANY    100000u
#define TALKING 10u
#define PORTS   8u
#define PACKETS 256u

#define EXCHANGE_TURNS 200u
#define EXCHANGE_EACH  1000u

struct packet {
    struct ip_arrival arrival;
    struct slice whole;
    uint8_t bytes[66000];
};

struct end {
    struct tcp *tcp;
    struct end *other;
    struct address address;
    struct packet *queue; /* of what was sent to it */
    uint32_t head, tail;
    uint64_t sent, seed;
    bool awake;
};

/* Two that talk, and their connections. */
struct world {
    struct end ends[2];
    struct flow **clients, **servers;
    uint32_t client_count, server_count;
};

static struct world worlds[2], *world = worlds;

static uint64_t now;

static enum err send_packet(void *arg, const struct ip_packet *p)
{
    struct end *from = arg, *to = from->other;
    struct packet *k = &to->queue[to->tail % PACKETS];
    if (to->tail - to->head == PACKETS)
        return ERR_AGAIN;
    size_t n = p->header.len;
    memcpy(k->bytes, p->header.ptr, n);
    for (size_t i = 0; i < p->payload_count; i++) {
        memcpy(k->bytes + n, p->payload[i].ptr, p->payload[i].len);
        n += p->payload[i].len;
    }
    k->whole = slice_of(k->bytes, n);
    k->arrival = (struct ip_arrival){.source = p->source,
                                     .destination = p->destination,
                                     .protocol = IP_TCP,
                                     .parts = &k->whole,
                                     .count = 1,
                                     .segment_size = p->segment_size};
    to->tail++;
    from->sent++;
    return OK;
}

static uint64_t sent(void *arg)
{
    return ((struct end *)arg)->sent;
}

static bool source(void *arg, struct address destination, struct address *into)
{
    (void)destination;
    *into = ((struct end *)arg)->address;
    return true;
}

static uint32_t mtu(void *arg, struct address destination)
{
    (void)arg;
    (void)destination;
    return 1500;
}

static void learn(void *arg, struct address destination, uint32_t size)
{
    (void)arg;
    (void)destination;
    (void)size;
}

static void confirm(void *arg, struct address destination)
{
    (void)arg;
    (void)destination;
}

static void draw(void *arg, void *into, size_t len)
{
    struct end *e = arg;
    for (size_t i = 0; i < len; i++) {
        e->seed = e->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)into)[i] = (uint8_t)(e->seed >> 33);
    }
}

static void wake(void *arg)
{
    ((struct end *)arg)->awake = true;
}

static const struct tcp_below below = {send_packet, sent,  sent,    source, mtu,
                                       mtu,         learn, confirm, draw,   wake};

/* --- the loop --- */

static void turn(struct end *e)
{
    while (e->head != e->tail) {
        tcp_input(e->tcp, now, &e->queue[e->head % PACKETS].arrival);
        e->head++;
    }
    e->head = e->tail = 0; /* the same few again: they are warm */
    if (tcp_deadline(e->tcp) <= now)
        tcp_expire(e->tcp, now);
    if (e->awake) {
        e->awake = false;
        tcp_flush(e->tcp, now);
    }
}

static bool busy(const struct end *e)
{
    return e->awake || e->head != e->tail;
}

/* Until nothing is under way. */
static void settle(void)
{
    do {
        now += 20 * CLOCK_US;
        turn(&world->ends[0]);
        turn(&world->ends[1]);
    } while (busy(&world->ends[0]) || busy(&world->ends[1]));
}

/* --- owners --- */

static const uint8_t answer[1000], request[100];
static uint64_t got;
static bool answering, closing;

static void on_client_data(void *owner, struct slice bytes)
{
    (void)owner;
    got += bytes.len;
}

static void on_server_data(void *owner, struct slice bytes)
{
    struct flow **f = owner;
    got += bytes.len;
    if (answering)
        flow_write(*f, slice_of(answer, sizeof answer));
}

static void on_end(void *owner, enum err why)
{
    (void)owner;
    if (why != ERR_CLOSED && !closing) {
        fprintf(stderr, "a connection ended: %s\n", err_text(why));
        exit(1);
    }
}

static const struct flow_events client_events = {on_client_data, NULL, NULL, on_end};
static const struct flow_events server_events = {on_server_data, NULL, NULL, on_end};

static void on_accept(void *owner, struct flow *flow)
{
    (void)owner;
    world->servers[world->server_count] = flow;
    flow_own(flow, &server_events, &world->servers[world->server_count]);
    world->server_count++;
}

static void on_answer(void *owner, enum err why, struct flow *flow)
{
    (void)owner;
    if (why) {
        fprintf(stderr, "no connection: %s\n", err_text(why));
        exit(1);
    }
    world->clients[world->client_count] = flow;
    flow_own(flow, &client_events, &world->clients[world->client_count]);
    world->client_count++;
}

static void open_world(uint32_t offloads)
{
    world->client_count = world->server_count = 0;
    for (int i = 0; i < 2; i++) {
        struct end *e = &world->ends[i];
        struct packet *queue = e->queue ? e->queue : calloc(PACKETS, sizeof *queue);
        *e = (struct end){.other = &world->ends[1 - i], .queue = queue, .seed = 7};
        e->address = address_v4(10, 0, 0, (uint8_t)(i + 1));
        e->tcp = tcp_open(&below, e, NULL, offloads, now);
    }
    for (uint16_t i = 0; i < PORTS; i++) {
        struct tcp_listener *l;
        tcp_listen(world->ends[1].tcp, (struct endpoint){ADDRESS_ANY, (uint16_t)(80 + i), 0},
                   on_accept, NULL, &l);
    }
}

static void close_world(void)
{
    closing = true;
    for (uint32_t i = 0; i < world->client_count; i++)
        flow_abort(world->clients[i]);
    settle();
    for (uint32_t i = 0; i < world->server_count; i++)
        if (world->servers[i])
            flow_close(world->servers[i]);
    settle();
    tcp_close(world->ends[0].tcp);
    tcp_close(world->ends[1].tcp);
    closing = false;
}

static void connect_one(uint32_t i)
{
    struct tcp_connection *c;
    struct endpoint to = {world->ends[1].address, (uint16_t)(80 + i % PORTS), 0};
    if (tcp_connect(world->ends[0].tcp, to, on_answer, NULL, &c)) {
        fprintf(stderr, "no more connections after %u\n", i);
        exit(1);
    }
    settle();
}

/* Of this process: others have the core, too. */
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * CLOCK_SEC + (uint64_t)t.tv_nsec;
}

static double ns_since(uint64_t begun, double count)
{
    return (double)(cpu_ns() - begun) / count;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

/* Nanoseconds of each. */
static double exchanges(struct world *in, uint32_t count, uint32_t talking)
{
    uint64_t begun = cpu_ns();
    world = in;
    got = 0;
    for (uint32_t i = 0; i < count; i++) {
        flow_write(world->clients[(uint64_t)i * 7919 % talking], slice_of(request, sizeof request));
        settle();
    }
    if (got != (uint64_t)count * (sizeof request + sizeof answer)) {
        fprintf(stderr, "only %llu bytes came\n", (unsigned long long)got);
        exit(1);
    }
    return ns_since(begun, count);
}

static void bulk(const char *what, uint32_t offloads)
{
    static uint8_t block[65536];
    open_world(offloads);
    answering = false;
    connect_one(0);
    uint64_t total = (uint64_t)2 << 30, given = 0, begun = cpu_ns();
    got = 0;
    while (got < total) {
        size_t n = flow_room(world->clients[0]);
        n = n < sizeof block ? n : sizeof block;
        if (n && given < total) {
            flow_lend(world->clients[0], slice_of(block, n), (struct loan){NULL, NULL});
            given += n;
        }
        settle();
    }
    printf("%-44s %8.1f ns, %.2f GB/s (copied once by the wire)\n", what,
           ns_since(begun, (double)total / 1448), 1 / ns_since(begun, (double)total));
    close_world();
}

/* One after the other; nanoseconds of each. */
static double short_connections(uint32_t count)
{
    uint64_t begun = cpu_ns();
    for (uint32_t i = 0; i < count; i++) {
        world->client_count = world->server_count = 0;
        connect_one(i);
        flow_write(world->clients[0], slice_of(request, sizeof request));
        settle();
        flow_close(world->servers[0]);
        settle();
        flow_close(world->clients[0]);
        settle();
        now += CLOCK_MS;
    }
    world->client_count = world->server_count = 0;
    return ns_since(begun, count);
}

#define TURNS     20u /* of the first thousand, and of the last */
#define TURN_EACH 50u

static void first_and_last(void)
{
    double first[TURNS], last[TURNS];
    for (uint32_t i = 0; i < TURNS; i++) {
        world = &worlds[1];
        first[i] = short_connections(TURN_EACH);
        world = &worlds[0];
        last[i] = short_connections(TURN_EACH);
    }
    double a = median(first, TURNS), b = median(last, TURNS);
    printf("%-44s %8.1f ns, last %.1f ns, x%.2f\n", "short connection, first thousand", a, b,
           b / a);
}

static void short_ones(uint32_t count)
{
    open_world(0);
    answering = true;
    short_connections(1000);
    now += 2 * TCP_TIME_WAIT_NS;
    settle();
    uint64_t bytes = memory_stats().bytes;
    short_connections(count - 2000);
    uint64_t then = memory_stats().bytes;
    world = &worlds[1];
    open_world(0);
    first_and_last();
    world = &worlds[1];
    close_world();
    world = &worlds[0];
    now += 2 * TCP_TIME_WAIT_NS;
    settle();
    printf("%-44s %8llu bytes, then %llu, and %llu when TIME-WAIT is over\n",
           "memory after a thousand", (unsigned long long)bytes, (unsigned long long)then,
           (unsigned long long)memory_stats().bytes);
    close_world();
}

static void open_many(struct world *in, uint32_t count)
{
    world = in;
    open_world(0);
    for (uint32_t i = 0; i < count; i++)
        connect_one(i);
}

static void exchange(void)
{
    static double few[EXCHANGE_TURNS], idle[EXCHANGE_TURNS];
    answering = true;
    open_many(&worlds[0], TALKING);
    open_many(&worlds[1], MANY);
    for (uint32_t i = 0; i < EXCHANGE_TURNS; i++) {
        few[i] = exchanges(&worlds[0], EXCHANGE_EACH, TALKING);
        idle[i] = exchanges(&worlds[1], EXCHANGE_EACH, TALKING);
    }
    double a = median(few, EXCHANGE_TURNS), b = median(idle, EXCHANGE_TURNS);
    exchanges(&worlds[1], MANY, MANY);
    double all = exchanges(&worlds[1], 2 * MANY, MANY);
    printf("%-44s %8.1f ns\n", "exchange, 10 open", a);
    printf("%-44s %8.1f ns, x%.2f\n", "exchange, 100,000 open, 10 talk", b, b / a);
    printf("%-44s %8.1f ns, x%.2f\n", "exchange, 100,000 open, all talk", all, all / a);
    close_world();
    world = &worlds[0];
    close_world();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t shorts = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
    for (int i = 0; i < 2; i++) {
        worlds[i].clients = calloc(MANY, sizeof(struct flow *));
        worlds[i].servers = calloc(MANY, sizeof(struct flow *));
    }
    now = 1000 * CLOCK_SEC;
    if (!strcmp(what, "exchange")) {
        exchange();
    } else if (!strcmp(what, "bulk")) {
        bulk("segment of 1448 bytes, one by one", 0);
        bulk("segment of 1448 bytes, cut by the card", NET_SEGMENTS_V4);
    } else if (!strcmp(what, "short") && shorts > 2000) {
        short_ones(shorts);
    } else {
        fprintf(stderr, "usage: tcp_segments exchange | bulk | short [COUNT]\n");
        return 2;
    }
    return 0;
}
