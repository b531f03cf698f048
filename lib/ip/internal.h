/* One instance, as the files that make it up see it; private to lib/ip. */
#ifndef LIB_IP_INTERNAL_H
#define LIB_IP_INTERNAL_H

#include "lib/ethernet/arp.h"
#include "lib/ip/bucket.h"
#include "lib/ip/checksum.h"
#include "lib/ip/copy.h"
#include "lib/ip/dad.h"
#include "lib/ip/destination.h"
#include "lib/ip/ip.h"
#include "lib/ip/mld.h"
#include "lib/ip/neighbour.h"
#include "lib/ip/path.h"
#include "lib/ip/reassembly.h"
#include "lib/ip/route.h"
#include "lib/ip/scope.h"
#include "lib/ip/solicitor.h"
#include "signatures/wait.h"

#define V4_HEAD_SIZE 20u
#define V6_HEAD_SIZE 40u

#define WAITING_MAX  16u                /* packets for one neighbour */
#define LOOP_MAX     64u                /* packets to ourselves, at a time */
#define NO_CHECKSUM  ((uint16_t)0xffff) /* as ip_packet.checksum_at: it is there already */
#define HOPS_LINK    255u /* what NDP is sent with, so that nobody beyond the link can */
#define PROTOCOL_HOP 0u   /* an IPv6 hop-by-hop header comes first */

/* What may be sent in answer to others: a second, and at once. */
#define RATE_ERRORS   ((struct bucket_rate){100, 50})     /* ICMP errors; a draw takes 1 to 3 */
#define RATE_ECHOES   ((struct bucket_rate){10000, 1000}) /* echo replies */
#define RATE_ARP      ((struct bucket_rate){1000, 100})   /* ARP replies */
#define RATE_NDP      ((struct bucket_rate){1000, 100})   /* neighbour advertisements */
#define RATE_SOLICITS ((struct bucket_rate){200, 100})    /* questions to all of the link */

/* An address of ours. */
struct own {
    struct address address;
    struct address broadcast; /* of its prefix, IPv4; ADDRESS_ANY: it has none (RFC 3021) */
    uint8_t bits;             /* of 128 */
    bool ready;               /* it may be used */
    bool told;                /* and that was said */
    bool automatic;
    bool deprecated;
    uint8_t tries;            /* of an automatic one: how many were duplicates before */
    uint64_t preferred_until; /* WAIT_FOREVER: as long as it is ours */
    uint64_t valid_until;
    struct arp_claim arp; /* IPv4 */
    struct dad dad;       /* IPv6 */
};

struct ip {
    struct net *net;
    const struct ip_events *events;
    void *owner;
    struct ip_options options;
    struct mac mac;
    uint32_t mtu;    /* of IPv4 packets on the link */
    uint32_t mtu_v6; /* as a router advertised; at most the card's */
    uint8_t hops_v6; /* the same; 0: our own default */

    struct own own[IP_ADDRESSES_MAX];
    size_t own_count;
    uint64_t own_due; /* when something about them is due, at the earliest */
    struct neighbours neighbours;
    struct routes routes;
    struct destinations destinations;
    struct paths paths;
    struct copies copies;
    struct reassembly reassembly;
    struct solicitor solicitor;
    struct mld mld;
    uint8_t managed; /* what the owner was told of: 1, M and O flags; or 0 */
    size_t loop_count;
    uint64_t small_echoes_until; /* what ICMPv6 answers goes in pieces of IP_MTU_MIN_V6 */
    struct bucket errors, echoes, arp_replies, advertisements, solicits;
    struct ip_counters counters;
};

_Static_assert(NEIGHBOURS_MAX == IP_NEIGHBOURS_MAX, "as the public header says");
_Static_assert(ROUTES_MAX == IP_ROUTES_MAX, "as the public header says");

static inline void count(struct ip *ip, enum ip_counter which)
{
    ip->counters.of[which]++;
}

uint64_t ip_random(struct ip *ip);

