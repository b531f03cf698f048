/*
 * An intrusive doubly linked list: the links are a member of what is listed.
 *
 * The head is a link too; an empty list points to itself. A member that is in no list and was
 * initialised points to itself as well, so that list_remove may be called twice.
 */
#ifndef RUNTIME_LIST_H
#define RUNTIME_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The struct that holds this link as its member. */
#define CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* Removes and returns the first link, or NULL. */
static inline struct list *list_shift(struct list *head)
{
    if (list_empty(head))
        return NULL;
    struct list *first = head->next;
    list_remove(first);
    return first;
}

#endif
