/* Writes to its own code: read-only. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    *(volatile uint8_t *)(uintptr_t)start = 0xc3;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "write_code", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
