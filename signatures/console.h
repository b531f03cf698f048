/*
 * Console: text for the operator, a singleton of the target.
 *
 * Bytes may be gathered until control returns to the loop; before the program waits, ends or
 * panics, all of them are out.
 */
#ifndef SIGNATURES_CONSOLE_H
#define SIGNATURES_CONSOLE_H

#include "runtime/buf.h"
#include "runtime/slice.h"

void console_write(struct slice bytes);

/* All that was written is handed to the host when this returns. */
void console_flush(void);

/* Appends what it counts, lines "name: value", for people and scripts. */
void console_status(struct buf *into);

#endif
