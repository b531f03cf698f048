/* The frames that are on their way in one direction, in the order in which they are due. Bounded. */
#ifndef TESTS_SYSTEM_WIRE_TRANSIT_H
#define TESTS_SYSTEM_WIRE_TRANSIT_H

#include "tests/system/wire/port.h"

#define TRANSIT_MAX 32768u /* frames at once */

struct frame {
    uint64_t due;   /* monotonic, ns */
    uint64_t order; /* of two that are due at once the earlier goes first */
    size_t len;
    uint8_t bytes[PORT_FRAME_MAX];
};

struct transit {
    struct frame *frames; /* TRANSIT_MAX of them; touched as far as needed */
    uint32_t *heap;       /* the first `count`: on their way; the others: free */
    uint32_t count;
    uint64_t orders;
};

bool transit_init(struct transit *t);

/* A frame to fill in, then to put; NULL: there are too many. */
struct frame *transit_take(struct transit *t);
void transit_put(struct transit *t); /* the one that was taken */

/* The frame that is due first, or NULL. It may be read until the next take. */
struct frame *transit_first(const struct transit *t);
struct frame *transit_remove_first(struct transit *t);

#endif
