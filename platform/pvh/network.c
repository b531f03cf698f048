/* See network.h: the network of a machine whose program is given a stack. */
#include "platform/pvh/network.h"

#include "platform/pvh/driver.h"
#include "runtime/settings_network.h"
#include "signatures/network.h"

static struct stack *stack;

static struct net *open_card(uint32_t number)
{
    struct net *card = NULL;
    for (const struct driver *const *d = image_drivers; d < image_drivers_end && !card; d++)
        if ((*d)->card)
            card = (*d)->card(number);
    return card;
}

/* Says also what was looked for. */
static enum err no_card(uint32_t number, struct buf *error)
{
    const char *between = " of these kinds: ";
    buf_printf(error, "--network %u: there is no network card of that number", number);
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->card) {
            buf_printf(error, "%s%s", between, (*d)->name);
            between = ", ";
        }
    return ERR_NOT_FOUND;
}

enum err machine_network_open(struct slice name, struct stack **into, struct buf *error)
{
    struct net *card = open_card(settings_network.network);
    if (!card)
        return no_card(settings_network.network, error);
    settings_network.net = SLICE("card");
    enum err e = network_open(card, name, &stack, error);
    *into = stack;
    return e;
}

bool machine_network_end(void)
{
    return !stack || network_end(stack);
}
