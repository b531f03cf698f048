/*
 * What a flow still has to send, in order: runs of bytes, copied or lent. Private to this platform.
 *
 * Small copies share chunks of a fixed size out of a pool; large ones get a block of their own; lent
 * bytes are pointed to. An idle queue holds no memory.
 */
#ifndef PLATFORM_PROCESS_QUEUE_H
#define PLATFORM_PROCESS_QUEUE_H

#include <sys/uio.h>

#include "signatures/flow.h"

#define QUEUE_CHUNK        ((size_t)960) /* bytes of copied text that share a segment */
#define QUEUE_SEGMENTS_MAX (1u << 20)    /* of all flows together */

struct segment;

struct queue {
    struct segment *first, *last;
    size_t bytes;
};

/* Both take everything or nothing: ERR_MEMORY. */
enum err queue_copy(struct queue *q, struct slice bytes);
enum err queue_lend(struct queue *q, struct slice bytes, struct loan loan);

/* Fills in the first runs, at most `most`; returns how many. */
size_t queue_gather(const struct queue *q, struct iovec *into, size_t most);

/* The first n bytes have been sent: forgets them, and releases loans that are through. */
void queue_sent(struct queue *q, size_t n);
void queue_drop(struct queue *q);

/* Segments in use now, of all queues: for status and leak checks. */
uint32_t queue_segments(void);
uint64_t queue_refused(void);

#endif
