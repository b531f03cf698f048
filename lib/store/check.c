/*
 * Whether a commit is all here. What was found whole once is marked so, and is not looked at again:
 * after an update only what came with it is walked.
 */
#include "lib/store/reach.h"

#include "signatures/memory.h"

static void mark_whole(struct store *s, const uint64_t *seen)
{
    for (uint32_t i = 0; i < s->visible; i++) {
        if (store_bit(seen, i))
            s->entries[i].flags |= ENTRY_WHOLE;
    }
}

enum err store_check(struct store *s, const struct oid *commit, const struct oid *known,
                     struct oid *missing)
{
    struct oid unused;
    uint64_t *seen = memory_zalloc(store_bits_bytes(s->visible));
    if (seen == NULL)
        return ERR_MEMORY;
    uint32_t trusted = known != NULL ? store_find(s, known) : NO_ENTRY;
    if (trusted != NO_ENTRY)
        store_bit_set(seen, trusted);
    enum err e = store_reach(s, commit, ENTRY_WHOLE, seen, missing ? missing : &unused);
    if (e == OK)
        mark_whole(s, seen);
    memory_free(seen);
    return e;
}
