/*
 * What is known about single destinations: the MTU of the path to them (RFC 1191, RFC 8201), and a
 * better first hop that a router has told of (RFC 4861, 8).
 *
 * A pure table of fixed size, found by a keyed hash, four places for each hash value: the one whose
 * knowledge ends first gives way. What is known ends by itself: a path may have become wider.
 */
#ifndef LIB_IP_DESTINATION_H
#define LIB_IP_DESTINATION_H

#include "runtime/address.h"
#include "runtime/siphash.h"
#include "signatures/clock.h"

#define DESTINATION_SETS 64u
#define DESTINATION_WAYS 4u
#define DESTINATIONS_MAX (DESTINATION_SETS * DESTINATION_WAYS)
#define IP_MTU_AGE       (600 * CLOCK_SEC) /* RFC 1191, 6.3: ten minutes */
#define IP_REDIRECT_AGE  (600 * CLOCK_SEC)

struct destination {
    struct address address;
    struct address via; /* with via_until: the first hop */
    uint64_t mtu_until; /* 0 or past: not known */
    uint64_t via_until;
    uint32_t mtu;
};

struct destinations {
    struct destination of[DESTINATION_SETS][DESTINATION_WAYS];
    struct sipkey key;
    uint64_t evicted;
};

void destinations_init(struct destinations *t, struct sipkey key);

/* What is known now, or NULL. The caller looks at both times. */
const struct destination *destination_find(const struct destinations *t, const struct address *a,
                                           uint64_t now);

/* The path takes so much, and no more as far as is known. */
void destination_learn_mtu(struct destinations *t, const struct address *a, uint32_t mtu,
                           uint64_t now);
void destination_learn_via(struct destinations *t, const struct address *a,
                           const struct address *via, uint64_t now);

/* Nobody goes by that router any more. */
void destination_forget_via(struct destinations *t, const struct address *via);

#endif