/* A packet on its way in. */
struct input {
    uint64_t now;
    struct slice *parts; /* the first begins with the IP header */
    size_t count;
    size_t head;    /* bytes of the IP headers, in the first part */
    size_t next_at; /* where in them the protocol stands */
    struct mac from;
    bool group;       /* the frame was sent to many */
    bool looped;      /* we sent it */
    bool reassembled; /* of fragments */
    enum net_checksum checksum;
    struct ip_arrival arrival;
};

/* --- frames: link.c --- */

/* Sends a frame of ours, which the card may have no room for. */
void send_own(struct ip *ip, const struct net_frame *f);

/* --- ARP and who is where: arp.c, resolve.c --- */

void arp_input(struct ip *ip, uint64_t now, struct slice packet);
void arp_ask(struct ip *ip, const struct address *target, const struct mac *one);
void arp_send_probe(struct ip *ip, const struct own *o);
void arp_send_announcement(struct ip *ip, const struct own *o);

/* The entry of a neighbour, made if need be, or NULL. */
struct neighbour *resolve(struct ip *ip, uint64_t now, const struct address *a);
/* A neighbour said where it is, unasked: an entry is made only where one is free. */
struct neighbour *resolve_hear(struct ip *ip, uint64_t now, const struct address *a);
/* It is there, as far as somebody said; it has answered us; it is there for good. What waited goes. */
void resolve_tell(struct ip *ip, struct neighbour *n, struct mac mac);
void resolve_answer(struct ip *ip, uint64_t now, struct neighbour *n, struct mac mac);
void resolve_pin(struct ip *ip, struct neighbour *n, struct mac mac);
void resolve_confirm(struct ip *ip, uint64_t now, struct neighbour *n);
enum err resolve_wait(struct ip *ip, struct neighbour *n, const struct net_frame *f);
void resolve_expire(struct ip *ip, uint64_t now);
void resolve_drop(struct ip *ip, struct neighbour *n);
bool resolve_hopeful(void *ip, const struct address *gateway);

/* --- packets in: ipv4.c, ipv6.c, extension.c, deliver.c --- */

void ipv4_input(struct ip *ip, struct input *in);
void ipv6_input(struct ip *ip, struct input *in);

/* Goes through the extension headers from *next on, which starts at in->head; both move to the
 * transport. IP_COUNTERS: that is there; else what was counted (IP_FRAGMENTS_RECEIVED: *f is filled
 * in), and the sender was told where the rules have it. */
enum ip_counter extensions_input(struct ip *ip, struct input *in, uint8_t *next,
                                 struct fragment *f);
void deliver(struct ip *ip, struct input *in);
void loop_expire(struct ip *ip, uint64_t now);

size_t parts_length(const struct slice *parts, size_t count);
/* Cuts to that many bytes, all of which are there. */
void parts_cut(struct slice *parts, size_t *count, size_t length);
/* Copies from an offset; returns how many bytes there were. */
size_t parts_copy(const struct slice *parts, size_t count, size_t from, uint8_t *into, size_t max);

/* Takes a fragment; when that was the last one missing, hands the whole in. */
void fragment_input(struct ip *ip, struct input *in, const struct fragment *f);
void fragment_expire(struct ip *ip, uint64_t now);

/* --- packets out: output.c, fragment.c --- */

/* As ip_send; borrowed: the payload is good until it returns only. to: the station, whatever the
 * routes say, or NULL. */
enum err output(struct ip *ip, uint64_t now, const struct ip_packet *p, bool borrowed,
                const struct mac *to);
enum err output_fragments(struct ip *ip, uint64_t now, struct path *path, const struct ip_packet *p,
                          uint32_t mtu, bool borrowed);
/* As copy_take, once what the card has done with is given back. */
struct copy *copy_of(struct ip *ip, const struct net_frame *f, bool *full);
/* To the neighbour of the path, or to where it waits. */
enum err output_frame(struct ip *ip, uint64_t now, struct path *path, const struct net_frame *f,
                      uint8_t *head, bool borrowed);
