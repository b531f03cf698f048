/*
 * TCP: reliable byte streams over packets (RFC 9293), as a pure library: packets, time and
 * randomness in; packets, events and the next deadline out.
 *
 * The caller hands in what arrives (tcp_input), tells when time has passed (tcp_expire) and, at the
 * latest when control returns to its loop, lets gathered work go out (tcp_flush). What the library
 * needs of the world below is the table of struct tcp_below. Connections are flows
 * (signatures/flow.h): their handlers are called from tcp_input, tcp_expire and tcp_flush only.
 */
#ifndef LIB_TCP_TCP_H
#define LIB_TCP_TCP_H

#include "lib/ip/packet.h"
#include "signatures/stack.h"

struct tcp;
struct tcp_listener;
struct tcp_connection;

/* The world below. All are called with arg. */
struct tcp_below {
    /* Sends a packet: OK, ERR_AGAIN (the card is full: tcp_room is called later), ERR_UNREACHABLE
     * (nobody knows the way), ERR_LIMIT (larger than the path's MTU). */
    enum err (*send)(void *arg, const struct ip_packet *p);
    /* Number of the last frame sent, and of the last that is done with: signatures/net.h. */
    uint64_t (*sent)(void *arg);
    uint64_t (*completed)(void *arg);
    /* The address that we speak from to a destination. False: nobody knows the way. */
    bool (*source)(void *arg, struct address destination, struct address *source);
    /* Bytes of a packet, with its IP header, that the path takes as far as is known. */
    uint32_t (*path_mtu)(void *arg, struct address destination);
    /* The path carried a packet of that size, or is found to carry no more than it. */
    void (*learn_path_mtu)(void *arg, struct address destination, uint32_t mtu);
    /* A neighbour answers: forward progress (RFC 4861, 7.3.1). */
    void (*confirm)(void *arg, struct address destination);
    void (*random)(void *arg, void *into, size_t len);
    /* There is work for tcp_flush: called once until it is. */
    void (*wake)(void *arg);
};

/* Limits of one instance; 0 takes the default. */
struct tcp_limits {
    uint32_t connections; /* TCP_CONNECTIONS */
    uint32_t half_open;   /* TCP_HALF_OPEN; beyond, SYN cookies answer (RFC 4987, 3.6) */
    uint32_t time_wait;   /* TCP_TIME_WAIT; beyond, the oldest is recycled */
    uint64_t memory;      /* TCP_MEMORY: bytes of all buffers, sent and received */
};

#define TCP_CONNECTIONS 200000u
#define TCP_HALF_OPEN   4096u
#define TCP_TIME_WAIT   65536u
#define TCP_MEMORY      ((uint64_t)256 << 20)

/* What the instance may leave to the card: bits of enum net_offload. */
struct tcp *tcp_open(const struct tcp_below *below, void *arg, const struct tcp_limits *limits,
                     uint32_t offloads, uint64_t now);

/* Every flow must have been closed or aborted by its owner; what is left of them is dropped. */
void tcp_close(struct tcp *t);

/* --- what the caller drives; now is monotonic, in ns, and never goes back --- */

void tcp_input(struct tcp *t, uint64_t now, const struct ip_arrival *a);
void tcp_complain(struct tcp *t, uint64_t now, const struct ip_complaint *c);
void tcp_room(struct tcp *t, uint64_t now);  /* the card has room again */
void tcp_flush(struct tcp *t, uint64_t now); /* sends what was gathered since wake */
void tcp_expire(struct tcp *t, uint64_t now);

/* When tcp_expire is to be called next, or WAIT_FOREVER. A later call may give an earlier time. */
uint64_t tcp_deadline(const struct tcp *t);

/* The address is no longer ours: its connections end (ERR_UNREACHABLE). */
void tcp_forget_address(struct tcp *t, struct address address);

/* --- endpoints; the meaning is that of signatures/stack.h --- */

/* local.address ADDRESS_ANY: all, both families. Port 0: any free one. */
enum err tcp_listen(struct tcp *t, struct endpoint local, accept_fn *accept, void *owner,
                    struct tcp_listener **into);
void tcp_unlisten(struct tcp *t, struct tcp_listener *l);
struct endpoint tcp_listener_local(const struct tcp_listener *l);

enum err tcp_connect(struct tcp *t, struct endpoint remote, connect_fn *answer, void *owner,
                     struct tcp_connection **into);
void tcp_cancel(struct tcp *t, struct tcp_connection *c); /* before the answer only */

/* --- of a flow that this library handed out --- */

/* Holds small segments back until uncorked or TCP_CORK_NS have passed. */
void tcp_cork(struct flow *f, bool on);
/* Nagle's algorithm (RFC 9293, 3.7.4) is off unless asked for: writes are gathered per turn of the
 * loop as it is. */
void tcp_nagle(struct flow *f, bool on);
void tcp_keep_alive(struct flow *f, uint64_t idle, uint64_t interval, uint32_t probes);
/* How long sent data may stay unacknowledged before the flow ends with ERR_TIMEOUT (RFC 9293,
 * 3.8.3; RFC 5482 is not sent). 0: the default. */
void tcp_user_timeout(struct flow *f, uint64_t ns);

#endif
