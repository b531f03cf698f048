/* See queue.h. */
#include "lib/tcp/queue.h"

#include "runtime/panic.h"
#include "signatures/memory.h"

#define SMALL_CAP (TCP_CHUNK_SMALL - sizeof(struct tcp_chunk))

void tcp_chunks_init(struct tcp_chunks *c, uint32_t limit)
{
    *c = (struct tcp_chunks){.limbo_end = &c->limbo};
    pool_init(&c->small, "chunks", TCP_CHUNK_SMALL, limit);
    pool_init(&c->lent, "loans", sizeof(struct tcp_chunk), limit);
}

static size_t cost(const struct tcp_chunk *k)
{
    return sizeof *k + k->cap;
}

static void give_back(struct tcp_chunks *c, struct tcp_chunk *k)
{
    c->held -= cost(k);
    if (k->cap == 0 && k->loan.release)
        k->loan.release(k->loan.arg);
    if (k->cap == 0)
        pool_give(&c->lent, k);
    else if (k->small)
        pool_give(&c->small, k);
    else
        memory_free(k);
}

void tcp_chunks_settle(struct tcp_chunks *c, uint64_t completed)
{
    while (c->limbo && c->limbo->frame <= completed) {
        struct tcp_chunk *k = c->limbo;
        c->limbo = k->next;
        if (!c->limbo)
            c->limbo_end = &c->limbo;
        give_back(c, k);
    }
}

void tcp_chunks_deinit(struct tcp_chunks *c)
{
    tcp_chunks_settle(c, UINT64_MAX);
    assert_always(c->held == 0);
    pool_deinit(&c->small);
    pool_deinit(&c->lent);
}

static void append(struct tcp_chunks *c, struct tcp_queue *q, struct tcp_chunk *k)
{
    c->held += cost(k);
    k->at = q->end;
    if (q->last)
        q->last->next = k;
    else
        q->first = k;
    q->last = k;
    q->end += k->len;
}

/* --- appending --- */

static struct tcp_chunk *chunk_for(struct tcp_chunks *c, size_t len, bool long_queue)
{
    bool small = len <= SMALL_CAP && !long_queue;
    if (len > TCP_CHUNK_MAX || long_queue)
        len = TCP_CHUNK_MAX;
    struct tcp_chunk *k =
        small ? pool_take_dirty(&c->small) : memory_alloc(sizeof(struct tcp_chunk) + len);
    if (!k)
        return NULL;
    *k = (struct tcp_chunk){.cap = (uint32_t)(small ? SMALL_CAP : len), .small = small};
    k->ptr = k->bytes;
    return k;
}

static size_t tail_room(const struct tcp_queue *q)
{
    return q->last ? q->last->cap - (q->last->cap ? q->last->len : 0) : 0;
}

static void fill(struct tcp_chunk *k, struct slice *bytes)
{
    size_t n = k->cap - k->len;
    struct slice part = slice_take(*bytes, n);
    memcpy(k->bytes + k->len, part.ptr, part.len);
    k->len += part.len;
    *bytes = slice_drop(*bytes, n);
}

/* Fresh chunks for the bytes, in a chain, or NULL. Those of a long queue are large, so that they are
 * not so many to walk along. */
static struct tcp_chunk *chain_of(struct tcp_chunks *c, struct slice bytes, bool long_queue)
{
    struct tcp_chunk *first = NULL, **end = &first, *k = NULL;
    while (bytes.len && (k = chunk_for(c, bytes.len, long_queue))) {
        fill(k, &bytes);
        *end = k;
        end = &k->next;
    }
    if (!bytes.len)
        return first;
    while ((k = first)) {
        first = k->next;
        c->held += cost(k);
        give_back(c, k);
    }
    return NULL;
}

static bool is_long(const struct tcp_queue *q)
{
    return tcp_queue_bytes(q) >= 2 * TCP_CHUNK_MAX;
}

enum err tcp_queue_copy(struct tcp_chunks *c, struct tcp_queue *q, struct slice bytes)
{
    size_t merged = tail_room(q) < bytes.len ? tail_room(q) : bytes.len;
    struct slice rest = slice_drop(bytes, merged);
    struct tcp_chunk *fresh = rest.len ? chain_of(c, rest, is_long(q)) : NULL, *next;
    if (rest.len && !fresh)
        return ERR_MEMORY;
    if (merged) {
        struct slice head = slice_take(bytes, merged);
        fill(q->last, &head);
        q->end += merged;
    }
    for (; fresh; fresh = next) {
        next = fresh->next;
        fresh->next = NULL;
        append(c, q, fresh);
    }
    return OK;
}

enum err tcp_queue_lend(struct tcp_chunks *c, struct tcp_queue *q, struct slice bytes,
                        struct loan loan)
{
    struct tcp_chunk *k = pool_take_dirty(&c->lent);
    if (!k)
        return ERR_MEMORY;
    *k = (struct tcp_chunk){.ptr = bytes.ptr, .len = bytes.len, .loan = loan};
    append(c, q, k);
    return OK;
}

/* --- reading --- */

/* The chunk with the byte at an offset: mostly that of the cursor, or the one behind it. */
static struct tcp_chunk *chunk_at(const struct tcp_queue *q, uint64_t from)
{
    struct tcp_chunk *k = q->cursor && q->cursor->at <= from ? q->cursor : q->first;
    while (k && from - k->at >= k->len)
        k = k->next;
    return k;
}

size_t tcp_queue_gather(struct tcp_queue *q, uint64_t from, size_t len, struct slice *parts,
                        size_t count, size_t *used)
{
    struct tcp_chunk *k = chunk_at(q, from);
    size_t total = 0, n = 0;
    if (k)
        q->cursor = k;
    for (; k && n < count && total < len; k = k->next) {
        struct slice s = slice_drop(slice_of(k->ptr, k->len), (size_t)(from + total - k->at));
        s = slice_take(s, len - total);
        if (!s.len)
            continue;
        parts[n++] = s;
        total += s.len;
    }
    *used = n;
    return total;
}

void tcp_queue_carried(struct tcp_queue *q, uint64_t from, size_t len, uint64_t frame)
{
    for (struct tcp_chunk *k = chunk_at(q, from); k && k->at < from + len; k = k->next) {
        k->frame = frame;
        q->cursor = k;
    }
}

/* --- leaving --- */

static void leave(struct tcp_chunks *c, struct tcp_queue *q)
{
    struct tcp_chunk *k = q->first;
    q->first = k->next;
    if (!q->first)
        q->last = NULL;
    if (q->cursor == k)
        q->cursor = NULL;
    k->next = NULL;
    *c->limbo_end = k;
    c->limbo_end = &k->next;
}

void tcp_queue_drop(struct tcp_chunks *c, struct tcp_queue *q, uint64_t upto)
{
    if (upto > q->end)
        upto = q->end;
    while (q->first && q->first->at + q->first->len <= upto)
        leave(c, q);
    if (upto > q->begin)
        q->begin = upto;
}
