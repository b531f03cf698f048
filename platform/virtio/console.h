/*
 * Virtio's console (Virtio 1.2, 5.3): the first one that is found; what is said goes there as well as to
 * the serial port. Of what is typed there only Ctrl-C is heard: it asks the program to end.
 *
 * A host that does not read costs its text, never the program. A device that says that it needs a reset gets one,
 * VIRTIO_RESTARTS_MAX times in VIRTIO_RESTARTS_TIME.
 */
#ifndef PLATFORM_VIRTIO_CONSOLE_H
#define PLATFORM_VIRTIO_CONSOLE_H

#include "runtime/buf.h"
#include "runtime/slice.h"

void virtio_console_open(void);

/* As struct driver's write, flush and status (platform/pvh/driver.h). */
bool virtio_console_write(struct slice bytes);
void virtio_console_flush(void);
void virtio_console_status(struct buf *into);

#endif
