/* see sha1.h: a thin layer over the collision-detecting implementation that git uses, too. */
#include "lib/hash/sha1.h"

#include <sha1dc/sha1.h>

_Static_assert(sizeof(SHA1_CTX) <= sizeof(struct sha1), "sha1.h gives too little storage");

static SHA1_CTX *context(struct sha1 *h)
{
    return (SHA1_CTX *)(void *)h->opaque;
}

void sha1_init(struct sha1 *h)
{
    SHA1DCInit(context(h));
}

void sha1_update(struct sha1 *h, struct slice bytes)
{
    SHA1DCUpdate(context(h), (const char *)bytes.ptr, bytes.len);
}

bool sha1_final(struct sha1 *h, uint8_t digest[SHA1_BYTES])
{
    return SHA1DCFinal(digest, context(h)) == 0;
}
