/*
 * What an IP instance counts: all that passed, and every reason for which something was dropped,
 * refused or forgotten. The names are for status pages, in the manner of metrics.
 */
#ifndef LIB_IP_COUNTERS_H
#define LIB_IP_COUNTERS_H

#include <stdint.h>

enum ip_counter {
    /* What passed. */
    IP_RECEIVED_FRAMES,
    IP_RECEIVED_V4,
    IP_RECEIVED_V6,
    IP_DELIVERED, /* packets handed to a transport */
    IP_SENT,      /* frames */
    IP_SENT_FRAGMENTS,
    IP_REASSEMBLED,
    IP_LOOPED, /* packets from us to us */

    /* Frames that were dropped. */
    IP_DROP_FRAME_MALFORMED,
    IP_DROP_FRAME_TYPE,    /* neither IPv4, IPv6 nor ARP */
    IP_DROP_FRAME_STRANGE, /* for another station */
    IP_DROP_FRAME_PARTS,   /* more than IP_PARTS_MAX */
    IP_DROP_DISABLED,      /* of a family that is switched off */

    /* ARP. */
    IP_ARP_RECEIVED,
    IP_ARP_SENT,
    IP_DROP_ARP_MALFORMED,
    IP_DROP_ARP_LIMITED, /* replies beyond the rate */
    IP_ARP_CONFLICTS,    /* others that use or want an address of ours */

    /* Packets that were dropped before a transport saw them. */
    IP_DROP_V4_SHORT,
    IP_DROP_V4_VERSION,
    IP_DROP_V4_HEADER, /* its length */
    IP_DROP_V4_LENGTH,
    IP_DROP_V4_CHECKSUM,
    IP_DROP_V4_OPTIONS,
    IP_DROP_V4_SOURCE_ROUTE,
    IP_DROP_V6_SHORT,
    IP_DROP_V6_VERSION,
    IP_DROP_V6_LENGTH,
    IP_DROP_V6_EXTENSION, /* malformed, out of order, too many, too long */
    IP_DROP_V6_OPTION,    /* unknown, and not to be skipped */
    IP_DROP_V6_ROUTING,   /* a routing header with segments left */
    IP_DROP_V6_NEXT,      /* 59, no next header */
    IP_DROP_SOURCE,       /* an address that nobody can send from */
    IP_DROP_NOT_OURS,     /* for an address that we do not have */
    IP_DROP_GROUP,        /* for a group that we are not in */
    IP_DROP_LINK_GROUP,   /* unicast, but to a group of the link (RFC 1122, 3.3.6) */
    IP_DROP_CHECKSUM,     /* of TCP or UDP */
    IP_DROP_SHORT,        /* no room for a transport's header */
    IP_DROP_NO_PORT,
    IP_DROP_NO_PROTOCOL,

    /* Reassembly. */
    IP_FRAGMENTS_RECEIVED,
    IP_DROP_FRAGMENT_MALFORMED,
    IP_DROP_FRAGMENT_OVERLAP, /* the datagram is given up */
    IP_DROP_FRAGMENT_DUPLICATE,
    IP_DROP_FRAGMENT_LIMIT,  /* more pieces than one datagram may have */
    IP_DROP_REASSEMBLY_FULL, /* datagrams or bytes: the oldest gave way */
    IP_DROP_REASSEMBLY_SOURCE /* more at a time than one source may have: its oldest gave way */,
    IP_DROP_REASSEMBLY_TIME,
    IP_DROP_REASSEMBLY_MEMORY,
    IP_DROP_REASSEMBLY_ECN, /* RFC 3168, 5.3 */

    /* ICMP and ICMPv6. */
    IP_ICMP_RECEIVED,
    IP_ICMP_SENT,
    IP_ICMP_ECHOES, /* answered */
    IP_ICMP_COMPLAINTS,
    IP_DROP_ICMP_CHECKSUM,
    IP_DROP_ICMP_MALFORMED,
    IP_DROP_ICMP_TYPE,
    IP_DROP_ICMP_QUOTE, /* an error about a packet that we cannot have sent */
    IP_DROP_ICMP_MANY,  /* an echo request to a broadcast address */
    IP_DROP_ICMP_REDIRECT,
    IP_DROP_ICMP_LIMITED,   /* errors not sent: beyond the rate */
    IP_DROP_ECHO_LIMITED,   /* echoes not answered: beyond the rate */
    IP_DROP_ICMP_FORBIDDEN, /* errors not sent: about errors, groups, later fragments */

    /* Neighbours. */
    IP_NEIGHBOUR_SOLICITED,
    IP_NEIGHBOUR_FAILED,     /* did not answer */
    IP_NEIGHBOUR_EVICTED,    /* the table was full: the least useful gave way */
    IP_NEIGHBOUR_FULL,       /* none could give way */
    IP_NEIGHBOUR_DISPUTED,   /* another station claimed a neighbour's address: asked again */
    IP_DROP_SOLICIT_LIMITED, /* questions beyond the rate */
    IP_DROP_QUEUE_FULL,      /* packets that waited for a neighbour: the oldest gave way */
    IP_DROP_QUEUE_MEMORY,
    IP_DROP_QUEUE_UNREACHABLE, /* packets that waited in vain */
    IP_DROP_NDP_MALFORMED,
    IP_DROP_NDP_HOPS, /* from beyond the link */
    IP_DROP_NDP_LIMITED,
    IP_REDIRECTS,

    /* Routers and addresses. */
    IP_ADVERTISEMENTS,
    IP_ROUTERS_REFUSED, /* a table is full, or what is advertised cannot be */
    IP_PREFIXES_REFUSED,
    IP_DUPLICATES, /* addresses that another station had */

    /* Sending. */
    IP_DROP_SEND_ROUTE,  /* no way to there */
    IP_DROP_SEND_SOURCE, /* not an address of ours */
    IP_DROP_SEND_CARD,   /* our own packets (ARP, ICMP ...) that the card had no room for */
    IP_DROP_SEND_MEMORY,
    IP_DROP_SEND_LENT, /* copies that the card still has: too many */
    IP_DROP_LOOP_FULL, /* packets to ourselves */
    IP_MTU_LEARNED,
    IP_MTU_REFUSED, /* below the floor, or not below what is known */
    IP_DESTINATIONS_EVICTED,

    IP_COUNTERS
};

struct ip_counters {
    uint64_t of[IP_COUNTERS];
};

/* In lower case with underscores; static, never NULL. */
const char *ip_counter_name(enum ip_counter which);

#endif
