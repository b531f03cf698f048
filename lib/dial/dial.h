/*
 * Dial: a connection to a name.
 *
 * A driver over a stack and a timer: resolves, then tries the addresses in turn, families taking
 * turns as well, a new one each 250 ms or as soon as one has failed, without giving up on those
 * before; the first that answers is the one ("Happy Eyeballs", RFC 8305).
 */
#ifndef LIB_DIAL_DIAL_H
#define LIB_DIAL_DIAL_H

#include "runtime/err.h"
#include "signatures/clock.h"
#include "signatures/stack.h"

#define DIAL_STAGGER (250 * CLOCK_MS) /* RFC 8305, 5 */

struct dial; /* opaque */

/* OK and a flow without owner (take it with flow_own at once), or why not and NULL: ERR_NOT_FOUND
 * for a name without addresses, ERR_TIMEOUT at the deadline, else the most telling reason of the
 * attempts. Called once unless cancelled, never from inside of dial_open; the handle is gone. */
typedef void dial_fn(void *owner, enum err why, struct flow *flow);

/* host: a name or a numeric address; need not outlive the call. deadline: monotonic, for all of it.
 * ERR_MEMORY and the stack's reasons when it cannot even start. */
enum err dial_open(struct stack *stack, struct slice host, uint16_t port, uint64_t deadline,
                   dial_fn *answer, void *owner, struct dial **into);

/* Ends it without an answer. */
void dial_cancel(struct dial *d);

#endif
