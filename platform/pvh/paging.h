/* Changes of the mapping after the start: memory of devices. */
#ifndef PLATFORM_PVH_PAGING_H
#define PLATFORM_PVH_PAGING_H

#include <stddef.h>
#include <stdint.h>

/* Takes away what was mapped for the start alone. */
void paging_open(void);

/* Maps physical memory of a device, uncached, never executable; it stays mapped. Ranges may lie
 * anywhere. Panics where no memory is left for a table: this is for the start only. */
volatile void *paging_map_device(uint64_t physical, size_t size);

#endif
