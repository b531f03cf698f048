/* The hard end in a test: what the console holds becomes visible, then the test program fails. */
#include "signatures/halt.h"

#include <stdio.h>
#include <stdlib.h>

#include "platform/sim/sim.h"

void halt(void)
{
    struct slice text = sim_console();
    fwrite(text.ptr, 1, text.len, stderr);
    fflush(NULL);
    abort();
}
