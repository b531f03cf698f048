/* Writes to a constant. */
#include "signatures/console.h"
#include "signatures/program.h"

static const char constant[] = "constant";

static enum err start(const struct world *w)
{
    (void)w;
    *(volatile char *)(uintptr_t)constant = 0;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "write_constant", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
