/*
 * Deltas whose base was not at hand when they came: resolved at the end, depth first from bases
 * that are known, so that what a delta builds on has just been made.
 *
 * Lists of them tell an entry's children: one for each entry, of the deltas that name it by its number;
 * and one for each hash of an id, of those that named a base by its id before that was known. A circle
 * of deltas is reached from nowhere, and stays unresolved.
 */
#include "lib/store/ingest.h"

#include "lib/git/pack.h"
#include "signatures/memory.h"

#define LOOK_EFFORT 64u /* what it costs to look at one delta, in bytes inflated */

/* In the lists, a pending delta is its place among them, plus 1; 0: the end. */
struct frame {
    uint32_t number;
    uint32_t by_number; /* its next child in the one list */
    uint32_t by_id;     /* and in the other */
};

struct resolver {
    struct store_pack *p;
    uint32_t unlisted;  /* pending deltas before this one are in no list yet */
    uint32_t next;      /* pending delta whose base is looked at next */
    uint32_t depth;     /* of the stack, between turns */
    uint32_t *of_entry; /* the first in the list of each entry */
    uint32_t *of_id;    /* and of each hash */
    uint32_t hash_mask;
    uint32_t *after;     /* for each pending delta, the next of its list */
    struct frame *stack; /* as deep as deltas may be */
};

/* The raw id that a GIT_REF_DELTA entry names as its base. */
static const uint8_t *base_id(const struct store *s, uint32_t number)
{
    struct git_pack_entry header = {.type = GIT_NONE};
    git_pack_entry(s->kind, store_packed(s, &s->entries[number]), &header);
    return header.base.ptr;
}

static uint32_t *list_of_id(const struct resolver *r, const uint8_t *id)
{
    const struct store *s = r->p->s;
    uint64_t hash = siphash(s->limits.secret, slice_of(id, s->id_bytes));
    return &r->of_id[(uint32_t)hash & r->hash_mask];
}

/* The next child of a frame's entry that is not resolved yet, or NO_ENTRY. */
static uint32_t next_child(const struct resolver *r, struct frame *f)
{
    struct store *s = r->p->s;
    while (f->by_number != 0) {
        uint32_t child = r->p->pending.items[f->by_number - 1];
        f->by_number = r->after[f->by_number - 1];
        s->effort += LOOK_EFFORT;
        if (s->entries[child].type == GIT_NONE)
            return child;
    }
    while (f->by_id != 0) {
        uint32_t child = r->p->pending.items[f->by_id - 1];
        f->by_id = r->after[f->by_id - 1];
        s->effort += LOOK_EFFORT;
        if (s->entries[child].type == GIT_NONE &&
            memcmp(base_id(s, child), store_id(s, f->number), s->id_bytes) == 0) {
            s->entries[child].base = f->number;
            return child;
        }
    }
    return NO_ENTRY;
}

static enum err resolve_one(struct store_pack *p, uint32_t number)
{
    struct store *s = p->s;
    struct content *base = NULL;
    struct content *content = NULL;
    enum err e = store_pack_chain(p, number);
    if (e != OK)
        return e;
    e = store_load(s, s->entries[number].base, &base);
    if (e == OK)
        e = store_apply(s, number, base, &content);
    if (e == OK)
        e = store_pack_resolved(p, number, content);
    else
        store_pack_fail(p, number, e, "a delta that does not fit its base");
    store_content_release(content);
    store_content_release(base);
    return e;
}

/* Of many entries with one id, the one that is found by it has the list: it is looked through once. */
static void push(struct resolver *r, uint32_t depth, uint32_t number)
{
    bool listed = r->of_id && (r->p->s->entries[number].flags & ENTRY_NAMED);
    uint32_t by_id = listed ? *list_of_id(r, store_id(r->p->s, number)) : 0;
    r->stack[depth] = (struct frame){number, r->of_entry[number], by_id};
}

