/* Listening sockets; private to this platform. */
#ifndef PLATFORM_PROCESS_LISTENER_H
#define PLATFORM_PROCESS_LISTENER_H

#include "signatures/stack.h"

enum err listener_open(struct stack *s, struct endpoint local, accept_fn *accept, void *owner,
                       struct listener **into);
void listener_close(struct stack *s, struct listener *l);

#endif
