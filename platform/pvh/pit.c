/* See pit.h. */
#include "platform/pvh/pit.h"

#include <stdbool.h>

#include "platform/pvh/cpu.h"

#define RATE       1193182u
#define CHANNEL_0  0x40
#define COMMAND    0x43
#define COUNT_ONCE 0x30  /* channel 0, mode 0: down from what is written, and on */
#define READ_BACK  0xc2  /* channel 0: its status, then its count, both of now */
#define OUT        0x80u /* of the status: it has been at zero */
#define COUNT_MOST 0xffffu
#define LEAST      (RATE / 1000)       /* counted, for a rate */
#define LOOKS      5                   /* the shortest counts: in the others the host looked away */
#define TRIES      3                   /* it is at zero after 55 ms: then all begins again */
#define MOST       (UINT64_C(1) << 30) /* ticks, in which it has to get there */

struct look {
    uint64_t ticks;
    uint32_t count;
    bool over; /* it has been at zero */
};

static struct look first;

static struct look look_once(uint64_t *took)
{
    uint64_t from = cpu_ticks();
    port_write8(COMMAND, READ_BACK);
    *took = cpu_ticks() - from;
    bool over = port_read8(CHANNEL_0) & OUT;
    uint32_t low = port_read8(CHANNEL_0);
    uint32_t count = low | (uint32_t)port_read8(CHANNEL_0) << 8;
    return (struct look){from + *took / 2, count, over};
}

static struct look look(void)
{
    uint64_t least, took;
    struct look best = look_once(&least);
    for (int i = 1; i < LOOKS; i++) {
        struct look again = look_once(&took);
        if (took < least) {
            least = took;
            best = again;
        }
    }
    return best;
}

void pit_begin(void)
{
    port_write8(COMMAND, COUNT_ONCE);
    port_write8(CHANNEL_0, COUNT_MOST & 0xff);
    port_write8(CHANNEL_0, COUNT_MOST >> 8);
    first = look();
}

/* False: it did not count so far in any reasonable time. */
static bool wait_for(uint32_t counted)
{
    uint64_t took;
    struct look now;
    do {
        now = look_once(&took);
    } while (!now.over && first.count - now.count < counted && now.ticks - first.ticks < MOST);
    return now.over || first.count - now.count >= counted;
}

uint64_t pit_tick_rate(void)
{
    for (int i = 0; i < TRIES && wait_for(LEAST); i++) {
        struct look last = look();
        uint32_t counted = first.count - last.count;
        if (!first.over && !last.over && counted >= LEAST && counted <= COUNT_MOST)
            return (last.ticks - first.ticks) * RATE / counted;
        pit_begin();
    }
    return 0;
}
