/* Putting fragments together: see reassembly.h. */
#include "lib/ip/reassembly.h"

#include "lib/ip/internal.h"
#include "signatures/memory.h"

void reassembly_init(struct reassembly *t)
{
    memset(t, 0, sizeof(*t));
    list_init(&t->busy);
    list_init(&t->free);
    for (size_t i = 0; i < REASSEMBLY_MAX; i++)
        list_append(&t->free, &t->of[i].link);
}

static void forget_pieces(struct reassembly *t, struct datagram *d)
{
    while (d->first) {
        struct piece *p = d->first;
        d->first = p->next;
        memory_free(p);
    }
    t->bytes -= d->bytes;
    d->bytes = d->pieces = d->have = 0;
}

static void forget(struct reassembly *t, struct datagram *d)
{
    forget_pieces(t, d);
    list_remove(&d->link);
    list_append(&t->free, &d->link);
}

static struct datagram *oldest(const struct reassembly *t)
{
    return list_empty(&t->busy) ? NULL : CONTAINER(t->busy.next, struct datagram, link);
}

void reassembly_deinit(struct reassembly *t)
{
    while (!list_empty(&t->busy))
        forget(t, oldest(t));
}

static bool is_of(const struct datagram *d, const struct fragment *f)
{
    return d->id == f->id && address_equal(&d->source, &f->source) &&
           address_equal(&d->destination, &f->destination) &&
           (d->protocol == f->protocol || !address_is_v4(f->source));
}

static struct datagram *find(struct reassembly *t, const struct fragment *f)
{
    for (struct list *l = t->busy.next; l != &t->busy; l = l->next)
        if (is_of(CONTAINER(l, struct datagram, link), f))
            return CONTAINER(l, struct datagram, link);
    return NULL;
}

/* Of one source: how many, and the oldest. */
static size_t of_source(struct reassembly *t, const struct address *source, struct datagram **first)
{
    size_t n = 0;
    for (struct list *l = t->busy.next; l != &t->busy; l = l->next) {
        struct datagram *d = CONTAINER(l, struct datagram, link);
        if (!address_equal(&d->source, source))
            continue;
        if (n++ == 0)
            *first = d;
    }
    return n;
}

static struct datagram *begin(struct reassembly *t, const struct fragment *f, uint64_t now,
                              struct reassembled *out)
{
    struct datagram *first = NULL;
    if (of_source(t, &f->source, &first) == REASSEMBLY_PER_SOURCE) {
        forget(t, first);
        out->source_full++;
    }
    if (list_empty(&t->free)) {
        forget(t, oldest(t));
        out->full++;
    }
    struct datagram *d = CONTAINER(list_shift(&t->free), struct datagram, link);
    uint64_t time = address_is_v4(f->source) ? REASSEMBLY_TIME_V4 : REASSEMBLY_TIME_V6;
    *d = (struct datagram){.source = f->source,
                           .destination = f->destination,
                           .id = f->id,
                           .protocol = f->protocol,
                           .until = now + time};
    list_append(&t->busy, &d->link);
    return d;
}

/* Units of eight but for the last piece, and not beyond what a length field can say. */
static bool is_sane(const struct fragment *f)
{
    return f->length > 0 && (f->last || f->length % 8 == 0) && f->head.len <= REASSEMBLY_HEAD_MAX &&
           f->offset + f->length + f->head.len <= UINT16_MAX;
}

/* Nothing lies beyond the end, and there is one end. */
static bool fits(const struct datagram *d, const struct fragment *f)
{
    size_t end = f->offset + f->length;
    if (d->length != 0)
        return f->last ? end == d->length : end <= d->length;
    if (!f->last)
        return true;
    for (const struct piece *p = d->first; p; p = p->next)
        if (p->end > end)
            return false;
    return true;
}

/* Where in the row it belongs; NULL and why not. */
static struct piece **place_of(struct datagram *d, const struct fragment *f,
                               enum reassembly_result *why)
{
    struct piece **at = &d->first;
    while (*at && (*at)->end <= f->offset)
        at = &(*at)->next;
    if (!*at || (*at)->start >= f->offset + f->length)
        return at;
    bool same = (*at)->start == f->offset && (*at)->end == f->offset + f->length;
    *why = same ? REASSEMBLY_DUPLICATE : REASSEMBLY_OVERLAP;
    return NULL;
}

/* Room for so many bytes, at the cost of older datagrams. */
static bool make_room(struct reassembly *t, const struct datagram *d, size_t bytes,
                      struct reassembled *out)
{
    while (t->bytes + bytes > REASSEMBLY_BYTES) {
        struct datagram *victim = oldest(t);
        if (victim == d && victim->link.next != &t->busy)
            victim = CONTAINER(victim->link.next, struct datagram, link);
        if (victim == d)
            return false;
        forget(t, victim);
        out->full++;
    }
    return true;
}

