/* signatures/network.h over lib/inet: a stack as the settings say. */
#include "signatures/network.h"

#include "lib/inet/inet.h"
#include "lib/inet/internal.h"
#include "runtime/settings_network.h"

static size_t read_hosts(struct slice list, struct address into[INET_STATIC_MAX])
{
    struct settings_prefix p;
    size_t count = 0;
    while (count < INET_STATIC_MAX && settings_network_next(&list, &p))
        into[count++] = p.address;
    return count;
}

static size_t read_prefixes(struct slice list, struct inet_prefix into[INET_STATIC_MAX])
{
    struct settings_prefix p;
    size_t count = 0;
    while (count < INET_STATIC_MAX && settings_network_next(&list, &p))
        into[count++] = (struct inet_prefix){p.address, p.bits};
    return count;
}

enum err network_open(struct net *card, struct slice name, struct stack **into, struct buf *error)
{
    const struct settings_network *s = &settings_network;
    struct inet_config config = {.hostname = name, .dhcp = s->dhcp, .ipv6 = s->ipv6};
    struct inet *i;
    config.address_count = read_prefixes(s->ip, config.addresses);
    config.gateway_count = read_hosts(s->gateways, config.gateways);
    config.resolver_count = read_hosts(s->resolvers, config.resolvers);
    enum err e = inet_open(card, &config, &i);
    if (e)
        buf_printf(error, "the network cannot be set up with these addresses: %s", err_text(e));
    else
        *into = inet_stack(i);
    return e;
}

bool network_end(struct stack *s)
{
    return inet_end(CONTAINER(s, struct inet, stack));
}

void network_close(struct stack *s)
{
    inet_close(CONTAINER(s, struct inet, stack));
}
