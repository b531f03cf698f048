/* Writes a field of what would lie across the end of the address space: mk/fixed-offsets leaves it to the mapping. */
#include "signatures/console.h"
#include "signatures/program.h"

struct wide {
    uint8_t before[4000];
    int field;
};

static enum err start(const struct world *w)
{
    (void)w;
    struct wide *volatile last = (struct wide *)(UINTPTR_MAX - 2000);
    last->field = 1;
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "wraps", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
