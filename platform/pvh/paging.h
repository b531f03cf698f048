/* Changes of the mapping after the start: memory of devices, and of the host's tables. Both stay mapped,
 * and are never executable; a page of nothing lies behind each. NULL: it lies where the processor cannot
 * reach. Panics where no memory is left for a page table: this is for the start only. */
#ifndef PLATFORM_PVH_PAGING_H
#define PLATFORM_PVH_PAGING_H

#include <stddef.h>
#include <stdint.h>

/* Takes away what was mapped for the start alone. */
void paging_open(void);

/* Registers of a device, uncached. NULL also where memory lies that is ours. */
volatile void *paging_map_device(uint64_t physical, size_t size);

/* Memory that is shared with the host: as our own. NULL as above. */
void *paging_map_shared(uint64_t physical, size_t size);

/* What the host has written for us: read-only. */
const void *paging_map_table(uint64_t physical, size_t size);

#endif