static enum reassembly_result keep(struct reassembly *t, struct datagram *d,
                                   const struct fragment *f, struct reassembled *out)
{
    enum reassembly_result why = REASSEMBLY_KEPT;
    struct piece **at = place_of(d, f, &why);
    if (!at)
        return why;
    size_t cost = sizeof(struct piece) + f->length;
    if (d->pieces == REASSEMBLY_PIECES || !make_room(t, d, cost, out))
        return REASSEMBLY_LIMIT;
    struct piece *p = memory_alloc(cost);
    if (!p)
        return REASSEMBLY_MEMORY;
    p->start = f->offset;
    p->end = (uint32_t)(f->offset + f->length);
    p->next = *at;
    parts_copy(f->parts, f->count, f->skip, p->bytes, f->length);
    *at = p;
    d->pieces++;
    d->have += (uint32_t)f->length;
    d->bytes += (uint32_t)cost;
    t->bytes += cost;
    return REASSEMBLY_KEPT;
}

/* Of the first piece the head, of the last one the length, of each its ECN field. */
static void note(struct datagram *d, const struct fragment *f)
{
    d->ecns = (uint8_t)(d->ecns | 1u << f->ecn);
    if (f->last)
        d->length = (uint32_t)(f->offset + f->length);
    if (f->offset == 0) {
        memcpy(d->head, f->head.ptr, f->head.len);
        d->head_size = (uint8_t)f->head.len;
        d->next_at = (uint8_t)f->next_at;
        d->protocol = f->protocol;
    }
}

/* RFC 3168, 5.3: congestion in one piece is congestion of all; one that cannot have been marked
 * beside one that was is not to be believed. */
static bool join_ecn(const struct datagram *d, uint8_t *ecn)
{
    bool marked = d->ecns & 1u << IP_CE, not_ect = d->ecns & 1u << IP_NOT_ECT;
    *ecn = marked ? IP_CE : not_ect ? IP_NOT_ECT : (d->ecns & 1u << IP_ECT0) ? IP_ECT0 : IP_ECT1;
    return !(marked && not_ect);
}

static enum reassembly_result join(struct datagram *d, struct reassembled *out)
{
    if (!join_ecn(d, &out->ecn))
        return REASSEMBLY_ECN;
    if ((size_t)d->head_size + d->length > UINT16_MAX)
        return REASSEMBLY_MALFORMED;
    out->head = d->head_size;
    out->next_at = d->next_at;
    out->len = d->head_size + d->length;
    out->protocol = d->protocol;
    out->packet = memory_alloc(out->len);
    if (!out->packet)
        return REASSEMBLY_MEMORY;
    memcpy(out->packet, d->head, d->head_size);
    for (const struct piece *p = d->first; p; p = p->next)
        memcpy(out->packet + out->head + p->start, p->bytes, p->end - p->start);
    return REASSEMBLY_WHOLE;
}

enum reassembly_result reassembly_add(struct reassembly *t, const struct fragment *f, uint64_t now,
                                      struct reassembled *out)
{
    *out = (struct reassembled){0};
    if (!is_sane(f))
        return REASSEMBLY_MALFORMED;
    struct datagram *d = find(t, f);
    if (!d)
        d = begin(t, f, now, out);
    if (d->bad)
        return REASSEMBLY_OVERLAP;
    enum reassembly_result why = fits(d, f) ? keep(t, d, f, out) : REASSEMBLY_MALFORMED;
    if (why == REASSEMBLY_DUPLICATE)
        return why;
    if (why != REASSEMBLY_KEPT) {
        /* It stays until its time is over, so that the rest of it is not taken for a new one. */
        forget_pieces(t, d);
        d->bad = true;
        return why;
    }
    note(d, f);
    if (d->head_size == 0 || d->length == 0 || d->have != d->length)
        return REASSEMBLY_KEPT;
    why = join(d, out);
    forget(t, d);
    return why;
}

bool reassembly_expire(struct reassembly *t, uint64_t now, uint8_t *into, size_t max, size_t *len)
{
    struct datagram *d = NULL;
    for (struct list *l = t->busy.next; l != &t->busy && !d; l = l->next)
        if (CONTAINER(l, struct datagram, link)->until <= now)
            d = CONTAINER(l, struct datagram, link);
    if (!d)
        return false;
    *len = 0;
    if (d->head_size > 0 && d->first && d->first->start == 0 && d->head_size <= max) {
        struct slice data = slice_of(d->first->bytes, d->first->end);
        data = slice_take(data, max - d->head_size);
        memcpy(into, d->head, d->head_size);
        memcpy(into + d->head_size, data.ptr, data.len);
        *len = d->head_size + data.len;
    }
    forget(t, d);
    return true;
}

uint64_t reassembly_deadline(const struct reassembly *t)
{
    uint64_t due = WAIT_FOREVER;
    for (const struct list *l = t->busy.next; l != &t->busy; l = l->next) {
        const struct datagram *d = CONTAINER(l, struct datagram, link);
        if (d->until < due)
            due = d->until;
    }
    return due;
}
