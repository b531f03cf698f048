/* Page table entries (Intel SDM volume 3, 4.5). */
#ifndef PLATFORM_PVH_PAGE_H
#define PLATFORM_PVH_PAGE_H

#include <stdint.h>

#define PAGE_PRESENT  UINT64_C(1)
#define PAGE_WRITE    UINT64_C(2)
#define PAGE_UNCACHED UINT64_C(0x18) /* PCD, PWT */
#define PAGE_LARGE    UINT64_C(0x80)
#define PAGE_NX       (UINT64_C(1) << 63)
#define PAGE_ADDRESS  UINT64_C(0x000ffffffffff000)

#define PAGE_LEVELS 4 /* 0: entries of 4 KiB; 1: of 2 MiB; 2: of 1 GiB; 3: tables only */

/* Bytes under one entry of a level. */
static inline uint64_t page_span(int level)
{
    return UINT64_C(4096) << (9 * level);
}

static inline uint32_t page_index(uint64_t virtual, int level)
{
    return (uint32_t)(virtual >> (12 + 9 * level)) & 511;
}

#endif
