/* The smallest program: a line on the console, and the end. What a new target has to run first. */
#include "runtime/loop.h"
#include "signatures/console.h"
#include "signatures/program.h"

static enum err start(const struct world *w)
{
    (void)w;
    console_write(SLICE("Hello, world.\n"));
    loop_stop(0);
    return OK;
}

const struct program program = {
    .name = "hello",
    .summary = "prints a line and ends",
    .start = start,
};
