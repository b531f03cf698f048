/* See timers.h and signatures/timer.h. Node i has the children 4i+1 .. 4i+4. */
#include "runtime/timers.h"

#include <string.h>

#include "runtime/panic.h"
#include "signatures/memory.h"

#define CHILDREN 4u
#define FEW      64u /* timers for which no memory is taken */

static struct timer *few[FEW];
static struct timer **heap = few;
static uint32_t count, cap = FEW;
static uint64_t earliest; /* see timers_floor */

static void place(uint32_t at, struct timer *t)
{
    heap[at] = t;
    t->slot = at + 1;
}

static void rise(uint32_t at, struct timer *t)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / CHILDREN;
        if (heap[parent]->deadline <= t->deadline)
            break;
        place(at, heap[parent]);
        at = parent;
    }
    place(at, t);
}

/* The child of `at` that is due first; count where there is none. */
static uint32_t first_child(uint32_t at)
{
    uint32_t child = at * CHILDREN + 1, best = child;
    if (child >= count)
        return count;
    uint32_t end = count - child < CHILDREN ? count : child + CHILDREN;
    for (child++; child < end; child++)
        if (heap[child]->deadline < heap[best]->deadline)
            best = child;
    return best;
}

static void sink(uint32_t at, struct timer *t)
{
    for (;;) {
        uint32_t child = first_child(at);
        if (child == count || heap[child]->deadline >= t->deadline)
            break;
        place(at, heap[child]);
        at = child;
    }
    place(at, t);
}

static void settle(uint32_t at, struct timer *t)
{
    if (at > 0 && t->deadline < heap[(at - 1) / CHILDREN]->deadline)
        rise(at, t);
    else
        sink(at, t);
}

static bool grow(void)
{
    if (count >= TIMERS_MAX)
        return false;
    struct timer **larger = memory_alloc(cap * 2 * sizeof *larger);
    if (!larger)
        return false;
    memcpy(larger, heap, count * sizeof *heap);
    if (heap != few)
        memory_free(heap);
    heap = larger;
    cap *= 2;
    return true;
}

static void give_back(void)
{
    memory_free(heap);
    heap = few;
    cap = FEW;
}

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
    *t = (struct timer){.fire = fire};
}

bool timer_start(struct timer *t, uint64_t deadline)
{
    t->deadline = deadline > earliest ? deadline : earliest;
    if (t->slot) {
        settle(t->slot - 1, t);
        return true;
    }
    if (count == cap && !grow())
        return false;
    rise(count++, t);
    return true;
}

void timer_stop(struct timer *t)
{
    if (!t->slot)
        return;
    uint32_t at = t->slot - 1;
    assert_always(at < count && heap[at] == t);
    struct timer *last = heap[--count];
    t->slot = 0;
    if (t != last)
        settle(at, last);
    if (count == 0 && heap != few)
        give_back();
}

void timers_floor(uint64_t floor)
{
    earliest = floor;
}

struct timer *timers_first(void)
{
    return count ? heap[0] : NULL;
}

uint32_t timers_count(void)
{
    return count;
}
