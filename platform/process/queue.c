/* See queue.h. */
#include "platform/process/queue.h"

#include "runtime/pool.h"
#include "signatures/memory.h"

struct segment {
    struct segment *next;
    const uint8_t *ptr; /* what is not sent yet */
    size_t len;
    struct loan loan;
    struct chunk *chunk; /* the chunk that this is the head of, or NULL */
};

struct chunk {
    struct segment segment;
    size_t filled; /* bytes ever put in */
    uint8_t bytes[QUEUE_CHUNK];
};

static struct pool segments, chunks;

static void init_pools(void)
{
    if (segments.name)
        return;
    pool_init(&segments, "lent segments", sizeof(struct segment), QUEUE_SEGMENTS_MAX);
    pool_init(&chunks, "copied segments", sizeof(struct chunk), QUEUE_SEGMENTS_MAX);
}

static void append(struct queue *q, struct segment *s)
{
    if (q->last)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
    q->bytes += s->len;
}

enum err queue_lend(struct queue *q, struct slice bytes, struct loan loan)
{
    init_pools();
    struct segment *s = pool_take_dirty(&segments);
    if (!s)
        return ERR_MEMORY;
    *s = (struct segment){.ptr = bytes.ptr, .len = bytes.len, .loan = loan};
    append(q, s);
    return OK;
}

/* Too much for a chunk: a block of its own, lent to the queue. */
static enum err copy_large(struct queue *q, struct slice bytes)
{
    uint8_t *block = memory_alloc(bytes.len);
    if (!block)
        return ERR_MEMORY;
    memcpy(block, bytes.ptr, bytes.len);
    enum err e = queue_lend(q, slice_of(block, bytes.len), (struct loan){memory_free, block});
    if (e)
        memory_free(block);
    return e;
}

enum err queue_copy(struct queue *q, struct slice bytes)
{
    struct chunk *c = q->last ? q->last->chunk : NULL;
    if (bytes.len == 0)
        return OK;
    if (c && bytes.len <= QUEUE_CHUNK - c->filled) { /* behind what is there */
        memcpy(c->bytes + c->filled, bytes.ptr, bytes.len);
        c->filled += bytes.len;
        c->segment.len += bytes.len;
        q->bytes += bytes.len;
        return OK;
    }
    if (bytes.len > QUEUE_CHUNK)
        return copy_large(q, bytes);
    init_pools();
    c = pool_take_dirty(&chunks);
    if (!c)
        return ERR_MEMORY;
    c->segment = (struct segment){.ptr = c->bytes, .len = bytes.len, .chunk = c};
    c->filled = bytes.len;
    memcpy(c->bytes, bytes.ptr, bytes.len);
    append(q, &c->segment);
    return OK;
}

size_t queue_gather(const struct queue *q, struct iovec *into, size_t most)
{
    size_t count = 0;
    for (const struct segment *s = q->first; s && count < most; s = s->next)
        if (s->len)
            into[count++] =
                (struct iovec){.iov_base = (void *)(uintptr_t)s->ptr, .iov_len = s->len};
    return count;
}

static void drop_first(struct queue *q)
{
    struct segment *s = q->first;
    struct loan loan = s->loan;
    q->first = s->next;
    if (!q->first)
        q->last = NULL;
    q->bytes -= s->len;
    if (s->chunk)
        pool_give(&chunks, s->chunk);
    else
        pool_give(&segments, s);
    if (loan.release)
        loan.release(loan.arg);
}

void queue_sent(struct queue *q, size_t n)
{
    while (q->first && n >= q->first->len) {
        n -= q->first->len;
        drop_first(q);
    }
    if (n == 0 || !q->first)
        return;
    q->first->ptr += n;
    q->first->len -= n;
    q->bytes -= n;
}

void queue_drop(struct queue *q)
{
    while (q->first)
        drop_first(q);
}

uint32_t queue_segments(void)
{
    return segments.used + chunks.used;
}

uint64_t queue_refused(void)
{
    return segments.refused + chunks.refused;
}
