/*
 * The stack of a process: the host's TCP sockets behind signatures/stack.h.
 *
 * Connections are bounded by FLOWS_MAX and by the descriptors that the host permits; beyond, the
 * newest connection is reset at once and counted. An idle connection costs one small structure and
 * what the kernel needs.
 */
#ifndef PLATFORM_PROCESS_STACK_H
#define PLATFORM_PROCESS_STACK_H

#include "signatures/stack.h"

#define FLOWS_MAX        65536u
#define FLOW_QUEUE_MAX   ((size_t)256 * 1024) /* bytes that wait to be sent; see flow_room */
#define FLOW_CLOSE_NS    (20 * CLOCK_SEC)     /* without progress in sending, after flow_close */
#define FLOW_DRAIN_NS    (2 * CLOCK_SEC)      /* for a peer that still sends after the end */
#define FLOW_DRAIN_MAX   ((size_t)4 << 20)    /* bytes that are discarded then */
#define CONNECTS_MAX     1024u
#define CONNECT_NS       (20 * CLOCK_SEC)
#define RESOLVES_MAX     16u
#define RESOLVE_NS       (10 * CLOCK_SEC)
#define LISTENERS_MAX    16u
#define LISTEN_BACKLOG   4096
#define DESCRIPTORS_KEPT 64u /* for what is not a connection */

/* The only one. */
struct stack *process_stack(void);

/* The port that was chosen, where stack_listen was given 0. */
uint16_t process_listener_port(const struct listener *l);

/* Fewer connections at once than FLOWS_MAX, from now on. */
void process_stack_limit(uint32_t flows);

struct process_stack_counters {
    uint64_t accepted;
    uint64_t refused; /* new connections beyond the limit, or that the host had no room for */
    uint64_t connected;
    uint64_t connects_failed;
    uint64_t open;        /* now, with those that are closing */
    uint64_t closing_cut; /* closed flows that were cut off because the peer took nothing */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t segments;         /* runs of bytes that wait to be sent, now */
    uint64_t segments_refused; /* writes that found no memory, or too many segments */
    uint64_t resolves_refused;
};
struct process_stack_counters process_stack_counters(void);

#endif
