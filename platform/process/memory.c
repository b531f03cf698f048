/* Memory of a process: malloc, counted as the allocator itself rounds. */
#include "signatures/memory.h"

#include <malloc.h>
#include <stdlib.h>

static struct memory_stats stats;

static void *count(void *ptr)
{
    if (!ptr) {
        stats.refused++;
        return NULL;
    }
    stats.blocks++;
    stats.bytes += malloc_usable_size(ptr);
    if (stats.bytes > stats.peak)
        stats.peak = stats.bytes;
    return ptr;
}

void *memory_alloc(size_t size)
{
    return count(malloc(size ? size : 1));
}

void *memory_zalloc(size_t size)
{
    return count(calloc(1, size ? size : 1));
}

void *memory_resize(void *ptr, size_t size)
{
    if (!ptr)
        return memory_alloc(size);
    size_t before = malloc_usable_size(ptr);
    void *moved = realloc(ptr, size ? size : 1);
    if (!moved) {
        stats.refused++;
        return NULL;
    }
    stats.blocks--;
    stats.bytes -= before;
    return count(moved);
}

void memory_free(void *ptr)
{
    if (!ptr)
        return;
    stats.blocks--;
    stats.bytes -= malloc_usable_size(ptr);
    free(ptr);
}

struct memory_stats memory_stats(void)
{
    return stats;
}
