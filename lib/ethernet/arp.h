/*
 * ARP (RFC 826) as IPv4 over Ethernet uses it: the packet's form, and the claim to an address (RFC
 * 5227): probing before it is used, announcing it, noticing who else uses it, defending it.
 *
 * Pure: packets, time and randomness in; what to send, and when to be called next, out. The cache
 * of who has which address is lib/ip/neighbour.h, which IPv6 shares.
 */
#ifndef LIB_ETHERNET_ARP_H
#define LIB_ETHERNET_ARP_H

#include "lib/ethernet/ethernet.h"
#include "signatures/clock.h"

#define ARP_SIZE       28u
#define ARP_FRAME_SIZE (ETHERNET_HEAD_SIZE + ARP_SIZE)

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
    uint16_t operation;
    struct mac sender_mac, target_mac;
    struct address sender, target; /* IPv4 */
};

/* What follows an Ethernet head of type ARP. ERR_MALFORMED: too short. ERR_UNSUPPORTED: not IPv4
 * over Ethernet, or another operation. ERR_MISMATCH: a sender that cannot be one. */
enum err arp_parse(struct slice packet, struct arp *into);

/* Writes a frame of ARP_FRAME_SIZE bytes from a->sender_mac to the given station. */
void arp_put(uint8_t *into, const struct arp *a, struct mac destination);

/* --- the claim to an address (RFC 5227; its section 1.1 gives the times) --- */

#define ARP_PROBE_WAIT        (1 * CLOCK_SEC)
#define ARP_PROBES            3u
#define ARP_PROBE_MIN         (1 * CLOCK_SEC)
#define ARP_PROBE_MAX         (2 * CLOCK_SEC)
#define ARP_ANNOUNCE_WAIT     (2 * CLOCK_SEC)
#define ARP_ANNOUNCEMENTS     2u
#define ARP_ANNOUNCE_INTERVAL (2 * CLOCK_SEC)
#define ARP_BRIEF             10u /* a brief claim has the times above divided by it */
#define ARP_DEFEND_INTERVAL   (10 * CLOCK_SEC)

enum arp_claim_state {
    ARP_CLAIM_PROBING,    /* not to be used yet */
    ARP_CLAIM_ANNOUNCING, /* ours: the neighbours are being told */
    ARP_CLAIM_HELD,       /* ours */
    ARP_CLAIM_LOST        /* somebody else's: not to be used */
};

/* What the caller does now. */
enum arp_claim_action {
    ARP_CLAIM_NOTHING,
    ARP_CLAIM_PROBE,    /* broadcast a request with sender 0.0.0.0 */
    ARP_CLAIM_ANNOUNCE, /* broadcast a request with sender and target our address */
    ARP_CLAIM_GIVE_UP   /* the address has just been lost */
};

struct arp_claim {
    uint64_t due; /* WAIT_FOREVER: never */
    uint64_t defended;
    uint8_t state; /* enum arp_claim_state */
    uint8_t sent;  /* probes or announcements */
    bool defended_once;
    uint8_t kind; /* enum arp_claim_kind */
};

enum arp_claim_kind {
    ARP_CLAIM_AT_ONCE, /* it is ours from now on, whatever others say */
    ARP_CLAIM_BRIEF,   /* wait until nobody answers, at a fraction of RFC 5227's times */
    ARP_CLAIM_PROBED   /* the same at its times */
};

/* random: any 64 bits. */
void arp_claim_begin(struct arp_claim *c, uint64_t now, enum arp_claim_kind kind, uint64_t random);

/* The link is back: what was not ours yet is probed for anew, what was is announced. */
void arp_claim_restart(struct arp_claim *c, uint64_t now, uint64_t random);

/* Time has passed. */
enum arp_claim_action arp_claim_expire(struct arp_claim *c, uint64_t now, uint64_t random);

/* A packet arrived that says that another station has the address, or wants it (RFC 5227, 2.1.1
 * and 2.4): arp_conflicts tells. */
enum arp_claim_action arp_claim_conflict(struct arp_claim *c, uint64_t now);
bool arp_conflicts(const struct arp_claim *c, const struct arp *a, struct address ours,
                   struct mac our_mac);

#endif
