/*
 * What a frame says, for the simulated wire and its tests: a reader and a maker of Ethernet frames
 * that share no line with the libraries under test, so that neither excuses the other's mistakes.
 */
#ifndef PLATFORM_SIM_FRAME_H
#define PLATFORM_SIM_FRAME_H

#include "runtime/address.h"
#include "signatures/net.h"

#define SIM_ETHERNET_SIZE 14u

enum sim_ethertype { SIM_IPV4 = 0x0800, SIM_ARP = 0x0806, SIM_IPV6 = 0x86dd };
enum sim_protocol { SIM_ICMP = 1, SIM_TCP = 6, SIM_UDP = 17, SIM_ICMPV6 = 58 };

enum sim_tcp_flag {
    SIM_FIN = 0x01,
    SIM_SYN = 0x02,
    SIM_RST = 0x04,
    SIM_PSH = 0x08,
    SIM_ACK = 0x10,
    SIM_URG = 0x20,
    SIM_ECE = 0x40,
    SIM_CWR = 0x80
};

/* Options of a TCP segment that are understood; a bit for each that stands there. */
enum sim_tcp_option {
    SIM_HAS_MSS = 1,
    SIM_HAS_SCALE = 2,
    SIM_HAS_SACK_OK = 4,
    SIM_HAS_SACKS = 8,
    SIM_HAS_TIMES = 16,
    SIM_HAS_OTHERS = 32
};

#define SIM_SACKS_MAX 4u

struct sim_tcp {
    uint16_t source, destination; /* ports */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window; /* as on the wire, not scaled */
    uint16_t urgent;
    uint8_t options; /* bits of enum sim_tcp_option */
    uint16_t mss;
    uint8_t scale;
    uint32_t time, echo;
    uint32_t sacks[SIM_SACKS_MAX][2];
    size_t sack_count;
};

/* A frame, taken apart. Offsets are from its first byte; 0 where there is no such part. */
struct sim_frame {
    uint8_t to[NET_MAC_SIZE], from[NET_MAC_SIZE];
    uint16_t type;
    bool v6;
    struct address source, destination;
    uint8_t protocol, hops, ecn;
    bool whole;         /* IPv4's "don't fragment" */
    bool fragment;      /* of a packet: no transport is read */
    size_t ip;          /* its header */
    size_t transport;   /* of TCP, UDP and ICMP */
    size_t checksum;    /* of the transport */
    size_t payload;     /* behind the transport's header */
    size_t end;         /* of the packet: what follows is padding */
    struct sim_tcp tcp; /* with protocol SIM_TCP */
};

/* NULL, or what is wrong with the frame. Checksums are not looked at. */
const char *sim_frame_read(struct slice bytes, struct sim_frame *f);

/* The ones' complement sum (RFC 1071), folded, not complemented; carries on from sum. */
uint16_t sim_sum(struct slice bytes, uint32_t sum);
/* That of the pseudo-header, with the length of all from the transport's header to the end. */
uint16_t sim_sum_pseudo(const struct sim_frame *f);

/* Of the IPv4 header; true for IPv6. Of the transport; true where there is none to check. */
bool sim_frame_ip_sum_good(struct slice bytes, const struct sim_frame *f);
bool sim_frame_sum_good(struct slice bytes, const struct sim_frame *f);

/* Puts both in. */
void sim_frame_sum(uint8_t *bytes, const struct sim_frame *f);

/* Sets the ECN bits, with the checksum of IPv4. */
void sim_frame_mark(uint8_t *bytes, const struct sim_frame *f, uint8_t ecn);

/* Writes a TCP segment with right checksums: to, from, v6, source, destination, hops (0: 64), ecn,
 * whole and tcp are used. Returns its length; into has room for NET_HEAD_MAX and the payload. */
size_t sim_frame_tcp(uint8_t *into, const struct sim_frame *f, struct slice payload);

/* The same for any other protocol over IP, of which content is all, header and payload. */
size_t sim_frame_ip(uint8_t *into, const struct sim_frame *f, struct slice content);

void sim_put16(uint8_t *at, uint16_t value);
void sim_put32(uint8_t *at, uint32_t value);
uint16_t sim_get16(const uint8_t *at);
uint32_t sim_get32(const uint8_t *at);

#endif
