/*
 * Store: a git repository's objects, in memory, found by their id.
 *
 * Objects stay as they came, packed and as deltas; only what is read is inflated. Packs come in as
 * a stream of bytes; one that is not whole and right to the last id leaves no trace.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include "lib/git/object.h"
#include "runtime/buf.h"
#include "runtime/err.h"
#include "runtime/siphash.h"

#define STORE_PACK_BYTES_MAX   (UINT64_C(2) << 30) /* all packs together */
#define STORE_OBJECTS_MAX      (4u << 20)
#define STORE_OBJECT_BYTES_MAX (128u << 20) /* of one object, inflated */
#define STORE_DELTA_DEPTH_MAX  4096         /* git's own writers stop at 50 to 4095 */
#define STORE_DELTA_DEPTH_KEPT 64           /* what lies deeper is made whole when it is kept */
#define STORE_CHAIN_BYTES_MAX  (UINT64_C(16) << 30) /* of an object and all its bases, inflated */
#define STORE_WORK_BYTES_MAX   (UINT64_C(64) << 30) /* inflated to take one pack in */
#define STORE_WALK_BYTES_MAX   (UINT64_C(64) << 30) /* of trees compared and the like, in one walk */
#define STORE_PATH_DEPTH_MAX   64
#define STORE_CACHE_BYTES      (4u << 20) /* inflated objects kept at hand */
#define STORE_CHAIN_KEPT \
    64 /* times an object's size; what builds on more is made whole when kept */

struct store_limits {
    uint64_t pack_bytes; /* below 4 GiB */
    uint64_t chain_bytes;
    uint64_t work_bytes;
    uint64_t walk_bytes;
    uint32_t objects;
    uint32_t object_bytes;
    uint32_t delta_depth;
    uint32_t cache_bytes;
    uint32_t turn_bytes;  /* of work in one turn, see below; 0: turns have no end */
    struct sipkey secret; /* for the table of ids: contents can be tried until their ids collide */
};
extern const struct store_limits STORE_LIMITS_DEFAULT;

struct store_stats {
    uint64_t pack_bytes; /* held, of packed objects */
    uint64_t dead_bytes; /* of them, known to be reachable no more (since the last compaction) */
    uint32_t objects;
    uint32_t packs;
    uint64_t inflated; /* objects and deltas inflated so far */
    uint64_t inflated_bytes;
    uint64_t cached_bytes;
    uint64_t refused; /* packs */
};

struct store; /* opaque */

/*
 * Turns: what may take long (store_pack_feed, store_pack_end, store_check, store_compact and
 * history_walk) ends after about turn_bytes of work, so that a server can go on serving. It answers
 * ERR_AGAIN then, and is called again, with the same arguments, until it answers something else.
 * One such work is done at a time; store_give_up forgets one that is not to be gone on with.
 */
void store_give_up(struct store *s);

/* limits NULL: the default. NULL without memory. */
struct store *store_open(enum oid_kind kind, const struct store_limits *limits);
void store_close(struct store *s);
enum oid_kind store_kind(const struct store *s);
struct store_stats store_stats(const struct store *s);

/* An object's bytes; owned by whoever read it, given back with store_release. */
struct store_object {
    enum git_type type;
    struct slice content;
    void *owned;
};

/* ERR_NOT_FOUND, ERR_MEMORY, ERR_LIMIT, ERR_MALFORMED. */
enum err store_read(struct store *s, const struct oid *id, struct store_object *into);
void store_release(struct store_object *o);
bool store_has(const struct store *s, const struct oid *id);

/* Reads an object that must be of this type (ERR_MALFORMED otherwise). */
enum err store_read_as(struct store *s, const struct oid *id, enum git_type type,
                       struct store_object *into);

/* What a tag leads to, through tags of tags, takes its place; the id of anything else stays. The same errors. */
enum err store_peel(struct store *s, struct oid *id);

/* The tree of a commit, and the entry at a path in it ("a/b/c", no leading slash; "" is the root,
 * with mode GIT_MODE_TREE). entry->name is not set. */
enum err store_commit_tree(struct store *s, const struct oid *commit, struct oid *tree);
enum err store_path(struct store *s, const struct oid *commit, struct slice path,
                    struct git_entry *into);

/* --- Packs coming in ---------------------------------------------------------------------- */

struct store_pack; /* one pack being received; at most one at a time for a store */

struct store_progress {
    uint32_t objects;  /* that the pack announces; 0 before its header */
    uint32_t received; /* parsed so far */
    uint32_t resolved; /* whose id is known */
    uint64_t bytes;
};

/* Starts. Thin packs may build on what the store has. ERR_FULL while another one comes in. */
enum err store_pack_begin(struct store *s, struct store_pack **into);

/* The next bytes. ERR_AGAIN: they are kept, but not all of them are taken in. A call without bytes
 * begins the next turn and goes on with what was kept; all calls with bytes until then share the
 * present turn. After an error the pack can only be ended (which tells the error again, and in
 * words) or dropped. */
enum err store_pack_feed(struct store_pack *p, struct slice bytes);

/* All bytes were fed: checks the whole, adds the objects. On OK and on error alike, but not on
 * ERR_AGAIN, p is gone; error (may be NULL) receives a line that says what was wrong with which object. ERR_MALFORMED,
 * ERR_MISMATCH (a hash differs, or an id that is another object's), ERR_NOT_FOUND (a delta's base),
 * ERR_LIMIT, ERR_UNSUPPORTED, ERR_MEMORY. */
enum err store_pack_end(struct store_pack *p, struct buf *error);
void store_pack_drop(struct store_pack *p);
struct store_progress store_pack_progress(const struct store_pack *p);

/* Whether everything that a commit needs is here: its history, trees and files. `known` (may be
 * NULL) is a commit of which that is known already. ERR_NOT_FOUND with the missing id. */
enum err store_check(struct store *s, const struct oid *commit, const struct oid *known,
                     struct oid *missing);

/* Gives back what `commit` does not reach, when that is worth the work: when much came since the last
 * time, or when updates did not build on each other. To be called after every update, for which it
 * is cheap on the average; readers are not disturbed. OK or ERR_AGAIN: it never fails, without memory
 * less is given back. */
enum err store_compact(struct store *s, const struct oid *commit);

#endif
