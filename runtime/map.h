/*
 * A hash map from byte strings to pointers.
 *
 * Keys are not copied: they must live, unchanged, as long as their entry. Hashing is SipHash with a
 * key of the map's own, so that nobody who chooses the strings can choose the collisions.
 */
#ifndef RUNTIME_MAP_H
#define RUNTIME_MAP_H

#include "runtime/err.h"
#include "runtime/siphash.h"
#include "runtime/slice.h"

struct map_entry {
    struct slice key;
    void *value; /* NULL: the slot is empty */
    uint32_t hash;
};

struct map {
    struct map_entry *slots; /* open addressing, linear probing, a power of two */
    size_t count;
    size_t cap;
    struct sipkey secret;
};

/* secret: 16 unpredictable bytes from the entropy signature (a test may give any). */
void map_init(struct map *m, struct sipkey secret);
void map_deinit(struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, struct slice key);

/* Adds or replaces (the old key slice is replaced too). value must not be NULL. */
enum err map_put(struct map *m, struct slice key, void *value);

/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, struct slice key);

/* Walks all entries in no order: start with *at = 0; NULL at the end. No changes meanwhile. */
struct map_entry *map_next(const struct map *m, size_t *at);

#endif
