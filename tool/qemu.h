/* A running QEMU: its console is our standard output; signals that ask us to end press its power button. */
#ifndef TOOL_QEMU_H
#define TOOL_QEMU_H

#include "tool/words.h"

#define QEMU_PATIENCE_SEC 10 /* between the power button and the plug */

/* Starts it and stays until it has ended: the command's exit status. */
int qemu_run(const struct words *command);

#endif
