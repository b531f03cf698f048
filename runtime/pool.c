/* A list of free items threaded through the items themselves; see pool.h. */
#include "runtime/pool.h"

#include <string.h>

#include "runtime/panic.h"
#include "signatures/memory.h"

#define ALIGN      ((size_t)16)
#define SLAB_BYTES ((size_t)64 * 1024) /* how much to take at once, where the limit permits */

struct slab {
    struct slab *next;
    uint64_t unused; /* keeps the items behind it aligned */
};

struct item {
    struct item *next;
};

void pool_init(struct pool *p, const char *name, size_t size, uint32_t limit)
{
    assert_always(size <= SIZE_MAX / 2);
    size = size < ALIGN ? ALIGN : (size + ALIGN - 1) & ~(ALIGN - 1);
    *p = (struct pool){.name = name, .size = size, .limit = limit};
}

void pool_deinit(struct pool *p)
{
    assert_always(p->used == 0);
    for (struct slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        memory_free(s);
    }
    p->slabs = NULL;
    p->free = NULL;
    p->held = 0;
}

/* Slabs start small and double, so that a pool that is hardly used costs little. */
static uint32_t slab_items(const struct pool *p)
{
    size_t items = SLAB_BYTES / p->size;
    if (items > p->held)
        items = p->held;
    if (items < 4)
        items = 4;
    if (items > p->limit - p->held)
        items = p->limit - p->held;
    return (uint32_t)items;
}

static void add_slab(struct pool *p)
{
    uint32_t items = slab_items(p);
    if (items == 0 || p->size > (SIZE_MAX - sizeof(struct slab)) / items)
        return;
    struct slab *slab = memory_alloc(sizeof *slab + items * p->size);
    if (!slab)
        return;
    slab->next = p->slabs;
    p->slabs = slab;
    uint8_t *first = (uint8_t *)(slab + 1);
    for (uint32_t i = items; i-- > 0;) { /* the lowest address ends up in front */
        struct item *item = (struct item *)(void *)(first + i * p->size);
        item->next = p->free;
        p->free = item;
    }
    p->held += items;
}

void *pool_take_dirty(struct pool *p)
{
    if (!p->free)
        add_slab(p);
    struct item *item = p->free;
    if (!item) {
        p->refused++;
        return NULL;
    }
    p->free = item->next;
    if (++p->used > p->peak)
        p->peak = p->used;
    return item;
}

void *pool_take(struct pool *p)
{
    void *item = pool_take_dirty(p);
    return item ? memset(item, 0, p->size) : NULL;
}

void pool_give(struct pool *p, void *given)
{
    struct item *item = given;
    if (!item)
        return;
    assert_always(p->used > 0);
    p->used--;
    item->next = p->free;
    p->free = item;
}
