/* See table.h. */
#include "lib/tcp/table.h"

#include "runtime/panic.h"
#include "signatures/memory.h"

#define SLOTS_FIRST ((size_t)256)
#define SLOTS_MAX   ((size_t)1 << 20)
#define MOVES_ONCE  16u /* buckets: one size is left before the next one is due, either way */
#define SPARSE      8u  /* slots for each entry: then half as many do */

_Static_assert(sizeof(struct tcp_tuple) == 36, "hashed and compared as bytes: no padding");

enum err tcp_table_init(struct tcp_table *t, struct sipkey key)
{
    *t = (struct tcp_table){.key = key, .mask = SLOTS_FIRST - 1};
    t->slots = memory_zalloc(SLOTS_FIRST * sizeof(*t->slots));
    return t->slots ? OK : ERR_MEMORY;
}

void tcp_table_deinit(struct tcp_table *t)
{
    memory_free(t->slots);
    memory_free(t->old);
    *t = (struct tcp_table){.mask = 0};
}

/* Of IPv4 what differs: all the rest would cost as much again. */
static uint64_t hash_of(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    uint8_t v4[12];
    if (!address_is_v4(tuple->local))
        return siphash(t->key, slice_of(tuple, sizeof *tuple));
    memcpy(v4, tuple->local.bytes + 12, 4);
    memcpy(v4 + 4, tuple->remote.bytes + 12, 4);
    memcpy(v4 + 8, &tuple->local_port, 2);
    memcpy(v4 + 10, &tuple->remote_port, 2);
    return siphash(t->key, slice_of(v4, sizeof v4));
}

static struct tcp_entry **bucket(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    uint64_t hash = hash_of(t, tuple);
    if (t->old && (hash & t->old_mask) >= t->moved)
        return &t->old[hash & t->old_mask];
    return &t->slots[hash & t->mask];
}

struct tcp_entry *tcp_table_find(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    struct tcp_entry *e = *bucket(t, tuple);
    while (e && !tcp_tuple_equal(&e->tuple, tuple))
        e = e->next;
    return e;
}

void tcp_table_fetch(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    __builtin_prefetch(bucket(t, tuple));
}

static void resize(struct tcp_table *t, size_t count)
{
    struct tcp_entry **slots = memory_zalloc(count * sizeof(*slots));
    if (!slots)
        return;
    t->old = t->slots;
    t->old_mask = t->mask;
    t->slots = slots;
    t->mask = count - 1;
    t->moved = 0;
}

static void move(struct tcp_table *t)
{
    for (size_t i = 0; i < MOVES_ONCE && t->moved <= t->old_mask; i++) {
        struct tcp_entry *e = t->old[t->moved], *next;
        t->old[t->moved++] = NULL;
        for (; e; e = next) {
            next = e->next;
            struct tcp_entry **into = bucket(t, &e->tuple);
            e->next = *into;
            *into = e;
        }
    }
    if (t->moved <= t->old_mask)
        return;
    memory_free(t->old);
    t->old = NULL;
}

/* A step towards the size that suits the count. */
static void fit(struct tcp_table *t)
{
    size_t slots = t->mask + 1;
    if (t->walked)
        return;
    if (t->old)
        move(t);
    else if (t->count > slots / 2 && slots < SLOTS_MAX)
        resize(t, slots * 2);
    else if (t->count < slots / SPARSE && slots > SLOTS_FIRST)
        resize(t, slots / 2);
}

void tcp_table_add(struct tcp_table *t, struct tcp_entry *e)
{
    fit(t);
    struct tcp_entry **into = bucket(t, &e->tuple);
    e->next = *into;
    *into = e;
    t->count++;
}

void tcp_table_remove(struct tcp_table *t, struct tcp_entry *e)
{
    struct tcp_entry **at = bucket(t, &e->tuple);
    while (*at && *at != e)
        at = &(*at)->next;
    assert_always(*at == e);
    *at = e->next;
    e->next = NULL;
    t->count--;
    fit(t);
}

static void each_of(struct tcp_entry **slots, size_t count,
                    void (*each)(void *arg, struct tcp_entry *e), void *arg)
{
    for (size_t i = 0; slots && i < count; i++)
        for (struct tcp_entry *e = slots[i], *next; e; e = next) {
            next = e->next;
            each(arg, e);
        }
}

void tcp_table_each(struct tcp_table *t, void (*each)(void *arg, struct tcp_entry *e), void *arg)
{
    t->walked = true;
    each_of(t->slots, t->mask + 1, each, arg);
    each_of(t->old, t->old_mask + 1, each, arg);
    t->walked = false;
}
