/*
 * Net: a network card. Frames in, frames out, and what the card can do by itself.
 *
 * A frame is an Ethernet frame from its destination address to the end of its payload, without
 * preamble and check sequence (IEEE 802.3, 3.2). A card that segments takes one frame with up to
 * 64 KiB of TCP payload and makes many of it; one that merges hands in one of many.
 *
 * Handlers are called from the loop, never from inside of net_send.
 */
#ifndef SIGNATURES_NET_H
#define SIGNATURES_NET_H

#include "runtime/buf.h"
#include "runtime/err.h"
#include "runtime/slice.h"

#define NET_MAC_SIZE  6u
#define NET_HEAD_MAX  256u   /* bytes of headers of one frame, link to transport */
#define NET_PARTS_MAX 18u    /* parts of one frame: its head, and 64 KiB in pages */
#define NET_FRAME_MAX 65550u /* 64 KiB of packet and the Ethernet header */

/* What a card offers; it is used where the bit is set. */
enum net_offload {
    NET_SENDS_CHECKSUMS = 1, /* fills in the checksum of TCP and UDP: see net_frame */
    NET_SEGMENTS_V4 = 2, /* takes TCP over IPv4 larger than its MTU (with NET_SENDS_CHECKSUMS) */
    NET_SEGMENTS_V6 = 4, /* the same over IPv6 */
    NET_SEGMENTS_ECN = 8 /* those may carry CWR: in the first piece only */
};

struct net_features {
    uint8_t mac[NET_MAC_SIZE];
    uint16_t mtu;      /* bytes of a packet in one frame, the Ethernet header not counted */
    uint32_t offloads; /* may be others whenever on_link says that the link is up */
};

/* A frame to send. The first part is copied before net_send returns. The others are lent: they
 * must not change until net_completed has passed this frame. */
struct net_frame {
    const struct slice *parts;
    size_t count; /* 1..NET_PARTS_MAX */
    /* Where checksum_start is not 0: the card sums the bytes from there to the end, and puts the
     * complement at checksum_start + checksum_offset, which holds the sum of the pseudo-header. */
    uint16_t checksum_start;
    uint16_t checksum_offset;
    /* Not 0: TCP payload bytes of each frame that the card is to make of this one. */
    uint16_t segment_size;
    uint16_t head_size; /* with segment_size: bytes of all headers, which stand in the first part */
    bool v6;            /* with segment_size: TCP over IPv6, else over IPv4 */
    bool ecn;           /* with segment_size: CWR is set in its header */
};

enum net_checksum {
    NET_CHECKSUM_UNKNOWN, /* to be verified */
    NET_CHECKSUM_GOOD     /* verified by the card, or never left the host */
};

/* A frame that arrived; valid until the handler returns. The first part holds all headers, or the
 * whole frame where it is shorter than NET_HEAD_MAX. */
struct net_arrival {
    const struct slice *parts;
    size_t count;
    enum net_checksum checksum; /* of TCP or UDP */
    uint16_t segment_size;      /* not 0: merged of frames with so many payload bytes each */
};

struct net_events {
    void (*on_frame)(void *owner, const struct net_arrival *frame);
    /* There is room again after a send was refused with ERR_AGAIN. */
    void (*on_room)(void *owner);
    /* The link went up or down. It starts as net_link says. */
    void (*on_link)(void *owner, bool up);
};

struct net;

struct net_ops {
    enum err (*send)(struct net *n, const struct net_frame *f);
    uint64_t (*completed)(struct net *n);
    bool (*drained)(struct net *n); /* NULL: it has sent a frame once that is completed */
    bool (*link)(const struct net *n);
    void (*status)(const struct net *n, struct buf *into); /* NULL: it has nothing to say */
};

/* The head of every implementation's own structure. */
struct net {
    const struct net_ops *ops;
    const struct net_events *events;
    void *owner;
    struct net_features features;
    uint64_t sent; /* frames taken by net_send so far: the number of the last one */
};

/* Who is told from now on. Before, what arrives is dropped. */
static inline void net_own(struct net *n, const struct net_events *events, void *owner)
{
    n->events = events;
    n->owner = owner;
}

/* Takes a frame. ERR_AGAIN: the card is full, wait for on_room. ERR_UNREACHABLE: the link is down.
 * ERR_LIMIT: longer than the card can ever send. On any answer but OK nothing was taken. */
static inline enum err net_send(struct net *n, const struct net_frame *f)
{
    enum err e = n->ops->send(n, f);
    if (!e)
        n->sent++;
    return e;
}

/* All frames up to this number are done with: their lent parts will not be read again. At most
 * n->sent; never goes back. Who lends bytes notes n->sent after sending, and takes them back once
 * this has reached it. */
static inline uint64_t net_completed(struct net *n)
{
    return n->ops->completed(n);
}

/* Whether all frames have left the card. False: the loop comes round when they may have, whoever else sleeps. */
static inline bool net_drained(struct net *n)
{
    return n->ops->drained ? n->ops->drained(n) : net_completed(n) == n->sent;
}

static inline bool net_link(const struct net *n)
{
    return n->ops->link(n);
}

/* Appends what it counts, lines "name: value", for people and scripts. */
static inline void net_status(const struct net *n, struct buf *into)
{
    if (n->ops->status)
        n->ops->status(n, into);
}

#endif
