/*
 * What an address tells by itself: its kind, its reach, its prefix (RFC 4291, 2; RFC 1122, 3.2.1.3).
 */
#ifndef LIB_IP_SCOPE_H
#define LIB_IP_SCOPE_H

#include "runtime/address.h"

#define V4_BITS_BASE 96u /* bits of ::ffff:0:0/96: an IPv4 prefix of n bits is one of 96 + n */

extern const struct address ADDRESS_ANY_V4;      /* 0.0.0.0 */
extern const struct address ADDRESS_BROADCAST;   /* 255.255.255.255 */
extern const struct address ADDRESS_ALL_NODES;   /* ff02::1 */
extern const struct address ADDRESS_ALL_ROUTERS; /* ff02::2 */
extern const struct address ADDRESS_ALL_HOSTS;   /* 224.0.0.1 */
extern const struct address ADDRESS_MLD_REPORTS; /* ff02::16 */
extern const struct address ADDRESS_LINK_LOCAL;  /* fe80:: */

/* All zero, in either family. */
bool address_is_any(const struct address *a);
bool address_is_multicast(const struct address *a);
bool address_is_link_local(const struct address *a); /* fe80::/10; 169.254/16 */

/* One station: may stand as a source, and as an address of ours. */
bool address_is_unicast(const struct address *a);

/* Scopes of RFC 4291, 2.7, which RFC 6724, 3.1 extends to unicast and IPv4. */
enum address_scope { SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };
uint8_t address_scope(const struct address *a);

/* How many of the first bits (of 128) are the same, at most `most`. */
uint8_t address_common_bits(const struct address *a, const struct address *b, uint8_t most);

/* With the bits beyond the prefix cleared, or set. */
struct address address_prefix(struct address a, uint8_t bits);
struct address address_last(struct address a, uint8_t bits);

/* ff02::1:ffXX:XXXX (RFC 4291, 2.7.1). */
struct address address_solicited_node(struct address a);

/* From the 4 or 16 bytes of a header, or of a message. */
struct address address_from_v4(const uint8_t *four);
struct address address_from_v6(const uint8_t *sixteen);

#endif
