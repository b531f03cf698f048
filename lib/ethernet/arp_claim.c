/*
 * The claim to an IPv4 address (RFC 5227): see arp.h.
 *
 *     PROBING --3 probes, nobody answers--> ANNOUNCING --2 announcements--> HELD
 *        |                                      |                             |
 *        +-- anybody has or wants it --> LOST <-+--- a second conflict in 10 s +
 *
 * An address that was not probed for is one that an operator gave us: it is defended for ever
 * (2.4, c), so that no station of the link can talk a server out of its address.
 */
#include "lib/ethernet/arp.h"

#include "signatures/wait.h"

static uint64_t between(uint64_t random, uint64_t least, uint64_t most)
{
    return least + random % (most - least + 1);
}

/* A time of section 1.1, as this claim has it. */
static uint64_t time_of(const struct arp_claim *c, uint64_t ns)
{
    return c->kind == ARP_CLAIM_BRIEF ? ns / ARP_BRIEF : ns;
}

void arp_claim_begin(struct arp_claim *c, uint64_t now, enum arp_claim_kind kind, uint64_t random)
{
    bool probe = kind != ARP_CLAIM_AT_ONCE;
    *c = (struct arp_claim){.kind = (uint8_t)kind,
                            .state = probe ? ARP_CLAIM_PROBING : ARP_CLAIM_ANNOUNCING,
                            .due = now};
    if (probe)
        c->due += time_of(c, between(random, 0, ARP_PROBE_WAIT));
}

void arp_claim_restart(struct arp_claim *c, uint64_t now, uint64_t random)
{
    bool ours = c->state == ARP_CLAIM_ANNOUNCING || c->state == ARP_CLAIM_HELD;
    arp_claim_begin(c, now, c->kind, random);
    if (!ours)
        return;
    c->state = ARP_CLAIM_ANNOUNCING;
    c->due = now;
}

static enum arp_claim_action probe(struct arp_claim *c, uint64_t now, uint64_t random)
{
    if (c->sent < ARP_PROBES) {
        c->sent++;
        c->due =
            now + time_of(c, c->sent < ARP_PROBES ? between(random, ARP_PROBE_MIN, ARP_PROBE_MAX)
                                                  : ARP_ANNOUNCE_WAIT);
        return ARP_CLAIM_PROBE;
    }
    c->state = ARP_CLAIM_ANNOUNCING;
    c->sent = 0;
    return arp_claim_expire(c, now, random);
}

enum arp_claim_action arp_claim_expire(struct arp_claim *c, uint64_t now, uint64_t random)
{
    if (now < c->due)
        return ARP_CLAIM_NOTHING;
    if (c->state == ARP_CLAIM_PROBING)
        return probe(c, now, random);
    if (c->state != ARP_CLAIM_ANNOUNCING) {
        c->due = WAIT_FOREVER;
        return ARP_CLAIM_NOTHING;
    }
    c->due = now + ARP_ANNOUNCE_INTERVAL;
    if (++c->sent >= ARP_ANNOUNCEMENTS) {
        c->state = ARP_CLAIM_HELD;
        c->due = WAIT_FOREVER;
    }
    return ARP_CLAIM_ANNOUNCE;
}

static enum arp_claim_action give_up(struct arp_claim *c)
{
    c->state = ARP_CLAIM_LOST;
    c->due = WAIT_FOREVER;
    return ARP_CLAIM_GIVE_UP;
}

enum arp_claim_action arp_claim_conflict(struct arp_claim *c, uint64_t now)
{
    if (c->state == ARP_CLAIM_LOST)
        return ARP_CLAIM_NOTHING;
    if (c->state == ARP_CLAIM_PROBING)
        return give_up(c);
    bool lately = c->defended_once && now - c->defended < ARP_DEFEND_INTERVAL;
    if (lately)
        return c->kind == ARP_CLAIM_AT_ONCE ? ARP_CLAIM_NOTHING : give_up(c);
    c->defended_once = true;
    c->defended = now;
    return ARP_CLAIM_ANNOUNCE;
}

bool arp_conflicts(const struct arp_claim *c, const struct arp *a, struct address ours,
                   struct mac our_mac)
{
    if (mac_equal(a->sender_mac, our_mac))
        return false;
    if (address_equal(&a->sender, &ours))
        return true;
    struct address nobody = address_v4(0, 0, 0, 0);
    return c->state == ARP_CLAIM_PROBING && a->operation == ARP_REQUEST &&
           address_equal(&a->sender, &nobody) && address_equal(&a->target, &ours);
}
