/* The network of a machine with virtio's devices: see platform/pvh/network.h. */
#include "platform/pvh/network.h"

#include "platform/pvh/machine.h"
#include "platform/virtio/device.h"
#include "platform/virtio/net.h"
#include "signatures/network.h"

static struct stack *stack;

enum err machine_network_open(struct slice name, struct stack **into, struct buf *error)
{
    virtio_find(machine.command_line);
    struct net *card = virtio_net_open();
    if (!card) {
        buf_printf(error, "there is no network card (virtio-net, version 1, by PCI or MMIO)");
        return ERR_NOT_FOUND;
    }
    enum err e = network_open(card, name, &stack, error);
    *into = stack;
    return e;
}

bool machine_network_end(void)
{
    return !stack || network_end(stack);
}
