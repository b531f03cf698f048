/* See timewait.h. */
#include "lib/tcp/timewait.h"

#include "signatures/clock.h"
#include "signatures/memory.h"

#define BLOCK_WAITS 63u /* with the head of the block, 4 KiB */
#define LONGEST     ((int32_t)(3600 * CLOCK_SEC / TCP_WAIT_TICK)) /* ticks: nobody waits for so long */

struct tcp_wait_block {
    struct tcp_wait_block *next;
    uint32_t begin, end; /* those in use */
    uint64_t unused[6];  /* fills up to the size of one */
    struct tcp_wait waits[BLOCK_WAITS];
};

void tcp_waits_init(struct tcp_waits *w, struct tcp_table *table, uint32_t limit)
{
    *w = (struct tcp_waits){.table = table, .limit = limit};
}

/* The oldest place becomes free; its block with it, where it was the last one in there. Where many
 * wait, whatever a minute ago was touched last is in no cache: what the next one needs is fetched. */
static void drop_oldest(struct tcp_waits *w)
{
    struct tcp_wait_block *b = w->first;
    struct tcp_wait *one = &b->waits[b->begin++];
    if (!(one->entry.flags & TCP_WAIT_DEAD))
        tcp_waits_remove(w, one);
    w->used--;
    if (b->begin < b->end) {
        tcp_table_fetch(w->table, &b->waits[b->begin].entry);
        __builtin_prefetch(&b->waits[b->begin + 1]); /* or what lies behind: nothing is read */
        return;
    }
    w->first = b->next;
    if (!w->first)
        w->last = NULL;
    if (w->spare)
        memory_free(b);
    else
        w->spare = b;
}

void tcp_waits_deinit(struct tcp_waits *w)
{
    while (w->first)
        drop_oldest(w);
    memory_free(w->spare);
    w->spare = NULL;
}

static struct tcp_wait_block *add_block(struct tcp_waits *w)
{
    struct tcp_wait_block *b = w->spare ? w->spare : memory_alloc(sizeof *b);
    if (!b)
        return NULL;
    w->spare = NULL;
    b->next = NULL;
    b->begin = b->end = 0;
    if (w->last)
        w->last->next = b;
    else
        w->first = b;
    return w->last = b;
}

struct tcp_wait *tcp_waits_add(struct tcp_waits *w, const struct tcp_tuple *tuple, uint64_t now,
                               uint64_t ns)
{
    while (w->used >= w->limit && w->first) {
        w->shed += !(w->first->waits[w->first->begin].entry.flags & TCP_WAIT_DEAD);
        drop_oldest(w);
    }
    struct tcp_wait_block *b = w->last;
    if ((!b || b->end == BLOCK_WAITS) && !(b = add_block(w)))
        return NULL;
    struct tcp_wait *one = &b->waits[b->end++];
    *one = (struct tcp_wait){.entry = {.tuple = *tuple, .kind = TCP_KIND_TIME_WAIT}};
    one->expiry = (uint32_t)((now + ns) / TCP_WAIT_TICK + 1);
    w->used++;
    w->alive++;
    tcp_table_add(w->table, &one->entry);
    return one;
}

void tcp_waits_remove(struct tcp_waits *w, struct tcp_wait *one)
{
    tcp_table_remove(w->table, &one->entry);
    one->entry.flags |= TCP_WAIT_DEAD;
    w->alive--;
}

struct tcp_wait *tcp_waits_renew(struct tcp_waits *w, struct tcp_wait *one, uint64_t now,
                                 uint64_t ns)
{
    struct tcp_wait old = *one;
    tcp_waits_remove(w, one);
    struct tcp_wait *again = tcp_waits_add(w, &old.entry.tuple, now, ns);
    if (!again)
        return NULL;
    again->entry.flags = old.entry.flags;
    again->send_next = old.send_next;
    again->receive_next = old.receive_next;
    again->stamp = old.stamp;
    return again;
}

/* What seems to lie in a far future is a past from which time has leapt: a machine that was restored. */
static int32_t ticks_left(const struct tcp_waits *w, uint64_t now)
{
    const struct tcp_wait *oldest = &w->first->waits[w->first->begin];
    int32_t left = (int32_t)(oldest->expiry - (uint32_t)(now / TCP_WAIT_TICK));
    return left > LONGEST ? 0 : left;
}

void tcp_waits_expire(struct tcp_waits *w, uint64_t now)
{
    while (w->first && (ticks_left(w, now) <= 0 ||
                        w->first->waits[w->first->begin].entry.flags & TCP_WAIT_DEAD))
        drop_oldest(w);
}

uint64_t tcp_waits_deadline(const struct tcp_waits *w, uint64_t now)
{
    if (!w->first)
        return UINT64_MAX;
    int32_t left = ticks_left(w, now);
    return left <= 0 ? now : (now / TCP_WAIT_TICK + (uint64_t)left) * TCP_WAIT_TICK;
}
