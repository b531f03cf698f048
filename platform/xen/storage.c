/* Xen's block devices, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/xen/block.h"

static const struct driver disks = {
    .name = "Xen's blkfront",
    .block = xen_block_open,
};
DRIVER(disks);
