/*
 * Names as they stand in messages (RFC 1035, 3.1 and 4.1.4): labels, each with its length before
 * it, and an empty one at the end. Private to this room.
 */
#ifndef LIB_DNS_NAME_H
#define LIB_DNS_NAME_H

#include "runtime/err.h"
#include "runtime/reader.h"

#define DNS_NAME_MAX 255u

struct dns_name {
    uint8_t len; /* 1 is the root */
    uint8_t bytes[DNS_NAME_MAX];
};

/* From text, "example.org" or "example.org.": letters, digits, '-', '_'. False for anything
 * else. */
bool dns_name_of(struct slice text, struct dns_name *into);

/* Off a message, which the reader stands in: where a name leads back to an earlier one, it is put
 * together. Latches r->bad. */
void dns_name_read(struct reader *r, struct slice message, struct dns_name *into);

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b); /* but for case */
void dns_name_lower(struct dns_name *n);

#endif
