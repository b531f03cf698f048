/*
 * Addresses as text. IPv6 is read group by group (RFC 4291, 2.2) and written in the one canonical
 * way (RFC 5952). See address.h.
 */
#include "runtime/address.h"

#include "runtime/format.h"

#define GROUPS 8

bool address_in_prefix(const struct address *a, const struct address *prefix, uint8_t bits)
{
    size_t whole = bits / 8;
    if (memcmp(a->bytes, prefix->bytes, whole) != 0)
        return false;
    return bits % 8 == 0 || ((a->bytes[whole] ^ prefix->bytes[whole]) >> (8 - bits % 8)) == 0;
}

bool address_is_loopback(struct address a)
{
    static const struct address one = {{[15] = 1}};
    if (address_is_v4(a))
        return a.bytes[12] == 127;
    return address_equal(&a, &one);
}

struct address address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct address){{[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d}};
}

/* Four decimal numbers without leading zeros, which some readers take for octal. */
static bool parse_v4(struct slice text, uint8_t into[4])
{
    for (int i = 0; i < 4; i++) {
        struct slice part;
        uint64_t value;
        bool more = slice_cut(text, '.', &part, &text);
        if (more != (i < 3) || !slice_decimal(part, 255, &value))
            return false;
        if (part.len > 1 && part.ptr[0] == '0')
            return false;
        into[i] = (uint8_t)value;
    }
    return true;
}

/* Reads "group:group:..." (or nothing); the last may be a dotted quad if v4_may_end. Returns how
 * many groups were read into `groups`, or -1. */
static int parse_groups(struct slice text, bool v4_may_end, uint16_t groups[GROUPS])
{
    int count = 0;
    bool more = text.len > 0;
    while (more) {
        struct slice part;
        uint64_t value;
        uint8_t quad[4];
        more = slice_cut(text, ':', &part, &text);
        if (count < GROUPS && part.len <= 4 && slice_hex(part, 0xffff, &value)) {
            groups[count++] = (uint16_t)value;
        } else if (!more && v4_may_end && count <= GROUPS - 2 && parse_v4(part, quad)) {
            groups[count++] = (uint16_t)(quad[0] << 8 | quad[1]);
            groups[count++] = (uint16_t)(quad[2] << 8 | quad[3]);
        } else {
            return -1;
        }
    }
    return count;
}

static bool parse_v6(struct slice text, struct address *into)
{
    uint16_t head[GROUPS], tail[GROUPS], all[GROUPS] = {0};
    size_t gap = slice_search(text, SLICE("::"));
    bool has_gap = gap < text.len;
    int before = parse_groups(slice_take(text, gap), !has_gap, head);
    int after = has_gap ? parse_groups(slice_drop(text, gap + 2), true, tail) : 0;
    if (before < 0 || after < 0)
        return false;
    /* A gap stands for at least one group; without one, all must be there. */
    if (has_gap ? before + after >= GROUPS : before != GROUPS)
        return false;
    memcpy(all, head, (size_t)before * sizeof *head);
    memcpy(all + GROUPS - after, tail, (size_t)after * sizeof *tail);
    for (int i = 0; i < GROUPS; i++) {
        into->bytes[2 * i] = (uint8_t)(all[i] >> 8);
        into->bytes[2 * i + 1] = (uint8_t)all[i];
    }
    return true;
}

bool address_parse(struct slice text, struct address *into)
{
    uint8_t quad[4];
    struct address parsed;
    if (text.len >= ADDRESS_TEXT_MAX)
        return false;
    if (parse_v4(text, quad))
        parsed = address_v4(quad[0], quad[1], quad[2], quad[3]);
    else if (!parse_v6(text, &parsed))
        return false;
    *into = parsed;
    return true;
}

/* The longest run of at least two zero groups, the first of equals (RFC 5952, 4.2.3). */
static void find_gap(const uint16_t groups[GROUPS], int *start, int *length)
{
    *start = *length = 0;
    for (int i = 0, run = 0; i < GROUPS; i++) {
        run = groups[i] == 0 ? run + 1 : 0;
        if (run >= 2 && run > *length) {
            *length = run;
            *start = i + 1 - run;
        }
    }
}

static void format_v6(struct address a, char into[ADDRESS_TEXT_MAX])
{
    uint16_t groups[GROUPS];
    int gap, gap_length;
    size_t len = 0;
    for (int i = 0; i < GROUPS; i++)
        groups[i] = (uint16_t)(a.bytes[2 * i] << 8 | a.bytes[2 * i + 1]);
    find_gap(groups, &gap, &gap_length);
    for (int i = 0; i < GROUPS; i++) {
        if (gap_length && i == gap) {
            len += format_text(into + len, ADDRESS_TEXT_MAX - len, "::");
            i += gap_length - 1;
            continue;
        }
        const char *colon = i == 0 || (gap_length && i == gap + gap_length) ? "" : ":";
        len += format_text(into + len, ADDRESS_TEXT_MAX - len, "%s%x", colon, groups[i]);
    }
}

/* Each line of a log has one. */
static char *put_octet(char *at, unsigned octet, char after)
{
    if (octet >= 100)
        *at++ = (char)('0' + octet / 100);
    if (octet >= 10)
        *at++ = (char)('0' + octet / 10 % 10);
    *at++ = (char)('0' + octet % 10);
    *at++ = after;
    return at;
}

void address_format(struct address a, char into[ADDRESS_TEXT_MAX])
{
    const uint8_t *v4 = a.bytes + 12;
    if (address_is_v4(a))
        put_octet(put_octet(put_octet(put_octet(into, v4[0], '.'), v4[1], '.'), v4[2], '.'), v4[3],
                  0);
    else
        format_v6(a, into);
}

void endpoint_format(struct endpoint e, char into[ENDPOINT_TEXT_MAX])
{
    char address[ADDRESS_TEXT_MAX];
    address_format(e.address, address);
    if (address_is_v4(e.address))
        format_text(into, ENDPOINT_TEXT_MAX, "%s:%u", address, e.port);
    else if (e.zone)
        format_text(into, ENDPOINT_TEXT_MAX, "[%s%%%u]:%u", address, e.zone, e.port);
    else
        format_text(into, ENDPOINT_TEXT_MAX, "[%s]:%u", address, e.port);
}
