/*
 * A world for tests: stacks of lib/inet on the simulated wire, with addresses 10.0.0.x and fd00::x.
 * Included by one test program each. Whoever ends a world has given everything back: world_close
 * says what is left.
 */
#ifndef TESTS_LIB_INET_WORLD_H
#define TESTS_LIB_INET_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "lib/inet/inet.h"
#include "lib/tcp/info.h"
#include "platform/sim/wire.h"
#include "runtime/loop.h"
#include "runtime/panic.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

/* How many times fewer rounds are made under sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
#define WORLD_FEWER 10u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WORLD_FEWER 10u
#endif
#endif
#ifndef WORLD_FEWER
#define WORLD_FEWER 1u
#endif

#define WORLD_HOSTS_MAX 128u
#define WORLD_SETTLE    (10 * CLOCK_SEC)  /* addresses are probed for before they are used */
#define WORLD_REST      (300 * CLOCK_SEC) /* longer than any TIME-WAIT, FIN-WAIT-2 or orphan */

struct world_host {
    struct net *card;
    struct inet *inet;
    struct stack *stack;
    struct address v4, v6;
};

struct world {
    struct sim_wire *wire;
    struct sim_random random; /* for whoever tests; the wire has its own */
    struct world_host hosts[WORLD_HOSTS_MAX];
    size_t count;
    uint32_t timers_before;
    uint64_t blocks_before;
};

/* What worlds had in all, for coverage. */
static struct {
    uint64_t transitions[TCP_STATES][TCP_STATES];
    uint64_t counters[TCP_COUNTERS];
    struct recovery_counters recovery;
} world_seen;

static inline void world_open(struct world *w, uint64_t seed)
{
    sim_reset(seed);
    *w = (struct world){.wire = sim_wire_open(seed)};
    sim_random_seed(&w->random, seed ^ 0x5eed);
    w->timers_before = loop_timers();
    w->blocks_before = memory_stats().blocks;
}

static inline uint64_t world_range(struct world *w, uint64_t low, uint64_t high)
{
    return sim_random_range(&w->random, low, high);
}

static inline bool world_chance(struct world *w, unsigned percent)
{
    return sim_random_chance(&w->random, percent);
}

/* A card of any kind. */
static inline struct sim_card world_card(struct world *w)
{
    struct sim_card c = {.verifies = world_chance(w, 50), .scatters = world_chance(w, 50)};
    if (world_chance(w, 50))
        c.offloads |= NET_SENDS_CHECKSUMS;
    if (c.offloads && world_chance(w, 70))
        c.offloads |= NET_SEGMENTS_V4 | NET_SEGMENTS_V6;
    if (c.offloads && world_chance(w, 50))
        c.offloads |= NET_SEGMENTS_ECN;
    if (world_chance(w, 40))
        c.merges = world_range(w, 0, 200) * CLOCK_US + 1;
    if (world_chance(w, 50))
        c.completes = world_range(w, 1, 5000) * CLOCK_US;
    if (world_chance(w, 30))
        c.ring = (uint32_t)world_range(w, 1, 16);
    if (world_chance(w, 20))
        c.mtu = (uint16_t)world_range(w, 1280, 9000);
    return c;
}

/* Adds a host; ERR_MEMORY where that was planned. */
static inline enum err world_host(struct world *w, const struct sim_card *card,
                                  const struct tcp_limits *limits)
{
    struct world_host *h = &w->hosts[w->count];
    uint8_t number = (uint8_t)(w->count + 1);
    struct inet_config c = {.ipv6 = true, .quiet = true, .address_count = 2, .gateway_count = 2};
    assert_always(w->count < WORLD_HOSTS_MAX);
    h->v4 = address_v4(10, 0, 0, number);
    h->v6 = (struct address){{0xfd, [15] = number}};
    c.addresses[0] = (struct inet_prefix){h->v4, 16};
    c.addresses[1] = (struct inet_prefix){h->v6, 64};
    c.gateways[0] = address_v4(10, 0, 255, 254);
    c.gateways[1] = (struct address){{0xfd, [14] = 0xff, [15] = 0xfe}};
    if (limits)
        c.tcp = *limits;
    h->card = sim_wire_card(w->wire, card);
    enum err e = inet_open(h->card, &c, &h->inet);
    if (e)
        return e;
    h->stack = inet_stack(h->inet);
    w->count++;
    return OK;
}

static inline void world_run(uint64_t ns)
{
    sim_run(NULL, NULL, clock_monotonic() + ns);
}

static inline struct endpoint world_endpoint(const struct world_host *h, bool v6, uint16_t port)
{
    return (struct endpoint){.address = v6 ? h->v6 : h->v4, .port = port};
}

static inline void world_note(const struct tcp *t)
{
    for (int from = 0; from < TCP_STATES; from++)
        for (int to = 0; to < TCP_STATES; to++)
            world_seen.transitions[from][to] +=
                tcp_transitions(t, (enum tcp_state)from, (enum tcp_state)to);
    for (int i = 0; i < TCP_COUNTERS; i++)
        world_seen.counters[i] += tcp_counter(t, (enum tcp_counter)i);
    const uint64_t *from = (const uint64_t *)(const void *)tcp_recovery_counters(t);
    uint64_t *to = (uint64_t *)(void *)&world_seen.recovery;
    for (size_t i = 0; i < sizeof world_seen.recovery / sizeof *to; i++)
        to[i] += from[i];
}

/* NULL, or what a stack still has although nobody uses it. */
static inline const char *world_left(const struct world_host *h)
{
    struct tcp_usage u = tcp_usage(inet_tcp(h->inet));
    return u.connections ? "connections are left"
           : u.half_open ? "half-open connections are left"
           : u.time_wait ? "TIME-WAIT has no end"
           : u.orphans   ? "orphans are left"
           : u.memory    ? "memory of buffers is left"
           : u.listeners ? "listeners are left"
                         : NULL;
}

/* Ends the world. Before: all flows and listeners were closed. NULL, or what was not given back, or
 * what the wire found fault with. */
static inline const char *world_close(struct world *w)
{
    const char *fault = NULL;
    world_run(WORLD_REST);
    for (size_t i = 0; i < w->count; i++) {
        struct world_host *h = &w->hosts[i];
        if (!fault)
            fault = world_left(h);
        world_note(inet_tcp(h->inet));
        inet_close(h->inet);
    }
    if (!fault)
        fault = sim_wire_fault(w->wire);
    sim_wire_close(w->wire);
    if (!fault && loop_timers() != w->timers_before)
        fault = "timers still run";
    if (!fault && memory_stats().blocks != w->blocks_before)
        fault = "blocks of memory are left";
    return fault;
}

#endif
