/* Overwrites the canary of a frame. */
#include "signatures/console.h"
#include "signatures/program.h"

static void __attribute__((noinline)) overwrite(size_t n)
{
    char room[16];
    char *volatile at = room;
    for (size_t i = 0; i < n; i++)
        at[i] = 1;
}

static enum err start(const struct world *w)
{
    (void)w;
    overwrite(64);
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "canary", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
