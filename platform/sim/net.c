/* Hosts, names and links; see net.h. */
#include "platform/sim/net.h"

#include <stdlib.h>

#include "platform/sim/net_internal.h"
#include "runtime/panic.h"

#define FIRST_EPHEMERAL 49152

void *sim_zalloc(size_t size)
{
    void *ptr = calloc(1, size);
    assert_always(ptr != NULL);
    return ptr;
}

struct sim_net *sim_net_open(uint64_t seed)
{
    struct sim_net *n = sim_zalloc(sizeof *n);
    sim_random_seed(&n->random, seed);
    list_init(&n->connections);
    list_init(&n->connects);
    list_init(&n->resolves);
    return n;
}

size_t sim_net_close(struct sim_net *n)
{
    size_t left = sim_net_flows(n);
    sim_dials_close(n);
    sim_connections_close(n);
    for (size_t i = 0; i < n->host_count; i++)
        free(n->hosts[i]);
    free(n);
    return left;
}

static struct address parse(const char *text)
{
    struct address a;
    if (!address_parse(slice_text(text), &a))
        panic("a simulated host needs a numeric address");
    return a;
}

struct stack *sim_net_host(struct sim_net *n, const char *address)
{
    struct sim_host *h = sim_zalloc(sizeof *h);
    assert_always(n->host_count < SIM_HOSTS_MAX);
    n->hosts[n->host_count++] = h;
    h->stack.ops = &sim_stack_ops;
    h->net = n;
    h->next_port = FIRST_EPHEMERAL;
    sim_host_address(&h->stack, address);
    return &h->stack;
}

struct sim_host *sim_host_of(struct stack *s)
{
    assert_always(s->ops == &sim_stack_ops);
    return CONTAINER(s, struct sim_host, stack);
}

void sim_host_address(struct stack *host, const char *address)
{
    struct sim_host *h = sim_host_of(host);
    assert_always(h->address_count < SIM_ADDRESSES_MAX);
    h->addresses[h->address_count++] = parse(address);
}

bool sim_host_has(const struct sim_host *h, struct address a)
{
    for (size_t i = 0; i < h->address_count; i++)
        if (address_equal(&h->addresses[i], &a))
            return true;
    return address_is_loopback(a);
}

struct sim_host *sim_host_find(const struct sim_net *n, struct address a)
{
    for (size_t i = 0; i < n->host_count; i++)
        if (!address_is_loopback(a) && sim_host_has(n->hosts[i], a))
            return n->hosts[i];
    return NULL;
}

void sim_net_name(struct sim_net *n, const char *name, const char *address)
{
    assert_always(strlen(name) <= RESOLVE_NAME_MAX);
    if (address) {
        assert_always(n->name_count < SIM_NAMES_MAX);
        struct name *new = &n->names[n->name_count++];
        memcpy(new->text, name, strlen(name) + 1);
        new->address = parse(address);
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n->name_count; i++)
        if (strcmp(n->names[i].text, name) != 0)
            n->names[kept++] = n->names[i];
    n->name_count = kept;
}

void sim_net_break_names(struct sim_net *n, enum err why)
{
    n->names_broken = why;
}

static struct path *find_path(struct sim_net *n, const struct sim_host *a, const struct sim_host *b)
{
    for (size_t i = 0; i < n->path_count; i++) {
        struct path *p = &n->paths[i];
        if ((p->a == a && p->b == b) || (p->a == b && p->b == a))
            return p;
    }
    return NULL;
}

void sim_net_link(struct sim_net *n, struct stack *a, struct stack *b, struct sim_link link)
{
    struct path *p = find_path(n, sim_host_of(a), sim_host_of(b));
    if (!p) {
        assert_always(n->path_count < SIM_HOSTS_MAX);
        p = &n->paths[n->path_count++];
    }
    *p = (struct path){sim_host_of(a), sim_host_of(b), link};
}

void sim_net_links(struct sim_net *n, struct sim_link link)
{
    n->link = link;
}

struct sim_link sim_link_between(struct sim_net *n, const struct sim_host *a,
                                 const struct sim_host *b)
{
    const struct path *p = find_path(n, a, b);
    return p ? p->link : n->link;
}

uint64_t sim_link_latency(struct sim_net *n, const struct sim_link *link)
{
    uint64_t max = link->latency_max > link->latency_min ? link->latency_max : link->latency_min;
    return sim_random_range(&n->random, link->latency_min, max);
}

void sim_host_reset(struct stack *host)
{
    struct sim_host *h = sim_host_of(host);
    sim_connections_reset(h->net, h);
}
