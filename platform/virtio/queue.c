/* See queue.h. */
#include "platform/virtio/queue.h"

#include <string.h>

#define NEXT     1u /* flags of descriptors */
#define WRITE    2u
#define INDIRECT 4u

struct queue_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct queue_available {
    uint16_t flags, index, ring[]; /* behind it: used_event */
};

struct queue_used_element {
    uint32_t number, written;
};

struct queue_used {
    uint16_t flags, index;
    struct queue_used_element ring[]; /* behind it: avail_event */
};

struct queue_layout queue_layout(uint16_t size)
{
    struct queue_layout l = {.descriptors = 0, .available = size * sizeof(struct queue_descriptor)};
    size_t available = sizeof(struct queue_available) + (size + 1u) * sizeof(uint16_t);
    l.used = (l.available + available + 7) / 8 * 8;
    l.bytes = l.used + sizeof(struct queue_used) + size * sizeof(struct queue_used_element) +
              sizeof(uint16_t);
    return l;
}

static void begin(struct queue *q)
{
    q->free = 0;
    q->free_count = q->size;
    q->next_available = q->next_used = q->told = 0;
    q->broken = false;
    for (uint16_t i = 0; i < q->size; i++)
        q->chains[i] = (struct queue_chain){.next = (uint16_t)(i + 1)};
}

void queue_init(struct queue *q, void *memory, uint16_t size, bool event_index)
{
    struct queue_layout l = queue_layout(size);
    uint8_t *at = memory;
    memset(q, 0, sizeof *q);
    q->descriptors = (void *)(at + l.descriptors);
    q->available = (void *)(at + l.available);
    q->used = (void *)(at + l.used);
    q->size = size;
    q->event_index = event_index;
    begin(q);
}

size_t queue_tables_bytes(uint16_t size, uint16_t parts)
{
    return (size_t)size * parts * sizeof(struct queue_descriptor);
}

void queue_use_tables(struct queue *q, void *memory, uint64_t physical, uint16_t parts)
{
    q->tables = memory;
    q->tables_physical = physical;
    q->table_parts = parts;
}

void queue_again(struct queue *q)
{
    memset(q->descriptors, 0, queue_layout(q->size).bytes);
    begin(q);
}

/* --- to the device --- */

static bool may_be_table(const struct queue *q, size_t count)
{
    return q->tables && count > 1 && count <= q->table_parts;
}

/* A table costs the device a look more, and saves descriptors. */
static bool takes_table(const struct queue *q, size_t count)
{
    return may_be_table(q, count) && (q->free_count < count || q->free_count < q->size / 2);
}

bool queue_fits(const struct queue *q, size_t parts)
{
    return !q->broken && (parts <= q->free_count || (may_be_table(q, parts) && q->free_count));
}

static uint16_t flags_of(size_t i, size_t readable, size_t count)
{
    return (uint16_t)((i + 1 < count ? NEXT : 0) | (i >= readable ? WRITE : 0));
}

/* The chain in the ring's own descriptors. The last of them. */
static uint16_t fill_ring(struct queue *q, const struct queue_part *parts, size_t readable,
                          size_t count)
{
    uint16_t at = q->free, last = at;
    for (size_t i = 0; i < count; i++, at = q->chains[at].next) {
        q->descriptors[at] = (struct queue_descriptor){
            parts[i].physical, parts[i].size, flags_of(i, readable, count), q->chains[at].next};
        last = at;
    }
    return last;
}

/* The chain in the table of the first free descriptor. */
static uint16_t fill_table(struct queue *q, const struct queue_part *parts, size_t readable,
                           size_t count)
{
    uint16_t first = q->free;
    size_t offset = (size_t)first * q->table_parts;
    for (size_t i = 0; i < count; i++)
        q->tables[offset + i] = (struct queue_descriptor){
            parts[i].physical, parts[i].size, flags_of(i, readable, count), (uint16_t)(i + 1)};
    q->descriptors[first] =
        (struct queue_descriptor){q->tables_physical + offset * sizeof(struct queue_descriptor),
                                  (uint32_t)(count * sizeof(struct queue_descriptor)), INDIRECT, 0};
    return first;
}

bool queue_add(struct queue *q, const struct queue_part *parts, size_t readable, size_t writable,
               uint16_t *number)
{
    size_t count = readable + writable;
    uint16_t first = q->free;
    uint32_t room = 0;
    if (count == 0 || !queue_fits(q, count))
        return false;
    bool table = takes_table(q, count);
    uint16_t last =
        table ? fill_table(q, parts, readable, count) : fill_ring(q, parts, readable, count);
    for (size_t i = readable; i < count; i++)
        room += parts[i].size;
    uint16_t taken = table ? 1 : (uint16_t)count;
    q->free = q->chains[last].next;
    q->free_count = (uint16_t)(q->free_count - taken);
    q->chains[first].parts = taken;
    q->chains[first].writable = room;
    q->available->ring[q->next_available++ & (q->size - 1)] = first;
    __atomic_store_n(&q->available->index, q->next_available, __ATOMIC_RELEASE);
    *number = first;
    return true;
}

/* True if `event` lies in what was added since: it was passed (2.7.10.1). */
static bool passed(uint16_t event, uint16_t now, uint16_t before)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool queue_tell(struct queue *q)
{
    uint16_t before = q->told;
    if (q->next_available == before)
        return false;
    q->told = q->next_available;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index is out before the wish is read */
    if (!q->event_index)
        return !(__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) & 1);
    const uint16_t *event = (const uint16_t *)&q->used->ring[q->size];
    return passed(__atomic_load_n(event, __ATOMIC_RELAXED), q->next_available, before);
}

/* --- from the device --- */

static void give_back(struct queue *q, uint16_t first)
{
    uint16_t last = first, parts = q->chains[first].parts;
    for (uint16_t i = 1; i < parts; i++)
        last = q->chains[last].next;
    q->chains[first].parts = 0;
    q->chains[last].next = q->free;
    q->free = first;
    q->free_count = (uint16_t)(q->free_count + parts);
}

/* Read once: what is checked is what is used, whatever the device writes meanwhile. */
static struct queue_used_element read_used(const struct queue *q)
{
    const struct queue_used_element *at = &q->used->ring[q->next_used & (q->size - 1)];
    return (struct queue_used_element){__atomic_load_n(&at->number, __ATOMIC_RELAXED),
                                       __atomic_load_n(&at->written, __ATOMIC_RELAXED)};
}

bool queue_take(struct queue *q, uint16_t *number, uint32_t *written)
{
    uint16_t index = __atomic_load_n(&q->used->index, __ATOMIC_ACQUIRE);
    if (q->broken || index == q->next_used)
        return false;
    struct queue_used_element said = read_used(q);
    /* It cannot have used more than was outstanding, nor what was not, nor have written beyond. */
    if ((uint16_t)(index - q->next_used) > q->size || said.number >= q->size ||
        !q->chains[said.number].parts || said.written > q->chains[said.number].writable) {
        q->broken = true;
        return false;
    }
    q->next_used++;
    *number = (uint16_t)said.number;
    *written = said.written;
    give_back(q, *number);
    return true;
}

bool queue_await(struct queue *q)
{
    if (q->event_index)
        __atomic_store_n(&q->available->ring[q->size], q->next_used, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the wish is out before we look */
    return __atomic_load_n(&q->used->index, __ATOMIC_RELAXED) != q->next_used;
}
