/*
 * What the files of this room share.
 *
 *     dns -- lookups: a name, who waits for it, and two questions (A, AAAA)
 *               question: where its name led to, which servers were tried, messages under way
 */
#ifndef LIB_DNS_INTERNAL_H
#define LIB_DNS_INTERNAL_H

#include "lib/dns/cache.h"
#include "runtime/pool.h"

#define DNS_NEVER UINT64_MAX

/* One type of record of one name. */
struct dns_query {
    enum dns_type type;
    bool done;
    enum err why;         /* once done */
    struct dns_name name; /* what is asked for: the lookup's, or where it led to */
    size_t hops;
    bool old;     /* without EDNS */
    bool tcp;     /* the next message goes over a connection */
    size_t first; /* of the servers, the one that was asked first */
    unsigned tries;
    unsigned failures; /* servers that said that they cannot */
    uint64_t next_try; /* DNS_NEVER: none more */
    struct dns_exchange exchanges[DNS_TRIES_MAX];
    struct dns_question sent[DNS_TRIES_MAX];
    struct dns_found found;
};

struct dns_lookup {
    struct list link; /* in dns.running or dns.finished */
    struct dns_name name;
    struct dns_query queries[2]; /* AAAA, A: in the order of the answer */
    struct list waiters;
    uint64_t deadline;
    bool finished;
};

struct dns_waiter {
    struct list link;
    struct dns_lookup *lookup;
    resolve_fn *answer;
    void *owner;
};

struct dns {
    const struct dns_below *below;
    void *arg;
    struct address servers[DNS_SERVERS_MAX];
    size_t server_count;
    size_t preferred; /* of them, the one that is asked first */
    bool hope;        /* of servers, when there are none */
    bool only_v4;
    struct list running, finished;
    uint32_t lookups;
    struct pool waiters;
    struct dns_cache cache;
    struct dns_counters counters;
};

/* Begins, or has it answered out of the cache. */
void dns_query_start(struct dns *d, uint64_t now, struct dns_query *q, enum dns_type type,
                     const struct dns_name *name);
/* Its time has come, or there are servers now. */
void dns_query_try(struct dns *d, uint64_t now, struct dns_query *q);
/* Ends it, and drops what is under way. */
void dns_query_end(struct dns *d, struct dns_query *q, enum err why);
void dns_query_answer(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x,
                      struct slice message);
void dns_query_broken(struct dns *d, uint64_t now, struct dns_query *q, struct dns_exchange *x);

#endif
