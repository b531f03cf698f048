/* What the machine's own rooms need of memory beside signatures/memory.h. */
#ifndef PLATFORM_PVH_MEMORY_H
#define PLATFORM_PVH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: there is too little of it. */
bool memory_open(uint64_t secret);

/* Whole pages, zeroed, in a row also physically; given back with memory_free. NULL: no memory. */
void *memory_pages(size_t pages);

#endif
