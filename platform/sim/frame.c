/* Frames, taken apart and put together; see frame.h. RFC 791, 8200, 9293, 768, 792, 4443. */
#include "platform/sim/frame.h"

#include "runtime/reader.h"

#define IPV4_SIZE 20u
#define IPV6_SIZE 40u
#define TCP_SIZE  20u

void sim_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void sim_put32(uint8_t *at, uint32_t value)
{
    sim_put16(at, (uint16_t)(value >> 16));
    sim_put16(at + 2, (uint16_t)value);
}

uint16_t sim_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t sim_get32(const uint8_t *at)
{
    return (uint32_t)sim_get16(at) << 16 | sim_get16(at + 2);
}

/* --- reading --- */

static struct address read_address(struct reader *r, bool v6)
{
    struct slice s = read_bytes(r, v6 ? 16 : 4);
    struct address a = {{0}};
    if (!r->bad && v6)
        memcpy(a.bytes, s.ptr, 16);
    else if (!r->bad)
        a = address_v4(s.ptr[0], s.ptr[1], s.ptr[2], s.ptr[3]);
    return a;
}

static const char *read_ipv4(struct reader *r, struct sim_frame *f)
{
    size_t available = r->rest.len;
    uint8_t first = read_u8(r);
    f->ecn = read_u8(r) & 3;
    size_t length = read_be16(r), head = (size_t)(first & 15) * 4;
    read_be16(r); /* id */
    uint16_t fragment = read_be16(r);
    f->whole = fragment & 0x4000;
    f->fragment = fragment & 0x3fff;
    f->hops = read_u8(r);
    f->protocol = read_u8(r);
    read_be16(r); /* checksum */
    f->source = read_address(r, false);
    f->destination = read_address(r, false);
    if (r->bad || first >> 4 != 4 || head < IPV4_SIZE || length < head || length > available)
        return "IPv4: version or lengths";
    read_bytes(r, head - IPV4_SIZE);
    f->transport = f->ip + head;
    f->end = f->ip + length;
    return r->bad ? "IPv4: options" : NULL;
}

static bool is_extension(uint8_t header)
{
    return header == 0 || header == 43 || header == 60;
}

static const char *read_extensions(struct reader *r, struct sim_frame *f)
{
    while (is_extension(f->protocol) || f->protocol == 44) {
        bool fragment = f->protocol == 44;
        struct slice head = read_bytes(r, 8);
        if (r->bad)
            return "IPv6: extension header";
        size_t more = fragment ? 0 : (size_t)head.ptr[1] * 8;
        f->protocol = head.ptr[0];
        f->transport += 8 + more;
        read_bytes(r, more);
        if (fragment && (sim_get16(head.ptr + 2) & 0xfff9)) {
            f->fragment = true;
            break;
        }
    }
    return r->bad ? "IPv6: extension header" : NULL;
}

static const char *read_ipv6(struct reader *r, struct sim_frame *f)
{
    uint32_t first = read_be32(r);
    size_t length = read_be16(r);
    f->v6 = true;
    f->whole = true;
    f->ecn = (first >> 20) & 3;
    f->protocol = read_u8(r);
    f->hops = read_u8(r);
    f->source = read_address(r, true);
    f->destination = read_address(r, true);
    if (r->bad || first >> 28 != 6 || length > r->rest.len)
        return "IPv6: version or length";
    f->transport = f->ip + IPV6_SIZE;
    f->end = f->transport + length;
    r->rest = slice_take(r->rest, length);
    return read_extensions(r, f);
}

static void read_sacks(struct sim_tcp *t, struct reader *r)
{
    for (t->sack_count = 0; r->rest.len >= 8 && t->sack_count < SIM_SACKS_MAX; t->sack_count++) {
        t->sacks[t->sack_count][0] = read_be32(r);
        t->sacks[t->sack_count][1] = read_be32(r);
    }
}

static const char *read_option(struct sim_tcp *t, uint8_t kind, struct slice body)
{
    static const struct {
        uint8_t kind, length, bit;
    } known[] = {
        {2, 2, SIM_HAS_MSS}, {3, 1, SIM_HAS_SCALE}, {4, 0, SIM_HAS_SACK_OK}, {8, 8, SIM_HAS_TIMES}};
    struct reader r = reader_of(body);
    uint8_t bit = kind == 5 ? SIM_HAS_SACKS : SIM_HAS_OTHERS;
    if (kind == 5 && (body.len == 0 || body.len % 8 != 0))
        return "TCP: length of SACK";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].kind != kind)
            continue;
        if (known[i].length != body.len)
            return "TCP: length of an option";
        bit = known[i].bit;
    }
    if ((t->options & bit) && bit != SIM_HAS_OTHERS)
        return "TCP: an option stands there twice";
    t->options |= bit;
    if (kind == 2)
        t->mss = read_be16(&r);
    if (kind == 3)
        t->scale = read_u8(&r);
    if (kind == 5)
        read_sacks(t, &r);
    if (kind == 8) {
        t->time = read_be32(&r);
        t->echo = read_be32(&r);
    }
    return NULL;
}

