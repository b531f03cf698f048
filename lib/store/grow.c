/* Lists that grow; see internal.h. */
#include "lib/store/internal.h"

#include "signatures/memory.h"

#define FIRST_ITEMS 64u

enum err store_grow(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return OK;
    uint32_t wanted = *capacity + *capacity / 2 + FIRST_ITEMS;
    void *grown = memory_resize(*items, wanted * size);
    if (grown == NULL)
        return ERR_MEMORY;
    *items = grown;
    *capacity = wanted;
    return OK;
}

enum err store_numbers_push(struct numbers *list, uint32_t number)
{
    void *items = list->items;
    enum err e = store_grow(&items, list->count, &list->capacity, sizeof(*list->items));
    list->items = items;
    if (e == OK)
        list->items[list->count++] = number;
    return e;
}
