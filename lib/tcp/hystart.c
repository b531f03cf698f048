/* HyStart++; see hystart.h. */
#include "lib/tcp/hystart.h"

void hystart_init(struct hystart *h, seq_t next)
{
    *h = (struct hystart){.last = UINT64_MAX, .current = UINT64_MAX, .round_end = next};
}

static uint64_t threshold(const struct hystart *h)
{
    uint64_t t = h->last / HYSTART_RTT_DIVISOR;
    if (t < HYSTART_RTT_MIN_THRESH)
        return HYSTART_RTT_MIN_THRESH;
    return t < HYSTART_RTT_MAX_THRESH ? t : HYSTART_RTT_MAX_THRESH;
}

/* RFC 9406, 4.2: the phase as it is after one more sample. */
static void judge(struct hystart *h)
{
    if (h->samples < HYSTART_SAMPLES || h->current == UINT64_MAX)
        return;
    if (h->phase == HYSTART_SLOW_START) {
        if (h->last == UINT64_MAX || h->current < h->last + threshold(h))
            return;
        h->baseline = h->current;
        h->phase = HYSTART_CONSERVATIVE;
        h->rounds = 0;
    } else if (h->current < h->baseline) {
        h->baseline = UINT64_MAX;
        h->phase = HYSTART_SLOW_START; /* it was an accident */
    }
}

bool hystart_acked(struct hystart *h, seq_t ack, seq_t next, uint64_t rtt)
{
    if (h->phase == HYSTART_DONE)
        return false;
    if (rtt && rtt < h->current)
        h->current = rtt;
    if (rtt && h->samples < HYSTART_SAMPLES)
        h->samples++;
    judge(h);
    if (seq_before(ack, h->round_end))
        return false;
    if (h->phase == HYSTART_CONSERVATIVE && ++h->rounds >= HYSTART_ROUNDS) {
        h->phase = HYSTART_DONE;
        return true;
    }
    h->last = h->current;
    h->current = UINT64_MAX;
    h->samples = 0;
    h->round_end = next;
    return false;
}
