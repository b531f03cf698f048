/*
 * What the files of this room share: how objects lie in memory.
 *
 *     ids      [ id | id | id ... ]         one for each entry, id_bytes wide
 *     entries  [ entry | entry | ... ]      where its packed bytes are, what it is, its base
 *     slots    [ 0 | 3 | 0 | 1 ... ]        open addressing over ids: number of an entry + 1
 *     chunks   [ packed bytes ] [ ... ]     as they came; an entry lies in one chunk, whole
 *
 * Entries below `visible` are the store's; those above belong to the pack that is being received.
 * An entry's number is its name inside the room, and changes only when the store is compacted.
 */
#ifndef LIB_STORE_INTERNAL_H
#define LIB_STORE_INTERNAL_H

#include "lib/store/store.h"
#include "runtime/list.h"

#define NO_ENTRY UINT32_MAX

enum entry_flags {
    ENTRY_DELTA = 1, /* packed as a delta against `base` */
    ENTRY_NAMED = 2, /* found by its id: known, and no other entry had it before */
    ENTRY_WHOLE = 4, /* all that it needs is here, too: see check.c */
};

struct entry {
    uint32_t chunk;
    uint32_t offset; /* in the chunk, of the entry's header */
    uint32_t packed; /* bytes of header and zlib stream */
    uint32_t size;   /* of the object */
    uint32_t base;   /* of a delta: entry, or NO_ENTRY while not known */
    uint32_t weight; /* work of reading it: of its bases, and 1 for each begun 64 KiB of its own */
    uint16_t depth;  /* deltas between it and an object that is none */
    uint8_t type;    /* enum git_type; GIT_NONE: a delta that is not resolved yet */
    uint8_t flags;
};

struct chunk {
    uint32_t used;
    uint32_t cap;
    uint8_t bytes[];
};

/* An object's bytes, counted by those who hold it. The cache is one of them. */
struct content {
    struct list recent;   /* in the cache: by last use */
    struct content *next; /* in the cache: of the same bucket */
    uint32_t entry;       /* in the cache: whose; else NO_ENTRY */
    uint32_t refs;
    uint32_t size;
    uint8_t bytes[];
};

#define CACHE_BUCKETS 4096u

struct cache {
    struct content *buckets[CACHE_BUCKETS];
    struct list recent; /* the least recently used first */
    uint64_t bytes;
    uint64_t max;
};

struct store {
    enum oid_kind kind;
    uint32_t id_bytes;
    struct store_limits limits;

    uint8_t *ids;
    struct entry *entries;
    uint32_t count;
    uint32_t capacity;
    uint32_t visible;
    uint32_t *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t slots_used;

    struct chunk **chunks;
    uint32_t chunk_count;
    uint32_t chunk_capacity;

    struct cache cache;
    struct libdeflate_decompressor *inflater;
    struct buf delta; /* scratch: the delta being applied */
    uint32_t *chain;  /* scratch: limits.delta_depth entries */

    struct store_pack *receiving;
    struct reach *reach;        /* between turns of store_check or store_compact */
    struct sweep *sweep;        /* after that, between turns of store_compact */
    struct history_job *dating; /* between turns of history_walk */
    struct store_stats stats;
    uint64_t effort;      /* work done so far, as if it were bytes inflated */
    uint64_t turn_end;    /* of effort, for the present turn */
    uint64_t fresh_bytes; /* packed bytes that came since the last compaction */

    /* See compact.c. */
    struct oid settled;     /* the commit of its last call; zero: none yet */
    uint32_t settled_count; /* entries at that time */
    bool forced;            /* a commit came that did not build on the last */
    uint64_t credit;
};

/* --- turns ---------------------------------------------------------------------------------- */

static inline void store_turn_begin(struct store *s)
{
    s->turn_end = s->limits.turn_bytes == 0 ? UINT64_MAX : s->effort + s->limits.turn_bytes;
}

static inline bool store_turn_over(const struct store *s)
{
    return s->effort >= s->turn_end;
}

/* Forgets a history_walk that is between turns. */
void store_history_drop(struct store *s);

/* Ends a compaction that is between turns: what was not moved by now stays where it is. */
void store_sweep_end(struct store *s);

/* --- grow.c: lists -------------------------------------------------------------------------- */

