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
#include "signatures/clock.h"

#define VIRTIO_DEVICES_MAX   16u
#define VIRTIO_QUEUES_MAX    2u /* that a driver uses of a device */
#define VIRTIO_RESTARTS_MAX  8u /* of one that needs a reset, in the time below */
#define VIRTIO_RESTARTS_TIME (3600 * CLOCK_SEC)
#define VIRTIO_LOOK_EVERY \
    (10 * CLOCK_SEC) /* for one that was reset without a word, while anything runs */

#define VIRTIO_NET     1u
#define VIRTIO_BLOCK   2u
#define VIRTIO_CONSOLE 3u
#define VIRTIO_ENTROPY 4u

#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

#define VIRTIO_INTERRUPT_QUEUE 1u
#define VIRTIO_INTERRUPT_OTHER 2u /* a change of the configuration, or a failure */

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

struct virtio;

struct virtio_ops {
    uint64_t (*features)(struct virtio *v);
    void (*accept)(struct virtio *v, uint64_t features);
    uint8_t (*status)(struct virtio *v);
    void (*set_status)(struct virtio *v, uint8_t status);
    uint16_t (*queue_size)(struct virtio *v, uint16_t queue); /* 0: there is none */
    /* False: what the device says of the queue cannot be. */
    bool (*queue_enable)(struct virtio *v, uint16_t queue, uint16_t size, uint64_t descriptors,
                         uint64_t available, uint64_t used);
    void (*notify)(struct virtio *v, uint16_t queue);
    uint32_t (*config)(struct virtio *v, size_t offset, size_t size); /* 0 beyond its end */
    uint8_t (*generation)(struct virtio *v);                          /* of its configuration */
    /* Acknowledges what its interrupt says, of VIRTIO_INTERRUPT_*. 0: it says nothing, or it never does. */
    uint32_t (*acknowledge)(struct virtio *v);
};

struct virtio {
    const struct virtio_ops *ops;
    uint64_t place; /* which one it is: physical */
    uint32_t kind;
    bool taken;
    bool changed;      /* since the driver asked: virtio_take_change */
    uint32_t restarts; /* since then: */
    uint64_t restarts_since;
    uint64_t look_at;  /* at its status; UINT64_MAX: it is not in use */
    uint64_t features; /* as agreed */
    volatile uint8_t *common, *notifications, *device_config; /* which of them: the transport's */
    uint32_t common_size, notify_size, device_config_size;
    uint32_t notify_multiplier;
    uint16_t config_message; /* PCI: entry of the table of messages */
    bool one_message;        /* for queues and for all else: it may have been for anything */
    uint32_t notify_offsets[VIRTIO_QUEUES_MAX];
};

/* Finds what there is. command_line: for virtio_mmio.device=SIZE@ADDRESS:INTERRUPT. */
void virtio_find(const char *command_line);

/* The device of that kind and number, from 0 on; NULL: there is none, or somebody has taken it. */
struct virtio *virtio_take(uint32_t kind, uint32_t number);

/* How many of that kind there are. */
uint32_t virtio_count(uint32_t kind);

/* Resets it: it touches no memory any more. False: it does not. */
bool virtio_reset(struct virtio *v);

/* Resets it and agrees on those of the wanted features that it has. False: it refused (said so on the
 * console), or it is not of version 1. */
bool virtio_begin(struct virtio *v, uint64_t wanted);

/* Sets a queue up, at most `size` long; parts: in how many pieces a chain may come (indirect descriptors
 * where there are more than one, and the device has them). A queue that has been set up before is begun
 * anew, in the same memory. False: there is no such queue, or no memory (said so). */
bool virtio_queue(struct virtio *v, uint16_t number, uint16_t size, uint16_t parts,
                  struct queue *into);

/* The device may go on. */
void virtio_ready(struct virtio *v);

/* Tells it of what was added to a queue, if it wants to hear of it. */
void virtio_tell(struct virtio *v, uint16_t number, struct queue *q);

/* A field of its configuration, of 1, 2 or 4 bytes, in one access (4.1.3.1, 4.2.2.2) and as it is at one time
 * (2.5.1). */
uint32_t virtio_config(struct virtio *v, size_t offset, size_t size);

/* Whether a device needs a reset: it says so (2.1.1), or somebody has reset it, and its queues are gone. */
bool virtio_needs_reset(struct virtio *v);

/* Resets one that needs it. False: it does not reset, or has had VIRTIO_RESTARTS_MAX of them lately. */
bool virtio_restart(struct virtio *v);

/* Whether it said since the last question that its configuration has changed, or that it has failed; or was found
 * to need a reset. */
bool virtio_take_change(struct virtio *v);

/* --- for the transports --- */

/* A device was found. Not kept: one that is known already, or one of more than VIRTIO_DEVICES_MAX. */
void virtio_add(const struct virtio *v);
void virtio_find_pci(void);
/* A field of a configuration that is mapped. */
uint32_t virtio_field(const volatile uint8_t *at, size_t size);
void virtio_find_mmio(const char *command_line);

#endif
