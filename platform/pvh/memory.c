/* Memory of a machine: all of it, by runtime/heap. */
#include "platform/pvh/memory.h"

#include <string.h>

#include "platform/pvh/early.h"
#include "runtime/heap.h"

static struct heap heap;

bool memory_open(uint64_t secret)
{
    struct heap_range ranges[MACHINE_RANGES_MAX];
    for (size_t i = 0; i < machine.memory_count; i++)
        ranges[i] = (struct heap_range){(uintptr_t)machine_virtual(machine.memory[i].start),
                                        machine.memory[i].end - machine.memory[i].start};
    return heap_init(&heap, ranges, machine.memory_count, secret);
}

void *memory_pages(size_t pages)
{
    void *block = heap_pages(&heap, pages, 1);
    return block ? memset(block, 0, pages * HEAP_PAGE) : NULL;
}

void *memory_alloc(size_t size)
{
    return heap_alloc(&heap, size);
}

void *memory_zalloc(size_t size)
{
    void *block = heap_alloc(&heap, size);
    return block ? memset(block, 0, size) : NULL;
}

void *memory_resize(void *block, size_t size)
{
    return heap_resize(&heap, block, size);
}

size_t memory_size(const void *block)
{
    return heap_size(&heap, block);
}

void memory_free(void *block)
{
    heap_free(&heap, block);
}

struct memory_stats memory_stats(void)
{
    return heap_stats(&heap);
}
