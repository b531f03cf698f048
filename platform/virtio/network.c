/* Virtio's network cards, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/virtio/net.h"

static const struct driver cards = {
    .name = "virtio-net, version 1, by PCI or MMIO",
    .card = virtio_net_open,
};
DRIVER(cards);
