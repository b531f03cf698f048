/*
 * Reading and writing (RFC 1035, 4; RFC 6891, 6.1). An answer is read whole before anything of it
 * counts; of the records, only those that the asked name leads to.
 */
#include "lib/dns/message.h"

#define CLASS_IN     1u
#define FLAG_ANSWER  0x8000u
#define OPCODE       0x7800u
#define FLAG_CUT     0x0200u
#define FLAG_RECURSE 0x0100u
#define RCODE        0x000fu

enum rcode { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4 };

/* --- writing --- */

static size_t put_be16(uint8_t *into, size_t at, unsigned value)
{
    into[at] = (uint8_t)(value >> 8);
    into[at + 1] = (uint8_t)value;
    return at + 2;
}

size_t dns_write(const struct dns_question *q, uint8_t into[DNS_QUESTION_MAX])
{
    size_t at = put_be16(into, 0, q->id);
    at = put_be16(into, at, FLAG_RECURSE);
    at = put_be16(into, at, 1);
    memset(into + at, 0, 6);
    put_be16(into, 10, q->edns);
    at = 12;
    memcpy(into + at, q->name.bytes, q->name.len);
    at = put_be16(into, at + q->name.len, q->type);
    at = put_be16(into, at, CLASS_IN);
    if (!q->edns)
        return at;
    into[at++] = 0; /* the root */
    at = put_be16(into, at, DNS_OPT);
    at = put_be16(into, at, DNS_UDP_SIZE);
    memset(into + at, 0, 6); /* no flags, no options */
    return at + 6;
}

/* --- reading --- */

struct head {
    unsigned flags;
    size_t answers, authority, more;
};

struct record {
    struct dns_name owner;
    unsigned type, class;
    uint32_t ttl;
    struct slice data;
    struct reader at; /* in front of the data, for names in it */
};

static enum err read_head(struct reader *r, struct slice message, const struct dns_question *q,
                          struct head *h)
{
    struct dns_name name;
    unsigned id = read_be16(r);
    h->flags = read_be16(r);
    unsigned questions = read_be16(r);
    h->answers = read_be16(r);
    h->authority = read_be16(r);
    h->more = read_be16(r);
    if (r->bad)
        return ERR_MALFORMED;
    if (id != q->id || !(h->flags & FLAG_ANSWER) || (h->flags & OPCODE))
        return ERR_MISMATCH;
    /* A server that does not understand a question may not repeat it. */
    if (questions == 0 && (h->flags & RCODE) != NOERROR && (h->flags & RCODE) != NXDOMAIN)
        return OK;
    dns_name_read(r, message, &name);
    unsigned type = read_be16(r), class = read_be16(r);
    if (r->bad)
        return ERR_MALFORMED;
    if (questions != 1 || type != q->type || class != CLASS_IN || !dns_name_equal(&name, &q->name))
        return ERR_MISMATCH;
    /* Not by the letter: a forger's guess, or a server that changes letters, which TCP settles. */
    if (!q->tcp && memcmp(name.bytes, q->name.bytes, name.len) != 0)
        h->flags |= FLAG_CUT;
    return OK;
}

static void read_record(struct reader *r, struct slice message, struct record *into)
{
    dns_name_read(r, message, &into->owner);
    into->type = read_be16(r);
    into->class = read_be16(r);
    into->ttl = read_be32(r);
    if (into->ttl > INT32_MAX) /* RFC 2181, 8 */
        into->ttl = 0;
    size_t len = read_be16(r);
    into->at = *r;
    into->data = read_bytes(r, len);
}

/* All records can be read. */
static bool sound(struct reader r, struct slice message, size_t count)
{
    struct record one;
    while (count-- && !r.bad)
        read_record(&r, message, &one);
    return !r.bad;
}

/* The name that a record's data begins with, which may not be longer than the data. */
static bool read_target(const struct record *rr, struct slice message, struct dns_name *into,
                        struct reader *behind)
{
    *behind = rr->at;
    dns_name_read(behind, message, into);
    return !behind->bad && rr->at.rest.len - behind->rest.len <= rr->data.len;
}

static void keep_ttl(struct dns_reply *into, uint32_t ttl)
{
    if (ttl < into->ttl)
        into->ttl = ttl;
}

/* Where into->name leads on to another name, it becomes that. */
static enum err lead_on(struct reader r, struct slice message, size_t count, struct dns_reply *into,
                        bool *led)
{
    struct record rr;
    struct reader behind;
    *led = false;
    for (; count-- && !*led;) {
        read_record(&r, message, &rr);
        if (rr.type != DNS_CNAME || rr.class != CLASS_IN || !dns_name_equal(&rr.owner, &into->name))
            continue;
        if (!read_target(&rr, message, &into->name, &behind))
            return ERR_MALFORMED;
        keep_ttl(into, rr.ttl);
        into->hops++;
        *led = true;
    }
    return *led && into->hops > DNS_CHAIN_MAX ? ERR_LIMIT : OK;
}

