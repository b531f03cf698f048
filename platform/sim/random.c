/* Randomness from a seed: xoshiro256** (Blackman, Vigna 2018), seeded by SplitMix64. */
#include "platform/sim/sim.h"

#include "platform/sim/internal.h"
#include "signatures/entropy.h"

static struct sim_random entropy = {{1, 2, 3, 4}};

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void sim_random_seed(struct sim_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = split_mix(&seed);
}

uint64_t sim_random_next(struct sim_random *r)
{
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t sim_random_range(struct sim_random *r, uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1; /* 0: all of them. The bias is far below what a test sees. */
    uint64_t next = sim_random_next(r);
    return span ? low + next % span : next;
}

bool sim_random_chance(struct sim_random *r, unsigned percent)
{
    return sim_random_range(r, 0, 99) < percent;
}

void sim_entropy_seed(uint64_t seed)
{
    sim_random_seed(&entropy, seed);
}

void entropy_fill(void *into, size_t len)
{
    uint8_t *at = into;
    while (len) {
        uint64_t word = sim_random_next(&entropy);
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(at, &word, n);
        at += n;
        len -= n;
    }
}
