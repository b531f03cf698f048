/*
 * Addresses of ours: claimed (RFC 5227, RFC 4862), used, deprecated, and given up when their
 * lifetime is over or another station has them.
 */
#include "lib/ip/internal.h"

struct own *own_find(struct ip *ip, const struct address *a)
{
    for (struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (address_equal(&o->address, a))
            return o;
    return NULL;
}

const struct own *own_ready(const struct ip *ip, const struct address *a)
{
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (o->ready && address_equal(&o->address, a))
            return o;
    return NULL;
}

bool own_in_group(const struct ip *ip, const struct address *group)
{
    if (address_equal(group, &ADDRESS_ALL_NODES) || address_equal(group, &ADDRESS_ALL_HOSTS))
        return true;
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++) {
        struct address solicited = address_solicited_node(o->address);
        if (!address_is_v4(o->address) && address_equal(group, &solicited))
            return true;
    }
    return false;
}

/* Limited, or directed to a subnet of ours. */
bool own_is_broadcast(const struct ip *ip, const struct address *a)
{
    if (!address_is_v4(*a))
        return false;
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (address_equal(a, &o->broadcast))
            return true;
    return address_equal(a, &ADDRESS_BROADCAST);
}

static uint64_t own_next(const struct own *o)
{
    uint64_t due = address_is_v4(o->address) ? o->arp.due : o->dad.due;
    if (!o->told && o->ready)
        return 0;
    if (o->valid_until < due)
        due = o->valid_until;
    return !o->deprecated && o->preferred_until < due ? o->preferred_until : due;
}

static void own_schedule(struct ip *ip)
{
    ip->own_due = WAIT_FOREVER;
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (own_next(o) < ip->own_due)
            ip->own_due = own_next(o);
}

static enum arp_claim_kind arp_kind(enum ip_claim claim)
{
    return claim == IP_CLAIM_AT_ONCE ? ARP_CLAIM_AT_ONCE
           : claim == IP_CLAIM_BRIEF ? ARP_CLAIM_BRIEF
                                     : ARP_CLAIM_PROBED;
}

struct own *own_add(struct ip *ip, uint64_t now, const struct own *from, enum ip_claim claim)
{
    if (ip->own_count == IP_ADDRESSES_MAX)
        return NULL;
    struct own *o = &ip->own[ip->own_count++];
    *o = *from;
    bool probe = claim != IP_CLAIM_AT_ONCE;
    o->ready = !probe;
    if (address_is_v4(o->address)) {
        o->broadcast = o->bits <= 126 ? address_last(o->address, o->bits) : ADDRESS_ANY;
        arp_claim_begin(&o->arp, now, arp_kind(claim), ip_random(ip));
    } else {
        dad_begin(&o->dad, now, probe, ip_random(ip));
        mld_joined(ip, o->dad.due); /* not before: RFC 4862, 5.4.2 */
    }
    paths_void(&ip->paths);
    own_schedule(ip);
    return o;
}

void own_remove(struct ip *ip, uint64_t now, struct own *o)
{
    struct own gone = *o;
    bool v6 = !address_is_v4(o->address);
    ip->own_count--;
    memmove(o, o + 1, (size_t)(ip->own + ip->own_count - o) * sizeof(*o));
    own_forget_prefix(ip, &gone);
    paths_void(&ip->paths);
    own_schedule(ip);
    if (v6)
        mld_joined(ip, now);
}

void own_lose(struct ip *ip, uint64_t now, struct own *o, enum ip_address_event why)
{
    struct own lost = *o;
    own_remove(ip, now, o);
    if (why == IP_ADDRESS_DUPLICATE) {
        count(ip, IP_DUPLICATES);
        slaac_again(ip, now, &lost);
    }
    ip->events->on_address(ip->owner, why, lost.address);
}

void own_arp(struct ip *ip, uint64_t now, const struct arp *a)
{
    for (struct own *o = ip->own; o < ip->own + ip->own_count; o++) {
        if (!address_is_v4(o->address) || !arp_conflicts(&o->arp, a, o->address, ip->mac))
            continue;
        count(ip, IP_ARP_CONFLICTS);
        enum arp_claim_action action = arp_claim_conflict(&o->arp, now);
        if (action == ARP_CLAIM_ANNOUNCE)
            arp_send_announcement(ip, o);
        else if (action == ARP_CLAIM_GIVE_UP)
            own_lose(ip, now, o, o->ready ? IP_ADDRESS_LOST : IP_ADDRESS_DUPLICATE);
        return; /* an address is ours once */
    }
}

/* Both tell that it is ours; the first time the owner hears of it too. */
static void announce(struct ip *ip, uint64_t now, struct own *o)
{
    struct address address = o->address;
    bool first = !o->told;
    o->ready = o->told = true;
    if (address_is_v4(address))
        arp_send_announcement(ip, o);
    else
        ndp_send_announcement(ip, now, o);
    if (!first)
        return;
    paths_void(&ip->paths);
    if (!address_is_v4(address) && address_is_link_local(&address))
        router_solicit(ip, now);
    ip->events->on_address(ip->owner, IP_ADDRESS_READY, address);
}

static void claim_v4(struct ip *ip, uint64_t now, struct own *o)
{
    enum arp_claim_action action = arp_claim_expire(&o->arp, now, ip_random(ip));
    if (action == ARP_CLAIM_PROBE)
        arp_send_probe(ip, o);
    else if (action == ARP_CLAIM_ANNOUNCE)
        announce(ip, now, o);
}

static void claim_v6(struct ip *ip, uint64_t now, struct own *o)
{
    enum dad_action action = dad_expire(&o->dad, now);
    if (action == DAD_ASK)
        ndp_send_probe(ip, now, o);
    else if (action == DAD_READY)
        announce(ip, now, o);
}

static void step(struct ip *ip, uint64_t now, struct own *o)
{
    if (o->valid_until <= now)
        own_lose(ip, now, o, IP_ADDRESS_LOST);
    else if (!o->deprecated && o->preferred_until <= now)
        o->deprecated = true;
    else if (address_is_v4(o->address))
        claim_v4(ip, now, o);
    else
        claim_v6(ip, now, o);
}

/* An event may change the table: one step, then it is looked at anew. Each step leaves its address
 * with nothing to do now, or without it. */
void own_expire(struct ip *ip, uint64_t now)
{
    size_t i = 0;
    if (now < ip->own_due)
        return;
    while (i < ip->own_count) {
        if (own_next(&ip->own[i]) > now) {
            i++;
            continue;
        }
        step(ip, now, &ip->own[i]);
        i = 0;
    }
    own_schedule(ip);
}

/* What was claimed on one link may be another's on the next: addresses that were probed for once are
 * not given up meanwhile, but announced, which brings out whoever else has them. */
void own_restart(struct ip *ip, uint64_t now)
{
    for (struct own *o = ip->own; o < ip->own + ip->own_count; o++) {
        if (address_is_v4(o->address))
            arp_claim_restart(&o->arp, now, ip_random(ip));
        else
            dad_begin(&o->dad, now, !o->ready, ip_random(ip));
    }
    mld_joined(ip, now);
    own_schedule(ip);
}
