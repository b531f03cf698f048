/* Xen's network card, the front half (xen/io/netif.h), behind signatures/net.h. */
#ifndef PLATFORM_XEN_NET_H
#define PLATFORM_XEN_NET_H

#include <stdint.h>

#include "signatures/net.h"

/* The card device/vif/NUMBER; NULL: there is none, or it cannot be used (said so). It waits for the
 * backend a while, and goes on without a link where that does not come. */
struct net *xen_net_open(uint32_t number);

#endif
