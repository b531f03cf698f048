/* Xen's network cards, among a machine's drivers: see platform/pvh/driver.h. */
#include "platform/pvh/driver.h"

#include "platform/xen/net.h"

static const struct driver cards = {
    .name = "Xen's netfront",
    .card = xen_net_open,
};
DRIVER(cards);
