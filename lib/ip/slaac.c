/*
 * Addresses that we make ourselves: the link-local one, and one of each prefix that routers offer
 * for it (RFC 4862, 5.5). Their identifiers are opaque and stable (RFC 7217): they tell nothing of
 * the card, and are the same on the same network from start to start, as long as the secret is.
 */
#include "lib/ip/internal.h"

#define PREFIX_BITS   64u
#define TRIES_MAX     3u /* IDGEN_RETRIES */
#define TWO_HOURS     (7200 * CLOCK_SEC)
#define FOR_EVER      UINT32_MAX
#define AUTOMATIC_MAX 8u /* addresses of prefixes, so that they leave room for what is added */

/* RFC 5453. */
static bool is_reserved(const uint8_t id[8])
{
    static const uint8_t zero[8] = {0}, anycast[] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                         iana[] = {0x02, 0x00, 0x5e, 0xff, 0xfe};
    return memcmp(id, zero, 8) == 0 || (memcmp(id, anycast, 7) == 0 && id[7] >= 0x80) ||
           memcmp(id, iana, sizeof(iana)) == 0;
}

/* F() of RFC 7217, 5: SipHash is a pseudo-random function with a key of 128 bits. */
static struct address make(const struct ip *ip, struct address prefix, uint8_t *tries)
{
    uint8_t *id = prefix.bytes + 8;
    do {
        uint8_t bytes[8 + NET_MAC_SIZE + 1];
        memcpy(bytes, prefix.bytes, 8);
        memcpy(bytes + 8, ip->mac.bytes, NET_MAC_SIZE);
        bytes[8 + NET_MAC_SIZE] = *tries;
        uint64_t hash = siphash(ip->options.secret, slice_of(bytes, sizeof(bytes)));
        put_be32(id, (uint32_t)(hash >> 32));
        put_be32(id + 4, (uint32_t)hash);
    } while (is_reserved(id) && ++*tries != 0);
    return prefix;
}

static void add(struct ip *ip, uint64_t now, const struct address *prefix, uint8_t tries,
                uint64_t valid_until, uint64_t preferred_until)
{
    struct own o = {.bits = PREFIX_BITS,
                    .automatic = true,
                    .tries = tries,
                    .valid_until = valid_until,
                    .preferred_until = preferred_until};
    o.address = make(ip, *prefix, &o.tries);
    if (own_find(ip, &o.address) || !own_add(ip, now, &o, IP_CLAIM_PROBED))
        count(ip, IP_PREFIXES_REFUSED);
}

void slaac_begin(struct ip *ip, uint64_t now)
{
    add(ip, now, &ADDRESS_LINK_LOCAL, 0, WAIT_FOREVER, WAIT_FOREVER);
}

void slaac_again(struct ip *ip, uint64_t now, const struct own *duplicate)
{
    struct address prefix = address_prefix(duplicate->address, PREFIX_BITS);
    if (duplicate->automatic && duplicate->tries < TRIES_MAX)
        add(ip, now, &prefix, (uint8_t)(duplicate->tries + 1), duplicate->valid_until,
            duplicate->preferred_until);
}

static struct own *find(struct ip *ip, const struct address *prefix, size_t *automatic)
{
    struct own *found = NULL;
    *automatic = 0;
    for (struct own *o = ip->own; o < ip->own + ip->own_count; o++) {
        *automatic += o->automatic;
        if (o->automatic && !address_is_v4(o->address) &&
            address_in_prefix(&o->address, prefix, PREFIX_BITS))
            found = o;
    }
    return found;
}

/* A stranger's advertisement may not end an address at once: what it has left is cut to two hours at
 * the least (RFC 4862, 5.5.3 e). */
static uint64_t new_end(const struct own *o, uint64_t now, uint64_t offered)
{
    if (offered - now > TWO_HOURS || offered > o->valid_until)
        return offered;
    return o->valid_until - now <= TWO_HOURS ? o->valid_until : now + TWO_HOURS;
}

void slaac_prefix(struct ip *ip, uint64_t now, const struct address *prefix, uint8_t bits,
                  uint32_t valid, uint32_t preferred)
{
    size_t automatic;
    if (bits != PREFIX_BITS || preferred > valid) {
        count(ip, IP_PREFIXES_REFUSED);
        return;
    }
    uint64_t valid_until = valid == FOR_EVER ? WAIT_FOREVER : now + valid * CLOCK_SEC;
    uint64_t preferred_until = preferred == FOR_EVER ? WAIT_FOREVER : now + preferred * CLOCK_SEC;
    struct own *o = find(ip, prefix, &automatic);
    if (o) {
        o->valid_until = new_end(o, now, valid_until);
        o->preferred_until = preferred_until;
        o->deprecated = preferred == 0;
        ip->own_due = now;
    } else if (valid != 0 && automatic > AUTOMATIC_MAX) {
        count(ip, IP_PREFIXES_REFUSED);
    } else if (valid != 0) {
        add(ip, now, prefix, 0, valid_until, preferred_until);
    }
}
