/*
 * A virtio device on strings: the drivers of platform/virtio run against it on the host, and it does what a
 * test or a fuzzer says, good or bad. It stands where a transport would; where machine and memory are, the
 * host's are: a physical address is a pointer.
 */
#ifndef TESTS_PLATFORM_VIRTIO_PUPPET_H
#define TESTS_PLATFORM_VIRTIO_PUPPET_H

#include "platform/virtio/device.h"

#define PUPPET_PARTS_MAX 64u

/* The rings as the device sees them (Virtio 1.2, 2.7). */
struct puppet_descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct puppet_ring {
    uint16_t flags, index;
    uint16_t entries[QUEUE_SIZE_MAX + 1];
};

struct puppet_used {
    uint16_t flags, index;
    struct {
        uint32_t number, written;
    } entries[QUEUE_SIZE_MAX];
};

struct puppet_queue {
    uint16_t size; /* 0: not enabled */
    struct puppet_descriptor *descriptors;
    struct puppet_ring *available;
    struct puppet_used *used;
    uint16_t next; /* entry of the available ring that it takes next */
};

struct puppet {
    uint64_t offered, accepted;
    uint8_t status, config[64], generation;
    uint16_t queue_most;
    bool refuses_features, refuses_queues, never_resets;
    bool config_interrupt;      /* for the next acknowledge */
    bool config_interrupt_late; /* comes while that of a queue is acknowledged */
    unsigned resets, notified[VIRTIO_QUEUES_MAX];
    struct puppet_queue queues[VIRTIO_QUEUES_MAX];
    unsigned stops; /* how often the program was asked to end */
};

extern struct puppet puppet;

/* A device of that kind, to be opened by its driver; what was before is taken away. */
void puppet_begin(uint32_t kind, uint64_t offered);
void puppet_end(void);

/* The drivers' turn, as the machine's loop gives it. interrupt: after one. True: the driver has told somebody of
 * something, so that the loop comes round before it sleeps. */
bool puppet_run(bool interrupt);

/* So much time has passed, for what is counted of the device. */
void puppet_pass(uint64_t ns);

/* A piece of a chain, in the driver's memory. */
struct puppet_part {
    uint8_t *at;
    uint32_t size;
    bool writable;
};

struct puppet_chain {
    uint16_t number;
    size_t count;
    bool indirect;
    struct puppet_part parts[PUPPET_PARTS_MAX];
};

/* The next chain that the driver has added. False: there is none. */
bool puppet_take(uint16_t queue, struct puppet_chain *into);

/* Says that a chain is used. */
void puppet_use(uint16_t queue, uint32_t number, uint32_t written);

#endif
