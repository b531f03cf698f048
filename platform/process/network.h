/*
 * The network of a process, as runtime/settings_network.h says: the host's sockets, or a stack of the
 * image's own (signatures/network.h) over a TAP.
 */
#ifndef PLATFORM_PROCESS_NETWORK_H
#define PLATFORM_PROCESS_NETWORK_H

#include "runtime/buf.h"
#include "signatures/stack.h"

/* name: what it calls itself there. Otherwise a line in `error`. */
enum err process_network_open(struct slice name, struct stack **into, struct buf *error);

/* Flows that were closed and still send. */
uint32_t process_network_closing(void);

/* Without effect on the host's. */
void process_network_close(void);

#endif
