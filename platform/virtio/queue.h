/*
 * Virtqueue: the ring through which a driver and a device hand buffers to each other (Virtio 1.2, 2.7:
 * split virtqueues, with indirect descriptors 2.7.5.3 and event indexes 2.7.10).
 *
 * Pure: it knows the memory of the ring and nothing of a device. The device may write all of that
 * memory at any time, so nothing is believed that is read from it: which buffers are outstanding,
 * how they hang together and how long they are is kept here. A device that says otherwise breaks
 * the queue: nothing is handed out or taken any more, until it is begun anew.
 */
#ifndef PLATFORM_VIRTIO_QUEUE_H
#define PLATFORM_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_SIZE_MAX 256u

/* A piece of memory as the device sees it. */
struct queue_part {
    uint64_t physical;
    uint32_t size;
};

struct queue_chain {
    uint16_t next;     /* descriptor; of a free one: the next free */
    uint16_t parts;    /* descriptors of the ring, of a chain's first; 0: not outstanding */
    uint32_t writable; /* bytes that the device may write, of a chain's first */
};

struct queue {
    struct queue_descriptor *descriptors;
    struct queue_available *available;
    struct queue_used *used;
    uint16_t size; /* a power of two */
    uint16_t free, free_count;
    uint16_t next_available, next_used;
    uint16_t told; /* next_available when the device was told last */
    bool event_index;
    bool broken;
    struct queue_descriptor *tables; /* one for each descriptor; NULL: none */
    uint64_t tables_physical;
    uint16_t table_parts;
    struct queue_chain chains[QUEUE_SIZE_MAX];
};

/* Bytes of the ring's memory: to be zeroed, aligned to a page, and where the parts of it are. */
struct queue_layout {
    size_t descriptors, available, used, bytes;
};
struct queue_layout queue_layout(uint16_t size);

/* memory: of queue_layout's size. It stays its owner's. */
void queue_init(struct queue *q, void *memory, uint16_t size, bool event_index);

/* From now on a chain of up to `parts` pieces may take one descriptor only, which leads to a table of them:
 * done when the ring gets full. memory: of that size, its owner's. Only after queue_init. */
size_t queue_tables_bytes(uint16_t size, uint16_t parts);
void queue_use_tables(struct queue *q, void *memory, uint64_t physical, uint16_t parts);

/* Begins anew, empty, in the same memory: the device must have been reset. */
void queue_again(struct queue *q);

/* Hands a chain of parts to the device: first those that it reads, then those that it writes. The
 * number under which it comes back is below q->size. False: there is no room, or the queue is broken. */
bool queue_add(struct queue *q, const struct queue_part *parts, size_t readable, size_t writable,
               uint16_t *number);

/* Whether a chain of that many parts could be added now. */
bool queue_fits(const struct queue *q, size_t parts);

/* Whether the device wants to be told of what was added since the last time this was asked. */
bool queue_tell(struct queue *q);

/* A chain that the device is done with, and how much it wrote: not more than it may. False: none. */
bool queue_take(struct queue *q, uint16_t *number, uint32_t *written);

/* Asks for an interrupt for the next chain. True: one is there already. */
bool queue_await(struct queue *q);

#endif
