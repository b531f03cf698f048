/*
 * What an object needs, and what that needs, to the end: a commit its tree and its parents, a tree
 * its entries, a tag its target. Submodules are other repositories' commits and not needed.
 *
 * The work that is left waits in a list of entry numbers, so that no depth of trees and no length
 * of a history uses the stack.
 */
#include "lib/store/reach.h"

#include "signatures/memory.h"

static enum err visit(struct reach *r, const struct oid *id, enum git_type type)
{
    uint32_t number = store_find(r->s, id);
    if (number == NO_ENTRY) {
        r->missing = *id;
        return ERR_NOT_FOUND;
    }
    const struct entry *e = &r->s->entries[number];
    if (e->type != type) {
        r->missing = *id;
        return ERR_MALFORMED;
    }
    if (e->flags & r->skip || store_bit(r->seen, number))
        return OK;
    store_bit_set(r->seen, number);
    return type == GIT_BLOB ? OK : store_numbers_push(&r->list, number);
}

static enum err open_commit(struct reach *r, struct slice content)
{
    struct git_commit c;
    enum err e = git_commit_parse(r->s->kind, content, &c);
    if (e == OK)
        e = visit(r, &c.tree, GIT_TREE);
    for (uint32_t i = 0; e == OK && i < c.parent_count; i++)
        e = visit(r, &c.parents[i], GIT_COMMIT);
    return e;
}

static enum err open_tree(struct reach *r, struct slice content)
{
    struct reader reader = reader_of(content);
    struct git_entry entry;
    enum err e = OK;
    while (e == OK && git_tree_next(r->s->kind, &reader, &entry)) {
        if (entry.mode != GIT_MODE_GITLINK)
            e = visit(r, &entry.oid, entry.mode == GIT_MODE_TREE ? GIT_TREE : GIT_BLOB);
    }
    return reader.bad ? ERR_MALFORMED : e;
}

static enum err open_tag(struct reach *r, struct slice content)
{
    struct oid target;
    enum git_type type;
    enum err e = git_tag_parse(r->s->kind, content, &target, &type);
    return e == OK ? visit(r, &target, type) : e;
}

static enum err open_entry(struct reach *r, uint32_t number)
{
    struct content *content = NULL;
    enum err e = store_load(r->s, number, &content);
    if (e != OK)
        return e;
    struct slice bytes = store_content_slice(content);
    r->s->effort += bytes.len;
    switch (r->s->entries[number].type) {
    case GIT_COMMIT:
        e = open_commit(r, bytes);
        break;
    case GIT_TREE:
        e = open_tree(r, bytes);
        break;
    case GIT_TAG:
        e = open_tag(r, bytes);
        break;
    default:
        break;
    }
    if (e != OK && e != ERR_NOT_FOUND && oid_is_zero(&r->missing))
        memcpy(r->missing.bytes, store_id(r->s, number), r->s->id_bytes);
    store_content_release(content);
    return e;
}

enum err store_reach_begin(struct store *s, const struct oid *commit, uint8_t skip,
                           const struct oid *known)
{
    store_reach_drop(s);
    struct reach *r = memory_zalloc(sizeof(*r));
    uint64_t *seen = memory_zalloc(store_bits_bytes(s->visible));
    if (r == NULL || seen == NULL) {
        memory_free(r);
        memory_free(seen);
        return ERR_MEMORY;
    }
    *r = (struct reach){.s = s, .seen = seen, .skip = skip};
    s->reach = r;
    uint32_t trusted = known != NULL ? store_find(s, known) : NO_ENTRY;
    if (trusted != NO_ENTRY)
        store_bit_set(seen, trusted);
    return visit(r, commit, GIT_COMMIT);
}

enum err store_reach_turn(struct reach *r)
{
    enum err e = OK;
    while (e == OK && r->list.count > 0 && !store_turn_over(r->s))
        e = open_entry(r, r->list.items[--r->list.count]);
    return e == OK && r->list.count > 0 ? ERR_AGAIN : e;
}

void store_reach_drop(struct store *s)
{
    if (s->reach == NULL)
        return;
    memory_free(s->reach->seen);
    memory_free(s->reach->list.items);
    memory_free(s->reach);
    s->reach = NULL;
}
