/*
 * The network of a process, as runtime/settings_network.h says: the host's sockets, or a stack of
 * the image's own (signatures/network.h) over a TAP.
 */
#ifndef PLATFORM_PROCESS_NETWORK_H
#define PLATFORM_PROCESS_NETWORK_H

#include "runtime/buf.h"
#include "signatures/stack.h"

/* name: what it calls itself there. Otherwise a line in `error`. */
enum err process_network_open(struct slice name, struct stack **into, struct buf *error);

/* See signatures/network.h: true once flows that were closed have sent what was queued. */
bool process_network_end(void);

/* Without effect on the host's. */
void process_network_close(void);

#endif
