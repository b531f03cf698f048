/* Virtio's devices that are no network cards, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/pvh/machine.h"
#include "platform/virtio/console.h"
#include "platform/virtio/device.h"
#include "platform/virtio/rng.h"

static void find(void)
{
    virtio_find(machine.command_line);
    virtio_console_open();
    virtio_rng_open();
}

static const struct driver devices = {
    .name = "virtio, version 1, by PCI or MMIO",
    .find = find,
    .random = virtio_rng_draw,
    .write = virtio_console_write,
    .flush = virtio_console_flush,
    .status = virtio_console_status,
};
DRIVER(devices);
