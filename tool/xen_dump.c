/* See xen_dump.h. */
#include "tool/xen_dump.h"

#include "runtime/elf.h"
#include "tool/image.h"
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include <xen/xen.h>

static bool parts(const struct image *image, struct xen_dump *dump)
{
    *dump = (struct xen_dump){.file = image->file};
    if (!elf_section(image->file, ".xen_prstatus", &dump->contexts) ||
        !elf_section(image->file, ".xen_pfn", &dump->frames) ||
        !elf_section(image->file, ".xen_pages", &dump->pages))
        return false;
    size_t count = dump->frames.len / sizeof(uint64_t);
    return dump->contexts.len >= sizeof(struct vcpu_guest_context) &&
           dump->contexts.len % sizeof(struct vcpu_guest_context) == 0 &&
           dump->pages.len / XEN_PAGE == count;
}

bool xen_dump_open(struct xen_dump *dump, const char *path)
{
    struct image image;
    if (!image_open(&image, path))
        return false;
    if (parts(&image, dump))
        return true;
    tool_error("%s is not what xl dump-core writes of a PVH guest", path);
    image_close(&image);
    return false;
}

void xen_dump_close(struct xen_dump *dump)
{
    struct image image = {.file = dump->file};
    image_close(&image);
}

size_t xen_dump_count(const struct xen_dump *dump)
{
    return dump->frames.len / sizeof(uint64_t);
}

uint64_t xen_dump_frame(const struct xen_dump *dump, size_t index)
{
    uint64_t frame;
    memcpy(&frame, dump->frames.ptr + index * sizeof frame, sizeof frame);
    return frame;
}

size_t xen_dump_find(const struct xen_dump *dump, uint64_t frame)
{
    size_t low = 0, high = xen_dump_count(dump);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (xen_dump_frame(dump, middle) < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const uint8_t *xen_dump_page(const struct xen_dump *dump, uint64_t frame)
{
    size_t i = xen_dump_find(dump, frame);
    if (i == xen_dump_count(dump) || xen_dump_frame(dump, i) != frame)
        return NULL;
    return dump->pages.ptr + i * XEN_PAGE;
}
