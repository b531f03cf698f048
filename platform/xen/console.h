/* Xen's console (xen/io/console.h): `xl console`, and dom0's log of it. */
#ifndef PLATFORM_XEN_CONSOLE_H
#define PLATFORM_XEN_CONSOLE_H

#include "runtime/buf.h"
#include "runtime/slice.h"

void console_begin(void);
void console_resume(void);

/* As signatures/console.h. False: there is no such console. A ring that nobody empties is waited for,
 * once and not long; then what does not fit is dropped (counted). */
bool xen_console_write(struct slice bytes);
void xen_console_flush(void);
void xen_console_status(struct buf *into);

#endif
