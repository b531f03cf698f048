/* Breaks an invariant of its own. */
#include "signatures/console.h"
#include "signatures/program.h"
#include "runtime/panic.h"

static enum err start(const struct world *w)
{
    (void)w;
    assert_always(w == NULL);
    console_write(SLICE("and it went on\n"));
    return OK;
}

const struct program program = {.name = "panics", .summary = "must fail", .start = start};
const struct setting_group *const program_settings[] = {NULL};
