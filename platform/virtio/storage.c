/* Virtio's block devices, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/virtio/block.h"

static const struct driver disks = {
    .name = "virtio-blk, version 1, by PCI or MMIO",
    .block = virtio_block_open,
};
DRIVER(disks);
