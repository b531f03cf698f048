/*
 * The Internet checksum (RFC 1071): the complement of the ones' complement sum of 16-bit words.
 *
 * A sum is kept in the machine's own byte order, wide enough that carries need no care, and folded
 * once, at the end (RFC 1071, 2, B and C).
 */
#ifndef LIB_IP_CHECKSUM_H
#define LIB_IP_CHECKSUM_H

#include "runtime/address.h"
#include "runtime/slice.h"

struct checksum {
    uint64_t sum; /* of 32-bit halves: never overflows below 16 GiB */
    bool odd;     /* an odd number of bytes was added so far */
};

void checksum_add(struct checksum *c, struct slice bytes);
void checksum_add_parts(struct checksum *c, const struct slice *parts, size_t count);

/* The pseudo-header of TCP, UDP and ICMPv6 (RFC 9293, 3.1; RFC 8200, 8.1): the first to be added.
 * One for both families: the prefix ::ffff of an IPv4 address adds nothing to the sum. */
void checksum_add_pseudo(struct checksum *c, const struct address *source,
                         const struct address *destination, uint8_t protocol, size_t length);

/* Its last two fields only, where the addresses are there already. */
void checksum_add_length(struct checksum *c, uint8_t protocol, size_t length);

/* The sum, and its complement, as a number whose bytes go out most significant first. Of bytes that
 * hold their own checksum, the complement is 0. */
uint16_t checksum_sum(const struct checksum *c);
uint16_t checksum_complement(const struct checksum *c);

/* Of one run of bytes. */
uint16_t checksum_of(struct slice bytes);

#endif
