/*
 * Compaction: gives back what the current commit does not reach.
 *
 * Marking walks the whole history, so it is earned. Where every update built on the one before, all
 * that was reached still is, and there is nothing to find; the store notices the first that did not.
 * From then on every update brings credit for a few objects, and a walk is made when there is credit
 * for all of them. It is made, too, when half as much came as was there. Then entries that are dead leave
 * the table, and chunks are looked at one by one: those with nothing alive go, those with little alive and
 * small ones are moved together, the rest stays where it is. So an update pays for a part of a walk, and
 * for moving about as much as had died.
 *
 * Entries move one by one, and may be read in between: that is cut into turns, like the walk.
 */
#include "lib/store/reach.h"

#include "signatures/memory.h"

#define CREDIT_PER_UPDATE 64u /* objects of the next walk that an update pays for */
#define CHUNK_BYTES       (1u << 20)
#define CHUNK_SMALL       (64u << 10) /* smaller ones are moved together */

/* Whether the commit of the last call is this one or among its first parents, looking no further
 * than at what came since. (A history that joins it elsewhere is walked once too often.) */
static bool goes_on(struct store *s, const struct oid *commit)
{
    struct oid at = *commit;
    while (!oid_equal(&at, &s->settled)) {
        struct store_object o;
        struct git_commit parsed;
        uint32_t number = store_find(s, &at);
        if (number == NO_ENTRY || number < s->settled_count || store_read(s, &at, &o) != OK)
            return false;
        enum err e = git_commit_parse(s->kind, o.content, &parsed);
        store_release(&o);
        if (e != OK || parsed.parent_count == 0)
            return false;
        at = parsed.parents[0];
    }
    return true;
}

static bool worth_the_walk(struct store *s, const struct oid *commit)
{
    if (!oid_is_zero(&s->settled) && !goes_on(s, commit))
        s->forced = true;
    s->settled = *commit;
    s->settled_count = s->visible;
    if (s->forced)
        s->credit += CREDIT_PER_UPDATE;
    bool much_new = s->fresh_bytes > 0 && s->fresh_bytes >= s->stats.pack_bytes / 3;
    return much_new || (s->forced && s->credit >= s->visible);
}

/* Deltas need their bases. */
static void mark_bases(const struct store *s, uint64_t *live)
{
    for (uint32_t i = 0; i < s->visible; i++) {
        if (!store_bit(live, i))
            continue;
        uint32_t at = i;
        while (s->entries[at].flags & ENTRY_DELTA && !store_bit(live, s->entries[at].base)) {
            at = s->entries[at].base;
            store_bit_set(live, at);
        }
    }
}

/* Moves entries that live to the front of the table. moved: their new numbers. What is only a base
 * may have lost what it needs. */
static void renumber(struct store *s, const uint64_t *live, const uint64_t *reached,
                     uint32_t *moved)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->visible; i++) {
        if (!store_bit(live, i))
            continue;
        moved[i] = count;
        s->entries[count] = s->entries[i];
        memmove(s->ids + (size_t)count * s->id_bytes, store_id(s, i), s->id_bytes);
        if (!store_bit(reached, i))
            s->entries[count].flags &= (uint8_t)~ENTRY_WHOLE;
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (s->entries[i].flags & ENTRY_DELTA)
            s->entries[i].base = moved[s->entries[i].base];
    }
    s->visible = count;
    store_table_cut(s, count);
}

/* --- chunks ---------------------------------------------------------------------------------- */

/* Chunks being emptied. */
struct sweep {
    uint64_t *alive;  /* bytes of entries in each */
    bool *leave;      /* whether those are to be moved */
    uint32_t *number; /* room for renumber_chunks */
    uint32_t fresh;   /* chunks from here on are new */
    uint32_t next;    /* entry that is looked at next */
    uint64_t left;    /* bytes still to be moved */
};

static bool to_be_moved(const struct chunk *c, uint64_t alive)
{
    return c->used < CHUNK_SMALL || alive * 4 < (uint64_t)c->used * 3;
}

/* Room for an entry in the last chunk, or in a new one, and the last one's rest is given back;
 * chunks from `fresh` on are new. */
static struct chunk *room(struct store *s, uint32_t fresh, uint32_t packed, uint64_t all)
{
    if (s->chunk_count > fresh) {
        struct chunk *last = s->chunks[s->chunk_count - 1];
        if (last->cap - last->used >= packed)
            return last;
        (void)store_chunk_resize(s, s->chunk_count - 1, last->used); /* if not, no harm */
    }
    uint64_t cap = all < CHUNK_BYTES ? all : CHUNK_BYTES;
    if (store_chunk_add(s, packed > cap ? packed : (uint32_t)cap) != OK)
        return NULL;
    return s->chunks[s->chunk_count - 1];
}

/* Moves one entry out of a chunk that is to be left. False: there is no memory. */
static bool move_entry(struct store *s, struct entry *e)
{
    struct sweep *w = s->sweep;
    uint32_t from = e->chunk;
    struct chunk *into = room(s, w->fresh, e->packed, w->left);
    if (into == NULL)
        return false;
    struct slice packed = store_packed(s, e);
    memcpy(into->bytes + into->used, packed.ptr, packed.len);
    e->offset = into->used;
    e->chunk = s->chunk_count - 1;
    into->used += e->packed;
    w->left -= e->packed;
    w->alive[from] -= e->packed;
    if (w->alive[from] == 0)
        store_chunk_free(s, from);
    s->effort += e->packed;
    return true;
}

