/*
 * Whether a commit is all here. What was found whole once is marked so, and is not looked at again:
 * after an update only what came with it is walked.
 */
#include "lib/store/reach.h"

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
    enum err e = OK;
    store_turn_begin(s);
    if (s->reach == NULL)
        e = store_reach_begin(s, commit, ENTRY_WHOLE, known);
    if (e == OK)
        e = store_reach_turn(s->reach);
    if (e == ERR_AGAIN)
        return e;
    if (e == OK)
        mark_whole(s, s->reach->seen);
    if (missing != NULL)
        *missing = s->reach != NULL ? s->reach->missing : (struct oid){{0}};
    store_reach_drop(s);
    return e;
}
