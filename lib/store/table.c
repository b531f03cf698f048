/*
 * The table of entries: arrays that grow by half, and open addressing with linear probing from an
 * id's hash to its entry. An id is a hash already, but one that its writer can choose: so it is
 * hashed once more, with our secret. Entries leave only from the end (a pack that is refused), which
 * makes the slots anew, and by compaction.
 */
#include "lib/store/internal.h"

#include "signatures/memory.h"

#define SLOTS_FIRST   64u
#define FIRST_ENTRIES 64u

static uint32_t home(const struct store *s, const uint8_t *id)
{
    uint64_t hash = siphash(s->limits.secret, slice_of(id, s->id_bytes));
    return (uint32_t)hash & (s->slot_count - 1);
}

/* The slot that holds this id, or the empty one where it belongs. Some slot is always empty. */
static uint32_t probe(const struct store *s, const uint8_t *id)
{
    uint32_t at = home(s, id);
    while (s->slots[at] != 0 && memcmp(store_id(s, s->slots[at] - 1), id, s->id_bytes) != 0)
        at = (at + 1) & (s->slot_count - 1);
    return at;
}

uint32_t store_table_find(const struct store *s, const uint8_t *id)
{
    return s->slot_count == 0 ? NO_ENTRY : s->slots[probe(s, id)] - 1;
}

static void refill(struct store *s)
{
    if (s->slot_count > 0)
        memset(s->slots, 0, s->slot_count * sizeof(*s->slots));
    s->slots_used = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!(s->entries[i].flags & ENTRY_NAMED))
            continue;
        s->slots[probe(s, store_id(s, i))] = i + 1;
        s->slots_used++;
    }
}

/* At most half of the slots are used. */
static enum err room_for_slot(struct store *s)
{
    if (s->slots_used < s->slot_count / 2)
        return OK;
    uint32_t wanted = s->slot_count == 0 ? SLOTS_FIRST : 2 * s->slot_count;
    uint32_t *grown = memory_alloc(wanted * sizeof(*grown));
    if (grown == NULL)
        return ERR_MEMORY;
    memory_free(s->slots);
    s->slots = grown;
    s->slot_count = wanted;
    refill(s);
    return OK;
}

static enum err resize(struct store *s, uint32_t capacity)
{
    if (capacity < s->capacity)
        s->capacity = capacity; /* even if one of the two cannot be made smaller */
    uint8_t *ids = memory_resize(s->ids, (size_t)capacity * s->id_bytes);
    if (ids == NULL)
        return ERR_MEMORY;
    s->ids = ids;
    struct entry *entries = memory_resize(s->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return ERR_MEMORY;
    s->entries = entries;
    s->capacity = capacity;
    return OK;
}

/* reserve: how many more entries are announced; room for more than these is not taken. */
enum err store_table_add(struct store *s, const struct entry *e, uint32_t reserve, uint32_t *number)
{
    if (s->count == s->capacity) {
        uint32_t more = s->capacity / 2 > FIRST_ENTRIES ? s->capacity / 2 : FIRST_ENTRIES;
        enum err err = resize(s, s->capacity + (reserve > 0 && reserve < more ? reserve : more));
        if (err != OK)
            return err;
    }
    *number = s->count++;
    s->entries[*number] = *e;
    return OK;
}

enum err store_table_name(struct store *s, uint32_t number, const struct oid *id, uint32_t *twin)
{
    enum err e = room_for_slot(s);
    if (e != OK)
        return e;
    memcpy(s->ids + (size_t)number * s->id_bytes, id->bytes, s->id_bytes);
    uint32_t at = probe(s, id->bytes);
    if (s->slots[at] != 0) {
        *twin = s->slots[at] - 1;
        return ERR_EXISTS;
    }
    s->slots[at] = number + 1;
    s->slots_used++;
    s->entries[number].flags |= ENTRY_NAMED;
    return OK;
}

void store_table_cut(struct store *s, uint32_t count)
{
    if (s->count == count)
        return;
    s->count = count;
    refill(s);
}

void store_table_shrink(struct store *s)
{
    if (s->capacity > s->count + s->count / 2 + FIRST_ENTRIES)
        resize(s, s->count + s->count / 4 + FIRST_ENTRIES / 2);
    while (s->slot_count > SLOTS_FIRST && s->slots_used < s->slot_count / 8) {
        uint32_t wanted = s->slot_count / 2;
        uint32_t *slots = memory_resize(s->slots, wanted * sizeof(*slots));
        if (slots == NULL)
            return;
        s->slots = slots;
        s->slot_count = wanted;
        refill(s);
    }
}

void store_table_free(struct store *s)
{
    memory_free(s->ids);
    memory_free(s->entries);
    memory_free(s->slots);
}
