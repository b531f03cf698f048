/*
 * A virtio device, whatever it is reached through (Virtio 1.2, 4.1: PCI; 4.2: MMIO). Found once, at the
 * start.
 */
#ifndef PLATFORM_VIRTIO_DEVICE_H
#define PLATFORM_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/virtio/queue.h"

#define VIRTIO_DEVICES_MAX 16u

#define VIRTIO_NET     1u
#define VIRTIO_CONSOLE 3u
#define VIRTIO_ENTROPY 4u

#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_FAILED      128u

#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

struct virtio;

struct virtio_ops {
    uint64_t (*features)(struct virtio *v);
    void (*accept)(struct virtio *v, uint64_t features);
    uint8_t (*status)(struct virtio *v);
    void (*set_status)(struct virtio *v, uint8_t status);
    uint16_t (*queue_size)(struct virtio *v, uint16_t queue); /* 0: there is none */
    void (*queue_enable)(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used);
    void (*notify)(struct virtio *v, uint16_t queue);
    uint8_t (*config)(struct virtio *v, size_t offset);
    /* What there is to acknowledge after an interrupt. */
    void (*acknowledge)(struct virtio *v);
};

struct virtio {
    const struct virtio_ops *ops;
    uint32_t kind;
    bool taken;
    uint64_t features; /* as agreed */
    volatile uint8_t *common, *notifications, *isr,
        *device_config; /* which of them: the transport's */
    uint32_t notify_multiplier;
    uint32_t device_config_size;
    uint16_t notify_offsets[4];
};

/* Finds what there is. command_line: for virtio_mmio.device=SIZE@ADDRESS:INTERRUPT. */
void virtio_find(const char *command_line);

/* The device of that kind and number, from 0 on; NULL: there is none, or somebody has taken it. */
struct virtio *virtio_take(uint32_t kind, uint32_t number);

/* Resets it and agrees on those of the wanted features that it has. False: it refused (said so on the
 * console), or it is not of version 1. */
bool virtio_begin(struct virtio *v, uint64_t wanted);

/* Sets a queue up, at most `size` long. False: it has no such queue, or no memory. */
bool virtio_queue(struct virtio *v, uint16_t number, uint16_t size, struct queue *into);

/* The device may go on. */
void virtio_ready(struct virtio *v);

/* --- for the transports --- */

/* A device was found. False: there are more than VIRTIO_DEVICES_MAX. */
bool virtio_add(const struct virtio *v);
void virtio_find_pci(void);
void virtio_find_mmio(const char *command_line);

#endif
