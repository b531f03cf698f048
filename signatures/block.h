/*
 * Block: a device of sectors. Read, write, and a flush that makes what was written last.
 *
 * A request is its owner's memory, and so are its bytes: from block_submit's OK until `done` is called both
 * are lent. They must stay where they are; of a write the bytes must not change, of a read they must not be
 * looked at, and after a failed one they may be anything. A device reads and writes them itself: they are of
 * memory.h, or the program's own static memory, never on a stack.
 *
 * Requests that are under way at the same time may be done in any order, also where they overlap: who
 * needs an order waits. A write that is done is seen by reads from then on; it outlasts a crash of the
 * host once a flush is done that was submitted after it was.
 *
 * `done` is called once for each request that was taken, from the loop, never from inside of
 * block_submit; it may submit again, the same request too. There is no way to call one back.
 */
#ifndef SIGNATURES_BLOCK_H
#define SIGNATURES_BLOCK_H

#include "runtime/buf.h"
#include "runtime/err.h"
#include "runtime/slice.h"

#define BLOCK_SECTOR       512u /* bytes: the unit of all places and sizes */
#define BLOCK_BYTES_MAX    (32u * 1024)
#define BLOCK_REQUESTS_MAX 16u /* under way at once, of one device */

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_request {
    enum block_operation operation;
    uint64_t sector; /* the first one; of a flush nothing from here on counts */
    uint8_t *bytes;  /* a write only reads them */
    size_t len;      /* whole sectors, at least one, at most block.most bytes */
    /* OK: all of it. ERR_IO: the device failed, or said what cannot be. ERR_UNSUPPORTED: it does not do
     * this. ERR_RESET: it began anew, or went; whether the request was carried out is not known. */
    void (*done)(struct block_request *r, enum err why);
};

struct block;

struct block_ops {
    /* Of a request that was checked. */
    enum err (*submit)(struct block *b, struct block_request *r);
    void (*status)(const struct block *b, struct buf *into); /* NULL: it has nothing to say */
};

/* The head of every implementation's own structure. */
struct block {
    const struct block_ops *ops;
    uint64_t sectors; /* how many there are. A device may grow, and shrink where its host lets it */
    uint32_t most;    /* bytes of one request: at least a sector, at most BLOCK_BYTES_MAX */
    bool read_only;
    uint32_t under_way;
    uint64_t refused; /* requests that ended here: what the program asked for cannot be */
};

/* What a device is never asked for. */
static inline enum err block_check(const struct block *b, const struct block_request *r)
{
    if (r->operation == BLOCK_FLUSH)
        return OK;
    if (r->operation == BLOCK_WRITE && b->read_only)
        return ERR_DENIED;
    if (!r->len || r->len % BLOCK_SECTOR)
        return ERR_ARGUMENT;
    uint64_t count = r->len / BLOCK_SECTOR;
    if (r->len > b->most || r->sector > b->sectors || count > b->sectors - r->sector)
        return ERR_LIMIT;
    return OK;
}

/* Takes a request. ERR_AGAIN: as many are under way as can be, wait until one of them is done.
 * ERR_ARGUMENT: not whole sectors. ERR_LIMIT: beyond the end, or more than `most`. ERR_DENIED: a write to
 * a device that is read only. ERR_UNREACHABLE: the device is away; where it may come back, ask later.
 * On any answer but OK nothing was taken, and `done` is not called. */
static inline enum err block_submit(struct block *b, struct block_request *r)
{
    enum err e = block_check(b, r);
    if (e) {
        b->refused++;
        return e;
    }
    if (b->under_way == BLOCK_REQUESTS_MAX)
        return ERR_AGAIN;
    e = b->ops->submit(b, r);
    b->under_way += !e;
    return e;
}

/* Appends what it counts, lines "name: value", for people and scripts. */
static inline void block_status(const struct block *b, struct buf *into)
{
    if (b->ops->status)
        b->ops->status(b, into);
}

/* --- for implementations --- */

/* From the loop: the request is its owner's again. */
static inline void block_done(struct block *b, struct block_request *r, enum err why)
{
    b->under_way--;
    r->done(r, why);
}

#endif
