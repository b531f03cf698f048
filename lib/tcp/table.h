/*
 * All that has a pair of endpoints (connections, half-open ones, those in TIME-WAIT), found by it.
 *
 * Chains in buckets, by SipHash with a key of the table's own, with two to eight slots for each entry:
 * a pair that is not in it is mostly an empty slot. It doubles and halves a few buckets at a time,
 * with every entry that comes or goes, so that no single segment pays for it.
 */
#ifndef LIB_TCP_TABLE_H
#define LIB_TCP_TABLE_H

#include "runtime/address.h"
#include "runtime/siphash.h"

struct tcp_tuple {
    struct address local, remote;
    uint16_t local_port, remote_port;
};

enum tcp_kind { TCP_KIND_CONNECTION, TCP_KIND_HALF_OPEN, TCP_KIND_TIME_WAIT };

/* The head of each. */
struct tcp_entry {
    struct tcp_entry *next;
    struct tcp_tuple tuple;
    uint8_t kind;
    uint8_t flags;  /* the kind's own */
    uint16_t spare; /* the kind's own */
};

struct tcp_table {
    struct tcp_entry **slots; /* a power of two of them */
    struct tcp_entry **old;   /* while its size changes: the former ones, empty up to `moved` */
    size_t mask, old_mask, moved, count;
    bool walked; /* by tcp_table_each: nothing is moved */
    struct sipkey key;
};

enum err tcp_table_init(struct tcp_table *t, struct sipkey key);
void tcp_table_deinit(struct tcp_table *t); /* entries are their owners' */

static inline bool tcp_tuple_equal(const struct tcp_tuple *a, const struct tcp_tuple *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The entry, or NULL. */
struct tcp_entry *tcp_table_find(const struct tcp_table *t, const struct tcp_tuple *tuple);

/* It will soon be asked for that tuple: its slot may come from afar meanwhile. */
void tcp_table_fetch(const struct tcp_table *t, const struct tcp_tuple *tuple);

/* The tuple must not be in it. Where there is no memory to grow, chains get longer. */
void tcp_table_add(struct tcp_table *t, struct tcp_entry *e);
void tcp_table_remove(struct tcp_table *t, struct tcp_entry *e); /* must be in it */

/* Calls `each` with every entry, in no order. It may remove that entry, and no other. */
void tcp_table_each(struct tcp_table *t, void (*each)(void *arg, struct tcp_entry *e), void *arg);

#endif
