/* Names being looked up; private to this platform. */
#ifndef PLATFORM_PROCESS_RESOLVE_H
#define PLATFORM_PROCESS_RESOLVE_H

#include "signatures/stack.h"

enum err resolve_start(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                       struct resolve **into);
void resolve_cancel(struct stack *s, struct resolve *r);

#endif