/* An address that can be one of a host. A mapped IPv4 address (RFC 4291, 2.5.5.2) has no place in
 * an AAAA record. */
static bool take_address(const struct record *rr, struct address *a)
{
    const uint8_t *b = rr->data.ptr;
    if (rr->type == DNS_A) {
        *a = address_v4(b[0], b[1], b[2], b[3]);
        return true;
    }
    memcpy(a->bytes, b, sizeof a->bytes);
    return !address_is_v4(*a) && !address_equal(a, &ADDRESS_ANY);
}

static enum err read_addresses(struct reader r, struct slice message, size_t count,
                               const struct dns_question *q, struct dns_reply *into)
{
    struct record rr;
    struct address a;
    while (count--) {
        read_record(&r, message, &rr);
        if (rr.type != q->type || rr.class != CLASS_IN || !dns_name_equal(&rr.owner, &into->name))
            continue;
        if (rr.data.len != (q->type == DNS_A ? 4 : 16))
            return ERR_MALFORMED;
        if (!take_address(&rr, &a))
            continue;
        keep_ttl(into, rr.ttl);
        if (into->count == DNS_ADDRESSES_MAX)
            into->cut++;
        else
            into->addresses[into->count++] = a;
    }
    return OK;
}

/* How long there will be nothing: the lesser of what the zone's SOA record says, and its own TTL
 * (RFC 2308, 5). 0 where there is none. *zone: there is one. */
static uint32_t absent_ttl(struct reader r, struct slice message, const struct head *h, bool *zone)
{
    struct record rr;
    struct dns_name ignored;
    struct reader behind;
    *zone = false;
    for (size_t i = 0; i < h->answers + h->authority; i++) {
        read_record(&r, message, &rr);
        if (i < h->answers || rr.type != DNS_SOA || rr.class != CLASS_IN)
            continue;
        if (!read_target(&rr, message, &ignored, &behind))
            return 0;
        dns_name_read(&behind, message, &ignored);
        (void)read_bytes(&behind, 16); /* serial, refresh, retry, expire */
        uint32_t least = read_be32(&behind);
        *zone = !behind.bad;
        return behind.bad ? 0 : least < rr.ttl ? least : rr.ttl;
    }
    return 0;
}

static bool refers(const struct head *h, bool zone)
{
    return h->authority > 0 && !zone; /* to other servers, which a recursive one would ask itself */
}

static void conclude(struct reader r, struct slice message, const struct head *h,
                     struct dns_reply *into)
{
    bool zone;
    uint32_t ttl = absent_ttl(r, message, h, &zone);
    bool absent = (h->flags & RCODE) == NXDOMAIN;
    if (into->count) {
        into->what = DNS_FOUND;
    } else if (!absent && !zone && into->hops) {
        into->what = DNS_ELSEWHERE;
    } else if (!absent && refers(h, zone)) {
        into->what = DNS_FAILED;
    } else {
        into->what = DNS_ABSENT;
        keep_ttl(into, ttl < DNS_ABSENT_MAX ? ttl : DNS_ABSENT_MAX);
    }
}

static enum err read_sections(struct reader r, struct slice message, const struct head *h,
                              const struct dns_question *q, struct dns_reply *into)
{
    bool led = true;
    if (h->answers + h->authority + h->more > DNS_RECORDS_MAX)
        return ERR_LIMIT;
    if (!sound(r, message, h->answers + h->authority + h->more))
        return ERR_MALFORMED;
    while (led) {
        enum err e = lead_on(r, message, h->answers, into, &led);
        if (e)
            return e;
    }
    enum err e = read_addresses(r, message, h->answers, q, into);
    if (!e)
        conclude(r, message, h, into);
    return e;
}

enum err dns_read(struct slice message, const struct dns_question *q, struct dns_reply *into)
{
    struct reader r = reader_of(message);
    struct head h;
    *into = (struct dns_reply){.what = DNS_FAILED, .ttl = DNS_TTL_MAX, .name = q->name};
    enum err e = read_head(&r, message, q, &h);
    if (e)
        return e;
    switch (h.flags & RCODE) {
    case NOERROR:
    case NXDOMAIN:
        if (h.flags & FLAG_CUT)
            into->what = DNS_CUT;
        return h.flags & FLAG_CUT ? OK : read_sections(r, message, &h, q, into);
    case FORMERR:
    case NOTIMP:
        into->what = q->edns ? DNS_OLD : DNS_FAILED;
        return OK;
    default:
        return OK;
    }
}
