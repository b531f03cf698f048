/*
 * Fragments on their way in: into the table, and out of it as whole packets, which go through the
 * checks of their headers once more, as if they had come in one piece.
 */
#include "lib/ip/internal.h"

#include "signatures/memory.h"

#define QUOTE_MAX 1280u

static enum ip_counter counter_of(enum reassembly_result why)
{
    switch (why) {
    case REASSEMBLY_OVERLAP:
        return IP_DROP_FRAGMENT_OVERLAP;
    case REASSEMBLY_DUPLICATE:
        return IP_DROP_FRAGMENT_DUPLICATE;
    case REASSEMBLY_LIMIT:
        return IP_DROP_FRAGMENT_LIMIT;
    case REASSEMBLY_ECN:
        return IP_DROP_REASSEMBLY_ECN;
    case REASSEMBLY_MEMORY:
        return IP_DROP_REASSEMBLY_MEMORY;
    case REASSEMBLY_MALFORMED:
    case REASSEMBLY_KEPT:
    case REASSEMBLY_WHOLE:
        break;
    }
    return IP_DROP_FRAGMENT_MALFORMED;
}

/* The header of the first piece becomes that of the whole. */
static void mend_v4(struct reassembled *whole)
{
    uint8_t *h = whole->packet;
    h[1] = (uint8_t)((h[1] & ~3u) | whole->ecn);
    put_be16(h + 2, (uint32_t)whole->len);
    put_be16(h + 6, 0);
}

static void mend_v6(struct reassembled *whole)
{
    uint8_t *h = whole->packet;
    h[1] = (uint8_t)((h[1] & ~0x30u) | (unsigned)whole->ecn << 4);
    put_be16(h + 4, (uint32_t)(whole->len - V6_HEAD_SIZE));
    h[whole->next_at] = whole->protocol;
}

static void whole_input(struct ip *ip, const struct input *piece, struct reassembled *whole)
{
    struct slice packet = slice_of(whole->packet, whole->len);
    struct input in = {.now = piece->now,
                       .parts = &packet,
                       .count = 1,
                       .from = piece->from,
                       .group = piece->group,
                       .looped = piece->looped,
                       .reassembled = true};
    count(ip, IP_REASSEMBLED);
    if (address_is_v4(piece->arrival.source)) {
        mend_v4(whole);
        ipv4_input(ip, &in);
    } else {
        mend_v6(whole);
        ipv6_input(ip, &in);
    }
}

/* Where IPv6 wants the sender told (RFC 8200, 4.5). */
static void tell_malformed(struct ip *ip, struct input *in, const struct fragment *f)
{
    if (address_is_v4(f->source))
        return;
    uint32_t at = !f->last && f->length % 8 != 0 ? 4 : (uint32_t)in->head + 2;
    icmp_error(ip, in, (struct icmp_kind){12, 0}, (struct icmp_kind){4, 0}, at);
}

void fragment_input(struct ip *ip, struct input *in, const struct fragment *f)
{
    struct reassembled whole;
    count(ip, IP_FRAGMENTS_RECEIVED);
    enum reassembly_result why = in->reassembled
                                     ? REASSEMBLY_MALFORMED
                                     : reassembly_add(&ip->reassembly, f, in->now, &whole);
    if (!in->reassembled) {
        ip->counters.of[IP_DROP_REASSEMBLY_FULL] += whole.full;
        ip->counters.of[IP_DROP_REASSEMBLY_SOURCE] += whole.source_full;
    }
    if (why == REASSEMBLY_WHOLE) {
        whole_input(ip, in, &whole);
        memory_free(whole.packet);
    } else if (why != REASSEMBLY_KEPT) {
        count(ip, counter_of(why));
        if (why == REASSEMBLY_MALFORMED)
            tell_malformed(ip, in, f);
    }
}

/* The sender is told if the piece came that says who it was (RFC 792; RFC 4443, 3.3). */
void fragment_expire(struct ip *ip, uint64_t now)
{
    uint8_t quote[QUOTE_MAX];
    size_t len;
    while (reassembly_expire(&ip->reassembly, now, quote, sizeof(quote), &len)) {
        count(ip, IP_DROP_REASSEMBLY_TIME);
        if (len == 0)
            continue;
        struct slice packet = slice_of(quote, len);
        bool v6 = quote[0] >> 4 == 6;
        struct input in = {.now = now, .parts = &packet, .count = 1, .checksum = NET_CHECKSUM_GOOD};
        in.arrival.source = v6 ? address_from_v6(quote + 8) : address_from_v4(quote + 12);
        in.arrival.destination = v6 ? address_from_v6(quote + 24) : address_from_v4(quote + 16);
        in.arrival.to_many = !own_ready(ip, &in.arrival.destination);
        icmp_error(ip, &in, (struct icmp_kind){11, 1}, (struct icmp_kind){3, 1}, 0);
    }
}
