/* What the toolstack wants of us (docs/misc/xenstore-paths.pandoc, control/shutdown): `xl shutdown`,
 * `xl reboot`, `xl save` and `xl migrate`. */
#ifndef PLATFORM_XEN_CONTROL_H
#define PLATFORM_XEN_CONTROL_H

#include <stdbool.h>

/* Begins to listen; again in a restored domain, whose store knows nothing of us. */
void control_begin(void);

/* Whether the end that was asked for is to be followed by another start. */
bool control_reboots(void);

#endif
