/* Memory of a process: malloc, counted as the allocator itself rounds; in the signer: the vault. */
#include "signatures/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/process/vault.h"

static struct memory_stats stats;

static void *count(void *ptr)
{
    if (!ptr) {
        stats.refused++;
        return NULL;
    }
    stats.blocks++;
    stats.bytes += memory_size(ptr);
    if (stats.bytes > stats.peak)
        stats.peak = stats.bytes;
    return ptr;
}

void *memory_alloc(size_t size)
{
    if (vault_is_open())
        return count(vault_alloc(size));
    return count(malloc(size ? size : 1));
}

void *memory_zalloc(size_t size)
{
    if (!vault_is_open())
        return count(calloc(1, size ? size : 1));
    void *ptr = memory_alloc(size);
    return ptr ? memset(ptr, 0, size) : NULL;
}

static void *resize_by_copy(void *ptr, size_t size)
{
    size_t before = memory_size(ptr);
    void *moved = memory_alloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, size < before ? size : before);
    memory_free(ptr);
    return moved;
}

void *memory_resize(void *ptr, size_t size)
{
    if (!ptr)
        return memory_alloc(size);
    if (vault_is_open())
        return resize_by_copy(ptr, size);
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

size_t memory_size(const void *ptr)
{
    size_t size = vault_size(ptr);
    return size ? size : malloc_usable_size((void *)(uintptr_t)ptr);
}

void memory_free(void *ptr)
{
    if (!ptr)
        return;
    stats.blocks--;
    stats.bytes -= memory_size(ptr);
    if (vault_is_open())
        vault_free(ptr);
    else
        free(ptr);
}

struct memory_stats memory_stats(void)
{
    return stats;
}
