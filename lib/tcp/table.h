/*
 * All that has a pair of endpoints (connections, half-open ones, those in TIME-WAIT), found by it.
 *
 * Buckets of a cache line each, by SipHash with a key of the table's own. Beside each of a bucket's
 * six entries stands a byte of its hash, so that who looks for a pair reads no entry of another one:
 * with many, those are in no cache. What a bucket has no room for is chained behind it, which is rare:
 * there are two to four entries for each bucket, or fewer. The table doubles and halves a few buckets
 * at a time, with every entry that comes or goes, so that no single segment pays for it.
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
    struct tcp_entry *next; /* the table's, and the hash */
    struct tcp_tuple tuple;
    uint32_t hash : 24;
    uint32_t kind : 4;  /* enum tcp_kind */
    uint32_t flags : 4; /* the kind's own */
};

#define TCP_BUCKET_ENTRIES 6u

struct tcp_bucket {
    struct tcp_entry *entries[TCP_BUCKET_ENTRIES]; /* NULL: none */
    struct tcp_entry *more;                        /* only where all of those are there */
    uint8_t tags[8];                               /* of the entries */
};

_Static_assert(sizeof(struct tcp_bucket) == 64, "a cache line");

struct tcp_buckets {
    struct tcp_bucket *first; /* on a cache line; NULL: there are none */
    size_t mask;              /* a power of two of them, less one */
    void *block;              /* of memory, in which they are */
};

struct tcp_table {
    struct tcp_buckets buckets;
    struct tcp_buckets old; /* while the size changes: the former ones, empty up to `moved` */
    size_t moved, count;
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

/* An entry in it will soon be removed: its bucket may come from afar meanwhile. */
void tcp_table_fetch(const struct tcp_table *t, const struct tcp_entry *e);

/* The tuple must not be in it. Where there is no memory to grow, chains get longer. */
void tcp_table_add(struct tcp_table *t, struct tcp_entry *e);
void tcp_table_remove(struct tcp_table *t, struct tcp_entry *e); /* must be in it */

/* Calls `each` with every entry, in no order. It may remove that entry, and no other. */
void tcp_table_each(struct tcp_table *t, void (*each)(void *arg, struct tcp_entry *e), void *arg);

#endif
