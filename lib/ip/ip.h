/*
 * IP: one card's worth of IPv4 and IPv6, from frames to whole packets and back.
 *
 * A pure library: frames, time and randomness in; frames (net_send), packets, events and the next
 * deadline out. What it does, and by which document:
 *
 *   Ethernet and ARP        RFC 826, 5227          lib/ethernet
 *   IPv4, ICMP              RFC 791, 792, 1122     lib/ip/ipv4, icmp
 *   IPv6, ICMPv6            RFC 8200, 4443         lib/ip/ipv6, icmpv6
 *   neighbours              RFC 4861, 7.3          lib/ip/neighbour (ARP and NDP share it)
 *   routers, prefixes       RFC 4861, 4191, 8106   lib/ip/router
 *   redirects               RFC 4861, 8            lib/ip/redirect
 *   addresses of ours       RFC 4862, 7217, 7527   lib/ip/own, dad, slaac
 *   source addresses        RFC 6724               lib/ip/source
 *   groups                  RFC 3810               lib/ip/mld
 *   path MTU                RFC 1191, 8201         lib/ip/destination
 *   reassembly              RFC 815, 5722, 6946    lib/ip/reassembly
 *
 * Events are called from ip_input, ip_expire and ip_link only, never from inside of another call.
 * From inside of an event everything but ip_close, ip_input, ip_expire and ip_link may be called.
 * Time is monotonic, in ns, and never goes back. There is one owner, and no thread.
 */
#ifndef LIB_IP_IP_H
#define LIB_IP_IP_H

#include "lib/ethernet/ethernet.h"
#include "lib/ip/counters.h"
#include "lib/ip/packet.h"
#include "runtime/siphash.h"

/* Limits of one instance. Beyond them new load is refused or the oldest gives way, as each file
 * says, and it is counted. */
#define IP_ADDRESSES_MAX  16u /* of ours */
#define IP_ROUTES_MAX     32u /* static, advertised, on-link */
#define IP_ROUTERS_MAX    8u  /* default routers that advertise themselves */
#define IP_NEIGHBOURS_MAX 512u
#define IP_PARTS_MAX      64u /* parts of one arriving frame */

#define IP_MTU_MIN_V4 552u  /* what "too big" may bring a path down to; 68 would be RFC 791's */
#define IP_MTU_MIN_V6 1280u /* RFC 8200, 5 */

struct ip;

/* What the transport made of a packet. */
enum ip_verdict {
    IP_TAKEN,      /* it was, or it was dropped in silence */
    IP_NO_PORT,    /* nobody listens there: the sender is told (port unreachable) */
    IP_NO_PROTOCOL /* nobody speaks that: the sender is told */
};

enum ip_address_event {
    IP_ADDRESS_READY,     /* it is ours, and used from now on */
    IP_ADDRESS_DUPLICATE, /* another station has it: it was not taken, and is removed */
    IP_ADDRESS_LOST       /* it was ours: its lifetime is over, or another station insists */
};

struct ip_events {
    /* A packet for us of any protocol but ICMP and ICMPv6. */
    enum ip_verdict (*on_packet)(void *owner, const struct ip_arrival *a);
    /* Somebody, or we ourselves, could not deliver a packet of ours. Whoever knows the flow that
     * it belongs to calls ip_learn_path_mtu; here it changed nothing yet. */
    void (*on_complaint)(void *owner, const struct ip_complaint *c);
    void (*on_address)(void *owner, enum ip_address_event what, struct address a);
    /* A default router came or went (IPv6; those of IPv4 are who they are). */
    void (*on_router)(void *owner, struct address router, bool present);
    /* A router advertises a DNS resolver (RFC 8106), good until then; 0: no longer. */
    void (*on_resolver)(void *owner, struct address resolver, uint64_t until);
    /* A router's answer to whether DHCPv6 has addresses or other settings (M and O flags). */
    void (*on_managed)(void *owner, bool addresses, bool settings);
    void (*random)(void *owner, void *into, size_t len);
};

struct ip_options {
    struct sipkey secret; /* of stable addresses (RFC 7217): the same from start to start, if that
                             is to hold for the addresses */
    bool no_v4;
    bool no_v6;
    bool no_autoconfiguration; /* no router solicitations, and advertisements are not heeded */
};

/* n outlives the instance; the caller has its events and hands in what arrives. NULL: no memory. */
struct ip *ip_open(struct net *n, const struct ip_events *events, void *owner,
                   const struct ip_options *options, uint64_t now);

/* Packets that wait are dropped. Copies that the card was lent are freed: it must be done with
 * them, or closed before. */
void ip_close(struct ip *ip);

/* --- what the caller drives --- */

void ip_input(struct ip *ip, uint64_t now, const struct net_arrival *frame);
void ip_link(struct ip *ip, uint64_t now, bool up); /* net's on_link */
void ip_expire(struct ip *ip, uint64_t now);

