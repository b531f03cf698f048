/*
 * Paths: what sending to a destination needs, worked out once. A cache found by a keyed hash, four
 * places for each hash value, the longest unused giving way; it holds nothing that cannot be worked
 * out again, and all of it is void as soon as a route, an address or a neighbour's entry changes. The
 * last one is looked at first: packets come in runs.
 */
#ifndef LIB_IP_PATH_H
#define LIB_IP_PATH_H

#include "lib/ethernet/ethernet.h"
#include "lib/ip/checksum.h"
#include "lib/ip/neighbour.h"

#define PATH_SETS     256u
#define PATH_WAYS     4u
#define PATH_HEAD_MAX (ETHERNET_HEAD_SIZE + 40u)

struct path {
    struct address source, destination;
    uint64_t generation;         /* of the table when it was worked out */
    uint64_t until;              /* an MTU or a redirect ends then */
    uint64_t used;               /* the table's count of lookups at the last one */
    struct neighbour *neighbour; /* NULL: the station stands in the head */
    struct checksum pseudo;      /* sum of both addresses */
    uint32_t mtu;                /* of the path as far as is known */
    uint32_t card_mtu;
    uint8_t head_size; /* Ethernet and IP */
    bool v6;
    bool loop;                   /* to ourselves */
    uint8_t head[PATH_HEAD_MAX]; /* but for length, protocol, hops, ECN, checksum, station */
};

struct paths {
    struct path of[PATH_SETS][PATH_WAYS];
    struct sipkey key;
    uint64_t generation;
    uint64_t lookups;
    struct path *last; /* that was found */
};

void paths_init(struct paths *t, struct sipkey key);

/* What was worked out, or NULL; then *place is where to put it (used is set). */
struct path *paths_find(struct paths *t, uint64_t now, const struct address *source,
                        const struct address *destination, struct path **place);

/* One that leads there, from whatever source, or NULL. */
struct path *paths_peek(struct paths *t, uint64_t now, const struct address *destination);

static inline void paths_void(struct paths *t)
{
    t->generation++;
}

#endif
