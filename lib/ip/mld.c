/* Which groups we are in: see mld.h. */
#include "lib/ip/internal.h"

#include "runtime/reader.h"

#define QUERY_V1_SIZE 24u
#define QUERY_V2_SIZE 28u
#define HEAD_SIZE     8u
#define RECORD_SIZE   20u
#define HOP_OPTIONS   8u /* a hop-by-hop header with the router alert (RFC 2711) */

enum record { MODE_IS_EXCLUDE = 2, CHANGE_TO_EXCLUDE = 4 };
enum mld_type { MLD_REPORT_V1 = 131, MLD_REPORT_V2 = 143 };

/* Our groups, each once. */
static size_t groups(const struct ip *ip, struct address into[IP_ADDRESSES_MAX])
{
    size_t n = 0;
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++) {
        struct address group = address_solicited_node(o->address);
        size_t i = 0;
        while (i < n && !address_equal(&into[i], &group))
            i++;
        if (!address_is_v4(o->address) && i == n)
            into[n++] = group;
    }
    return n;
}

/* From our link-local address, or nobody's while that is not ours yet (RFC 3590). */
static struct address report_source(const struct ip *ip)
{
    for (const struct own *o = ip->own; o < ip->own + ip->own_count; o++)
        if (o->ready && !address_is_v4(o->address) && address_is_link_local(&o->address))
            return o->address;
    return ADDRESS_ANY;
}

/* head: HOP_OPTIONS bytes of room, and the message's first HEAD_SIZE. */
static void send(struct ip *ip, uint64_t now, struct address to, uint8_t head[], struct slice rest)
{
    static const uint8_t alert[HOP_OPTIONS] = {IP_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
    struct ip_packet p = {.source = report_source(ip),
                          .destination = to,
                          .protocol = PROTOCOL_HOP,
                          .hops = 1,
                          .whole = true,
                          .header = slice_of(head, HOP_OPTIONS + HEAD_SIZE),
                          .checksum_at = NO_CHECKSUM,
                          .payload = &rest,
                          .payload_count = 1};
    struct checksum c = {0};
    checksum_add_pseudo(&c, &p.source, &to, IP_ICMPV6, HEAD_SIZE + rest.len);
    checksum_add(&c, slice_of(head + HOP_OPTIONS, HEAD_SIZE));
    checksum_add(&c, rest);
    memcpy(head, alert, sizeof(alert));
    put_be16(head + HOP_OPTIONS + 2, checksum_complement(&c));
    if (!output(ip, now, &p, true, NULL))
        count(ip, IP_ICMP_SENT);
}

static void report(struct ip *ip, uint64_t now, enum record type)
{
    struct address all[IP_ADDRESSES_MAX];
    uint8_t head[HOP_OPTIONS + HEAD_SIZE] = {[HOP_OPTIONS] = MLD_REPORT_V2};
    uint8_t records[IP_ADDRESSES_MAX * RECORD_SIZE] = {0};
    size_t n = groups(ip, all);
    for (size_t i = 0; i < n; i++) {
        records[i * RECORD_SIZE] = (uint8_t)type;
        memcpy(records + i * RECORD_SIZE + 4, all[i].bytes, sizeof(all[i].bytes));
    }
    put_be16(head + HOP_OPTIONS + 6, (uint32_t)n);
    if (n > 0)
        send(ip, now, ADDRESS_MLD_REPORTS, head, slice_of(records, n * RECORD_SIZE));
}

static void report_v1(struct ip *ip, uint64_t now)
{
    struct address all[IP_ADDRESSES_MAX];
    size_t n = groups(ip, all);
    for (size_t i = 0; i < n; i++) {
        uint8_t head[HOP_OPTIONS + HEAD_SIZE] = {[HOP_OPTIONS] = MLD_REPORT_V1};
        send(ip, now, all[i], head, slice_of(all[i].bytes, sizeof(all[i].bytes)));
    }
}

void mld_joined(struct ip *ip, uint64_t due)
{
    if (ip->options.no_v6)
        return;
    ip->mld.left = MLD_ROBUSTNESS;
    if (due < ip->mld.change_due)
        ip->mld.change_due = due;
}

void mld_expire(struct ip *ip, uint64_t now)
{
    if (now >= ip->mld.change_due) {
        report(ip, now, CHANGE_TO_EXCLUDE);
        ip->mld.change_due =
            --ip->mld.left > 0 ? now + 1 + ip_random(ip) % MLD_REPEAT : WAIT_FOREVER;
    }
    if (now >= ip->mld.answer_due) {
        ip->mld.answer_due = WAIT_FOREVER;
        if (ip->mld.version1)
            report_v1(ip, now);
        else
            report(ip, now, MODE_IS_EXCLUDE);
    }
}

/* Milliseconds; beyond 32767 a small floating-point number (RFC 3810, 5.1.3). */
static uint64_t response_time(uint16_t code, bool version1)
{
    uint64_t ms = code;
    if (!version1 && code >= 0x8000u)
        ms = (uint64_t)((code & 0xfffu) | 0x1000u) << ((code >> 12 & 7u) + 3);
    uint64_t ns = ms * CLOCK_MS;
    return ns < MLD_RESPONSE_MAX ? ns : MLD_RESPONSE_MAX;
}

void mld_input(struct ip *ip, struct input *in, struct slice message)
{
    struct reader r = reader_of(message);
    bool version1 = message.len == QUERY_V1_SIZE;
    read_be32(&r);
    uint16_t code = read_be16(&r);
    read_be16(&r);
    struct slice bytes = read_bytes(&r, 16);
    if (r.bad || (!version1 && message.len < QUERY_V2_SIZE) || in->arrival.hops != 1 ||
        !address_is_link_local(&in->arrival.source)) {
        count(ip, IP_DROP_NDP_MALFORMED);
        return;
    }
    struct address group = address_from_v6(bytes.ptr);
    if (!address_is_any(&group) && !own_in_group(ip, &group))
        return;
    uint64_t due = in->now + ip_random(ip) % (response_time(code, version1) + 1);
    ip->mld.version1 = version1;
    if (due < ip->mld.answer_due)
        ip->mld.answer_due = due;
}
