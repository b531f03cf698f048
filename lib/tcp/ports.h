/*
 * Ephemeral ports that are hard to guess and are not soon used again: the double-hash algorithm of
 * RFC 6056, 3.3.4. Ports to one destination follow each other from a secret start; destinations
 * share a few counters.
 */
#ifndef LIB_TCP_PORTS_H
#define LIB_TCP_PORTS_H

#include "lib/tcp/table.h"

#define TCP_PORT_FIRST    32768u
#define TCP_PORT_LAST     65535u
#define TCP_PORTS_TRIED   4096u /* at most, for one connection */
#define TCP_PORT_COUNTERS 64u

struct tcp_ports {
    struct sipkey offset, counter;
    uint32_t counters[TCP_PORT_COUNTERS];
};

/* Draws a port for tuple->local_port such that `free` says yes of the tuple. False: none was found. */
bool tcp_ports_draw(struct tcp_ports *p, struct tcp_tuple *tuple,
                    bool (*is_free)(void *arg, const struct tcp_tuple *tuple), void *arg);

#endif
