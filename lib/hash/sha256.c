/* see sha256.h: a thin layer over AWS-LC's libcrypto. */
#include "lib/hash/sha256.h"

#include "runtime/panic.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "sha256.h gives too little storage");

static SHA256_CTX *context(struct sha256 *h)
{
    return (SHA256_CTX *)(void *)h->opaque;
}

void sha256_init(struct sha256 *h)
{
    assert_always(SHA256_Init(context(h)) == 1);
}

void sha256_update(struct sha256 *h, struct slice bytes)
{
    if (bytes.len != 0)
        assert_always(SHA256_Update(context(h), bytes.ptr, bytes.len) == 1);
}

void sha256_final(struct sha256 *h, uint8_t digest[SHA256_BYTES])
{
    assert_always(SHA256_Final(digest, context(h)) == 1);
}

void sha256_of(struct slice bytes, uint8_t digest[SHA256_BYTES])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, bytes);
    sha256_final(&h, digest);
}

void hmac_sha256(struct slice key, struct slice message, uint8_t code[SHA256_BYTES])
{
    unsigned int length = 0;
    /* A NULL key would mean "the one set before" to the library. */
    const void *bytes = key.ptr ? key.ptr : (const void *)"";
    assert_always(HMAC(EVP_sha256(), bytes, key.len, message.ptr, message.len, code, &length));
    assert_always(length == SHA256_BYTES);
}
