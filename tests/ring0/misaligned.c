/* Moves 16 bytes that must be aligned, and are not. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    static uint8_t bytes[32] __attribute__((aligned(16)));
    __asm__ volatile("movaps %%xmm0, %0" : "=m"(bytes[1]));
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "misaligned", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
