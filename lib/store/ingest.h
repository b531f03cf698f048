/*
 * A pack being received: what its parts share (this room only).
 *
 *     ingest.c     the stream: header, entries, trailer; where the bytes lie
 *     entry.c      one entry: objects are inflated, hashed and forgotten; deltas are resolved at once
 *                  where the base is still in the cache
 *     identify.c   limits, ids, objects that come twice
 *     resolve.c    the other deltas, at the end
 */
#ifndef LIB_STORE_INGEST_H
#define LIB_STORE_INGEST_H

#include "lib/git/hash.h"
#include "lib/store/internal.h"

enum pack_part { PACK_HEADER, PACK_ENTRIES, PACK_TRAILER, PACK_WHOLE };

struct store_pack {
    struct store *s;
    uint32_t first;       /* entries from here on are the pack's */
    uint32_t first_chunk; /* and chunks */
    enum err err;         /* the first error; nothing goes on after it */
    char why[200];

    enum pack_part part;
    uint32_t announced;
    uint32_t resolved;
    uint64_t received; /* bytes fed */
    uint32_t at;       /* offset in the pack of what is being read */
    uint32_t pos;      /* and in the last chunk */
    uint64_t wanted;   /* bytes to wait for before inflating is tried (again) */
    uint64_t work;     /* the store's inflated_bytes when the pack began */
    struct git_hash hash;

    struct numbers offsets; /* in the pack, of each entry */
    struct numbers pending; /* deltas that are not resolved */
    uint32_t by_id;         /* of them, those whose base is known by its id only */

    /* Between turns. */
    struct buf ahead;          /* bytes fed that are not in a chunk yet */
    size_t ahead_at;           /* of them, so many are by now */
    bool behind;               /* whole entries may lie in the last chunk, not taken in */
    struct resolver *resolver; /* see resolve.c; NULL before the pack's end */
    uint32_t flattened;        /* entries below this number */
};

/* Keeps the first error, and what it was about: an entry, where number is not NO_ENTRY. */
enum err store_pack_fail(struct store_pack *p, uint32_t number, enum err e, const char *why);

/* A delta that now has this content: checks limits, computes the id, puts it in the table. */
enum err store_pack_resolved(struct store_pack *p, uint32_t number, struct content *content);

/* Takes one entry off the bytes. ERR_AGAIN: they are too few. now: try with what is there, since no
 * more will come, or none has room in this chunk. */
enum err store_pack_entry(struct store_pack *p, struct slice bytes, bool now, size_t *used);

/* Entries read so far. */
static inline uint32_t store_pack_parsed(const struct store_pack *p)
{
    return p->offsets.count;
}

/* Whether a delta's chain of bases is within the limits; sets the entry's depth and weight. */
enum err store_pack_chain(struct store_pack *p, uint32_t number);

/* Resolves all pending deltas, or says which cannot be. ERR_AGAIN: the turn is over. */
enum err store_pack_resolve(struct store_pack *p);
void store_pack_resolve_drop(struct store_pack *p);

#endif
