/*
 * What `xl dump-core` writes (docs/misc/dump-core-format.txt in Xen's sources): an ELF file without
 * segments, in whose sections are the registers and the pages of a guest that translates its addresses by
 * itself (HVM, PVH).
 */
#ifndef TOOL_XEN_DUMP_H
#define TOOL_XEN_DUMP_H

#include "runtime/slice.h"

#define XEN_PAGE ((size_t)4096)

struct xen_dump {
    struct slice file;     /* mapped, read only */
    struct slice contexts; /* an array of struct vcpu_guest_context (xen/arch-x86/xen.h) */
    struct slice frames;   /* the numbers of the frames that follow, ascending, 64 bits each */
    struct slice pages;    /* their bytes */
};

/* False: cannot be read, or is no such file; the reason was printed. */
bool xen_dump_open(struct xen_dump *dump, const char *path);
void xen_dump_close(struct xen_dump *dump);

size_t xen_dump_count(const struct xen_dump *dump);
uint64_t xen_dump_frame(const struct xen_dump *dump, size_t index);

/* The index of the first page whose frame is not below this one; the count, where there is none. */
size_t xen_dump_find(const struct xen_dump *dump, uint64_t frame);

/* A page's bytes; NULL: it is not in the dump. */
const uint8_t *xen_dump_page(const struct xen_dump *dump, uint64_t frame);

#endif
