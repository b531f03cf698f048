/* Runs what it has written: data is not executable. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    static uint8_t code[] = {0xc3}; /* ret */
    ((void (*)(void))(uintptr_t)code)();
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "run_data", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
