/* Writes beyond a block of the heap, and gives it back. */
#include "signatures/console.h"
#include "signatures/program.h"
#include "signatures/memory.h"

static enum err start(const struct world *w)
{
    (void)w;
    volatile size_t n = 40;
    uint8_t *block = memory_alloc(n);
    memset(block, 1, n + 8);
    memory_free(block);
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "beyond", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
