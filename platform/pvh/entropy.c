/*
 * Randomness of a machine: ChaCha20 with fast key erasure. The key comes from the processor's generators
 * and from those of devices, whichever there are, all mixed; without any nothing starts. Each is believed
 * only as long as its words do not repeat.
 *
 * The key is mixed anew every minute, and at once when the machine finds that it was copied.
 */
#include "signatures/entropy.h"

#include <openssl/chacha.h>
#include <string.h>

#include "platform/pvh/cpu.h"
#include "platform/pvh/driver.h"
#include "platform/pvh/entropy.h"
#include "platform/pvh/generation.h"
#include "platform/pvh/health.h"
#include "runtime/log.h"
#include "runtime/panic.h"
#include "signatures/clock.h"

#define SOURCE         "entropy"
#define KEY_BYTES      32
#define WORDS          32 /* of one source at a time: more than is needed, if it is weak */
#define TRIES          64 /* for one of them: RDSEED may run dry for a while */
#define CPUID_RDRAND   (1u << 30)
#define CPUID_RDSEED   (1u << 18)
#define RESEED_EVERY   (60 * CLOCK_SEC)
#define PATIENCE       CLOCK_SEC       /* with a device, where its bytes are needed */
#define PATIENCE_SHORT (10 * CLOCK_MS) /* where they are welcome */

static uint8_t key[KEY_BYTES];
static bool open, processor; /* processor: one of its generators works */
static uint64_t reseed_at;

/* --- mixing --- */

/* The first bytes of the key's stream are the next key. */
static void generate(uint8_t *stream, const uint8_t *input, size_t len)
{
    static const uint8_t nonce[12];
    CRYPTO_chacha_20(stream, input, len, key, nonce, 0);
    memcpy(key, stream, KEY_BYTES);
}

/* It is really done. */
static void wipe(void *at, size_t len)
{
    memset(at, 0, len);
    __asm__ volatile("" ::"r"(at) : "memory");
}

/* What is drawn changes the key, whatever it is worth. */
static void mix(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint8_t stream[KEY_BYTES + 64] = {0};
    while (len) {
        size_t n = len < KEY_BYTES ? len : KEY_BYTES;
        for (size_t i = 0; i < n; i++)
            key[i] ^= at[i];
        generate(stream, stream, sizeof stream);
        at += n;
        len -= n;
    }
    wipe(stream, sizeof stream);
}

static void mix_ticks(void)
{
    uint64_t ticks = cpu_ticks();
    mix(&ticks, sizeof ticks);
}

/* --- sources --- */

static bool rdrand(uint64_t *word)
{
    unsigned char ok;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(ok)::"cc");
    return ok;
}

static bool rdseed(uint64_t *word)
{
    unsigned char ok;
    __asm__ volatile("rdseed %0; setc %1" : "=r"(*word), "=qm"(ok)::"cc");
    return ok;
}

static bool draw(bool (*from)(uint64_t *word), uint64_t *word)
{
    for (int i = 0; i < TRIES; i++) {
        if (from(word))
            return true;
        cpu_pause();
    }
    return false;
}

/* False: it ran dry, or repeats itself. */
static bool mix_words(bool (*from)(uint64_t *word))
{
    uint64_t words[WORDS];
    size_t count = 0;
    while (count < WORDS && draw(from, &words[count]))
        count++;
    mix(words, count * sizeof *words);
    bool healthy = count == WORDS && health_of_words(words, count);
    wipe(words, sizeof words);
    return healthy;
}

static bool mix_processor(void)
{
    bool has_rdrand = cpu_id(1, 0).c & CPUID_RDRAND;
    bool has_rdseed = cpu_id(0, 0).a >= 7 && (cpu_id(7, 0).b & CPUID_RDSEED);
    bool seeded = has_rdseed && mix_words(rdseed);
    return (has_rdrand && mix_words(rdrand)) || seeded;
}

static bool mix_devices(uint64_t patience)
{
    bool any = false;
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++) {
        uint64_t words[WORDS];
        if (!(*d)->random)
            continue;
        size_t len = (*d)->random(words, sizeof words, patience);
        mix(words, len);
        any |= len == sizeof words && health_of_words(words, WORDS);
        wipe(words, sizeof words);
    }
    return any;
}

/* --- over time --- */

static void reseed(bool copied)
{
    mix(generation_now().ptr, generation_now().len);
    mix_ticks();
    processor = mix_processor();
    mix_devices(0);
    if (copied) { /* what a device had given before was copied as well: the next is not */
        mix_devices(PATIENCE);
        log_info(SOURCE, "the machine was copied or taken back: new random bytes are drawn");
    }
    reseed_at = clock_monotonic() + RESEED_EVERY;
}

uint64_t entropy_begin(void)
{
    uint8_t stream[KEY_BYTES + sizeof(uint64_t)] = {0};
    uint64_t word;
    mix_ticks();
    processor = mix_processor();
    generate(stream, stream, sizeof stream);
    memcpy(&word, stream + KEY_BYTES, sizeof word);
    wipe(stream, sizeof stream);
    return word;
}

bool entropy_open(void)
{
    generation_open();
    mix(generation_now().ptr, generation_now().len);
    bool devices = mix_devices(processor ? PATIENCE_SHORT : PATIENCE);
    open = processor || devices;
    reseed_at = clock_monotonic() + RESEED_EVERY;
    return open;
}

void entropy_fill(void *into, size_t len)
{
    static const uint8_t zeros[256];
    uint8_t stream[sizeof zeros], *at = into;
    assert_always(open);
    bool copied = generation_changed();
    if (copied || clock_monotonic() >= reseed_at)
        reseed(copied);
    while (len) {
        size_t n = len < sizeof stream - KEY_BYTES ? len : sizeof stream - KEY_BYTES;
        generate(stream, zeros, KEY_BYTES + n);
        memcpy(at, stream + KEY_BYTES, n);
        at += n;
        len -= n;
    }
    wipe(stream, sizeof stream);
}
