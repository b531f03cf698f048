/* Reads through a null pointer. */
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    const struct world *volatile nobody = NULL;
    console_write(nobody->content);
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "null", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
