/*
 * Ethernet II frames (IEEE 802.3, 3.1 with a length/type field that is a type): how their head is
 * read and written, and which address a group of IPv4 or IPv6 has on the link.
 *
 * Pure. No VLAN tags, no LLC: such frames are ERR_UNSUPPORTED.
 */
#ifndef LIB_ETHERNET_ETHERNET_H
#define LIB_ETHERNET_ETHERNET_H

#include "runtime/address.h"
#include "signatures/net.h"

#define ETHERNET_HEAD_SIZE 14u
#define ETHERNET_TYPES     0x0600u /* a smaller length/type field is a length */

enum ethernet_type { ETHERNET_IPV4 = 0x0800, ETHERNET_ARP = 0x0806, ETHERNET_IPV6 = 0x86dd };

/* A station's address. */
struct mac {
    uint8_t bytes[NET_MAC_SIZE];
};

struct ethernet_head {
    struct mac destination, source;
    uint16_t type; /* enum ethernet_type, or another of at least ETHERNET_TYPES */
};

/* Takes the head off a frame; *rest is what follows it in the same slice. ERR_MALFORMED: shorter
 * than a head, or sent from a group address. ERR_UNSUPPORTED: a length instead of a type. */
enum err ethernet_parse(struct slice frame, struct ethernet_head *head, struct slice *rest);

/* Writes the ETHERNET_HEAD_SIZE bytes of a head. */
void ethernet_put(uint8_t *into, struct mac destination, struct mac source,
                  enum ethernet_type type);

bool mac_equal(struct mac a, struct mac b);
bool mac_is_group(struct mac m); /* multicast or broadcast */
bool mac_is_broadcast(struct mac m);
bool mac_is_zero(struct mac m);

extern const struct mac MAC_BROADCAST;

/* Where packets to a multicast address go (RFC 1112, 6.4; RFC 2464, 7). */
struct mac ethernet_group(struct address multicast);

#endif
