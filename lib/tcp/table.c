/* See table.h. */
#include "lib/tcp/table.h"

#include "runtime/panic.h"
#include "signatures/memory.h"

#define SLOTS_FIRST ((size_t)256)
#define SLOTS_MAX   ((size_t)1 << 20)
#define MOVES_ONCE  4 /* buckets; at least two, for growing to end before the next one is due */

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

static struct tcp_entry **bucket(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    uint64_t hash = siphash(t->key, slice_of(tuple, sizeof *tuple));
    if (t->old && (hash & (t->mask >> 1)) >= t->moved)
        return &t->old[hash & (t->mask >> 1)];
    return &t->slots[hash & t->mask];
}

struct tcp_entry *tcp_table_find(const struct tcp_table *t, const struct tcp_tuple *tuple)
{
    struct tcp_entry *e = *bucket(t, tuple);
    while (e && !tcp_tuple_equal(&e->tuple, tuple))
        e = e->next;
    return e;
}

static void grow(struct tcp_table *t)
{
    size_t count = (t->mask + 1) * 2;
    struct tcp_entry **slots = count <= SLOTS_MAX ? memory_zalloc(count * sizeof(*slots)) : NULL;
    if (!slots)
        return;
    t->old = t->slots;
    t->slots = slots;
    t->mask = count - 1;
    t->moved = 0;
}

static void move(struct tcp_table *t)
{
    size_t old_count = (t->mask + 1) / 2;
    for (int i = 0; i < MOVES_ONCE && t->moved < old_count; i++) {
        struct tcp_entry *e = t->old[t->moved], *next;
        t->old[t->moved++] = NULL;
        for (; e; e = next) {
            next = e->next;
            struct tcp_entry **into = bucket(t, &e->tuple);
            e->next = *into;
            *into = e;
        }
    }
    if (t->moved < old_count)
        return;
    memory_free(t->old);
    t->old = NULL;
}

void tcp_table_add(struct tcp_table *t, struct tcp_entry *e)
{
    if (t->old)
        move(t);
    else if (t->count > t->mask)
        grow(t);
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
    each_of(t->slots, t->mask + 1, each, arg);
    each_of(t->old, (t->mask + 1) / 2, each, arg);
}
