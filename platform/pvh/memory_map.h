/*
 * What the start information says, checked: pure. It is the host's word, and may be anything; what follows from
 * it is mapped and given out, so that nothing of it may be ours twice, or out of reach.
 *
 * This runs before the image is where it will stay: see relocate.c for what may not be done here.
 */
#ifndef PLATFORM_PVH_MEMORY_MAP_H
#define PLATFORM_PVH_MEMORY_MAP_H

#include "platform/pvh/machine.h"
#include "platform/pvh/start_info.h"

#define MEMORY_MAP_MAX 1024u /* entries of the map */
#define MEMORY_MAP_REACH \
    (UINT64_C(4) << 30)                     /* all that is mapped at the start, of memory or none */
#define MEMORY_MAP_MOST (UINT64_C(1) << 42) /* what lies beyond has no place in the address space */

#pragma GCC visibility push(hidden)

/* NULL; or why it cannot be used. */
const char *memory_map_fault(const struct start_info *info);

/* The memory that is usable, in whole pages, into[MACHINE_RANGES_MAX]: without page 0, the image, and what an entry
 * says is something else, each byte once, cut at MEMORY_MAP_REACH. How many ranges: what does not fit is left out. */
size_t memory_map_read(const struct start_memory *map, uint32_t entries, struct machine_range image,
                       struct machine_range *into);

#pragma GCC visibility pop

#endif
