/* signatures/network.h over lwIP: what is linked in the place of lib/inet. Addresses are static. */
#include "signatures/network.h"

#include "bench/lwip/lwip.h"
#include "runtime/settings_network.h"

static struct stack stack = {&lwip_stack_ops};

enum err network_open(struct net *card, struct slice name, struct stack **into, struct buf *error)
{
    struct slice addresses = settings_network.ip, gateways = settings_network.gateways;
    struct settings_prefix p;
    (void)name;
    if (!addresses.len) {
        buf_printf(error, "lwIP is given its addresses: --ip");
        return ERR_ARGUMENT;
    }
    lwip_interface_open(card);
    while (settings_network_next(&addresses, &p))
        lwip_interface_address(p.address, p.bits);
    while (settings_network_next(&gateways, &p))
        lwip_interface_gateway(p.address);
    *into = &stack;
    return OK;
}

bool network_end(struct stack *s)
{
    (void)s;
    return true;
}

void network_close(struct stack *s)
{
    (void)s;
}
