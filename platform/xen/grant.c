/* See grant.h. Giving: the flags are written last. Ending: they are taken away only if Xen has not noted
 * there that the page is in use (xen/grant_table.h: "Updating a grant table entry"). */
#include "platform/xen/grant.h"

#include "platform/xen/interface.h"

#define IN_USE (GTF_reading | GTF_writing)

static struct grant_entry_v1 *entry(const struct grants *g, uint32_t number)
{
    return (struct grant_entry_v1 *)g->table + number;
}

void grants_init(struct grants *g, void *table, uint32_t count)
{
    *g = (struct grants){.table = table, .count = count < GRANTS_MAX ? count : GRANTS_MAX};
    for (uint32_t i = g->count; i-- > GRANT_RESERVED;)
        g->free[g->free_count++] = i;
}

uint32_t grant_take(struct grants *g)
{
    if (!g->free_count) {
        g->refused++;
        return GRANT_NONE;
    }
    g->used++;
    return g->free[--g->free_count];
}

void grant_return(struct grants *g, uint32_t number)
{
    if (number == GRANT_NONE)
        return;
    g->used--;
    g->free[g->free_count++] = number;
}

void grant_give(struct grants *g, uint32_t number, uint16_t domain, uint32_t frame, bool writable)
{
    struct grant_entry_v1 *e = entry(g, number);
    uint16_t flags = GTF_permit_access | (writable ? 0 : GTF_readonly);
    e->domid = domain;
    e->frame = frame;
    __atomic_store_n(&e->flags, flags, __ATOMIC_RELEASE);
}

bool grant_end(struct grants *g, uint32_t number)
{
    if (number == GRANT_NONE)
        return true;
    struct grant_entry_v1 *e = entry(g, number);
    uint16_t flags = __atomic_load_n(&e->flags, __ATOMIC_RELAXED);
    do {
        if (flags & IN_USE) {
            g->held++;
            return false;
        }
    } while (!__atomic_compare_exchange_n(&e->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    return true;
}
