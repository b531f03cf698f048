/* The network of a machine; which rooms it is made of is decided when the image is linked: those of
 * platform/virtio, or platform/alone where the program is given none. */
#ifndef PLATFORM_PVH_NETWORK_H
#define PLATFORM_PVH_NETWORK_H

#include "runtime/buf.h"
#include "signatures/stack.h"

/* Opens the stack over the first card. name: what the host calls itself. Otherwise a line in error. */
enum err machine_network_open(struct slice name, struct stack **into, struct buf *error);

/* As network_end of signatures/network.h: true when nothing is under way any more. */
bool machine_network_end(void);

#endif