/* Without memory what was not moved stays. ERR_AGAIN: the turn is over. */
static enum err move_entries(struct store *s)
{
    struct sweep *w = s->sweep;
    for (; w->next < s->visible; w->next++) {
        struct entry *e = &s->entries[w->next];
        if (store_turn_over(s))
            return ERR_AGAIN;
        if (e->chunk < w->fresh && w->leave[e->chunk] && !move_entry(s, e))
            return OK;
    }
    return OK;
}

/* Closes the gaps in the list of chunks. number: room for as many as there are. */
static void renumber_chunks(struct store *s, uint32_t *number)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->chunk_count; i++) {
        number[i] = count;
        if (s->chunks[i] != NULL)
            s->chunks[count++] = s->chunks[i];
    }
    s->chunk_count = count;
    s->stats.pack_bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        s->stats.pack_bytes += s->chunks[i]->used;
    s->stats.dead_bytes = s->stats.pack_bytes;
    for (uint32_t i = 0; i < s->visible; i++) {
        s->entries[i].chunk = number[s->entries[i].chunk];
        s->stats.dead_bytes -= s->entries[i].packed;
    }
}

/* --- all together ---------------------------------------------------------------------------- */

static void free_sweep(struct sweep *w)
{
    if (w == NULL)
        return;
    memory_free(w->alive);
    memory_free(w->leave);
    memory_free(w->number);
    memory_free(w);
}

/* What it needs, taken before anything is changed. New chunks are at most as many as there were, or one for
 * each MiB and those that are larger. */
static struct sweep *new_sweep(const struct store *s)
{
    size_t most = 2 * (size_t)s->chunk_count + (size_t)(s->stats.pack_bytes / CHUNK_BYTES) * 2 + 2;
    struct sweep *w = memory_zalloc(sizeof(*w));
    if (w == NULL)
        return NULL;
    w->fresh = s->chunk_count;
    w->alive = memory_zalloc(w->fresh * sizeof(*w->alive));
    w->leave = memory_alloc(w->fresh * sizeof(*w->leave));
    w->number = memory_alloc(most * sizeof(*w->number));
    if (w->alive != NULL && w->leave != NULL && w->number != NULL)
        return w;
    free_sweep(w);
    return NULL;
}

/* Which chunks are to be left, and how much there is in them. */
static void look_at_chunks(struct store *s, struct sweep *w)
{
    for (uint32_t i = 0; i < s->visible; i++)
        w->alive[s->entries[i].chunk] += s->entries[i].packed;
    for (uint32_t i = 0; i < w->fresh; i++) {
        w->leave[i] = to_be_moved(s->chunks[i], w->alive[i]);
        w->left += w->leave[i] ? w->alive[i] : 0;
        if (w->alive[i] == 0)
            store_chunk_free(s, i);
    }
}

static void drop_dead(struct store *s, uint64_t *live, const uint64_t *reached, uint32_t *moved)
{
    memcpy(live, reached, store_bits_bytes(s->visible));
    mark_bases(s, live);
    store_cache_cut(&s->cache, 0);
    renumber(s, live, reached, moved);
    store_table_shrink(s);
    look_at_chunks(s, s->sweep);
    s->stats.packs = 1;
    s->fresh_bytes = 0;
    s->credit = 0;
    s->forced = false;
    s->settled_count = s->visible;
}

/* Without memory nothing is begun. */
static void begin_sweep(struct store *s, const uint64_t *reached)
{
    uint64_t *live = memory_alloc(store_bits_bytes(s->visible));
    uint32_t *moved = memory_alloc(s->visible * sizeof(*moved));
    if (live != NULL && moved != NULL)
        s->sweep = new_sweep(s);
    if (s->sweep != NULL)
        drop_dead(s, live, reached, moved);
    memory_free(live);
    memory_free(moved);
}

void store_sweep_end(struct store *s)
{
    if (s->sweep == NULL)
        return;
    renumber_chunks(s, s->sweep->number);
    free_sweep(s->sweep);
    s->sweep = NULL;
}

static enum err mark(struct store *s, const struct oid *commit)
{
    enum err e = s->reach == NULL ? store_reach_begin(s, commit, 0, NULL) : OK;
    if (e == OK)
        e = store_reach_turn(s->reach);
    if (e == OK)
        begin_sweep(s, s->reach->seen);
    if (e != ERR_AGAIN)
        store_reach_drop(s);
    return e;
}

enum err store_compact(struct store *s, const struct oid *commit)
{
    enum err e = OK;
    store_turn_begin(s);
    bool begun = s->reach != NULL || s->sweep != NULL;
    if (s->receiving != NULL || (!begun && !worth_the_walk(s, commit)))
        return OK;
    if (s->sweep == NULL)
        e = mark(s, commit);
    if (e == OK && s->sweep != NULL)
        e = move_entries(s);
    if (e == ERR_AGAIN)
        return e;
    store_sweep_end(s);
    return OK;
}
