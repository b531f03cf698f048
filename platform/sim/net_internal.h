/* What the files of the simulated network share. */
#ifndef PLATFORM_SIM_NET_INTERNAL_H
#define PLATFORM_SIM_NET_INTERNAL_H

#include "platform/sim/net.h"
#include "runtime/list.h"

struct listener {
    bool open;
    struct endpoint local;
    accept_fn *accept;
    void *owner;
};

struct sim_host {
    struct stack stack; /* first: the handle */
    struct sim_net *net;
    struct address addresses[SIM_ADDRESSES_MAX];
    size_t address_count;
    struct listener listeners[SIM_LISTENERS_MAX];
    uint16_t next_port;
};

struct name {
    char text[RESOLVE_NAME_MAX + 1];
    struct address address;
};

struct path {
    const struct sim_host *a, *b;
    struct sim_link link;
};

struct sim_net {
    struct sim_random random;
    struct sim_host *hosts[SIM_HOSTS_MAX];
    size_t host_count;
    struct name names[SIM_NAMES_MAX];
    size_t name_count;
    enum err names_broken;
    struct path paths[SIM_HOSTS_MAX];
    size_t path_count;
    struct sim_link link;    /* of all other pairs */
    struct list connections; /* struct connection */
    struct list connects, resolves;
};

struct sim_host *sim_host_of(struct stack *s);
struct sim_host *sim_host_find(const struct sim_net *n, struct address a);
bool sim_host_has(const struct sim_host *h, struct address a);
struct sim_link sim_link_between(struct sim_net *n, const struct sim_host *a,
                                 const struct sim_host *b);
uint64_t sim_link_latency(struct sim_net *n, const struct sim_link *link);

/* Memory of the host, zeroed; panics without. */
void *sim_zalloc(size_t size);

/* --- connections (flow.c) --- */

struct connection;

/* Two flows, [0] of the connecting side; both paused and without owner. */
struct connection *sim_connection_open(struct sim_net *n, struct sim_host *from,
                                       struct endpoint here, struct sim_host *to,
                                       struct endpoint there, const struct sim_link *link);
struct flow *sim_connection_flow(struct connection *c, int side);
void sim_connections_reset(struct sim_net *n, const struct sim_host *host);
void sim_connections_close(struct sim_net *n);

/* --- dial.c --- */

extern const struct stack_ops sim_stack_ops;
void sim_dials_close(struct sim_net *n);

#endif
