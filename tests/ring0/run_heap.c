/* Runs what it has written to memory of the heap. */
#include "signatures/console.h"
#include "signatures/program.h"
#include "signatures/memory.h"

static enum err start(const struct world *w)
{
    (void)w;
    uint8_t *code = memory_alloc(1);
    code[0] = 0xc3; /* ret */
    ((void (*)(void))(uintptr_t)code)();
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "run_heap", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
