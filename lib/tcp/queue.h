/*
 * A queue of bytes, copied or lent, addressed by their offset in the whole stream: what a connection
 * holds until the peer has acknowledged it, and what its owner does not want to have yet.
 *
 * Small copies are gathered in one chunk; a loan is a chunk of its own. What leaves the queue may
 * still be read by the card: its chunks rest in a limbo until the card is done with the last frame
 * that carried them.
 */
#ifndef LIB_TCP_QUEUE_H
#define LIB_TCP_QUEUE_H

#include "runtime/pool.h"
#include "signatures/flow.h"

#define TCP_CHUNK_SMALL ((size_t)2048)      /* bytes of memory of a chunk that gathers */
#define TCP_CHUNK_MAX   ((size_t)32 * 1024) /* the same, of one that takes much at once */

struct tcp_chunk {
    struct tcp_chunk *next;
    const uint8_t *ptr;
    uint64_t at;    /* offset of its first byte */
    size_t len;     /* bytes in it */
    uint64_t frame; /* number of the last frame that carried some of it */
    struct loan loan;
    uint32_t cap; /* bytes that `bytes` has room for; 0: lent */
    bool small;   /* from the pool of small ones */
    uint8_t bytes[];
};

/* Where chunks come from and go to: one for an instance. */
struct tcp_chunks {
    struct pool small, lent;
    struct tcp_chunk *limbo, **limbo_end; /* in the order of leaving */
    uint64_t held;                        /* bytes of memory in chunks, in limbo too */
};

struct tcp_queue {
    struct tcp_chunk *first, *last;
    struct tcp_chunk *cursor; /* where tcp_queue_gather stopped, or NULL */
    uint64_t begin, end;      /* offsets */
};

void tcp_chunks_init(struct tcp_chunks *c, uint32_t limit);
void tcp_chunks_deinit(struct tcp_chunks *c); /* releases what is in limbo; queues must be empty */

/* Gives back what the card is done with. Releases loans, so not from inside of an owner's call. */
void tcp_chunks_settle(struct tcp_chunks *c, uint64_t completed);

static inline size_t tcp_queue_bytes(const struct tcp_queue *q)
{
    return (size_t)(q->end - q->begin);
}

/* Appends. ERR_MEMORY: nothing was taken. */
enum err tcp_queue_copy(struct tcp_chunks *c, struct tcp_queue *q, struct slice bytes);
enum err tcp_queue_lend(struct tcp_chunks *c, struct tcp_queue *q, struct slice bytes,
                        struct loan loan);

/* The bytes from an offset in the queue on, at most len of them and in at most count parts: returns
 * how many bytes, and in *used how many parts. */
size_t tcp_queue_gather(struct tcp_queue *q, uint64_t from, size_t len, struct slice *parts,
                        size_t count, size_t *used);

/* A frame of that number carries these bytes: they were gathered last. */
void tcp_queue_carried(struct tcp_queue *q, uint64_t from, size_t len, uint64_t frame);

/* Everything before the offset leaves. Nothing is released here: see tcp_chunks_settle. */
void tcp_queue_drop(struct tcp_chunks *c, struct tcp_queue *q, uint64_t upto);

#endif
