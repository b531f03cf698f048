/*
 * Routes: which way leads to a prefix, through a gateway or on the link itself. Those that routers
 * advertise (RFC 4861, 6.3; RFC 4191) stand beside those that were added, and end by themselves.
 *
 * A pure table, searched in a row: it has few entries, and is asked once for each new path.
 */
#ifndef LIB_IP_ROUTE_H
#define LIB_IP_ROUTE_H

#include "runtime/address.h"

#define ROUTES_MAX            32u
#define ROUTES_ADVERTISED_MAX 24u /* so that routers leave room for what is added */

/* RFC 4191, 2.1. */
enum route_preference { ROUTE_LOW = -1, ROUTE_MEDIUM = 0, ROUTE_HIGH = 1 };

struct route {
    struct address prefix;
    struct address gateway; /* ADDRESS_ANY: on the link */
    uint64_t until;         /* WAIT_FOREVER: it does not end */
    uint8_t bits;           /* of 128: an IPv4 prefix has 96 more */
    int8_t preference;      /* enum route_preference */
    bool advertised;
};

struct routes {
    struct route of[ROUTES_MAX];
    size_t count;
    size_t advertised;
    uint64_t due; /* the first end of a route, at the earliest */
};

void routes_init(struct routes *t);

bool route_is_on_link(const struct route *r);
bool route_is_default(const struct route *r); /* the whole of a family */

/* The same prefix through the same gateway, or NULL. */
struct route *route_get(struct routes *t, const struct address *prefix, uint8_t bits,
                        const struct address *gateway);

/* Adds, or gives an equal one the new time and preference. ERR_FULL. */
enum err route_put(struct routes *t, const struct route *r);
void route_remove(struct routes *t, struct route *r);

/* Takes one whose time is over out of the table. */
bool route_expire(struct routes *t, uint64_t now, struct route *gone);

/* Whether a gateway is worth trying. */
typedef bool route_hopeful(void *arg, const struct address *gateway);

/* The best for a destination: the longest prefix, then gateways that answer, then preference, then
 * age. NULL: there is none. */
const struct route *route_find(const struct routes *t, const struct address *destination,
                               route_hopeful *hopeful, void *arg);

#endif
