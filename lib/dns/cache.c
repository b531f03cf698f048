/* See cache.h. */
#include "lib/dns/cache.h"

#include "signatures/memory.h"

struct key {
    uint8_t bytes[DNS_NAME_MAX + 1];
    size_t len;
};

struct kept {
    struct list link;
    uint64_t until;
    struct dns_found found;
    struct key key;
};

static struct slice make_key(struct key *k, enum dns_type type, const struct dns_name *name)
{
    k->bytes[0] = (uint8_t)type;
    memcpy(k->bytes + 1, name->bytes, name->len);
    k->len = (size_t)name->len + 1;
    return slice_of(k->bytes, k->len);
}

void dns_cache_init(struct dns_cache *c, struct sipkey secret)
{
    map_init(&c->map, secret);
    list_init(&c->kept);
}

static void drop(struct dns_cache *c, struct kept *k)
{
    map_remove(&c->map, slice_of(k->key.bytes, k->key.len));
    list_remove(&k->link);
    memory_free(k);
}

void dns_cache_forget(struct dns_cache *c)
{
    while (!list_empty(&c->kept))
        drop(c, CONTAINER(c->kept.next, struct kept, link));
}

void dns_cache_deinit(struct dns_cache *c)
{
    dns_cache_forget(c);
    map_deinit(&c->map);
}

bool dns_cache_get(const struct dns_cache *c, uint64_t now, enum dns_type type,
                   const struct dns_name *name, struct dns_found *into)
{
    struct key key;
    const struct kept *k = map_get(&c->map, make_key(&key, type, name));
    if (!k || now >= k->until)
        return false;
    *into = k->found;
    return true;
}

/* False: it was over already. */
static bool drop_oldest(struct dns_cache *c, uint64_t now)
{
    struct kept *oldest = CONTAINER(c->kept.next, struct kept, link);
    bool early = now < oldest->until;
    drop(c, oldest);
    return early;
}

size_t dns_cache_put(struct dns_cache *c, uint64_t now, enum dns_type type,
                     const struct dns_name *name, const struct dns_found *found, uint32_t ttl)
{
    size_t early = 0;
    struct kept *k = ttl ? memory_alloc(sizeof *k) : NULL;
    if (!k)
        return 0;
    struct slice key = make_key(&k->key, type, name);
    struct kept *old = map_get(&c->map, key);
    if (old)
        drop(c, old);
    if (c->map.count >= DNS_CACHE_MAX)
        early = drop_oldest(c, now);
    k->until = now + ttl * CLOCK_SEC;
    k->found = *found;
    list_append(&c->kept, &k->link);
    if (map_put(&c->map, key, k) != OK) {
        list_remove(&k->link);
        memory_free(k);
    }
    return early;
}
