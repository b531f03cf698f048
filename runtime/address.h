/*
 * Internet addresses, IPv4 and IPv6 alike: an IPv4 address is held as ::ffff:a.b.c.d (RFC 4291,
 * 2.5.5.2), so that nothing above has to tell them apart.
 */
#ifndef RUNTIME_ADDRESS_H
#define RUNTIME_ADDRESS_H

#include "runtime/err.h"
#include "runtime/slice.h"

struct address {
    uint8_t bytes[16];
};

struct endpoint {
    struct address address;
    uint16_t port; /* host byte order */
    uint32_t zone; /* interface of a link-local address, else 0 */
};

#define ADDRESS_TEXT_MAX  48 /* with the NUL */
#define ENDPOINT_TEXT_MAX 64

static const struct address ADDRESS_ANY = {{0}}; /* both families, for listening */

/* Asked of each packet, often. */
static inline bool address_is_v4(struct address a)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a.bytes, prefix, sizeof prefix) == 0;
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Whether the first bits are the same: of 128; an IPv4 prefix has 96 more than its own. */
bool address_in_prefix(const struct address *a, const struct address *prefix, uint8_t bits);

bool address_is_loopback(struct address a);
struct address address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* Dotted quad, or IPv6 text as in RFC 4291 2.2 (brackets not included). False for anything else. */
bool address_parse(struct slice text, struct address *into);

/* Canonical text (RFC 5952); IPv4 as a dotted quad. */
void address_format(struct address a, char into[ADDRESS_TEXT_MAX]);

/* "192.0.2.1:80", "[2001:db8::1]:80". */
void endpoint_format(struct endpoint e, char into[ENDPOINT_TEXT_MAX]);

#endif
