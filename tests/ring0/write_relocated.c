/* Writes to a constant that holds an address, which the start filled in. */
#include "signatures/console.h"
#include "signatures/program.h"

static const char *const names[] = {"a", "b"};

static enum err start(const struct world *w)
{
    (void)w;
    *(const char *volatile *)(uintptr_t)&names[1] = "no";
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "write_relocated", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
