/* Indexes past an array. */
#include "signatures/console.h"
#include "signatures/program.h"

static volatile int table[8];

static enum err start(const struct world *w)
{
    (void)w;
    volatile size_t n = 9;
    table[n] = 1;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "index", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
