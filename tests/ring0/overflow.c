/* Adds up to more than a number can hold. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    volatile int n = INT32_MAX;
    n = n + 1;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "overflow", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
