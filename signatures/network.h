/*
 * Network: the door between a card and the library that makes a stack of it, a singleton of the
 * image.
 *
 * The platform has the card, the library is chosen when the image is linked: neither includes the
 * other.
 */
#ifndef SIGNATURES_NETWORK_H
#define SIGNATURES_NETWORK_H

#include "runtime/buf.h"
#include "signatures/net.h"
#include "signatures/stack.h"

/* Opens a stack over the card, as runtime/settings_network.h says. name: what the host calls
 * itself. The card stays until network_close. Otherwise a line in `error`. */
enum err network_open(struct net *card, struct slice name, struct stack **into, struct buf *error);

/* Ends in good order: to be called when the program has ended, after each turn of the loop, until
 * it is true. Flows that were closed send what is queued, leases are given back, and the card is
 * done with all frames. */
bool network_end(struct stack *s);

/* Drops what is left. The card must be done with all frames (network_end has been true), or not
 * touch memory any more. */
void network_close(struct stack *s);

#endif
