/* Adds to a pointer what goes beyond the end of the address space, and nobody knew before by how much. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    char *volatile last = (char *)(UINTPTR_MAX - 2000);
    volatile size_t n = 8192;
    char *volatile beyond = last + n;
    (void)beyond;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "wraps_far", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