/* The head of a packet of `length` bytes beyond the IP header, and the transport's header at `header`
 * with its checksum (f: what the card may do is left to it); the head's own checksum comes last. */
void output_start(struct ip *ip, struct path *path, const struct ip_packet *p, uint8_t *head,
                  uint8_t *header, size_t length, struct net_frame *f);
void output_finish(const struct path *path, uint8_t *head);
void put_length(struct path *path, uint8_t *head, size_t payload);
void put_be16(uint8_t *into, uint32_t value);
void put_be32(uint8_t *into, uint32_t value);

/* The path between two addresses, or why not. */
enum err path_of(struct ip *ip, uint64_t now, const struct address *source,
                 const struct address *destination, struct path **into);
enum err path_build(struct ip *ip, uint64_t now, const struct address *source,
                    const struct address *destination, bool resolved, struct path *into);

/* --- ICMP and ICMPv6: icmp.c, icmpv6.c, icmp_error.c, quote.c --- */

void icmp_input(struct ip *ip, struct input *in);
void icmpv6_input(struct ip *ip, struct input *in);
void echo_reply(struct ip *ip, struct input *in, uint8_t type);

/* Tells the sender what is wrong with its packet, within the limits. The same call for both
 * families; what: the last four bytes of the message's head. */
struct icmp_kind {
    uint8_t type, code;
};
void icmp_error(struct ip *ip, struct input *in, struct icmp_kind v4, struct icmp_kind v6,
                uint32_t what);

/* A packet of ours, as far as it is there, could not be delivered. */
void complain(struct ip *ip, struct slice packet, enum ip_error why, uint32_t mtu);
bool quote_parse(struct slice packet, struct ip_complaint *into);

/* --- NDP: ndp.c, router.c, redirect.c, slaac.c, mld.c --- */

void ndp_input(struct ip *ip, struct input *in, uint8_t type, struct slice message);
void ndp_ask(struct ip *ip, uint64_t now, const struct address *target, const struct mac *one);
void ndp_send_probe(struct ip *ip, uint64_t now, const struct own *o);
void ndp_send_announcement(struct ip *ip, uint64_t now, const struct own *o);
void router_input(struct ip *ip, struct input *in, struct slice message);
void router_expire(struct ip *ip, uint64_t now);
void router_solicit(struct ip *ip, uint64_t now);
void redirect_input(struct ip *ip, struct input *in, struct slice message);

void slaac_begin(struct ip *ip, uint64_t now); /* the link-local address */
void slaac_prefix(struct ip *ip, uint64_t now, const struct address *prefix, uint8_t bits,
                  uint32_t valid, uint32_t preferred);
/* Another address in the place of a duplicate, if that may help. */
void slaac_again(struct ip *ip, uint64_t now, const struct own *duplicate);

void mld_input(struct ip *ip, struct input *in, struct slice message);
void mld_joined(struct ip *ip, uint64_t due); /* when the groups are to be told at the latest */
void mld_expire(struct ip *ip, uint64_t now);

/* --- addresses of ours: own.c, source.c --- */

struct own *own_find(struct ip *ip, const struct address *a);
const struct own *own_ready(const struct ip *ip, const struct address *a);
struct own *own_add(struct ip *ip, uint64_t now, const struct own *from, enum ip_claim claim);
void own_remove(struct ip *ip, uint64_t now, struct own *o);
void own_forget_prefix(struct ip *ip, const struct own *gone);
/* It is not ours any more: removes it, and tells. */
void own_lose(struct ip *ip, uint64_t now, struct own *o, enum ip_address_event why);
void own_arp(struct ip *ip, uint64_t now, const struct arp *a);
void own_expire(struct ip *ip, uint64_t now);
void own_restart(struct ip *ip, uint64_t now); /* the link is back */
bool own_in_group(const struct ip *ip, const struct address *group);
bool own_is_broadcast(const struct ip *ip, const struct address *a);
bool source_find(struct ip *ip, const struct address *destination, struct address *source);

#endif
