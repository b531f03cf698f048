/*
 * UDP: datagrams over packets (RFC 768; RFC 8200, 8.1 for IPv6), as a pure library: packets and
 * randomness in, packets and calls out.
 *
 * A socket is bound to a port, and may be to one remote endpoint, which then is the only one that
 * it hears. Ports that nobody asked for by number are drawn at random (RFC 6056, algorithm 1).
 * Checksums are verified and filled in below: see lib/ip/packet.h.
 */
#ifndef LIB_UDP_UDP_H
#define LIB_UDP_UDP_H

#include "lib/ip/packet.h"

#define UDP_SOCKETS_MAX     1024u
#define UDP_PAYLOAD_MAX     65507u /* of IPv4; what is sent may be limited further below */
#define UDP_LENT_MAX        64u    /* datagrams that the card has not done with */
#define UDP_EPHEMERAL_FIRST 32768u
#define UDP_EPHEMERAL_LAST  60999u

struct udp;
struct udp_socket;

struct udp_below {
    /* As those of struct tcp_below: frames are numbered, and bytes lent until theirs has passed. */
    enum err (*send)(void *arg, const struct ip_packet *p);
    uint64_t (*sent)(void *arg);
    uint64_t (*completed)(void *arg);
    /* The address that we speak from to a destination. False: nobody knows the way. */
    bool (*source)(void *arg, struct address destination, struct address *source);
    void (*random)(void *arg, void *into, size_t len);
};

struct udp_datagram {
    struct endpoint from;
    struct address to;  /* ours, or a broadcast or multicast address */
    struct slice bytes; /* valid until the handler returns */
};

struct udp_events {
    void (*on_datagram)(void *owner, const struct udp_datagram *d);
    /* What ICMP said of a datagram of ours; may be NULL. */
    void (*on_complaint)(void *owner, struct endpoint remote, const struct ip_complaint *c);
};

struct udp_counters {
    uint64_t received;
    uint64_t sent;
    uint64_t dropped_malformed; /* shorter than its header, or than its length says */
    uint64_t dropped_no_port;   /* nobody listens there */
    uint64_t dropped_remote;    /* not from whom the socket is bound to */
    uint64_t dropped_memory;    /* in parts, and no memory to join them */
    uint64_t refused_sockets;   /* binds beyond UDP_SOCKETS_MAX */
    uint64_t refused_lent;      /* sends beyond UDP_LENT_MAX, or without memory */
    uint64_t unsent;            /* the packet was not taken below */
};

/* NULL: no memory. below must stay. */
struct udp *udp_open(const struct udp_below *below, void *arg);
void udp_close(struct udp *u); /* every socket has been unbound */

/* local.address ADDRESS_ANY: whatever is ours. Port 0: a random free one. remote with port 0:
 * anybody. ERR_EXISTS: the port is taken; ERR_FULL: beyond UDP_SOCKETS_MAX; ERR_MEMORY. */
enum err udp_bind(struct udp *u, struct endpoint local, struct endpoint remote,
                  const struct udp_events *events, void *owner, struct udp_socket **into);

/* Also from inside of a handler. */
void udp_unbind(struct udp_socket *s);
uint16_t udp_port(const struct udp_socket *s);

/* source ADDRESS_ANY: the local address, or the one that fits the way. bytes are copied. ERR_LIMIT:
 * more than UDP_PAYLOAD_MAX; ERR_FULL, ERR_MEMORY: see refused_lent; else what is said below. */
enum err udp_send(struct udp_socket *s, struct address source, struct endpoint to,
                  struct slice bytes);

/* A packet of protocol 17. ERR_REFUSED: nobody listens there (which the sender may be told). */
enum err udp_input(struct udp *u, const struct ip_arrival *a);
void udp_complain(struct udp *u, const struct ip_complaint *c);

const struct udp_counters *udp_counters(const struct udp *u);

#endif
