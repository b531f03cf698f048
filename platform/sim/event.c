/*
 * What the simulated place will do, by time: a pairing heap through the events themselves, so that
 * the simulation takes no memory of the program's.
 */
#include "platform/sim/internal.h"
#include "platform/sim/sim.h"
#include "signatures/clock.h"
#include "signatures/wait.h"

static struct sim_event *root;
static uint64_t scheduled; /* so far */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* Makes the later one the first child of the earlier. prev is the elder sibling or the parent. */
static struct sim_event *meld(struct sim_event *a, struct sim_event *b)
{
    if (!a || !b)
        return a ? a : b;
    struct sim_event *top = before(a, b) ? a : b, *under = top == a ? b : a;
    under->next = top->child;
    if (under->next)
        under->next->prev = under;
    under->prev = top;
    top->child = under;
    top->next = top->prev = NULL;
    return top;
}

/* Melds siblings in pairs from left to right, then the pairs from right to left. */
static struct sim_event *meld_siblings(struct sim_event *first)
{
    struct sim_event *pairs = NULL, *result = NULL;
    while (first) {
        struct sim_event *second = first->next, *rest = second ? second->next : NULL;
        first->next = first->prev = NULL;
        if (second)
            second->next = second->prev = NULL;
        struct sim_event *pair = meld(first, second);
        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    while (pairs) {
        struct sim_event *rest = pairs->next;
        pairs->next = NULL;
        result = meld(result, pairs);
        pairs = rest;
    }
    return result;
}

void sim_event_cancel(struct sim_event *e)
{
    if (!e->scheduled)
        return;
    struct sim_event *below = meld_siblings(e->child);
    if (e == root) {
        root = below;
    } else {
        if (e->prev->child == e)
            e->prev->child = e->next;
        else
            e->prev->next = e->next;
        if (e->next)
            e->next->prev = e->prev;
        root = meld(root, below);
    }
    e->child = e->next = e->prev = NULL;
    e->scheduled = false;
}

void sim_event_schedule(struct sim_event *e, uint64_t at)
{
    sim_event_cancel(e);
    e->at = at;
    e->order = scheduled++;
    e->scheduled = true;
    e->child = e->next = e->prev = NULL;
    root = meld(root, e);
}

uint64_t sim_event_next(void)
{
    return root ? root->at : WAIT_FOREVER;
}

bool sim_event_happen(void)
{
    bool any = false;
    uint64_t until = scheduled; /* what gets scheduled meanwhile waits for the next round */
    while (root && root->at <= clock_monotonic() && root->order < until) {
        struct sim_event *e = root;
        sim_event_cancel(e);
        e->happen(e);
        any = true;
    }
    return any;
}
