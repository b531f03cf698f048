/* SipHash-2-4, section 2 of the paper: two rounds for each word, four at the end. */
#include "runtime/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

/* A table is searched for each packet: the four words stay in registers. */
#define IN_PLACE static inline __attribute__((always_inline))

IN_PLACE uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

IN_PLACE void round_of(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

IN_PLACE void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_of(s);
    round_of(s);
    s->v0 ^= word;
}

/* Eight bytes, the first the least significant. */
IN_PLACE uint64_t little_endian_8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

/* The same of fewer bytes. */
static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t siphash(struct sipkey key, struct slice bytes)
{
    struct state s = {key.k0 ^ UINT64_C(0x736f6d6570736575), key.k1 ^ UINT64_C(0x646f72616e646f6d),
                      key.k0 ^ UINT64_C(0x6c7967656e657261), key.k1 ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;
    for (; bytes.len - at >= 8; at += 8)
        absorb(&s, little_endian_8(bytes.ptr + at));
    uint64_t last = (uint64_t)bytes.len << 56;
    if (bytes.len > at)
        last |= little_endian(bytes.ptr + at, bytes.len - at);
    absorb(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        round_of(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
