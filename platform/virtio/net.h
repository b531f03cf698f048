/*
 * Virtio's network card (Virtio 1.2, 5.1) behind signatures/net.h.
 *
 * A card that breaks the rules of its queues is reset and not used any more; one that says that it needs a
 * reset gets one, VIRTIO_RESTARTS_MAX times in VIRTIO_RESTARTS_TIME.
 */
#ifndef PLATFORM_VIRTIO_NET_H
#define PLATFORM_VIRTIO_NET_H

#include "signatures/net.h"

struct virtio_net_counters {
    uint64_t received, sent;
    uint64_t
        dropped_malformed; /* shorter than their header, in more pieces than any frame has, or what
                                   the header says cannot be */
    uint64_t dropped_unowned;
    uint64_t refused_full;
    uint64_t broken;   /* queues that the device broke */
    uint64_t restarts; /* after it said that it needs a reset */
};

/* The card of that number, in the order in which they were found; NULL: there is none, or it cannot be
 * used (said so). */
struct net *virtio_net_open(uint32_t number);

struct virtio_net_counters virtio_net_counters(const struct net *n);

#endif
