/*
 * TCP: reliable byte streams over packets (RFC 9293), as a pure library: packets, time and
 * randomness in; packets, events and the next deadline out.
 *
 * The caller hands in what arrives (tcp_input), tells when time has passed (tcp_expire) and, at the
 * latest when control returns to its loop, lets gathered work go out (tcp_flush). What the library
 * needs of the world below is the table of struct tcp_below. Connections are flows
 * (signatures/flow.h): their handlers are called from what the caller drives only.
 */
#ifndef LIB_TCP_TCP_H
#define LIB_TCP_TCP_H

#include "lib/ip/packet.h"
#include "signatures/clock.h"
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
    /* The same of the link that leads there: no packet that leaves us can be larger. */
    uint32_t (*link_mtu)(void *arg, struct address destination);
    /* The path carried a packet of that size, or is found to carry no more than it. */
    void (*learn_path_mtu)(void *arg, struct address destination, uint32_t mtu);
    /* A neighbour answers: forward progress (RFC 4861, 7.3.1). */
    void (*confirm)(void *arg, struct address destination);
    void (*random)(void *arg, void *into, size_t len);
    /* There is work for tcp_flush: called once until it, tcp_room or tcp_expire is. */
    void (*wake)(void *arg);
};

/* Limits of one instance; 0 takes the default. */
struct tcp_limits {
    uint32_t connections; /* TCP_CONNECTIONS_MAX; beyond, SYNs are dropped */
    uint32_t half_open;   /* TCP_HALF_OPEN_MAX; beyond, SYN cookies answer (RFC 4987, 3.6) */
    uint32_t time_wait;   /* TCP_TIME_WAIT_MAX; beyond, the oldest is let go */
    uint32_t orphans;     /* TCP_ORPHANS_MAX: closed by their owners; beyond, a new one is reset */
    uint64_t memory;      /* TCP_MEMORY_MAX: bytes of all buffers, sent and received */
};

#define TCP_CONNECTIONS_MAX 200000u
#define TCP_HALF_OPEN_MAX   4096u
#define TCP_TIME_WAIT_MAX   65536u
#define TCP_ORPHANS_MAX     16384u
#define TCP_MEMORY_MAX      ((uint64_t)256 << 20)
#define TCP_LISTENERS_MAX   256u

/* How long is waited for others. */
#define TCP_CONNECT_NS      (60 * CLOCK_SEC)    /* for the answer to our SYN */
#define TCP_USER_TIMEOUT_NS (300 * CLOCK_SEC)   /* for sent data to be acknowledged: the default */
#define TCP_CLOSE_NS        (60 * CLOCK_SEC)    /* without progress in sending, after flow_close */
#define TCP_FIN_WAIT_NS     (60 * CLOCK_SEC)    /* for the peer's end, when ours was acknowledged */
#define TCP_DRAIN_MAX       ((uint32_t)4 << 20) /* bytes that are discarded meanwhile; then a reset */
#define TCP_TIME_WAIT_NS    (60 * CLOCK_SEC)    /* 2 MSL */
#define TCP_CORK_NS         (200 * CLOCK_MS)

/* What the instance may leave to the card: bits of enum net_offload. */
struct tcp *tcp_open(const struct tcp_below *below, void *arg, const struct tcp_limits *limits,
                     uint32_t offloads, uint64_t now);

/* From now on: another card, or one that can do more or less than it did. */
void tcp_set_offloads(struct tcp *t, uint32_t offloads);

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

/* The address is no longer ours: its connections end (ERR_UNREACHABLE), with the next tcp_flush. */
void tcp_forget_address(struct tcp *t, struct address address);

/* --- endpoints; the meaning is that of signatures/stack.h --- */

/* local.address ADDRESS_ANY: all, both families. Port 0: any free one. */
enum err tcp_listen(struct tcp *t, struct endpoint local, accept_fn *accept, void *owner,
                    struct tcp_listener **into);
void tcp_unlisten(struct tcp *t, struct tcp_listener *l);
struct endpoint tcp_listener_local(const struct tcp_listener *l);

enum err tcp_connect(struct tcp *t, struct endpoint remote, connect_fn *answer, void *owner,
                     struct tcp_connection **into);
/* The same from an endpoint of ours: address ADDRESS_ANY or port 0, any. ERR_EXISTS: the pair is in
 * use. */
enum err tcp_connect_from(struct tcp *t, struct endpoint local, struct endpoint remote,
                          connect_fn *answer, void *owner, struct tcp_connection **into);
void tcp_cancel(struct tcp *t, struct tcp_connection *c); /* before the answer only */

/* --- of a flow that this library handed out --- */

/* Ends our half of the stream after what was queued: writes answer ERR_CLOSED from now on, while the
 * peer's half goes on. The owner still has to close. */
void tcp_finish(struct flow *f);
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
