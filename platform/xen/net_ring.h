/*
 * The two rings of a network card (xen/io/netif.h), over signatures/net.h's frames.
 *
 * Pure, but for the memory that it is given: frames and the backend's responses in, requests out. What
 * the backend says is checked: numbers, lengths, how much belongs together.
 *
 * Sending copies into pages of the card's own, which stay granted as long as the backend does: it sees
 * no byte that is not sent (Xen's advisory XSA-403), and a frame is done with once it is copied.
 * A page for receiving is granted only while the backend may fill it: what is read stays as it is.
 */
#ifndef PLATFORM_XEN_NET_RING_H
#define PLATFORM_XEN_NET_RING_H

#include "platform/xen/grant.h"
#include "platform/xen/interface.h"
#include "platform/xen/ring.h"
#include "signatures/net.h"

#define NET_RING_PAGES 256u /* requests of a ring, each with a page */
#define NET_PIECES_MAX 24u  /* pages of one frame that arrives */
#define NET_SEND_MAX   65535u

struct net_ring_counters {
    uint64_t received, sent;
    uint64_t dropped_malformed; /* lengths, pieces or kinds that cannot be */
    uint64_t dropped_failed;    /* the backend says that it failed */
    uint64_t dropped_held;      /* the backend still held a page that it was done with */
    uint64_t refused_full;
};

struct net_receive {
    struct ring ring;
    struct grants *grants;
    uint16_t domain;
    uint8_t *pages[NET_RING_PAGES];
    uint32_t numbers[NET_RING_PAGES]; /* of grants */
};

struct net_transmit {
    struct ring ring;
    uint8_t *pages[NET_RING_PAGES];
    uint32_t numbers[NET_RING_PAGES];
    uint16_t free[NET_RING_PAGES];
    uint32_t free_count;
    uint32_t extras; /* slots outstanding that have no page */
    bool out[NET_RING_PAGES];
    bool scatter; /* the backend takes frames of many pages */
};

/* A frame as it arrived, until net_receive_done. */
struct net_arrived {
    struct slice parts[NET_PIECES_MAX];
    size_t count;
    uint32_t slots; /* of the ring */
    enum net_checksum checksum;
    uint16_t segment_size;
    bool good;
    uint8_t head[NET_HEAD_MAX];
};

/* Pages are in place, and numbers taken: grants them, and fills the ring in `page`. */
void net_receive_open(struct net_receive *r, struct grants *g, uint16_t domain, void *page);

/* Takes the next frame. False: there is none (or the ring is broken). One that is not good is only to be
 * given back. */
bool net_receive_take(struct net_receive *r, struct net_arrived *a, struct net_ring_counters *c);
/* Gives its pages back to the backend. */
void net_receive_done(struct net_receive *r, const struct net_arrived *a);

void net_transmit_open(struct net_transmit *t, struct grants *g, uint16_t domain, void *page,
                       bool scatter);

/* As net_send of signatures/net.h. */
enum err net_transmit_send(struct net_transmit *t, const struct net_frame *f,
                           struct net_ring_counters *c);
/* Takes back what the backend is done with. True: there was something. */
bool net_transmit_collect(struct net_transmit *t, struct net_ring_counters *c);

#endif
