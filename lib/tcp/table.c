/* See table.h. */
#include "lib/tcp/table.h"

#include "runtime/panic.h"
#include "signatures/memory.h"

#define CACHE_LINE    sizeof(struct tcp_bucket)
#define BUCKETS_FIRST ((size_t)32)
#define BUCKETS_MAX   ((size_t)1 << 17)
#define CROWDED       4u /* entries for each bucket: then twice as many buckets do */
#define MOVES_ONCE    2u /* buckets: one size is left before the next one is due, either way */

_Static_assert(sizeof(struct tcp_tuple) == 36, "hashed and compared as bytes: no padding");

static bool make(struct tcp_buckets *b, size_t count)
{
    uint8_t *block = memory_zalloc((count + 1) * CACHE_LINE);
    if (!block)
        return false;
    b->block = block;
    b->first = (struct tcp_bucket *)(void *)(block + (-(uintptr_t)block & (CACHE_LINE - 1)));
    b->mask = count - 1;
    return true;
}

enum err tcp_table_init(struct tcp_table *t, struct sipkey key)
{
    *t = (struct tcp_table){.key = key};
    return make(&t->buckets, BUCKETS_FIRST) ? OK : ERR_MEMORY;
}

void tcp_table_deinit(struct tcp_table *t)
{
    memory_free(t->buckets.block);
    memory_free(t->old.block);
    *t = (struct tcp_table){.count = 0};
}

/* Of IPv4 what differs: all the rest would cost as much again. */
static uint32_t hash_of(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    uint8_t v4[12];
    if (!address_is_v4(tuple->local))
        return (uint32_t)siphash(t->key, slice_of(tuple, sizeof *tuple));
    memcpy(v4, tuple->local.bytes + 12, 4);
    memcpy(v4 + 4, tuple->remote.bytes + 12, 4);
    memcpy(v4 + 8, &tuple->local_port, 2);
    memcpy(v4 + 10, &tuple->remote_port, 2);
    return (uint32_t)siphash(t->key, slice_of(v4, sizeof v4));
}

/* The bits that choose a bucket of a large table last. */
static uint8_t tag_of(uint32_t hash)
{
    return (uint8_t)(hash >> 16);
}

static struct tcp_bucket *bucket(const struct tcp_table *t, uint32_t hash)
{
    if (t->old.first && (hash & t->old.mask) >= t->moved)
        return &t->old.first[hash & t->old.mask];
    return &t->buckets.first[hash & t->buckets.mask];
}

struct tcp_entry *tcp_table_find(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    uint32_t hash = hash_of(t, tuple);
    const struct tcp_bucket *b = bucket(t, hash);
    for (size_t i = 0; i < TCP_BUCKET_ENTRIES; i++)
        if (b->tags[i] == tag_of(hash) && b->entries[i] &&
            tcp_tuple_equal(&b->entries[i]->tuple, tuple))
            return b->entries[i];
    struct tcp_entry *e = b->more;
    while (e && !tcp_tuple_equal(&e->tuple, tuple))
        e = e->next;
    return e;
}

void tcp_table_fetch(const struct tcp_table *t, const struct tcp_entry *e)
{
    __builtin_prefetch(bucket(t, e->hash));
}

static void put(struct tcp_bucket *b, size_t at, struct tcp_entry *e)
{
    b->entries[at] = e;
    b->tags[at] = tag_of(e->hash);
    e->next = NULL;
}

static void enter(struct tcp_table *t, struct tcp_entry *e)
{
    struct tcp_bucket *b = bucket(t, e->hash);
    for (size_t i = 0; i < TCP_BUCKET_ENTRIES; i++)
        if (!b->entries[i]) {
            put(b, i, e);
            return;
        }
    e->next = b->more;
    b->more = e;
}

/* Whoever is chained gets the place. */
static void vacate(struct tcp_bucket *b, size_t at)
{
    struct tcp_entry *e = b->more;
    b->entries[at] = NULL;
    if (!e)
        return;
    b->more = e->next;
    put(b, at, e);
}

static void unchain(struct tcp_bucket *b, struct tcp_entry *e)
{
    struct tcp_entry **at = &b->more;
    while (*at && *at != e)
        at = &(*at)->next;
    assert_always(*at == e);
    *at = e->next;
    e->next = NULL;
}

static void leave(struct tcp_table *t, struct tcp_entry *e)
{
    struct tcp_bucket *b = bucket(t, e->hash);
    for (size_t i = 0; i < TCP_BUCKET_ENTRIES; i++)
        if (b->entries[i] == e) {
            vacate(b, i);
            return;
        }
    unchain(b, e);
}

/* --- its size --- */

static void resize(struct tcp_table *t, size_t count)
{
    struct tcp_buckets former = t->buckets;
    if (!make(&t->buckets, count))
        return;
    t->old = former;
    t->moved = 0;
}

static void move_bucket(struct tcp_table *t)
{
    struct tcp_bucket *b = &t->old.first[t->moved++];
    for (size_t i = 0; i < TCP_BUCKET_ENTRIES; i++)
        if (b->entries[i])
            enter(t, b->entries[i]);
    for (struct tcp_entry *e = b->more, *next; e; e = next) {
        next = e->next;
        enter(t, e);
    }
    *b = (struct tcp_bucket){.more = NULL};
}

static void move(struct tcp_table *t)
{
    for (size_t i = 0; i < MOVES_ONCE && t->moved <= t->old.mask; i++)
        move_bucket(t);
    if (t->moved <= t->old.mask)
        return;
    memory_free(t->old.block);
    t->old = (struct tcp_buckets){.first = NULL};
}

/* A step towards the size that suits the count. */
static void fit(struct tcp_table *t)
{
    size_t buckets = t->buckets.mask + 1;
    if (t->walked)
        return;
    if (t->old.first)
        move(t);
    else if (t->count > buckets * CROWDED && buckets < BUCKETS_MAX)
        resize(t, buckets * 2);
    else if (t->count < buckets && buckets > BUCKETS_FIRST)
        resize(t, buckets / 2);
}

void tcp_table_add(struct tcp_table *t, struct tcp_entry *e)
{
    fit(t);
    e->hash = hash_of(t, &e->tuple) & 0xffffff;
    enter(t, e);
    t->count++;
}

void tcp_table_remove(struct tcp_table *t, struct tcp_entry *e)
{
    leave(t, e);
    t->count--;
    fit(t);
}

/* Those behind a bucket first: one of them may come into the place of one that is removed. */
static void each_in(struct tcp_bucket *b, void (*each)(void *arg, struct tcp_entry *e), void *arg)
{
    for (struct tcp_entry *e = b->more, *next; e; e = next) {
        next = e->next;
        each(arg, e);
    }
    for (size_t i = 0; i < TCP_BUCKET_ENTRIES; i++)
        if (b->entries[i])
            each(arg, b->entries[i]);
}

static void each_of(struct tcp_buckets *b, void (*each)(void *arg, struct tcp_entry *e), void *arg)
{
    for (size_t i = 0; b->first && i <= b->mask; i++)
        each_in(&b->first[i], each, arg);
}

void tcp_table_each(struct tcp_table *t, void (*each)(void *arg, struct tcp_entry *e), void *arg)
{
    t->walked = true;
    each_of(&t->buckets, each, arg);
    each_of(&t->old, each, arg);
    t->walked = false;
}
