/* See harm.h. Bursts: the two states of Gilbert, one that loses nothing and one that loses all. */
#include "tests/system/wire/harm.h"

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t throw_dice(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 <= x < 1 */
static double share(struct dice *d)
{
    return (double)(throw_dice(d) >> 11) / 9007199254740992.0;
}

static bool is_lost(const struct harm *h, struct dice *d)
{
    double x = share(d);
    if (h->burst < 1)
        return x < h->loss;
    double end = 1 / h->burst, begin = h->loss * end / (1 - h->loss);
    d->in_burst = d->in_burst ? x >= end : x < begin;
    return d->in_burst;
}

struct fate harm_next(const struct harm *h, struct dice *d)
{
    struct fate f;
    f.lost = is_lost(h, d);
    f.duplicated = share(d) < h->duplicate;
    f.reordered = share(d) < h->reorder;
    f.corrupted = share(d) < h->corrupt;
    f.bit = throw_dice(d);
    f.jitter = (uint64_t)(share(d) * 2 * (double)h->jitter);
    return f;
}