/* Room for one more item in a list of memory's, which grows by half. ERR_MEMORY: it stays as it is. */
enum err store_grow(void **items, uint32_t count, uint32_t *capacity, size_t size);

struct numbers {
    uint32_t *items; /* owned */
    uint32_t count;
    uint32_t capacity;
};

enum err store_numbers_push(struct numbers *list, uint32_t number);

/* --- table.c: entries and their ids --------------------------------------------------------- */

enum err store_table_add(struct store *s, const struct entry *e, uint32_t reserve,
                         uint32_t *number);

/* Gives an entry its id. Where another entry has it already, ERR_EXISTS and that in *twin. */
enum err store_table_name(struct store *s, uint32_t number, const struct oid *id, uint32_t *twin);

/* Any entry with this id, of a pack that is being received as well; or NO_ENTRY. */
uint32_t store_table_find(const struct store *s, const uint8_t *id);

/* Forgets the entries from this number on. */
void store_table_cut(struct store *s, uint32_t count);

/* Gives back room that is not needed, if there is much of it. */
void store_table_shrink(struct store *s);
void store_table_free(struct store *s);

static inline const uint8_t *store_id(const struct store *s, uint32_t number)
{
    return s->ids + (size_t)number * s->id_bytes;
}

/* The store's entry with this id, or NO_ENTRY. */
static inline uint32_t store_find(const struct store *s, const struct oid *id)
{
    uint32_t number = store_table_find(s, id->bytes);
    return number < s->visible ? number : NO_ENTRY;
}

/* --- chunk.c: packed bytes ------------------------------------------------------------------ */

/* A new last chunk. */
enum err store_chunk_add(struct store *s, uint32_t cap);
enum err store_chunk_resize(struct store *s, uint32_t number, uint32_t cap);
void store_chunk_cut(struct store *s, uint32_t count);

/* Gives a chunk's memory back; its place in the list stays, empty. */
void store_chunk_free(struct store *s, uint32_t number);

static inline struct slice store_packed(const struct store *s, const struct entry *e)
{
    return slice_of(s->chunks[e->chunk]->bytes + e->offset, e->packed);
}

/* --- content.c: inflated objects and the cache of them -------------------------------------- */

/* For size bytes that the caller writes, held once; NULL without memory. */
struct content *store_content_new(uint32_t size);
void store_content_release(struct content *c);

static inline struct slice store_content_slice(const struct content *c)
{
    return slice_of(c->bytes, c->size);
}

void store_cache_init(struct cache *c, uint64_t max);

/* The content, held once more for the caller, or NULL. */
struct content *store_cache_get(struct cache *c, uint32_t entry);

/* The cache holds it from now on, too; others make room. The newest stays however large it is, so
 * that what builds on it finds it. */
void store_cache_put(struct cache *c, uint32_t entry, struct content *content);

/* Forgets what is more than the cache may hold: one large content, after it was of use. */
void store_cache_trim(struct cache *c);

/* Forgets contents of entries from this number on. */
void store_cache_cut(struct cache *c, uint32_t entry);

/* --- read.c: from packed bytes to contents -------------------------------------------------- */

/* Inflates a zlib stream that must give exactly `size` bytes. ERR_MALFORMED also where the stream
 * goes on beyond `packed`. */
enum err store_inflate(struct store *s, struct slice packed, uint8_t *into, size_t size,
                       size_t *consumed);

/* An entry's content, held for the caller. The entry's base must be known. */
enum err store_load(struct store *s, uint32_t number, struct content **into);

/* The content of a delta entry out of that of its base, held for the caller. store_build takes the
 * delta that lies inflated in s->delta, store_apply inflates it first. */
enum err store_apply(struct store *s, uint32_t number, struct content *base, struct content **into);
enum err store_build(struct store *s, uint32_t number, struct content *base, struct content **into);

/* The part that an object of this size has in its entry's weight. */
static inline uint32_t store_weight(uint32_t size)
{
    return (size >> 16) + 1;
}

/* Gives scratch memory back that one large delta has taken. */
void store_trim(struct store *s);

/* --- flatten.c ------------------------------------------------------------------------------ */

/* Entries from this number on that lie too deep, or build on too much, are packed as wholes; without
 * memory they stay. ERR_AGAIN: the turn is over; *from is where to go on. */
enum err store_flatten(struct store *s, uint32_t *from);

#endif