static const char *read_options(struct sim_tcp *t, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    const char *fault = NULL;
    while (r.rest.len && !fault) {
        uint8_t kind = read_u8(&r);
        if (kind == 0)
            break;
        if (kind == 1)
            continue;
        uint8_t length = read_u8(&r);
        struct slice body = read_bytes(&r, length >= 2 ? (size_t)length - 2 : SIZE_MAX);
        fault = r.bad ? "TCP: options" : read_option(t, kind, body);
    }
    return fault;
}

static const char *read_tcp(struct reader *r, struct sim_frame *f)
{
    struct sim_tcp *t = &f->tcp;
    t->source = read_be16(r);
    t->destination = read_be16(r);
    t->seq = read_be32(r);
    t->ack = read_be32(r);
    size_t head = (size_t)(read_u8(r) >> 4) * 4;
    t->flags = read_u8(r);
    t->window = read_be16(r);
    f->checksum = f->transport + 16;
    read_be16(r);
    t->urgent = read_be16(r);
    if (r->bad || head < TCP_SIZE)
        return "TCP: header";
    struct slice options = read_bytes(r, head - TCP_SIZE);
    f->payload = f->transport + head;
    return r->bad ? "TCP: header" : read_options(t, options);
}

static const char *read_transport(struct reader *r, struct sim_frame *f)
{
    size_t length = f->end - f->transport;
    r->rest = slice_take(r->rest, length);
    if (f->fragment)
        return NULL;
    switch (f->protocol) {
    case SIM_TCP:
        return read_tcp(r, f);
    case SIM_UDP:
        f->checksum = f->transport + 6;
        f->payload = f->transport + 8;
        f->tcp.source = read_be16(r);
        f->tcp.destination = read_be16(r);
        return read_be16(r) != length || length < 8 ? "UDP: length" : NULL;
    case SIM_ICMP:
    case SIM_ICMPV6:
        f->checksum = f->transport + 2;
        f->payload = f->transport + 4;
        return length < 8 ? "ICMP: length" : NULL;
    default:
        return NULL;
    }
}

const char *sim_frame_read(struct slice bytes, struct sim_frame *f)
{
    struct reader r = reader_of(bytes);
    *f = (struct sim_frame){.ip = 0};
    struct slice to = read_bytes(&r, NET_MAC_SIZE), from = read_bytes(&r, NET_MAC_SIZE);
    f->type = read_be16(&r);
    if (r.bad)
        return "Ethernet: shorter than its header";
    memcpy(f->to, to.ptr, NET_MAC_SIZE);
    memcpy(f->from, from.ptr, NET_MAC_SIZE);
    if (f->type != SIM_IPV4 && f->type != SIM_IPV6)
        return NULL;
    f->ip = SIM_ETHERNET_SIZE;
    const char *fault = f->type == SIM_IPV4 ? read_ipv4(&r, f) : read_ipv6(&r, f);
    return fault ? fault : read_transport(&r, f);
}

/* --- checksums --- */

uint16_t sim_sum(struct slice bytes, uint32_t sum)
{
    uint64_t wide = sum;
    size_t i = 0;
    for (; i + 1 < bytes.len; i += 2)
        wide += sim_get16(bytes.ptr + i);
    if (i < bytes.len)
        wide += (uint32_t)bytes.ptr[i] << 8;
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint16_t)wide;
}

uint16_t sim_sum_pseudo(const struct sim_frame *f)
{
    size_t length = f->end - f->transport, from = f->v6 ? 0 : 12;
    uint32_t sum = (uint32_t)(length >> 16) + (uint32_t)(length & 0xffff) + f->protocol;
    sum = sim_sum(slice_of(f->source.bytes + from, 16 - from), sum);
    return sim_sum(slice_of(f->destination.bytes + from, 16 - from), sum);
}

bool sim_frame_ip_sum_good(struct slice bytes, const struct sim_frame *f)
{
    return f->v6 || !f->ip ||
           sim_sum(slice_of(bytes.ptr + f->ip, f->transport - f->ip), 0) == 0xffff;
}

bool sim_frame_sum_good(struct slice bytes, const struct sim_frame *f)
{
    if (!f->checksum)
        return true;
    if (f->protocol == SIM_UDP && !f->v6 && sim_get16(bytes.ptr + f->checksum) == 0)
        return true;
    uint32_t pseudo = f->protocol == SIM_ICMP ? 0 : sim_sum_pseudo(f);
    return sim_sum(slice_of(bytes.ptr + f->transport, f->end - f->transport), pseudo) == 0xffff;
}

static void sum_ip(uint8_t *bytes, const struct sim_frame *f)
{
    if (f->v6 || !f->ip)
        return;
    sim_put16(bytes + f->ip + 10, 0);
    uint16_t sum = sim_sum(slice_of(bytes + f->ip, f->transport - f->ip), 0);
    sim_put16(bytes + f->ip + 10, (uint16_t)~sum);
}

