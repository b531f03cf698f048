/* See byte_ring.h. */
#include "platform/xen/byte_ring.h"

void byte_ring_init(struct byte_ring *r, char *bytes, uint32_t size, uint32_t *theirs,
                    uint32_t *ours)
{
    *r = (struct byte_ring){.bytes = bytes, .size = size, .theirs = theirs, .ours = ours};
    r->at = __atomic_load_n(ours, __ATOMIC_RELAXED);
}

static uint32_t other(const struct byte_ring *r)
{
    return __atomic_load_n(r->theirs, __ATOMIC_ACQUIRE);
}

static void advance(struct byte_ring *r, size_t count)
{
    r->at += (uint32_t)count;
    __atomic_store_n(r->ours, r->at, __ATOMIC_RELEASE);
}

size_t byte_ring_put(struct byte_ring *r, struct slice bytes)
{
    uint32_t queued = r->at - other(r);
    if (queued > r->size) { /* more was taken than put */
        r->malformed++;
        return 0;
    }
    bytes = slice_take(bytes, r->size - queued);
    for (size_t i = 0; i < bytes.len; i++)
        r->bytes[(r->at + i) & (r->size - 1)] = (char)bytes.ptr[i];
    advance(r, bytes.len);
    return bytes.len;
}

bool byte_ring_drained(const struct byte_ring *r)
{
    return other(r) == r->at;
}

size_t byte_ring_take(struct byte_ring *r, uint8_t *into, size_t room)
{
    size_t there = other(r) - r->at;
    if (there > r->size) { /* more was put than fits */
        r->malformed++;
        advance(r, there);
        return 0;
    }
    size_t count = there < room ? there : room;
    for (size_t i = 0; i < count; i++)
        into[i] = (uint8_t)r->bytes[(r->at + i) & (r->size - 1)];
    advance(r, count);
    return count;
}

bool byte_ring_waits(const struct byte_ring *r)
{
    return other(r) != r->at;
}
