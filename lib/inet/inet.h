/*
 * Inet: the TCP/IP stack, put together. One network card below, signatures/stack.h above.
 *
 * A driver over timer, clock and entropy: Ethernet, IP, TCP and UDP are pure libraries that are
 * told the time; here they get it, and the card's frames. It finds its addresses (DHCP, router
 * advertisements, or what the operator says), looks names up, and takes connections to itself
 * without the card.
 *
 * All that is gathered during one turn of the loop goes to the card in one pass, at its end.
 */
#ifndef LIB_INET_INET_H
#define LIB_INET_INET_H

#include "lib/tcp/tcp.h"
#include "runtime/buf.h"
#include "signatures/clock.h"
#include "signatures/net.h"
#include "signatures/stack.h"

#define INET_STATIC_MAX    8u /* addresses, gateways and resolvers that are configured, each */
#define INET_RESOLVERS_MAX 4u /* DNS servers that are asked, whoever named them */
#define INET_CONNECTS_MAX  1024u
#define INET_CONNECT_NS    (20 * CLOCK_SEC) /* then stack_connect answers ERR_TIMEOUT */
#define INET_SETTLE_NS     (15 * CLOCK_SEC) /* how long connects wait for a first address */

struct inet_prefix {
    struct address address;
    uint8_t length; /* bits of the network: 0..32 or 0..128 */
};

struct inet_config {
    struct slice hostname; /* told to the DHCP server; may be empty. Need not outlive inet_open */
    bool dhcp;             /* finds an IPv4 address where none is given here */
    bool ipv6;             /* link-local address, router advertisements, and those given here */
    struct inet_prefix addresses[INET_STATIC_MAX];
    size_t address_count;
    struct address gateways[INET_STATIC_MAX]; /* of either family */
    size_t gateway_count;
    struct address resolvers[INET_STATIC_MAX]; /* where there are any, no others are asked */
    size_t resolver_count;
    struct tcp_limits tcp;
    bool quiet; /* no log lines: for tests with many of them */
};

struct inet;

/* Opens a stack over the card, which must stay until inet_close. Secrets are drawn from the entropy
 * signature. ERR_ARGUMENT: an address, gateway or resolver that cannot be one; ERR_MEMORY. */
enum err inet_open(struct net *card, const struct inet_config *config, struct inet **into);

/* Ends in good order: to be called after each turn of the loop until it is true. Flows that were
 * closed send what is queued, then the lease is given back, then all packets have gone and the card
 * is done with all frames. */
bool inet_end(struct inet *i);

/* Every listener has been closed, and every flow; what is left of them is dropped. The card must be
 * done with all frames (inet_end has been true), or not touch memory any more. */
void inet_close(struct inet *i);

/* What programs are given. Valid until inet_close. */
struct stack *inet_stack(struct inet *i);

/* The port that was chosen, where stack_listen was given 0. */
uint16_t inet_listener_port(const struct listener *l);

/* An address of ours that is in use (not loop-back, not link-local), IPv4 or IPv6. */
bool inet_address(const struct inet *i, bool v6, struct address *into);

/* Below, for tests and tools. */
struct tcp *inet_tcp(struct inet *i);

/* Counters and state of all layers as lines "name: value". */
void inet_status(const struct inet *i, struct buf *into);

#endif
