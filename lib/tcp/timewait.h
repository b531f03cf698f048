/*
 * TIME-WAIT: what is kept of a connection that has ended, in 64 bytes, for twice the lifetime of a
 * segment (RFC 9293, 3.6.1). Its end is answered again, and a new connection between the same
 * endpoints may follow at once where its timestamp or number proves it new (RFC 6191).
 *
 * All wait equally long, so they stand in a queue, in blocks: the oldest in front. One that is let
 * go early stays in its place, dead, until those before it have gone. Beyond the limit, the oldest is
 * let go.
 */
#ifndef LIB_TCP_TIMEWAIT_H
#define LIB_TCP_TIMEWAIT_H

#include "lib/tcp/seq.h"
#include "lib/tcp/table.h"

#define TCP_WAIT_STAMPS 1u /* flags of the entry: timestamps were agreed on */
#define TCP_WAIT_DEAD   2u

struct tcp_wait {
    struct tcp_entry entry;
    seq_t send_next, receive_next;
    uint32_t stamp;  /* the peer's last */
    uint32_t expiry; /* in TCP_WAIT_TICK of the clock, modulo 2^32 */
};

_Static_assert(sizeof(struct tcp_wait) == 64, "the price of a connection that has ended");

#define TCP_WAIT_TICK UINT64_C(1000000) /* ns */

struct tcp_wait_block;

struct tcp_waits {
    struct tcp_wait_block *first, *last, *spare;
    struct tcp_table *table; /* where they are found */
    uint32_t used;           /* places, with those of dead ones */
    uint32_t alive, limit;
    uint64_t shed; /* counter: let go for the limit */
};

void tcp_waits_init(struct tcp_waits *w, struct tcp_table *table, uint32_t limit);
void tcp_waits_deinit(struct tcp_waits *w); /* with all that wait */

/* Adds one (its head's tuple is not in the table) that waits for `ns`. NULL: no memory; nothing is
 * lost but the protection. */
struct tcp_wait *tcp_waits_add(struct tcp_waits *w, const struct tcp_tuple *tuple, uint64_t now,
                               uint64_t ns);

/* Lets one go. The pointer is not to be used any more. */
void tcp_waits_remove(struct tcp_waits *w, struct tcp_wait *one);

/* Begins its time again. NULL: no memory, it is gone. */
struct tcp_wait *tcp_waits_renew(struct tcp_waits *w, struct tcp_wait *one, uint64_t now,
                                 uint64_t ns);

/* Lets go all whose time is over. */
void tcp_waits_expire(struct tcp_waits *w, uint64_t now);

/* When the oldest expires, in ns, or UINT64_MAX. */
uint64_t tcp_waits_deadline(const struct tcp_waits *w, uint64_t now);

#endif
