/* What whoever starts the image hands over (Xen's public/arch-x86/hvm/start_info.h, version 1). All
 * addresses are physical. */
#ifndef PLATFORM_PVH_START_INFO_H
#define PLATFORM_PVH_START_INFO_H

#include <stdint.h>

#define START_INFO_MAGIC 0x336ec578u

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map; /* version 1 and later */
    uint32_t memory_map_entries, reserved;
};

#define START_MEMORY_RAM 1u

struct start_memory {
    uint64_t address, size;
    uint32_t type, reserved;
};

#endif
