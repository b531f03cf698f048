/* Slabs of items, each with a list of its free ones threaded through them; see pool.h. */
#include "runtime/pool.h"

#include <string.h>

#include "runtime/panic.h"
#include "signatures/memory.h"

#define ALIGN       ((size_t)16)
#define SLAB_BYTES  ((size_t)64 * 1024) /* of a slab, where that is one item at least */
#define FIRST_BYTES ((size_t)16 * 1024) /* the same, of the first */
#define FIRST_ITEMS ((size_t)64)        /* and no more than so many */

struct item {
    struct item *next;
};

/* Where an item belongs: in front of it. */
struct mark {
    struct pool_slab *slab;
};

struct pool_slab {
    struct pool_slab *next, *prev; /* in the pool's list */
    struct item *free;
    uint32_t used, items;
    uint64_t unused; /* together with a mark it keeps the items aligned */
};

_Static_assert((sizeof(struct pool_slab) + sizeof(struct mark)) % ALIGN == 0, "alignment");

void pool_init(struct pool *p, const char *name, size_t size, uint32_t limit)
{
    assert_always(size <= SIZE_MAX / 2);
    size_t stride = (size + sizeof(struct mark) + ALIGN - 1) & ~(ALIGN - 1);
    *p = (struct pool){.name = name, .size = stride - sizeof(struct mark), .limit = limit};
}

/* --- slabs --- */

static void insert(struct pool *p, struct pool_slab *s)
{
    s->prev = NULL;
    s->next = p->open;
    if (s->next)
        s->next->prev = s;
    p->open = s;
}

static void unlink(struct pool *p, struct pool_slab *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        p->open = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

/* They double, so that none is larger than what is in use already. */
static uint32_t items_of_next(const struct pool *p)
{
    size_t bytes = p->first ? SLAB_BYTES : FIRST_BYTES, most = p->first ? p->held : FIRST_ITEMS;
    size_t items = (bytes - sizeof(struct pool_slab)) / (p->size + sizeof(struct mark));
    if (items > most)
        items = most;
    if (items == 0)
        items = 1;
    if (items > p->limit - p->held)
        items = p->limit - p->held;
    return (uint32_t)items;
}

static struct pool_slab *acquire(struct pool *p)
{
    uint32_t items = items_of_next(p);
    size_t stride = p->size + sizeof(struct mark);
    struct pool_slab *s = items ? memory_alloc(sizeof *s + items * stride) : NULL;
    if (!s)
        return NULL;
    *s = (struct pool_slab){.items = items};
    uint8_t *first = (uint8_t *)(s + 1) + sizeof(struct mark);
    for (uint32_t i = items; i-- > 0;) { /* the lowest address ends up in front */
        struct item *item = (struct item *)(void *)(first + i * stride);
        ((struct mark *)item)[-1].slab = s;
        item->next = s->free;
        s->free = item;
    }
    p->held += items;
    if (!p->first)
        p->first = s;
    return s;
}

static void release(struct pool *p, struct pool_slab *s)
{
    if (!s)
        return;
    p->held -= s->items;
    memory_free(s);
}

static struct pool_slab *grow(struct pool *p)
{
    struct pool_slab *s = p->spare ? p->spare : acquire(p);
    p->spare = NULL;
    if (s)
        insert(p, s);
    return s;
}

/* Nothing of it is in use any more. */
static void rest(struct pool *p, struct pool_slab *s)
{
    if (s != p->first) {
        unlink(p, s);
        release(p, p->spare);
        p->spare = s;
    }
    if (p->used == 0) {
        release(p, p->spare);
        p->spare = NULL;
    }
}

void pool_deinit(struct pool *p)
{
    assert_always(p->used == 0);
    release(p, p->first);
    p->open = p->first = NULL;
}

/* --- items --- */

void *pool_take_dirty(struct pool *p)
{
    struct pool_slab *s = p->open ? p->open : grow(p);
    if (!s) {
        p->refused++;
        return NULL;
    }
    struct item *item = s->free;
    s->free = item->next;
    s->used++;
    if (!s->free)
        unlink(p, s);
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
    struct pool_slab *s = ((struct mark *)given)[-1].slab;
    assert_always(s->used > 0);
    if (!s->free)
        insert(p, s);
    item->next = s->free;
    s->free = item;
    p->used--;
    if (--s->used == 0)
        rest(p, s);
}
