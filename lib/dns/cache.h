/*
 * What was found, until its time is over: by type and name, a bounded number of answers, the one
 * that was kept first goes first. Private to this room.
 */
#ifndef LIB_DNS_CACHE_H
#define LIB_DNS_CACHE_H

#include "lib/dns/message.h"
#include "runtime/list.h"
#include "runtime/map.h"

struct dns_cache {
    struct map map;   /* of struct kept */
    struct list kept; /* the oldest first */
};

struct dns_found {
    size_t count; /* 0: there is none */
    struct address addresses[DNS_ADDRESSES_MAX];
};

void dns_cache_init(struct dns_cache *c, struct sipkey secret);
void dns_cache_deinit(struct dns_cache *c);

/* name in lower case. False: not known, or no longer. */
bool dns_cache_get(const struct dns_cache *c, uint64_t now, enum dns_type type,
                   const struct dns_name *name, struct dns_found *into);
/* Without memory, nothing is kept. Returns how many had to go before their time. */
size_t dns_cache_put(struct dns_cache *c, uint64_t now, enum dns_type type,
                     const struct dns_name *name, const struct dns_found *found, uint32_t ttl);
void dns_cache_forget(struct dns_cache *c);

#endif
