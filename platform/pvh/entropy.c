/*
 * Randomness of a machine: ChaCha20 with fast key erasure. The first key comes from the processor's
 * generator, whose health is checked; without a source nothing starts.
 */
#include "signatures/entropy.h"

#include <openssl/chacha.h>
#include <string.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/entropy.h"
#include "runtime/panic.h"

#define KEY_BYTES    32
#define WORDS        64 /* that are drawn for the first key: more than is needed, if it is weak */
#define TRIES        10 /* for one of them (Intel, "Digital Random Number Generator", 5.2.1) */
#define CPUID_RDRAND (1u << 30)

static uint8_t key[KEY_BYTES];
static bool open;

static bool draw(uint64_t *word)
{
    unsigned char ok = 0;
    for (int i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(ok)::"cc");
    return ok;
}

/* The first bytes of the key's stream are the next key. */
static void generate(uint8_t *stream, const uint8_t *input, size_t len)
{
    static const uint8_t nonce[12];
    CRYPTO_chacha_20(stream, input, len, key, nonce, 0);
    memcpy(key, stream, KEY_BYTES);
}

/* What is drawn changes the key, whatever it is worth. */
static void mix(const uint8_t *bytes, size_t len)
{
    uint8_t stream[KEY_BYTES + 64];
    for (size_t i = 0; i < len; i++)
        key[i % KEY_BYTES] ^= bytes[i];
    memset(stream, 0, sizeof stream);
    generate(stream, stream, sizeof stream);
}

/* A generator that stands still, as some did after sleeping, gives the same word again. */
bool entropy_open(void)
{
    uint64_t word, last = 0;
    if (!(cpu_id(1, 0).c & CPUID_RDRAND))
        return false;
    for (int i = 0; i < WORDS; i++, last = word) {
        if (!draw(&word) || (i && word == last))
            return false;
        mix((const uint8_t *)&word, sizeof word);
    }
    open = true;
    return true;
}

void entropy_fill(void *into, size_t len)
{
    static const uint8_t zeros[256];
    uint8_t stream[sizeof zeros], *at = into;
    assert_always(open);
    while (len) {
        size_t n = len < sizeof stream - KEY_BYTES ? len : sizeof stream - KEY_BYTES;
        generate(stream, zeros, sizeof stream);
        memcpy(at, stream + KEY_BYTES, n);
        at += n;
        len -= n;
    }
    memset(stream, 0, sizeof stream);
    __asm__ volatile("" ::"r"(stream) : "memory"); /* it is really done */
}
