/*
 * Deltas whose base was not at hand when they came: resolved at the end, depth first from bases
 * that are known, so that what a delta builds on has just been made.
 *
 * Two sorted lists tell an entry's children: deltas by the number of their base, and deltas by the
 * id of a base that was not known when they came. A circle of deltas is reached from nowhere, and
 * stays unresolved.
 */
#include "lib/store/ingest.h"

#include "lib/git/pack.h"
#include "runtime/sort.h"
#include "signatures/memory.h"

struct frame {
    uint32_t number;
    uint32_t by_number; /* its next child in the one list */
    uint32_t by_id;     /* and in the other */
};

struct resolver {
    struct store_pack *p;
    uint32_t next;  /* pending delta whose base is looked at next */
    uint32_t depth; /* of the stack, between turns */
    const uint32_t *by_number;
    uint32_t by_number_count;
    const uint32_t *by_id;
    uint32_t by_id_count;
    struct frame *stack; /* as deep as deltas may be */
};

/* The raw id that a GIT_REF_DELTA entry names as its base. */
static const uint8_t *base_id(const struct store *s, uint32_t number)
{
    struct git_pack_entry header = {.type = GIT_NONE};
    git_pack_entry(s->kind, store_packed(s, &s->entries[number]), &header);
    return header.base.ptr;
}

static int compare_numbers(const void *a, const void *b, void *arg)
{
    const struct store *s = arg;
    uint32_t x = s->entries[*(const uint32_t *)a].base;
    uint32_t y = s->entries[*(const uint32_t *)b].base;
    return x < y ? -1 : x > y;
}

static int compare_ids(const void *a, const void *b, void *arg)
{
    const struct store *s = arg;
    return memcmp(base_id(s, *(const uint32_t *)a), base_id(s, *(const uint32_t *)b), s->id_bytes);
}

/* Index of the first delta whose base is this entry, or where it would be. */
static uint32_t first_by_number(const struct resolver *r, uint32_t number)
{
    const struct store *s = r->p->s;
    uint32_t low = 0;
    uint32_t high = r->by_number_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->entries[r->by_number[middle]].base < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t first_by_id(const struct resolver *r, uint32_t number)
{
    const struct store *s = r->p->s;
    uint32_t low = 0;
    uint32_t high = r->by_id_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(base_id(s, r->by_id[middle]), store_id(s, number), s->id_bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The next child of a frame's entry that is not resolved yet, or NO_ENTRY. */
static uint32_t next_child(const struct resolver *r, struct frame *f)
{
    struct store *s = r->p->s;
    while (f->by_number < r->by_number_count) {
        uint32_t child = r->by_number[f->by_number];
        if (s->entries[child].base != f->number)
            break;
        f->by_number++;
        if (s->entries[child].type == GIT_NONE)
            return child;
    }
    while (f->by_id < r->by_id_count) {
        uint32_t child = r->by_id[f->by_id];
        if (memcmp(base_id(s, child), store_id(s, f->number), s->id_bytes) != 0)
            break;
        f->by_id++;
        if (s->entries[child].type == GIT_NONE) {
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

static void push(struct resolver *r, uint32_t depth, uint32_t number)
{
    r->stack[depth] = (struct frame){number, first_by_number(r, number), first_by_id(r, number)};
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
    const struct store *s = p->s;
    enum err e = resolve_above(r);
    while (e == OK && r->next < p->pending.count) {
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

/* Those with a known base to the front, in both parts the order that their lists want. */
static enum err arrange(struct resolver *r)
{
    struct numbers *pending = &r->p->pending;
    struct store *s = r->p->s;
    uint32_t known = 0;
    for (uint32_t i = 0; i < pending->count; i++) {
        uint32_t number = pending->items[i];
        if (s->entries[number].base != NO_ENTRY) {
            pending->items[i] = pending->items[known];
            pending->items[known++] = number;
        }
    }
    r->by_number = pending->items;
    r->by_number_count = known;
    r->by_id = pending->items + known;
    r->by_id_count = pending->count - known;
    enum err e = sort(pending->items, known, sizeof(uint32_t), compare_numbers, s);
    if (e != OK)
        return e;
    return sort(pending->items + known, r->by_id_count, sizeof(uint32_t), compare_ids, s);
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
    r->stack = memory_alloc((p->s->limits.delta_depth + 2) * sizeof(*r->stack));
    return r->stack == NULL ? ERR_MEMORY : arrange(r);
}

enum err store_pack_resolve(struct store_pack *p)
{
    if (p->resolver == NULL) {
        enum err e = open(p);
        if (e != OK)
            return store_pack_fail(p, NO_ENTRY, e, "");
    }
    return resolve_all(p->resolver);
}

void store_pack_resolve_drop(struct store_pack *p)
{
    if (p->resolver != NULL)
        memory_free(p->resolver->stack);
    memory_free(p->resolver);
    p->resolver = NULL;
}
