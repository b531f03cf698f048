/* See storage.h: the block device of a machine whose program is given one. */
#include "platform/pvh/storage.h"

#include "platform/pvh/driver.h"
#include "runtime/settings_block.h"

/* Says also what was looked for. */
static enum err no_disk(struct buf *error)
{
    const char *between = " of these kinds: ";
    buf_printf(error, "--disk %.*s: there is no block device of that number",
               SLICE_ARG(settings_block));
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->block) {
            buf_printf(error, "%s%s", between, (*d)->name);
            between = ", ";
        }
    return ERR_NOT_FOUND;
}

enum err machine_storage_open(struct block **into, struct buf *error)
{
    uint64_t number;
    if (!slice_decimal(settings_block, UINT32_MAX, &number)) {
        buf_printf(error, "--disk %.*s: in a machine it is a number, from 0 on",
                   SLICE_ARG(settings_block));
        return ERR_ARGUMENT;
    }
    for (const struct driver *const *d = image_drivers; d < image_drivers_end && !*into; d++)
        if ((*d)->block)
            *into = (*d)->block((uint32_t)number);
    return *into ? OK : no_disk(error);
}
