/*
 * See symbols.h. The table: of each function, by rising address, how far it begins behind the one before it (the
 * first: behind the start of the image) as an unsigned LEB128 (DWARF 5, 7.6), and its name with a NUL. It is read
 * from its start each time: small comes before soon in what only a panic asks.
 */
#include "platform/pvh/symbols.h"

#include <stddef.h>
#include <string.h>

#include "platform/pvh/early.h"

extern const uint8_t image_symbols[] __attribute__((visibility("hidden")));
extern const uint8_t image_symbols_end[] __attribute__((visibility("hidden")));

static uint64_t read_distance(const uint8_t **p)
{
    uint64_t distance = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*p)++;
        distance |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return distance;
    }
}

const char *symbols_find(uint64_t address, uint64_t *offset)
{
    uint64_t at = address - (uint64_t)image_start, begins = 0;
    const char *name = NULL;
    if (at >= (uint64_t)(image_constants - image_start))
        return NULL; /* not code */
    for (const uint8_t *p = image_symbols; p < image_symbols_end;) {
        begins += read_distance(&p);
        if (begins > at)
            break;
        *offset = at - begins;
        name = (const char *)p;
        p += strlen(name) + 1;
    }
    return name;
}