void sim_frame_sum(uint8_t *bytes, const struct sim_frame *f)
{
    sum_ip(bytes, f);
    if (!f->checksum)
        return;
    sim_put16(bytes + f->checksum, 0);
    uint32_t pseudo = f->protocol == SIM_ICMP ? 0 : sim_sum_pseudo(f);
    uint16_t sum = sim_sum(slice_of(bytes + f->transport, f->end - f->transport), pseudo);
    sum = (uint16_t)~sum;
    if (sum == 0 && f->protocol == SIM_UDP)
        sum = 0xffff;
    sim_put16(bytes + f->checksum, sum);
}

void sim_frame_mark(uint8_t *bytes, const struct sim_frame *f, uint8_t ecn)
{
    uint8_t *at = bytes + f->ip + 1;
    if (f->v6)
        *at = (uint8_t)((*at & ~0x30) | ecn << 4);
    else
        *at = (uint8_t)((*at & ~3) | ecn);
    sum_ip(bytes, f);
}

/* --- making --- */

static size_t put_ethernet(uint8_t *into, const struct sim_frame *f)
{
    memcpy(into, f->to, NET_MAC_SIZE);
    memcpy(into + NET_MAC_SIZE, f->from, NET_MAC_SIZE);
    sim_put16(into + 12, f->v6 ? SIM_IPV6 : SIM_IPV4);
    return SIM_ETHERNET_SIZE;
}

static size_t put_ip(uint8_t *into, const struct sim_frame *f, size_t length)
{
    uint8_t *h = into + put_ethernet(into, f), hops = f->hops ? f->hops : 64;
    memset(h, 0, IPV6_SIZE);
    if (f->v6) {
        sim_put32(h, 6u << 28 | (uint32_t)f->ecn << 20);
        sim_put16(h + 4, (uint16_t)length);
        h[6] = f->protocol;
        h[7] = hops;
        memcpy(h + 8, f->source.bytes, 16);
        memcpy(h + 24, f->destination.bytes, 16);
        return SIM_ETHERNET_SIZE + IPV6_SIZE;
    }
    h[0] = 0x45;
    h[1] = f->ecn;
    sim_put16(h + 2, (uint16_t)(IPV4_SIZE + length));
    h[6] = f->whole ? 0x40 : 0;
    h[8] = hops;
    h[9] = f->protocol;
    memcpy(h + 12, f->source.bytes + 12, 4);
    memcpy(h + 16, f->destination.bytes + 12, 4);
    return SIM_ETHERNET_SIZE + IPV4_SIZE;
}

/* Both checksums of a frame that is complete but for them. */
static size_t seal(uint8_t *into, size_t length)
{
    struct sim_frame made;
    if (!sim_frame_read(slice_of(into, length), &made))
        sim_frame_sum(into, &made);
    return length;
}

static size_t put_options(uint8_t *o, const struct sim_tcp *t)
{
    const uint8_t *start = o;
    if (t->options & SIM_HAS_MSS) {
        memcpy(o, (uint8_t[]){2, 4}, 2);
        sim_put16(o + 2, t->mss);
        o += 4;
    }
    if (t->options & SIM_HAS_SACK_OK) {
        memcpy(o, (uint8_t[]){1, 1, 4, 2}, 4);
        o += 4;
    }
    if (t->options & SIM_HAS_TIMES) {
        memcpy(o, (uint8_t[]){1, 1, 8, 10}, 4);
        sim_put32(o + 4, t->time);
        sim_put32(o + 8, t->echo);
        o += 12;
    }
    if (t->options & SIM_HAS_SCALE) {
        memcpy(o, (uint8_t[]){1, 3, 3, t->scale}, 4);
        o += 4;
    }
    if (t->options & SIM_HAS_SACKS) {
        memcpy(o, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * t->sack_count)}, 4);
        o += 4;
        for (size_t i = 0; i < t->sack_count; i++, o += 8) {
            sim_put32(o, t->sacks[i][0]);
            sim_put32(o + 4, t->sacks[i][1]);
        }
    }
    return (size_t)(o - start);
}

size_t sim_frame_tcp(uint8_t *into, const struct sim_frame *f, struct slice payload)
{
    struct sim_frame full = *f;
    const struct sim_tcp *t = &f->tcp;
    uint8_t options[64];
    size_t head = TCP_SIZE + put_options(options, t);
    full.protocol = SIM_TCP;
    size_t at = put_ip(into, &full, head + payload.len);
    uint8_t *h = into + at;
    memset(h, 0, TCP_SIZE);
    sim_put16(h, t->source);
    sim_put16(h + 2, t->destination);
    sim_put32(h + 4, t->seq);
    sim_put32(h + 8, t->ack);
    h[12] = (uint8_t)(head / 4 << 4);
    h[13] = t->flags;
    sim_put16(h + 14, t->window);
    sim_put16(h + 18, t->urgent);
    memcpy(h + TCP_SIZE, options, head - TCP_SIZE);
    if (payload.len)
        memcpy(h + head, payload.ptr, payload.len);
    return seal(into, at + head + payload.len);
}

size_t sim_frame_ip(uint8_t *into, const struct sim_frame *f, struct slice content)
{
    size_t at = put_ip(into, f, content.len);
    if (content.len)
        memcpy(into + at, content.ptr, content.len);
    return seal(into, at + content.len);
}
