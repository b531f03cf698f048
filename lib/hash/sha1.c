/*
 * Two libraries, put together: see sha1.h.
 *
 * The hash itself is AWS-LC's, with the processor's own instructions. What looks for attacks is
 * sha1dc, the code that git uses. It takes a block's expanded message and asks whether it meets
 * conditions that the blocks of every known attack meet (ubc_check); about one block in twenty does
 * so by chance. Only such a block is hashed once more by sha1dc, in full, which then knows.
 *
 * So each block is looked at as by sha1dc alone, for half of the time.
 */
#include "lib/hash/sha1.h"

#include <openssl/sha.h>
#include <sha1dc/sha1.h>
#include <sha1dc/ubc_check.h>

#define BLOCK 64

struct context {
    SHA_CTX sha;
    uint64_t length;      /* bytes so far */
    uint8_t block[BLOCK]; /* the last of them, while they are no whole block */
    bool attacked;
};

_Static_assert(sizeof(struct context) <= sizeof(struct sha1), "sha1.h gives too little storage");

static struct context *context(struct sha1 *h)
{
    return (struct context *)(void *)h->opaque;
}

/* --- the expanded message (FIPS 180-4, 6.1.2), four words at a time --------------------------- */

typedef uint32_t words __attribute__((vector_size(16)));

static words rotate(words x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* The last two words of a, then the first two of b. */
static words middle(words a, words b)
{
    return __builtin_shufflevector(a, b, 2, 3, 4, 5);
}

/* W[i] = (W[i-3] ^ W[i-8] ^ W[i-14] ^ W[i-16]) <<< 1. The fourth word builds on the first. */
static words expand_next(const words *w)
{
    static const words none = {0, 0, 0, 0};
    words x =
        w[-4] ^ middle(w[-4], w[-3]) ^ w[-2] ^ __builtin_shufflevector(w[-1], none, 1, 2, 3, 4);
    x = rotate(x, 1);
    return x ^ rotate(__builtin_shufflevector(none, x, 0, 1, 2, 4), 1);
}

/* The same, said so that nothing builds on the last five words:
 * W[i] = (W[i-6] ^ W[i-16] ^ W[i-28] ^ W[i-32]) <<< 2. */
static words expand_far(const words *w)
{
    return rotate(middle(w[-2], w[-1]) ^ w[-4] ^ w[-7] ^ w[-8], 2);
}

static void expand(const uint8_t *block, words w[20])
{
    uint32_t first[16];
    memcpy(first, block, BLOCK);
    for (unsigned i = 0; i < 16; i++)
        first[i] = __builtin_bswap32(first[i]);
    memcpy(w, first, sizeof(first));
    for (unsigned i = 4; i < 8; i++)
        w[i] = expand_next(w + i);
    for (unsigned i = 8; i < 20; i++)
        w[i] = expand_far(w + i);
}

/* --- blocks ------------------------------------------------------------------------------------ */

/* Whether sha1dc finds that a block, hashed after what came before it, was made for an attack. */
static bool made_for_attack(const SHA_CTX *before, const uint8_t *block)
{
    SHA1_CTX c;
    SHA1DCInit(&c);
    memcpy(c.ihv, before->h, sizeof(c.ihv));
    SHA1DCUpdate(&c, (const char *)block, BLOCK);
    return c.found_collision != 0;
}

static void take_block(struct context *c, const uint8_t *block)
{
    words w[20];
    uint32_t expanded[80];
    uint32_t suspects = 0;
    expand(block, w);
    memcpy(expanded, w, sizeof(expanded));
    ubc_check(expanded, &suspects);
    if (suspects != 0 && made_for_attack(&c->sha, block))
        c->attacked = true;
    SHA1_Transform(&c->sha, block);
}

void sha1_init(struct sha1 *h)
{
    struct context *c = context(h);
    SHA1_Init(&c->sha);
    c->length = 0;
    c->attacked = false;
}

/* Puts bytes into the block that is begun; takes it when it is whole. */
static void fill(struct context *c, struct slice bytes)
{
    size_t at = c->length % BLOCK;
    memcpy(c->block + at, bytes.ptr, bytes.len);
    c->length += bytes.len;
    if (at + bytes.len == BLOCK)
        take_block(c, c->block);
}

void sha1_update(struct sha1 *h, struct slice bytes)
{
    struct context *c = context(h);
    if (c->length % BLOCK != 0 && bytes.len > 0) {
        struct slice part = slice_take(bytes, BLOCK - c->length % BLOCK);
        fill(c, part);
        bytes = slice_drop(bytes, part.len);
    }
    for (; bytes.len >= BLOCK; bytes = slice_drop(bytes, BLOCK)) {
        take_block(c, bytes.ptr);
        c->length += BLOCK;
    }
    if (bytes.len > 0)
        fill(c, bytes);
}

static void put_be32(uint8_t *into, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        into[i] = (uint8_t)(value >> (24 - 8 * i));
}

bool sha1_final(struct sha1 *h, uint8_t digest[SHA1_BYTES])
{
    static const uint8_t padding[BLOCK] = {0x80};
    struct context *c = context(h);
    uint64_t bits = c->length * 8;
    uint8_t length[8];
    put_be32(length, (uint32_t)(bits >> 32));
    put_be32(length + 4, (uint32_t)bits);
    size_t at = c->length % BLOCK;
    sha1_update(h, slice_of(padding, at < 56 ? 56 - at : 120 - at));
    sha1_update(h, slice_of(length, sizeof(length)));
    for (unsigned i = 0; i < 5; i++)
        put_be32(digest + 4 * i, c->sha.h[i]);
    return !c->attacked;
}
