/*
 * Duplicate address detection for IPv6 (RFC 4862, 5.4): before an address is used, its neighbours
 * are asked whether it is theirs. A question of ours that a link loops back is known by its nonce
 * (RFC 7527).
 *
 * Pure: see arp_claim in lib/ethernet/arp.h, which is the same for IPv4.
 */
#ifndef LIB_IP_DAD_H
#define LIB_IP_DAD_H

#include "runtime/slice.h"
#include "signatures/clock.h"

#define DAD_DELAY      (1 * CLOCK_SEC) /* at most, before the first question */
#define DAD_QUESTIONS  1u              /* DupAddrDetectTransmits */
#define DAD_RETRANSMIT (1 * CLOCK_SEC)
#define DAD_NONCE_SIZE 6u

enum dad_action {
    DAD_NOTHING,
    DAD_ASK,  /* a neighbour solicitation for the address, from nobody, with the nonce */
    DAD_READY /* nobody answered: it is ours */
};

struct dad {
    uint64_t due; /* WAIT_FOREVER: it is ours */
    uint8_t left; /* questions to be sent */
    uint8_t nonce[DAD_NONCE_SIZE];
};

/* probe false: ours at the first expiry. random: any bits. */
void dad_begin(struct dad *d, uint64_t now, bool probe, uint64_t random);
enum dad_action dad_expire(struct dad *d, uint64_t now);

/* Whether a question from nobody about the address is our own. */
bool dad_is_ours(const struct dad *d, struct slice nonce);

#endif
