/* Connections being made; private to this platform. */
#ifndef PLATFORM_PROCESS_CONNECT_H
#define PLATFORM_PROCESS_CONNECT_H

#include "signatures/stack.h"

enum err connect_start(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                       struct connect **into);
void connect_cancel(struct stack *s, struct connect *c);

#endif
