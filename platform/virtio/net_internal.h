/* What the parts of the network card's driver share: see net.h. */
#ifndef PLATFORM_VIRTIO_NET_INTERNAL_H
#define PLATFORM_VIRTIO_NET_INTERNAL_H

#include "platform/pvh/machine.h"
#include "platform/pvh/poll.h"
#include "platform/virtio/device.h"
#include "platform/virtio/net.h"
#include "runtime/list.h"

#define RECEIVE 0u /* queues */
#define SEND    1u
#define BUFFER  2048u
#define BUFFERS QUEUE_SIZE_MAX

#define F_CSUM       (UINT64_C(1) << 0)
#define F_GUEST_CSUM (UINT64_C(1) << 1)
#define F_MTU        (UINT64_C(1) << 3)
#define F_MAC        (UINT64_C(1) << 5)
#define F_GUEST_TSO4 (UINT64_C(1) << 7)
#define F_GUEST_TSO6 (UINT64_C(1) << 8)
#define F_GUEST_ECN  (UINT64_C(1) << 9)
#define F_HOST_TSO4  (UINT64_C(1) << 11)
#define F_HOST_TSO6  (UINT64_C(1) << 12)
#define F_HOST_ECN   (UINT64_C(1) << 13)
#define F_MRG_RXBUF  (UINT64_C(1) << 15)
#define F_STATUS     (UINT64_C(1) << 16)
#define NEEDS_CSUM   1u /* flags of the header */
#define DATA_VALID   2u
#define GSO_TCPV4    1u
#define GSO_TCPV6    4u
#define GSO_ECN      0x80u

struct head {
    uint8_t flags, gso_type;
    uint16_t head_size, segment_size, checksum_start, checksum_offset;
    uint16_t buffers;
};

struct send_slot {
    struct head head;
    uint8_t bytes[NET_HEAD_MAX];
};

struct card {
    struct net net;
    struct virtio *device;
    struct poll poll;
    struct queue receive, send;
    struct virtio_net_counters counters;
    uint8_t *buffers;
    uint16_t buffer_of[QUEUE_SIZE_MAX]; /* by number of the receive queue */
    struct send_slot *slots;
    uint16_t slot_of[QUEUE_SIZE_MAX]; /* by number of the send queue */
    uint64_t frame_of[QUEUE_SIZE_MAX];
    uint16_t free_slots[QUEUE_SIZE_MAX];
    size_t free_count;
    bool done[QUEUE_SIZE_MAX]; /* by number of the frame, modulo: those after `completed` */
    uint64_t completed;
    bool up, blocked, dead;
    bool draining; /* somebody waits until all is sent */
};

static inline struct card *card_of(const struct net *n)
{
    return CONTAINER(n, struct card, net);
}

/* --- net_receive.c --- */

/* Lends a buffer to the device. */
void net_offer(struct card *c, uint16_t buffer);

/* Delivers a frame. False: none is there. */
bool net_receive_one(struct card *c);

/* --- net_send.c --- */

enum err net_send_frame(struct net *n, const struct net_frame *f);

/* Takes back what the device has sent. True: there was something. */
bool net_collect(struct card *c);

#endif
