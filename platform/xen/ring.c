/* See ring.h. */
#include "platform/xen/ring.h"

#include <string.h>

void ring_init(struct ring *r, void *page, size_t entry)
{
    uint32_t count = 1;
    while (count * 2 * entry <= RING_PAGE - sizeof(struct ring_shared))
        count *= 2;
    memset(page, 0, RING_PAGE);
    *r = (struct ring){.shared = page, .entry = (uint32_t)entry, .count = count};
    r->shared->request_event = r->shared->response_event = 1;
}

static void *slot(const struct ring *r, uint32_t position)
{
    return r->shared->entries + (size_t)(position & (r->count - 1)) * r->entry;
}

void *ring_request(struct ring *r)
{
    return slot(r, r->requests++);
}

bool ring_push(struct ring *r)
{
    uint32_t before = r->pushed, now = r->requests;
    if (before == now)
        return false;
    r->pushed = now;
    __atomic_store_n(&r->shared->request_producer, now, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* they are out before the wish is read */
    uint32_t event = __atomic_load_n(&r->shared->request_event, __ATOMIC_RELAXED);
    return (uint32_t)(now - event) < (uint32_t)(now - before);
}

bool ring_take(struct ring *r, void *into, size_t size)
{
    uint32_t producer = __atomic_load_n(&r->shared->response_producer, __ATOMIC_ACQUIRE);
    if (r->broken || producer == r->responses)
        return false;
    if (producer - r->responses > r->pushed - r->responses) { /* more than it was asked */
        r->broken = true;
        return false;
    }
    memcpy(into, slot(r, r->responses), size);
    r->responses++;
    return true;
}

bool ring_await(struct ring *r)
{
    __atomic_store_n(&r->shared->response_event, r->responses + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the wish is out before we look */
    return !r->broken &&
           __atomic_load_n(&r->shared->response_producer, __ATOMIC_RELAXED) != r->responses;
}
