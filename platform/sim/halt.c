/* The hard end in a test: what the console holds becomes visible, then the test program fails. */
#include "signatures/halt.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform/sim/sim.h"

void halt(void)
{
    struct slice text = sim_console();
    dprintf(STDERR_FILENO, "%.*s", SLICE_ARG(text));
    fflush(NULL);
    abort();
}
