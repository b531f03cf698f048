/*
 * Which pages of a guest's dump were where in its address space: its page tables (four levels, AMD64
 * manual volume 2, 5.3), walked from CR3 as it was.
 */
#ifndef TOOL_XEN_MAP_H
#define TOOL_XEN_MAP_H

#include "tool/xen_dump.h"

#define XEN_RUNS_MAX 32768u /* an ELF file counts its segments in 16 bits */

/* Pages that follow each other both in memory and in the dump. */
struct xen_run {
    uint64_t address;
    size_t first, count; /* of the dump's pages */
    bool writable, executable;
};

struct xen_map {
    struct xen_run *runs; /* ascending; owned */
    size_t count;
    bool cut; /* there were more than XEN_RUNS_MAX */
};

/* False: there is no memory left. */
bool xen_map_init(struct xen_map *map, const struct xen_dump *dump, uint64_t cr3);
void xen_map_deinit(struct xen_map *map);

#endif
