/*
 * Network: the door between a card and the library that makes a stack of it, a singleton of the image.
 *
 * The platform has the card, the library is chosen when the image is linked: neither includes the
 * other.
 */
#ifndef SIGNATURES_NETWORK_H
#define SIGNATURES_NETWORK_H

#include "runtime/buf.h"
#include "signatures/net.h"
#include "signatures/stack.h"

/* Opens a stack over the card, as runtime/settings_network.h says. name: what the host calls itself.
 * The card stays until network_close. Otherwise a line in `error`. */
enum err network_open(struct net *card, struct slice name, struct stack **into, struct buf *error);

/* Flows that were closed and still send: the program has ended, but not yet its bytes. */
uint32_t network_closing(const struct stack *s);

/* Ends it: leases are given back, what is left of flows is dropped. */
void network_close(struct stack *s);

#endif
