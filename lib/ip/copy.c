/* Frames of our own making or keeping: see copy.h. */
#include "lib/ip/copy.h"

#include "signatures/memory.h"

void copies_init(struct copies *c)
{
    list_init(&c->lent);
    list_init(&c->loop);
    c->bytes = 0;
}

void copy_free(struct copies *c, struct copy *copy)
{
    list_remove(&copy->link);
    c->bytes -= copy->len;
    memory_free(copy);
}

static void free_all(struct copies *c, struct list *head)
{
    while (!list_empty(head))
        copy_free(c, CONTAINER(head->next, struct copy, link));
}

void copies_deinit(struct copies *c)
{
    free_all(c, &c->lent);
    free_all(c, &c->loop);
}

struct copy *copy_take(struct copies *c, const struct net_frame *f, bool *full)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < f->count; i++)
        len += f->parts[i].len;
    *full = len > COPY_BYTES_MAX - c->bytes;
    struct copy *copy = *full ? NULL : memory_alloc(sizeof(*copy) + len);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < f->count; at += f->parts[i].len, i++)
        if (f->parts[i].len > 0)
            memcpy(copy->bytes + at, f->parts[i].ptr, f->parts[i].len);
    copy->frame = *f;
    copy->frame.parts = NULL;
    copy->len = len;
    list_init(&copy->link);
    c->bytes += len;
    return copy;
}

enum err copy_send(struct copies *c, struct copy *copy, struct net *n)
{
    struct slice whole = slice_of(copy->bytes, copy->len);
    struct slice parts[] = {slice_take(whole, COPY_FIRST_SIZE), slice_drop(whole, COPY_FIRST_SIZE)};
    copy->frame.parts = parts;
    copy->frame.count = parts[1].len > 0 ? 2 : 1;
    enum err e = net_send(n, &copy->frame);
    list_remove(&copy->link);
    if (e || copy->frame.count == 1) {
        copy_free(c, copy);
        return e;
    }
    copy->sent = n->sent;
    list_append(&c->lent, &copy->link);
    copies_reap(c, n);
    return OK;
}

void copies_reap(struct copies *c, struct net *n)
{
    if (list_empty(&c->lent))
        return;
    uint64_t completed = net_completed(n);
    while (!list_empty(&c->lent)) {
        struct copy *first = CONTAINER(c->lent.next, struct copy, link);
        if (first->sent > completed)
            return;
        copy_free(c, first);
    }
}
