/* The network of a machine: over the first card that a driver has (driver.h), or, where the program is
 * given none, nothing (platform/alone). Which of both is decided when the image is linked. */
#ifndef PLATFORM_PVH_NETWORK_H
#define PLATFORM_PVH_NETWORK_H

#include "runtime/buf.h"
#include "signatures/stack.h"

/* Opens the stack over the card that --network says. name: what the host calls itself. Otherwise a line in error. */
enum err machine_network_open(struct slice name, struct stack **into, struct buf *error);

/* As network_end of signatures/network.h: true when nothing is under way any more. */
bool machine_network_end(void);

#endif
