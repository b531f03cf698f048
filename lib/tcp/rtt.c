/* Smoothing of round trips; see rtt.h. */
#include "lib/tcp/rtt.h"

void rtt_init(struct rtt *r)
{
    *r = (struct rtt){0};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The lowest of a sliding window, by two candidates: the lowest so far, and the lowest since half a
 * window ago, which takes over when the first grows old. */
static void lowest(struct rtt *r, uint64_t value, uint64_t now)
{
    struct rtt_minimum new = {now, value};
    if (r->minimum[0].value == 0 || value <= r->minimum[0].value ||
        now - r->minimum[1].at > RTT_MIN_WINDOW) {
        r->minimum[0] = r->minimum[1] = new;
        return;
    }
    if (value <= r->minimum[1].value ||
        (r->minimum[1].at == r->minimum[0].at && now - r->minimum[0].at > RTT_MIN_WINDOW / 2))
        r->minimum[1] = new;
    if (now - r->minimum[0].at > RTT_MIN_WINDOW)
        r->minimum[0] = r->minimum[1];
}

uint64_t rtt_minimum(const struct rtt *r)
{
    return r->minimum[0].value;
}

/* The variation follows the highest deviation of each round trip: upwards at once. */
static void vary(struct rtt *r, uint64_t now)
{
    r->round_deviation = larger(r->round_deviation, r->deviation);
    r->variation = larger(r->variation, r->round_deviation);
    if (now < r->round_end)
        return;
    r->variation -= (r->variation - r->round_deviation) / 4;
    r->round_deviation = 0;
    r->round_end = now + r->smoothed;
}

/* RFC 6298, 2.2 and 2.3: gains of 1/8 and 1/4. */
static void smooth(struct rtt *r, uint64_t measured)
{
    if (r->smoothed == 0) {
        r->smoothed = measured;
        r->deviation = measured / 2;
        return;
    }
    bool longer = measured > r->smoothed;
    uint64_t error = longer ? measured - r->smoothed : r->smoothed - measured;
    uint64_t gain = error > r->deviation ? (error - r->deviation) / 4 : 0;
    uint64_t loss = error > r->deviation ? 0 : (r->deviation - error) / 4;
    /* A path that got faster is no reason to wait longer: shorter ones hardly count as
     * variation. */
    r->deviation = r->deviation + (longer ? gain : gain / 8) - loss;
    r->smoothed = longer ? r->smoothed + error / 8 : r->smoothed - error / 8;
}

void rtt_sample(struct rtt *r, uint64_t longest, uint64_t shortest, uint64_t now)
{
    longest = larger(longest, 1);
    smooth(r, longest);
    vary(r, now);
    if (shortest)
        lowest(r, shortest, now);
    r->backoff = 0;
}

/* RFC 6298, 2.3, with the floor on the part that stands for variation, so that a receiver's delayed
 * acknowledgement on a steady path is waited for. */
uint64_t rtt_timeout(const struct rtt *r)
{
    uint64_t t = RTT_TIMEOUT_FIRST;
    if (r->smoothed)
        t = r->smoothed + larger(4 * r->variation, RTT_TIMEOUT_FLOOR);
    for (uint8_t i = 0; i < r->backoff && t < RTT_TIMEOUT_MAX; i++)
        t *= 2;
    return t < RTT_TIMEOUT_MAX ? t : RTT_TIMEOUT_MAX;
}

void rtt_back_off(struct rtt *r)
{
    if (r->backoff < RTT_BACKOFF_MAX)
        r->backoff++;
}
