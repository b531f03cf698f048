/* See symbols.h. The table: a number of entries, the entries by rising offset, then the names. */
#include "platform/pvh/symbols.h"

#include <stddef.h>

#include "platform/pvh/early.h"

struct entry {
    uint32_t offset; /* from the start of the image */
    uint32_t name;   /* from the start of the names */
};

struct table {
    uint32_t count;
    struct entry entries[];
};

extern const struct table image_symbols __attribute__((visibility("hidden")));
extern const uint8_t image_symbols_end[] __attribute__((visibility("hidden")));

const char *symbols_find(uint64_t address, uint64_t *offset)
{
    uint64_t at = address - (uint64_t)image_start;
    uint32_t low = 0, high;
    if ((const uint8_t *)&image_symbols == image_symbols_end ||
        at >= (uint64_t)(image_constants - image_start))
        return NULL; /* linked without, or not code */
    high = image_symbols.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (image_symbols.entries[middle].offset <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct entry *e = &image_symbols.entries[low - 1];
    *offset = at - e->offset;
    return (const char *)&image_symbols.entries[image_symbols.count] + e->name;
}