/* All that builds on the entries of the stack, which are resolved. */
static enum err resolve_above(struct resolver *r)
{
    while (r->depth > 0) {
        if (store_turn_over(r->p->s))
            return ERR_AGAIN;
        uint32_t child = next_child(r, &r->stack[r->depth - 1]);
        if (child == NO_ENTRY) {
            r->depth--;
            continue;
        }
        enum err e = resolve_one(r->p, child);
        if (e != OK)
            return e;
        push(r, r->depth++, child);
    }
    return OK;
}

/* The base of a pending delta, if that is resolved and the delta is not. */
static uint32_t root_of(const struct store *s, uint32_t number)
{
    uint32_t base = s->entries[number].base;
    if (base == NO_ENTRY)
        base = store_table_find(s, base_id(s, number));
    bool root = s->entries[number].type == GIT_NONE && base != NO_ENTRY &&
                s->entries[base].type != GIT_NONE;
    return root ? base : NO_ENTRY;
}

static enum err resolve_all(struct resolver *r)
{
    const struct store_pack *p = r->p;
    struct store *s = p->s;
    enum err e = resolve_above(r);
    while (e == OK && r->next < p->pending.count) {
        if (store_turn_over(s))
            return ERR_AGAIN;
        s->effort += LOOK_EFFORT;
        uint32_t root = root_of(s, p->pending.items[r->next++]);
        if (root != NO_ENTRY)
            push(r, r->depth++, root);
        e = resolve_above(r);
    }
    if (e != OK)
        return e;
    for (uint32_t i = 0; i < p->pending.count; i++) {
        if (s->entries[p->pending.items[i]].type == GIT_NONE)
            return store_pack_fail(r->p, p->pending.items[i], ERR_NOT_FOUND,
                                   "a delta whose base is not there");
    }
    return OK;
}

/* From the last to the first, so that lists have them in the order in which they came. */
static enum err make_lists(struct resolver *r)
{
    const struct numbers *pending = &r->p->pending;
    struct store *s = r->p->s;
    for (; r->unlisted > 0 && !store_turn_over(s); s->effort += LOOK_EFFORT) {
        uint32_t at = r->unlisted--, number = pending->items[at - 1];
        uint32_t base = s->entries[number].base;
        uint32_t *list = base != NO_ENTRY ? &r->of_entry[base] : list_of_id(r, base_id(s, number));
        r->after[at - 1] = *list;
        *list = at;
    }
    return r->unlisted > 0 ? ERR_AGAIN : OK;
}

/* As many hashes as there are deltas that name a base by its id, or up to twice as many. */
static bool make_hashes(struct resolver *r)
{
    uint32_t count = 1;
    while (count < r->p->by_id)
        count *= 2;
    r->of_id = memory_zalloc(count * sizeof(*r->of_id));
    r->hash_mask = count - 1;
    return r->of_id != NULL;
}

static enum err open(struct store_pack *p)
{
    struct resolver *r = memory_zalloc(sizeof(*r));
    if (r == NULL)
        return ERR_MEMORY;
    p->resolver = r;
    r->p = p;
    if (p->pending.count == 0)
        return OK;
    r->unlisted = p->pending.count;
    r->of_entry = memory_zalloc(p->s->count * sizeof(*r->of_entry));
    r->after = memory_alloc(p->pending.count * sizeof(*r->after));
    r->stack = memory_alloc((p->s->limits.delta_depth + 2) * sizeof(*r->stack));
    bool made = r->of_entry && r->after && r->stack && (p->by_id == 0 || make_hashes(r));
    return made ? OK : ERR_MEMORY;
}

enum err store_pack_resolve(struct store_pack *p)
{
    if (p->resolver == NULL) {
        enum err e = open(p);
        if (e != OK)
            return store_pack_fail(p, NO_ENTRY, e, "");
    }
    enum err e = make_lists(p->resolver);
    return e == OK ? resolve_all(p->resolver) : e;
}

void store_pack_resolve_drop(struct store_pack *p)
{
    struct resolver *r = p->resolver;
    if (r == NULL)
        return;
    memory_free(r->of_entry);
    memory_free(r->of_id);
    memory_free(r->after);
    memory_free(r->stack);
    memory_free(r);
    p->resolver = NULL;
}
