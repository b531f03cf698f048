/* Reads from an address that no processor has. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    volatile uint64_t nowhere = UINT64_C(0x8000000000000000);
    (void)*(volatile uint8_t *)nowhere;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "protection", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
