/* Runs off its stack. */
#include "signatures/console.h"
#include "signatures/program.h"

static int deeper(volatile int n)
{
    volatile char room[1000];
    room[0] = (char)n;
    return n ? deeper(n + 1) + room[0] : 0;
}

static enum err start(const struct world *w)
{
    (void)w;
    if (deeper(1))
        console_write(SLICE("deep\n"));
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "stack", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
