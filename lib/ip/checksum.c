/* The Internet checksum: see checksum.h. Eight bytes at a time, in two chains of additions. */
#include "lib/ip/checksum.h"

typedef unsigned __int128 wide;

static uint64_t load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* 2^64 is 1 modulo 0xffff, and so is 2^32: parts of a sum may be added to each other. */
static uint64_t fold_wide(wide sum)
{
    uint64_t low = (uint64_t)sum, high = (uint64_t)(sum >> 64);
    return (low & UINT32_MAX) + (low >> 32) + (high & UINT32_MAX) + (high >> 32);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16 & UINT16_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

/* The last up to seven bytes, as if zeros followed. */
static uint64_t load_tail(const uint8_t *p, size_t len)
{
    uint8_t padded[8] = {0};
    memcpy(padded, p, len);
    return load64(padded);
}

static uint64_t sum_of(const uint8_t *p, size_t len)
{
    wide a = 0, b = 0;
    for (; len >= 32; p += 32, len -= 32) {
        a += load64(p);
        b += load64(p + 8);
        a += load64(p + 16);
        b += load64(p + 24);
    }
    for (; len >= 8; p += 8, len -= 8)
        a += load64(p);
    if (len > 0)
        b += load_tail(p, len);
    return fold_wide(a) + fold_wide(b);
}

/* Bytes that start at an odd offset stand in the other half of their words: their sum is swapped
 * (RFC 1071, 2, B). */
void checksum_add(struct checksum *c, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    uint64_t sum = sum_of(bytes.ptr, bytes.len);
    c->sum += c->odd ? __builtin_bswap16(fold(sum)) : sum;
    c->odd ^= bytes.len & 1;
}

void checksum_add_parts(struct checksum *c, const struct slice *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        checksum_add(c, parts[i]);
}

static uint16_t network_order(uint16_t native)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(native) : native;
}

void checksum_add_length(struct checksum *c, uint8_t protocol, size_t length)
{
    c->sum += network_order(protocol);
    c->sum += network_order((uint16_t)length) + (uint64_t)network_order((uint16_t)(length >> 16));
}

void checksum_add_pseudo(struct checksum *c, const struct address *source,
                         const struct address *destination, uint8_t protocol, size_t length)
{
    c->sum += sum_of(source->bytes, sizeof(source->bytes));
    c->sum += sum_of(destination->bytes, sizeof(destination->bytes));
    checksum_add_length(c, protocol, length);
}

uint16_t checksum_sum(const struct checksum *c)
{
    return network_order(fold(c->sum));
}

uint16_t checksum_complement(const struct checksum *c)
{
    return (uint16_t)~checksum_sum(c);
}

/* Twenty bytes: the header of almost every IPv4 packet. */
static uint64_t sum_of_20(const uint8_t *p)
{
    uint64_t a = load64(p), b = load64(p + 8);
    uint32_t c;
    memcpy(&c, p + 16, sizeof(c));
    return (a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) + c;
}

uint16_t checksum_of(struct slice bytes)
{
    struct checksum c = {0};
    if (bytes.len == 20)
        c.sum = sum_of_20(bytes.ptr);
    else
        checksum_add(&c, bytes);
    return checksum_complement(&c);
}
