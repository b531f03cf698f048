/* Randomness of a process: the kernel's generator. Without it there is nothing to fall back on. */
#include "signatures/entropy.h"

#include <errno.h>
#include <openssl/chacha.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "platform/process/entropy.h"
#include "runtime/panic.h"

#define KEY_BYTES 32

static bool sealed;
static uint8_t key[KEY_BYTES];

static void ask_kernel(uint8_t *at, size_t len)
{
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            panic("the kernel gives no random bytes");
        at += got;
        len -= (size_t)got;
    }
}

/* The first bytes of the key's stream are the next key, the rest is the answer. */
static void generate(uint8_t *into, size_t len)
{
    static const uint8_t zeros[256], nonce[12];
    uint8_t stream[sizeof zeros];
    while (len) {
        size_t n = len < sizeof stream - KEY_BYTES ? len : sizeof stream - KEY_BYTES;
        CRYPTO_chacha_20(stream, zeros, sizeof stream, key, nonce, 0);
        memcpy(key, stream, KEY_BYTES);
        memcpy(into, stream + KEY_BYTES, n);
        into += n;
        len -= n;
    }
    explicit_bzero(stream, sizeof stream);
}

void entropy_seal(void)
{
    ask_kernel(key, sizeof key);
    sealed = true;
}

void entropy_fill(void *into, size_t len)
{
    if (sealed)
        generate(into, len);
    else
        ask_kernel(into, len);
}
