/* Fails with a stack that is nowhere: the fault cannot be told there, and is doubled. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    __asm__ volatile("mov $1, %%rax\n\t"
                     "shl $63, %%rax\n\t"
                     "mov %%rax, %%rsp\n\t"
                     "ud2" ::
                         : "rax");
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "double", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
