/*
 * Who has which address on the link: the neighbour cache, with neighbour unreachability detection
 * (RFC 4861, 7.3), for IPv6 and, in ARP's place, for IPv4 as well: what an IPv4 neighbour answers
 * ages and is asked again by unicast just like the other's.
 *
 *     NONE -> INCOMPLETE --answer--> REACHABLE --30 s--> STALE --used--> DELAY --5 s--> PROBE
 *                 |                      ^                                 |              |
 *              no answer                 +------ answer, or a transport's word -----------+
 *                 v                                                                no answer
 *              FAILED  <------- INCOMPLETE (everybody is asked) <-------------------------+
 *
 * A pure table of fixed size. Policy when it is full: what has failed gives way first, then what is
 * stale, incomplete, reachable, each the longest unused first; never a permanent one, nor a router
 * while it is of use. What strangers say unasked makes an entry only where one is free.
 *
 * A station that claims a neighbour's address does not get it by saying so (ARP): the neighbour is
 * asked at its old place, and only when it is silent everybody is.
 */
#ifndef LIB_IP_NEIGHBOUR_H
#define LIB_IP_NEIGHBOUR_H

#include "lib/ethernet/ethernet.h"
#include "runtime/list.h"
#include "runtime/siphash.h"
#include "signatures/clock.h"

#define NEIGHBOURS_MAX       512u
#define NEIGHBOUR_BUCKETS    1024u
#define NEIGHBOUR_LIFETIME   (30 * CLOCK_SEC) /* half to one and a half of it */
#define NEIGHBOUR_RETRANSMIT (1 * CLOCK_SEC)
#define NEIGHBOUR_DELAY      (5 * CLOCK_SEC)
#define NEIGHBOUR_ASK_ALL    3u              /* questions to everybody */
#define NEIGHBOUR_ASK_ONE    3u              /* questions to itself */
#define NEIGHBOUR_FAILED_FOR (1 * CLOCK_SEC) /* before it is asked again */

enum neighbour_state {
    NEIGHBOUR_NONE, /* a free entry */
    NEIGHBOUR_FAILED,
    NEIGHBOUR_STALE,
    NEIGHBOUR_INCOMPLETE,
    NEIGHBOUR_REACHABLE,
    NEIGHBOUR_DELAYED,
    NEIGHBOUR_PROBED,
    NEIGHBOUR_PERMANENT
};

struct neighbour {
    struct address address;
    struct mac mac; /* in all states but NONE, FAILED, INCOMPLETE */
    uint8_t state;  /* enum neighbour_state */
    uint8_t asked;  /* questions sent in this state */
    bool router;    /* it forwards: its isRouter flag, or a gateway of ours */
    bool disputed;  /* PROBED because somebody else claims its address */
    bool silent;    /* has failed, and not been heard of since */
    uint16_t next;  /* of the same bucket: index + 1, or 0 */
    uint64_t until; /* REACHABLE: of that; INCOMPLETE, DELAYED, PROBED: the next step */
    uint64_t used;
    struct list waiting; /* packets: the owner's */
    uint32_t waiting_count;
};

struct neighbours {
    struct neighbour of[NEIGHBOURS_MAX];
    uint16_t buckets[NEIGHBOUR_BUCKETS];
    struct sipkey key;
    uint64_t due;        /* when neighbour_due has something to tell, at the earliest */
    uint64_t reachable;  /* how long an answer is good for (IPv6: as routers say) */
    uint64_t retransmit; /* between questions */
};

void neighbours_init(struct neighbours *t, struct sipkey key);

/* The entry, or NULL. */
struct neighbour *neighbour_find(struct neighbours *t, const struct address *a);

/* A new entry, for the caller to set the state of (tell, ask); NULL: none is free. */
struct neighbour *neighbour_add(struct neighbours *t, const struct address *a, uint64_t now);

/* Who is to go when none is free; NULL: nobody may. What waits for it, and whoever points to it, is
 * the caller's to settle before it is removed. */
struct neighbour *neighbour_victim(struct neighbours *t);
void neighbour_remove(struct neighbours *t, struct neighbour *n);

/* Whether packets may go to n->mac now. False: they have to wait (INCOMPLETE), or there is no hope
 * (FAILED). It is called for each packet and moves STALE to DELAYED, and what failed long enough
 * ago back to INCOMPLETE. */
bool neighbour_use_slowly(struct neighbours *t, struct neighbour *n, uint64_t now);

static inline bool neighbour_use(struct neighbours *t, struct neighbour *n, uint64_t now)
{
    n->used = now;
    return (n->state == NEIGHBOUR_REACHABLE && now < n->until) || neighbour_use_slowly(t, n, now);
}

/* Begins to ask everybody. */
void neighbour_ask(struct neighbours *t, struct neighbour *n, uint64_t now);

/* It is known to be alive, by an answer to us or by a transport's progress. random: any bits. */
void neighbour_confirm(struct neighbours *t, struct neighbour *n, uint64_t now, uint32_t random);

/* It is at that station, as far as somebody said; not known to be alive. */
void neighbour_tell(struct neighbour *n, struct mac mac);

/* Somebody else claims its address: asks it once more where it was. */
void neighbour_dispute(struct neighbours *t, struct neighbour *n, uint64_t now);

/* What is to be done now: call until NULL. */
enum neighbour_action {
    NEIGHBOUR_ASKS_ALL,
    NEIGHBOUR_ASKS_ONE, /* at n->mac */
    NEIGHBOUR_GIVEN_UP  /* has just failed: what waits for it is hopeless */
};
struct neighbour *neighbour_due(struct neighbours *t, uint64_t now, enum neighbour_action *action);

#endif