/* When ip_expire is to be called next, or WAIT_FOREVER; any other call may give an earlier time. */
uint64_t ip_deadline(const struct ip *ip);

/* --- sending --- */

/* Sends a packet. It may have to wait for a neighbour: then it is copied, and OK. A packet that is
 * not `whole`, of UDP or ICMP, is sent in fragments where the path needs that.
 * A source of all zero (of either family: ADDRESS_ANY or 0.0.0.0) is taken as it is.
 * ERR_AGAIN: the card is full, and will tell when it has room. ERR_FULL, ERR_MEMORY: too much waits, or is
 * still the card's; the packet is lost, as on the way. ERR_UNREACHABLE: no way, no such source address,
 * or the neighbour does not answer. ERR_LIMIT: whole, and larger than the card's MTU (what the path carries is the
 * sender's matter: a probe of RFC 4821 may be larger than ip_path_mtu), or beyond 64 KiB.
 * ERR_UNSUPPORTED: a segment_size that the card did not offer. ERR_ARGUMENT: families are mixed,
 * or the header is too long. */
enum err ip_send(struct ip *ip, uint64_t now, const struct ip_packet *p);

/* Whether a packet that was sent is still here: its neighbour has to be found first, or it is for us. */
bool ip_holds(const struct ip *ip);

/* The address to speak from to a destination. False: there is none, or no way. */
bool ip_source(struct ip *ip, struct address destination, struct address *source);

/* Bytes of a packet, IP header included, that the path takes as far as is known. */
uint32_t ip_path_mtu(struct ip *ip, uint64_t now, struct address destination);

/* Bytes of a packet that the link takes: the most that ip_send takes whole, and less than the card's
 * MTU where DHCP or a router said so. */
uint32_t ip_link_mtu(struct ip *ip, struct address destination);

/* What DHCP says of the link's MTU (RFC 2132, 5.1), for IPv4: not above the card's, nor below
 * IP_MTU_MIN_V4; such ones, as 0, give the card's. */
void ip_set_mtu(struct ip *ip, uint32_t mtu);

/* The path is found to carry that, and as far as is known no more: larger or smaller than before.
 * Believed for IP_MTU_AGE (ten minutes), and not below the floors. */
void ip_learn_path_mtu(struct ip *ip, uint64_t now, struct address destination, uint32_t mtu);

/* The destination has answered: the neighbour that leads there is alive (RFC 4861, 7.3.1). */
void ip_confirm(struct ip *ip, uint64_t now, struct address destination);

/* --- addresses, routes, neighbours --- */

/* How an address becomes ours. */
enum ip_claim {
    IP_CLAIM_AT_ONCE, /* used from now on, announced, defended (IP_ADDRESS_READY still comes) */
    IP_CLAIM_BRIEF,   /* as PROBED, but IPv4 within a second: for leases, whose server has looked */
    IP_CLAIM_PROBED   /* when nobody has answered for it: RFC 5227 (4 to 7 s), 4862 (1 to 2 s) */
};

/* Adds an address and the on-link route of its prefix. ERR_EXISTS: we have it. ERR_FULL.
 * ERR_ARGUMENT: not a unicast address, or too long a prefix (bits: 0..32 or 0..128). */
enum err ip_add_address(struct ip *ip, uint64_t now, struct address a, uint8_t bits,
                        enum ip_claim claim);
enum err ip_remove_address(struct ip *ip, uint64_t now, struct address a); /* no event */

/* Ours, and in use. */
bool ip_is_ours(const struct ip *ip, struct address a);

enum ip_address_state { IP_ADDRESS_TENTATIVE, IP_ADDRESS_PREFERRED, IP_ADDRESS_DEPRECATED };

struct ip_address {
    struct address address;
    uint8_t bits; /* of its prefix */
    enum ip_address_state state;
    bool automatic; /* made by us: link-local, or from an advertised prefix */
};

/* Our addresses: how many were written. */
size_t ip_addresses(const struct ip *ip, struct ip_address *into, size_t max);

/* A way to prefix/bits: through the gateway, or (gateway all zero, ADDRESS_ANY) on the link itself.
 * ERR_EXISTS, ERR_FULL, ERR_ARGUMENT as above. */
enum err ip_add_route(struct ip *ip, struct address prefix, uint8_t bits, struct address gateway);
enum err ip_remove_route(struct ip *ip, struct address prefix, uint8_t bits,
                         struct address gateway);

struct ip_route {
    struct address prefix;
    uint8_t bits;
    struct address gateway; /* ADDRESS_ANY: on the link */
    bool advertised;        /* by a router; else it was added */
};
size_t ip_routes(const struct ip *ip, struct ip_route *into, size_t max);

/* A neighbour that is never asked: for links where nobody answers. */
enum err ip_set_neighbour(struct ip *ip, uint64_t now, struct address a, struct mac mac);

/* --- for status pages: see counters.h --- */

uint64_t ip_counter(const struct ip *ip, enum ip_counter which);

#endif
