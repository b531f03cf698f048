/* Proportional rate reduction; see prr.h. */
#include "lib/tcp/prr.h"

void prr_begin(struct prr *p, uint32_t flight)
{
    *p = (struct prr){.flight = flight ? flight : 1};
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint32_t prr_window(struct prr *p, uint32_t delivered, uint32_t in_flight, uint32_t threshold,
                    uint32_t mss, bool good, bool first)
{
    uint64_t may;
    p->delivered += delivered;
    if (in_flight > threshold) {
        may = above((p->delivered * threshold + p->flight - 1) / p->flight, p->out);
        may = (may + mss - 1) / mss * mss;
    } else {
        may = above(p->delivered, p->out);
        if (may < delivered)
            may = delivered;
        if (good)
            may += mss;
        if (may > threshold - in_flight)
            may = threshold - in_flight;
    }
    if (first && may < mss)
        may = mss;
    return in_flight + (uint32_t)may;
}
