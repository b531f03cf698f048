/* See segment.h. */
#include "lib/tcp/segment.h"

#include "runtime/reader.h"

enum option {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_SCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_STAMPS = 8
};

/* --- parsing --- */

static void read_blocks(struct reader *r, struct tcp_segment *s)
{
    s->block_count = 0;
    while (r->rest.len >= 8 && s->block_count < TCP_BLOCKS_MAX) {
        s->blocks[s->block_count].start = read_be32(r);
        s->blocks[s->block_count++].end = read_be32(r);
    }
    r->bad |= r->rest.len != 0;
}

/* One option that has a length. Known ones must have theirs; MSS, scale and SACK-permitted count
 * with a SYN only. */
static bool read_option(uint8_t kind, struct slice body, struct tcp_segment *s)
{
    struct reader r = reader_of(body);
    bool syn = s->flags & TCP_SYN;
    if (kind == OPTION_STAMPS) {
        s->stamp = read_be32(&r);
        s->echo = read_be32(&r);
        s->stamped = true;
    } else if (kind == OPTION_SACK) {
        read_blocks(&r, s);
    } else if (kind == OPTION_MSS && syn) {
        s->mss = read_be16(&r);
    } else if (kind == OPTION_SCALE && syn) {
        uint8_t shift = read_u8(&r);
        s->scale = (uint8_t)((shift < TCP_SCALE_MAX ? shift : TCP_SCALE_MAX) + 1);
    } else if (kind == OPTION_SACK_PERMITTED && syn) {
        s->sack_permitted = true;
    } else {
        return true;
    }
    return !r.bad && r.rest.len == 0;
}

static bool read_options(struct slice options, struct tcp_segment *s)
{
    struct reader r = reader_of(options);
    while (r.rest.len) {
        uint8_t kind = read_u8(&r);
        if (kind == OPTION_END)
            return true;
        if (kind == OPTION_NOP)
            continue;
        uint8_t length = read_u8(&r);
        if (r.bad || length < 2)
            return false;
        struct slice body = read_bytes(&r, length - 2u);
        if (r.bad || !read_option(kind, body, s))
            return false;
    }
    return true;
}

/* What almost every segment has: two NOPs and timestamps (RFC 7323, appendix A). */
static bool only_stamps(struct slice options, struct tcp_segment *s)
{
    static const uint8_t head[4] = {OPTION_NOP, OPTION_NOP, OPTION_STAMPS, 10};
    if (options.len != TCP_STAMPS_SIZE || memcmp(options.ptr, head, sizeof head) != 0)
        return false;
    struct reader r = reader_of(slice_drop(options, sizeof head));
    s->stamp = read_be32(&r);
    s->echo = read_be32(&r);
    s->stamped = true;
    return true;
}

/* A SYN asks for one thing, a RST for another, a FIN belongs to what exists; what is neither of the first
 * two acknowledges. */
static bool flags_make_sense(uint8_t flags)
{
    uint8_t kinds = flags & (TCP_SYN | TCP_RST | TCP_FIN);
    if (kinds & (kinds - 1))
        return false;
    return flags & (TCP_SYN | TCP_RST | TCP_ACK);
}

enum err tcp_segment_parse(struct slice first, size_t total, struct tcp_segment *into)
{
    struct reader r = reader_of(first);
    *into = (struct tcp_segment){.source = read_be16(&r)};
    into->destination = read_be16(&r);
    into->seq = read_be32(&r);
    into->ack = read_be32(&r);
    into->header = (uint8_t)(read_u8(&r) >> 4 << 2);
    into->flags = read_u8(&r);
    into->window = read_be16(&r);
    read_bytes(&r, 4); /* checksum, verified below; urgent pointer, without meaning to us */
    struct slice options = read_bytes(&r, into->header - (size_t)TCP_HEADER_MIN);
    if (r.bad || into->header < TCP_HEADER_MIN || total > UINT32_MAX || total < into->header)
        return ERR_MALFORMED;
    into->length = (uint32_t)total - into->header;
    if (!flags_make_sense(into->flags))
        return ERR_MALFORMED;
    if (options.len && !only_stamps(options, into) && !read_options(options, into))
        return ERR_LIMIT;
    return OK;
}

/* --- formatting --- */

struct writer {
    uint8_t *at;
};

static void put8(struct writer *w, unsigned value)
{
    *w->at++ = (uint8_t)value;
}

static void put16(struct writer *w, unsigned value)
{
    put8(w, value >> 8);
    put8(w, value);
}

static void put32(struct writer *w, uint32_t value)
{
    put16(w, value >> 16);
    put16(w, value & 0xffff);
}

static void put_option(struct writer *w, unsigned nops, unsigned kind, unsigned length)
{
    while (nops-- > 0)
        put8(w, OPTION_NOP);
    put8(w, kind);
    put8(w, length);
}

static void put_options(struct writer *w, const struct tcp_segment *s)
{
    if (s->mss) {
        put_option(w, 0, OPTION_MSS, 4);
        put16(w, s->mss);
    }
    if (s->sack_permitted)
        put_option(w, s->stamped ? 0 : 2, OPTION_SACK_PERMITTED, 2);
    if (s->stamped) {
        put_option(w, s->sack_permitted ? 0 : 2, OPTION_STAMPS, 10);
        put32(w, s->stamp);
        put32(w, s->echo);
    }
    if (s->scale) {
        put_option(w, 1, OPTION_SCALE, 3);
        put8(w, s->scale - 1u);
    }
    if (s->block_count)
        put_option(w, 2, OPTION_SACK, 2u + 8u * s->block_count);
    for (unsigned i = 0; i < s->block_count; i++) {
        put32(w, s->blocks[i].start);
        put32(w, s->blocks[i].end);
    }
}

size_t tcp_segment_format(const struct tcp_segment *s, uint8_t into[TCP_HEADER_MAX])
{
    struct writer w = {into};
    put16(&w, s->source);
    put16(&w, s->destination);
    put32(&w, s->seq);
    put32(&w, s->ack);
    put8(&w, 0);
    put8(&w, s->flags);
    put16(&w, s->window);
    put32(&w, 0);
    put_options(&w, s);
    size_t length = (size_t)(w.at - into);
    into[12] = (uint8_t)(length << 2); /* words, in the upper half */
    return length;
}
