/* Virtio's network cards, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/pvh/machine.h"
#include "platform/virtio/device.h"
#include "platform/virtio/net.h"

static void find(void)
{
    virtio_find(machine.command_line);
}

static const struct driver cards = {
    .name = "virtio-net, version 1, by PCI or MMIO",
    .find = find,
    .card = virtio_net_open,
};
DRIVER(cards);
