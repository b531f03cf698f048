/*
 * Virtio's block device (Virtio 1.2, 5.2) behind signatures/block.h.
 *
 * One that breaks the rules of its queue is reset and not used any more; one that says that it needs a reset
 * gets one, VIRTIO_RESTARTS_MAX times in VIRTIO_RESTARTS_TIME. What was under way then ends with ERR_RESET.
 */
#ifndef PLATFORM_VIRTIO_BLOCK_H
#define PLATFORM_VIRTIO_BLOCK_H

#include "signatures/block.h"

struct virtio_block_counters {
    uint64_t done, failed;
    uint64_t malformed; /* answers that cannot be: they count as failures */
    uint64_t broken;    /* queues that the device broke */
    uint64_t restarts;  /* after it said that it needs a reset */
};

/* The device of that number, in the order in which they were found; NULL: there is none, or it cannot be
 * used (said so). */
struct block *virtio_block_open(uint32_t number);

struct virtio_block_counters virtio_block_counters(const struct block *b);

#endif
