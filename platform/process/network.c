/* See network.h. */
#include "platform/process/network.h"

#include "platform/process/flow.h"
#include "platform/process/stack.h"
#include "platform/process/tap.h"
#include "runtime/settings_network.h"
#include "signatures/network.h"

static struct net *card; /* NULL: the host's sockets serve */
static struct stack *over_card;

enum err process_network_open(struct slice name, struct stack **into, struct buf *error)
{
    struct slice device;
    *into = process_stack();
    if (!settings_network_tap(&device))
        return OK;
    enum err e = tap_open(device, &card, error);
    if (!e)
        e = network_open(card, name, &over_card, error);
    *into = over_card;
    return e;
}

bool process_network_end(void)
{
    return over_card ? network_end(over_card) : socket_flows_closing() == 0;
}

void process_network_close(void)
{
    if (over_card)
        network_close(over_card);
    if (card)
        tap_close(card);
    over_card = NULL;
    card = NULL;
}
