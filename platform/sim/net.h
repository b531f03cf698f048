/*
 * A network in memory: hosts with addresses and names, and links between them that delay, split and
 * cut what passes. Each host is a stack (signatures/stack.h), so that whole programs talk to each
 * other in one process and in virtual time.
 *
 * Flows keep the rules of signatures/flow.h to the letter, in the least convenient way permitted:
 * bytes arrive in a block that is freed when the handler returns, loans are released late, and room
 * comes back only when the other side has taken the bytes.
 *
 * Memory of the network itself is the host's own: it does not count in memory_stats.
 */
#ifndef PLATFORM_SIM_NET_H
#define PLATFORM_SIM_NET_H

#include "platform/sim/sim.h"
#include "signatures/stack.h"

#define SIM_HOSTS_MAX     64u
#define SIM_ADDRESSES_MAX 4u /* of one host */
#define SIM_NAMES_MAX     64u
#define SIM_LISTENERS_MAX 64u /* of one host */
#define SIM_FLOW_ROOM     ((size_t)64 * 1024)
#define SIM_CONNECT_NS    (20 * CLOCK_SEC) /* before giving up */
#define SIM_CLOSE_NS      (20 * CLOCK_SEC) /* for a closed flow whose peer takes nothing */

struct sim_net;

enum sim_split {
    SIM_SPLIT_NOT,    /* what was written together may arrive together, and more */
    SIM_SPLIT_RANDOM, /* pieces of 1 byte to 16 KiB, mostly small */
    SIM_SPLIT_BYTES   /* every byte by itself */
};

enum sim_cut {
    SIM_CUT_NOT,
    SIM_CUT_RESET,  /* both sides are told by a reset */
    SIM_CUT_EOF,    /* it looks to both as if the other had closed in good order */
    SIM_CUT_SILENCE /* nothing arrives any more, in either direction */
};

/* What a path between two hosts does to a connection. All zero: a perfect one without delay. */
struct sim_link {
    uint64_t latency_min, latency_max; /* ns, one way, drawn for each write; order is kept */
    uint64_t bandwidth;                /* bytes per second in each direction; 0: without limit */
    enum sim_split split;
    enum sim_cut cut;
    uint64_t cut_after;  /* bytes, of both directions together */
    bool refuse;         /* connects are refused */
    bool black_hole;     /* connects are never answered */
    uint64_t read_delay; /* ns from connecting to the first byte that either side receives */
};

struct sim_net *sim_net_open(uint64_t seed);

/* Ends everything: flows that were not closed are forgotten without a word to their owners, loans
 * are released. Returns how many flows their owners had not closed: 0 in a good test. */
size_t sim_net_close(struct sim_net *n);

/* Flows that are not closed by their owners, now. */
size_t sim_net_flows(const struct sim_net *n);

/* Adds a host. More addresses may be given to it. */
struct stack *sim_net_host(struct sim_net *n, const char *address);
void sim_host_address(struct stack *host, const char *address);

/* name resolves to address (any text; NULL takes the name away); several in the order of adding. */
void sim_net_name(struct sim_net *n, const char *name, const char *address);

/* From now on every question after a name is answered with this; OK: normally again. */
void sim_net_break_names(struct sim_net *n, enum err why);

/* New connections between the two, or all others, behave like this. */
void sim_net_link(struct sim_net *n, struct stack *a, struct stack *b, struct sim_link link);
void sim_net_links(struct sim_net *n, struct sim_link link);

/* All present connections of the host end by a reset, as when its machine restarts. */
void sim_host_reset(struct stack *host);

uint16_t sim_listener_port(const struct listener *l);

#endif
