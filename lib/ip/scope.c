/* What an address tells by itself: see scope.h. */
#include "lib/ip/scope.h"

/* ::ffff:a.b.c.d, where what follows index 11 are the four. */
const struct address ADDRESS_ANY_V4 = {{[10] = 0xff, [11] = 0xff, 0, 0, 0, 0}};
const struct address ADDRESS_BROADCAST = {{[10] = 0xff, [11] = 0xff, 255, 255, 255, 255}};
const struct address ADDRESS_ALL_HOSTS = {{[10] = 0xff, [11] = 0xff, 224, 0, 0, 1}};
const struct address ADDRESS_ALL_NODES = {{0xff, 2, [15] = 1}};
const struct address ADDRESS_ALL_ROUTERS = {{0xff, 2, [15] = 2}};
const struct address ADDRESS_MLD_REPORTS = {{0xff, 2, [15] = 0x16}};
const struct address ADDRESS_LINK_LOCAL = {{0xfe, 0x80}};

bool address_is_any(const struct address *a)
{
    return address_equal(a, &ADDRESS_ANY) || address_equal(a, &ADDRESS_ANY_V4);
}

bool address_is_multicast(const struct address *a)
{
    return address_is_v4(*a) ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool address_is_link_local(const struct address *a)
{
    if (address_is_v4(*a))
        return a->bytes[12] == 169 && a->bytes[13] == 254;
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool address_is_unicast(const struct address *a)
{
    if (address_is_v4(*a)) /* 224 and above: multicast, and what was never given out */
        return a->bytes[12] != 0 && a->bytes[12] != 127 && a->bytes[12] < 224;
    return !address_is_any(a) && !address_is_multicast(a) && !address_is_loopback(*a);
}

/* Private IPv4 addresses are global here, as RFC 6724, 3.2 has it. */
uint8_t address_scope(const struct address *a)
{
    if (address_is_v4(*a))
        return address_is_link_local(a) || address_is_loopback(*a) ? SCOPE_LINK : SCOPE_GLOBAL;
    if (address_is_multicast(a))
        return a->bytes[1] & 0x0f;
    if (address_is_link_local(a) || address_is_loopback(*a))
        return SCOPE_LINK;
    bool site = a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0xc0;
    return site ? SCOPE_SITE : SCOPE_GLOBAL;
}

uint8_t address_common_bits(const struct address *a, const struct address *b, uint8_t most)
{
    unsigned same = 0;
    for (size_t i = 0; i < sizeof(a->bytes) && same == i * 8; i++) {
        unsigned differ = a->bytes[i] ^ b->bytes[i];
        same += differ ? (unsigned)__builtin_clz(differ) - 24 : 8;
    }
    return same < most ? (uint8_t)same : most;
}

/* The bits of byte i that are beyond the prefix. */
static uint8_t beyond(uint8_t bits, size_t i)
{
    if (i * 8 >= bits)
        return 0xff;
    if (bits - i * 8 >= 8)
        return 0;
    return (uint8_t)(0xff >> bits % 8);
}

struct address address_prefix(struct address a, uint8_t bits)
{
    for (size_t i = 0; i < sizeof(a.bytes); i++)
        a.bytes[i] = (uint8_t)(a.bytes[i] & ~beyond(bits, i));
    return a;
}

struct address address_last(struct address a, uint8_t bits)
{
    for (size_t i = 0; i < sizeof(a.bytes); i++)
        a.bytes[i] = (uint8_t)(a.bytes[i] | beyond(bits, i));
    return a;
}

struct address address_solicited_node(struct address a)
{
    struct address group = {{0xff, 2, [11] = 1, [12] = 0xff}};
    memcpy(group.bytes + 13, a.bytes + 13, 3);
    return group;
}

struct address address_from_v4(const uint8_t *four)
{
    return address_v4(four[0], four[1], four[2], four[3]);
}

struct address address_from_v6(const uint8_t *sixteen)
{
    struct address a;
    memcpy(a.bytes, sixteen, sizeof(a.bytes));
    return a;
}
