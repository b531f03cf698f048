/* The hard end of a process: a core dump, where the host keeps them. */
#include "signatures/halt.h"

#include <stdlib.h>

void halt(void)
{
    abort();
}
