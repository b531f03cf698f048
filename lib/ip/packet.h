/*
 * What passes between IP and the transports above it, for IPv4 and IPv6 alike (addresses as in
 * runtime/address.h).
 */
#ifndef LIB_IP_PACKET_H
#define LIB_IP_PACKET_H

#include "runtime/address.h"
#include "signatures/net.h"

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

/* RFC 3168, 5. */
enum ip_ecn { IP_NOT_ECT = 0, IP_ECT1 = 1, IP_ECT0 = 2, IP_CE = 3 };

#define IP_HOPS_DEFAULT 64u

/* A packet to send. Its transport header is copied before the call returns; its payload is lent as
 * net_frame's parts are, or copied where it has to wait for a neighbour. */
struct ip_packet {
    struct address source, destination;
    enum ip_protocol protocol;
    enum ip_ecn ecn;
    uint8_t hops;         /* 0: IP_HOPS_DEFAULT */
    bool whole;           /* not to be fragmented, here or on the way */
    struct slice header;  /* of the transport, its checksum field 0 */
    uint16_t checksum_at; /* offset of that field in the header; IP or the card fills it in */
    const struct slice *payload;
    size_t payload_count;  /* up to NET_PARTS_MAX - 1 */
    uint16_t segment_size; /* not 0: the card makes segments with so many payload bytes of it */
};

/* A packet that arrived, whole (reassembled) and for us; valid until the handler returns. The
 * checksum of the transport has been verified. */
struct ip_arrival {
    struct address source, destination;
    enum ip_protocol protocol;
    enum ip_ecn ecn;
    uint8_t hops;
    bool to_many;              /* its destination is a broadcast or multicast address */
    const struct slice *parts; /* transport header and payload; the header stands in the first */
    size_t count;
    uint16_t segment_size; /* not 0: merged of segments with so many payload bytes each */
};

/* What ICMP or ICMPv6 said about a packet of ours (RFC 1122, 3.2.2; RFC 4443, 3). */
enum ip_error { IP_ERROR_UNREACHABLE, IP_ERROR_REFUSED, IP_ERROR_TOO_BIG, IP_ERROR_TIME };

struct ip_complaint {
    enum ip_error why;
    uint32_t mtu; /* with IP_ERROR_TOO_BIG: what fits (checked: not below the floor) */
    struct address source, destination; /* of our packet: the source is ours */
    enum ip_protocol protocol;
    struct slice header; /* the start of the transport's header, 8 bytes at least */
};

#endif
