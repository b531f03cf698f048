/* The hard end of a process: a debugger that runs it stops here. There is no core dump (main.c). */
#include "signatures/halt.h"

#include <stdlib.h>

void halt(void)
{
    abort();
}
