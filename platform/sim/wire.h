/*
 * A switch with cards (signatures/net.h) and the cables between: frames in virtual time, harmed on
 * their way as the internet harms them. All from one seed: the same seed does the same again.
 *
 * A cable has two ways, each with harm of its own: SIM_OUT from the card to the switch, SIM_IN from
 * the switch to the card. The wire takes the card's part seriously: it does what hardware does to
 * large frames, and finds fault with whatever a card or a peer would choke on (sim_wire_fault).
 *
 * Memory of the wire is the host's own: it does not count in memory_stats.
 */
#ifndef PLATFORM_SIM_WIRE_H
#define PLATFORM_SIM_WIRE_H

#include "platform/sim/frame.h"
#include "platform/sim/sim.h"

#define SIM_MILLION 1000000u /* chances below are parts of it */

#define SIM_MTU        1500u
#define SIM_RING       256u              /* frames */
#define SIM_RING_MAX   4096u             /* frames */
#define SIM_QUEUE      ((size_t)1 << 18) /* bytes */
#define SIM_CARDS_MAX  1024u
#define SIM_GATEWAY_V4 "198.51.100.1" /* who complains of frames that are too big */
#define SIM_GATEWAY_V6 "2001:db8:ffff::1"

/* A card. All zero: a plain one that sums nothing, and is done with each frame at once. */
struct sim_card {
    uint8_t mac[NET_MAC_SIZE]; /* zero: 02:00:00:00:xx:xx, by the order of plugging in */
    uint16_t mtu;              /* 0: SIM_MTU */
    uint32_t offloads;         /* enum net_offload */
    bool liberal;              /* finds no fault with what it is given */
    bool verifies;             /* says of arrivals whose checksums are right that they are */
    bool scatters;      /* arrivals come in several parts, at odd addresses, short ones padded */
    uint64_t merges;    /* ns that it gathers segments of a flow into one; 0: never */
    uint32_t ring;      /* frames that it holds at most until completion; 0: SIM_RING */
    uint64_t completes; /* ns: up to so late is a frame done with; 0: at once */
};

enum sim_too_big {
    SIM_TOO_BIG_SILENT,  /* a black hole */
    SIM_TOO_BIG_TOLD,    /* dropped, and the sender is told by ICMP (RFC 1191, RFC 8201) */
    SIM_TOO_BIG_TOLD_OLD /* the same, by a router that says no size (before RFC 1191) */
};

/* What one way of a cable does. All zero: perfect, and without delay. */
struct sim_harm {
    uint32_t loss; /* chance of each frame */
    /* Gilbert and Elliott's bursts: chances, of each frame, to enter and to leave a bad time, in
     * which burst_loss is the chance of being lost. */
    uint32_t burst_enter, burst_leave, burst_loss;
    uint32_t corrupt;   /* bits are flipped, which checksums find */
    uint32_t duplicate; /* comes twice */
    uint32_t reorder;   /* comes late by up to reorder_by, while others overtake it */
    uint64_t reorder_by;
    uint64_t delay, jitter; /* ns; jitter is added evenly, and keeps the order */
    uint64_t bandwidth;     /* bytes per second; 0: without limit */
    size_t queue;           /* bytes that wait for it; more are dropped; 0: SIM_QUEUE */
    size_t mark;            /* bytes waiting from which on ECT packets are marked; 0: never */
    uint16_t mtu;           /* of packets; 0: any */
    enum sim_too_big too_big;
};

enum sim_way { SIM_OUT, SIM_IN };

/* What became of frames; of one way of a cable, or of all. */
struct sim_wire_counts {
    uint64_t frames, bytes; /* that entered */
    uint64_t lost, corrupted, duplicated, reordered, overflowed, marked, too_big, fragmented;
    uint64_t unheard; /* arrived where the link was down, the peer gone, or nobody owned the card */
};

struct sim_wire;

struct sim_wire *sim_wire_open(uint64_t seed);

/* Cards are gone, and frames on their way. Their owners must have gone before. */
void sim_wire_close(struct sim_wire *w);

struct net *sim_wire_card(struct sim_wire *w, const struct sim_card *card);

/* From now on, for frames that enter. */
void sim_wire_harm(struct net *card, enum sim_way way, const struct sim_harm *harm);

/* Both cards' ways together: what a path between them does, half of the delay on either side. */
void sim_wire_harm_all(struct sim_wire *w, const struct sim_harm *harm);

/* The cable is pulled, or plugged in again; the card's owner is told. */
void sim_wire_link(struct net *card, bool up);

/* What the card can do from now on (enum net_offload). Only while its link is down. */
void sim_wire_offloads(struct net *card, uint32_t offloads);

/* Whoever sits behind the card is no more: nothing comes from there, nothing arrives, nobody is
 * told. */
void sim_wire_vanish(struct net *card, bool gone);

struct sim_wire_counts sim_wire_counts(const struct sim_wire *w);
uint64_t sim_wire_flying(const struct sim_wire *w); /* frames on their way now */

/* The first thing that was wrong with what a card was given, or NULL: bad lengths or checksums,
 * lent bytes that changed before they were given back, super-frames that cannot be cut. */
const char *sim_wire_fault(const struct sim_wire *w);

/* Told of each frame as it leaves a card: cut by it, complete, not yet harmed. One at a time. */
typedef void sim_wire_watch_fn(void *arg, const struct net *from, struct slice frame);
void sim_wire_watch(struct sim_wire *w, sim_wire_watch_fn *watch, void *arg);

/* Writes all that leaves or reaches this card into a file that tshark reads (pcap, nanoseconds),
 * until the wire is closed. False: the file cannot be written. */
bool sim_wire_record(struct net *card, const char *path);

#endif
