/* Growth of buffers; see tune.h. */
#include "lib/tcp/tune.h"

static uint32_t smaller(uint32_t a, uint64_t b)
{
    return a < b ? a : (uint32_t)b;
}

uint8_t tune_scale(uint32_t max)
{
    uint8_t shift = 0;
    while (shift < TUNE_SCALE_MAX && max >> shift > UINT16_MAX)
        shift++;
    return shift;
}

void tune_init(struct tune *t, uint32_t max, seq_t next, uint64_t now)
{
    *t = (struct tune){.max = max, .mark_at = now, .round_at = now};
    t->window = smaller(max, TUNE_RECEIVE_FIRST);
    t->mark = next + t->window;
}

/* A peer that has nothing to send makes measurements too long: the lower counts, the higher
 * slowly. */
static void measured(struct tune *t, uint64_t rtt)
{
    if (rtt == 0)
        rtt = 1;
    if (t->rtt == 0 || rtt < t->rtt)
        t->rtt = rtt;
    else
        t->rtt += (rtt - t->rtt) / 8;
}

void tune_arrived(struct tune *t, seq_t next, uint64_t echo_rtt, uint64_t now)
{
    if (echo_rtt) {
        measured(t, echo_rtt);
        return;
    }
    if (seq_before(next, t->mark))
        return;
    measured(t, now - t->mark_at);
    t->mark = next + t->window;
    t->mark_at = now;
}

void tune_taken(struct tune *t, uint32_t bytes, uint32_t mss, bool scarce, uint64_t now)
{
    t->taken = UINT32_MAX - t->taken < bytes ? UINT32_MAX : t->taken + bytes;
    if (t->rtt == 0 || now - t->round_at < t->rtt)
        return;
    if (t->taken > t->last && !scarce) {
        uint64_t wish = 4 * ((uint64_t)t->taken + 4 * mss);
        if (wish > t->window)
            t->window = smaller(t->max, wish);
        t->last = t->taken;
    }
    t->taken = 0;
    t->round_at = now;
}

uint32_t tune_window(const struct tune *t, uint32_t held, bool scarce)
{
    uint32_t left = held < t->window ? t->window - held : 0;
    return scarce ? left / 2 : left;
}

uint32_t tune_send_limit(uint32_t congestion_window, uint32_t mss, bool scarce)
{
    uint64_t wish = 2 * (uint64_t)congestion_window + 4 * mss;
    if (wish < TUNE_SEND_FIRST || scarce)
        return TUNE_SEND_FIRST;
    return smaller(TUNE_SEND_MAX, wish);
}
