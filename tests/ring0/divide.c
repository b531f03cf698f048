/* Divides by zero. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    volatile unsigned zero = 0;
    zero = 7 / zero;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "divide", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
