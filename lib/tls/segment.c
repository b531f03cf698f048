/* See segment.h. */
#include "lib/tls/segment.h"

#include "signatures/memory.h"

#define SMALL ((size_t)4096) /* sealed bytes that are copied into the flow below */
#define SPARE ((size_t)512)  /* room in a copied segment for what is written next */

/* --- plain --- */

struct segment {
    struct list link;
    struct slice rest;
    struct loan loan; /* of lent bytes */
    size_t size;      /* of bytes[]; 0: lent */
    uint8_t bytes[];
};

static struct segment *first_of(const struct tls_flow *f)
{
    return CONTAINER(f->segments.next, struct segment, link);
}

static void append(struct tls_flow *f, struct segment *s)
{
    list_append(&f->segments, &s->link);
    f->queued += s->rest.len;
}

/* Into what is left of the last segment. */
static bool append_to_last(struct tls_flow *f, struct slice bytes)
{
    if (list_empty(&f->segments))
        return false;
    struct segment *last = CONTAINER(f->segments.prev, struct segment, link);
    if (last->size == 0)
        return false;
    size_t used = (size_t)(last->rest.ptr - last->bytes) + last->rest.len;
    if (bytes.len > last->size - used)
        return false;
    memcpy(last->bytes + used, bytes.ptr, bytes.len);
    last->rest.len += bytes.len;
    f->queued += bytes.len;
    return true;
}

enum err tls_segment_copy(struct tls_flow *f, struct slice bytes)
{
    if (bytes.len == 0 || append_to_last(f, bytes))
        return OK;
    size_t size = bytes.len + SPARE;
    struct segment *s = memory_alloc(sizeof *s + size);
    if (!s)
        return ERR_MEMORY;
    memcpy(s->bytes, bytes.ptr, bytes.len);
    s->rest = slice_of(s->bytes, bytes.len);
    s->loan = (struct loan){NULL, NULL};
    s->size = size;
    append(f, s);
    return OK;
}

enum err tls_segment_lend(struct tls_flow *f, struct slice bytes, struct loan loan)
{
    struct segment *s = memory_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    s->rest = bytes;
    s->loan = loan;
    s->size = 0;
    append(f, s);
    return OK;
}

static size_t gather(const struct tls_flow *f, uint8_t *into)
{
    size_t len = 0;
    for (struct list *l = f->segments.next; l != &f->segments && len < TLS_RECORD_MAX;
         l = l->next) {
        struct slice some =
            slice_take(CONTAINER(l, struct segment, link)->rest, TLS_RECORD_MAX - len);
        if (some.len)
            memcpy(into + len, some.ptr, some.len);
        len += some.len;
    }
    return len;
}

struct slice tls_segments_peek(const struct tls_flow *f, uint8_t scratch[TLS_RECORD_MAX])
{
    if (list_empty(&f->segments))
        return slice_of(NULL, 0);
    const struct segment *first = first_of(f);
    if (first->rest.len >= TLS_RECORD_MAX || first->link.next == &f->segments)
        return slice_take(first->rest, TLS_RECORD_MAX);
    return slice_of(scratch, gather(f, scratch));
}

static void remove_first(struct tls_flow *f)
{
    struct segment *s = first_of(f);
    struct loan loan = s->loan;
    f->queued -= s->rest.len;
    list_remove(&s->link);
    memory_free(s);
    if (loan.release)
        loan.release(loan.arg);
}

void tls_segments_consume(struct tls_flow *f, size_t n)
{
    f->sealed += n;
    while (!list_empty(&f->segments)) {
        struct segment *s = first_of(f);
        size_t part = n < s->rest.len ? n : s->rest.len;
        s->rest = slice_drop(s->rest, part);
        f->queued -= part;
        n -= part;
        if (s->rest.len)
            return;
        remove_first(f);
    }
}

void tls_segments_drop(struct tls_flow *f)
{
    while (!list_empty(&f->segments))
        remove_first(f);
}

/* --- sealed --- */

#define CHUNK_SIZE (TLS_RECORD_MAX + 512) /* a record, and what a handshake may add to it */

struct chunk {
    struct list link;
    struct tls_flow *flow; /* NULL: it is gone */
    size_t len;
    size_t size;
    uint8_t bytes[];
};

static struct chunk *chunk_take(struct tls_flow *f, size_t len)
{
    struct list *spare = len <= CHUNK_SIZE ? list_shift(&f->spares->list) : NULL;
    size_t size = len <= CHUNK_SIZE ? CHUNK_SIZE : len;
    struct chunk *c;
    if (spare) {
        f->spares->count--;
        c = CONTAINER(spare, struct chunk, link);
    } else {
        c = memory_alloc(sizeof *c + size);
        if (!c)
            return NULL;
        c->size = size;
    }
    c->flow = f;
    c->len = len;
    return c;
}

static void chunk_give(struct tls_spares *spares, struct chunk *c)
{
    if (c->size != CHUNK_SIZE || spares->count == TLS_SPARES_MAX) {
        memory_free(c);
        return;
    }
    list_append(&spares->list, &c->link);
    spares->count++;
}

void tls_spares_init(struct tls_spares *s)
{
    list_init(&s->list);
    s->count = 0;
}

void tls_spares_deinit(struct tls_spares *s)
{
    for (struct list *l; (l = list_shift(&s->list)) != NULL;)
        memory_free(CONTAINER(l, struct chunk, link));
}

static void on_sent(void *arg)
{
    struct chunk *c = arg;
    struct tls_flow *f = c->flow;
    if (!f) {
        memory_free(c);
        return;
    }
    list_remove(&c->link);
    f->ahead -= c->len;
    chunk_give(f->spares, c);
    if (f->closed && timer_running(&f->timer)) /* there is progress */
        timer_start(&f->timer, clock_monotonic() + TLS_CLOSE_NS);
    tls_flow_post(f);
}

/* True if the flow below has it now; it may have released it already. */
static bool lend(struct tls_flow *f, struct chunk *c)
{
    struct slice bytes = slice_of(c->bytes, c->len);
    list_append(&f->lent, &c->link);
    if (flow_lend(f->below, bytes, (struct loan){on_sent, c}) == OK)
        return true;
    list_remove(&c->link);
    return false;
}

bool tls_chunk_put(struct tls_flow *f, struct slice sealed)
{
    if (f->below_closed)
        return true;
    if (list_empty(&f->unsent) && sealed.len <= SMALL && flow_write(f->below, sealed) == OK)
        return true;
    struct chunk *c = chunk_take(f, sealed.len);
    if (!c)
        return false;
    memcpy(c->bytes, sealed.ptr, sealed.len);
    f->ahead += sealed.len;
    if (!list_empty(&f->unsent) || !lend(f, c))
        list_append(&f->unsent, &c->link);
    return true;
}

void tls_chunks_retry(struct tls_flow *f)
{
    while (!list_empty(&f->unsent)) {
        struct list *first = list_shift(&f->unsent);
        if (lend(f, CONTAINER(first, struct chunk, link)))
            continue;
        list_append(f->unsent.next, first); /* back to the front: before the first that is left */
        return;
    }
}

void tls_chunks_drop(struct tls_flow *f)
{
    for (struct list *l; (l = list_shift(&f->unsent)) != NULL;)
        chunk_give(f->spares, CONTAINER(l, struct chunk, link));
    for (struct list *l; (l = list_shift(&f->lent)) != NULL;)
        CONTAINER(l, struct chunk, link)->flow = NULL;
}
