/*
 * Assembly: received data that cannot be handed on yet, because something before it is missing or
 * because its owner is not reading. Bytes are copied into chunks, each of which stands for
 * ASSEMBLY_CHUNK numbers of the sequence space, so that every byte has one place; which of them are
 * there is kept as a sorted array of islands beyond the first gap. Also the selective
 * acknowledgements to send (RFC 2018, 4; RFC 2883).
 *
 *        front        next        island        island
 *     -----|############|............|####|.........|##|......   window
 *       taken   ready       gap              gap
 *
 * The first byte to arrive for a number stays; later copies are ignored.
 *
 * Bounds: memory is that of the chunks within the window (ASSEMBLY_CHUNK bytes for one byte at
 * worst), which come from a pool that all connections share, and 8 bytes an island. Beyond
 * ASSEMBLY_ISLANDS_MAX, what would make one more is refused; nothing that was taken is ever
 * dropped (we never renege). A segment costs a bisection and a move of the array at most. In-order
 * data never needs an island: progress does not depend on these limits.
 */
#ifndef LIB_TCP_ASSEMBLY_H
#define LIB_TCP_ASSEMBLY_H

#include "lib/tcp/seq.h"
#include "runtime/err.h"
#include "runtime/pool.h"
#include "runtime/slice.h"

#define ASSEMBLY_CHUNK       4096u
#define ASSEMBLY_ISLANDS_MAX 1024u
#define ASSEMBLY_RECENT      4u /* blocks that an acknowledgement can carry */

struct assembly {
    struct pool *pool;         /* items of ASSEMBLY_CHUNK bytes */
    uint8_t **chunks;          /* ring of chunk_room, by number / ASSEMBLY_CHUNK; owned */
    struct seq_range *islands; /* owned */
    uint32_t chunk_room, held; /* chunks in use */
    uint16_t island_room, count;
    uint8_t recents;
    seq_t front;                   /* the oldest that was not taken */
    seq_t next;                    /* RCV.NXT */
    seq_t recent[ASSEMBLY_RECENT]; /* numbers in the islands to report, the latest first */
    struct seq_range duplicate;    /* to report once; empty: none */
};

/* The pool outlives the assembly; no memory is taken before something has to be kept. */
void assembly_init(struct assembly *a, seq_t next, struct pool *pool);
void assembly_deinit(struct assembly *a); /* also one that was zeroed only */

/* Gives memory back that an idle connection does not need. */
void assembly_idle(struct assembly *a);

/* A segment that begins anywhere, and ends within the window. Parts of it that are there already are
 * noted for D-SACK. OK: all of it is here (now or before). ERR_FULL (islands), ERR_MEMORY (chunks):
 * nothing was taken. */
enum err assembly_put(struct assembly *a, seq_t start, const struct slice *parts, size_t count);

/* The usual case: bytes at next, while nothing is ready, that the owner takes straight from the
 * segment. Where they close a gap, what follows becomes ready. */
void assembly_pass(struct assembly *a, uint32_t bytes);

/* A segment with nothing new: a whole duplicate. */
void assembly_duplicate(struct assembly *a, struct seq_range range);

/* Bytes that are ready: a piece of them, valid until the next call; empty where there are none. */
struct slice assembly_ready(const struct assembly *a);
void assembly_take(struct assembly *a, uint32_t bytes);

/* Ready and not taken. */
static inline uint32_t assembly_ready_bytes(const struct assembly *a)
{
    return a->next - a->front;
}

static inline bool assembly_gaps(const struct assembly *a)
{
    return a->count > 0;
}

/* Memory in use. */
static inline uint64_t assembly_bytes(const struct assembly *a)
{
    return (uint64_t)a->held * ASSEMBLY_CHUNK;
}

/* The blocks for the next acknowledgement, at most max: a D-SACK first (it is then reported), then the
 * island of the latest segment, then those reported before. Returns how many. */
size_t assembly_blocks(struct assembly *a, struct seq_range *into, size_t max);

#endif
