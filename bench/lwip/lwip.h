/*
 * lwIP behind the project's own signatures: a net below, a stack above, so that the same programs can
 * be linked with it and compared. Private to this folder.
 *
 * lwIP's callbacks may not free the connection that they are called for without saying so; here all
 * that an owner asks for is noted, and done from a task of the loop.
 */
#ifndef BENCH_LWIP_LWIP_H
#define BENCH_LWIP_LWIP_H

/* One name of lwIP's results is one of ours. */
#define ERR_TIMEOUT LWIP_ERR_TIMEOUT
#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <lwip/tcp.h>
#undef ERR_TIMEOUT

#include "runtime/list.h"
#include "signatures/net.h"
#include "signatures/stack.h"
#include "signatures/timer.h"

#define LWIP_QUEUE_MAX ((size_t)256 * 1024) /* bytes that a flow takes from its owner */

/* The interface (interface.c): frames both ways, and time. */
void lwip_interface_open(struct net *card);
void lwip_interface_address(struct address address, uint8_t prefix);
void lwip_interface_gateway(struct address address);

/* Connections (connection.c). */
struct flow *lwip_flow_open(struct tcp_pcb *pcb); /* NULL: no memory */
enum err lwip_reason(err_t e);

/* Endpoints (endpoints.c). */
extern const struct stack_ops lwip_stack_ops;

ip_addr_t lwip_address(struct address a);
struct address lwip_address_back(const ip_addr_t *a);

#endif
