/* What is known and counted, in lines "name: value" that people and scripts read. */
#include "lib/inet/internal.h"

#define ULL(x) ((unsigned long long)(x))

static void put_addresses(const struct inet *i, struct buf *into)
{
    struct ip_address all[IP_ADDRESSES_MAX];
    size_t count = ip_addresses(i->ip, all, IP_ADDRESSES_MAX);
    for (size_t k = 0; k < count; k++) {
        char text[ADDRESS_TEXT_MAX];
        address_format(all[k].address, text);
        buf_printf(into, "address: %s/%u%s\n", text, all[k].bits,
                   all[k].state == IP_ADDRESS_TENTATIVE    ? " (being probed)"
                   : all[k].state == IP_ADDRESS_DEPRECATED ? " (deprecated)"
                                                           : "");
    }
}

static void put_routes(const struct inet *i, struct buf *into)
{
    struct ip_route all[IP_ROUTES_MAX];
    size_t count = ip_routes(i->ip, all, IP_ROUTES_MAX);
    for (size_t k = 0; k < count; k++) {
        char prefix[ADDRESS_TEXT_MAX], gateway[ADDRESS_TEXT_MAX] = "on the link";
        address_format(all[k].prefix, prefix);
        if (!address_equal(&all[k].gateway, &ADDRESS_ANY))
            address_format(all[k].gateway, gateway);
        buf_printf(into, "route: %s/%u %s%s\n", prefix, all[k].bits, gateway,
                   all[k].advertised ? " (advertised)" : "");
    }
}

static void put_number(struct buf *into, const char *layer, const char *name, uint64_t value)
{
    buf_printf(into, "%s %s: %llu\n", layer, name, ULL(value));
}

static void put_tcp(const struct inet *i, struct buf *into)
{
    struct tcp_usage u = tcp_usage(i->tcp);
    put_number(into, "tcp", "connections", u.connections);
    put_number(into, "tcp", "half open", u.half_open);
    put_number(into, "tcp", "time wait", u.time_wait);
    put_number(into, "tcp", "orphans", u.orphans);
    put_number(into, "tcp", "buffer bytes", u.memory);
    for (unsigned k = 0; k < TCP_COUNTERS; k++)
        put_number(into, "tcp", tcp_counter_name((enum tcp_counter)k),
                   tcp_counter(i->tcp, (enum tcp_counter)k));
}

static void put_recovery(const struct inet *i, struct buf *into)
{
    const struct recovery_counters *c = tcp_recovery_counters(i->tcp);
    put_number(into, "tcp", "recoveries", c->recoveries);
    put_number(into, "tcp", "timeouts", c->timeouts);
    put_number(into, "tcp", "tail_probes", c->probes);
    put_number(into, "tcp", "tail_probe_repairs", c->probe_repairs);
    put_number(into, "tcp", "retransmitted", c->retransmitted);
    put_number(into, "tcp", "undone_by_echo", c->undone_echo);
    put_number(into, "tcp", "undone_by_duplicates", c->undone_duplicates);
    put_number(into, "tcp", "undone_by_original", c->undone_original);
    put_number(into, "tcp", "reneged", c->reneged);
    put_number(into, "tcp", "duplicate_reports", c->duplicates);
    put_number(into, "tcp", "congestion_marks", c->marks);
    put_number(into, "tcp", "in_flight_full", c->full);
}

static void put_ip(const struct inet *i, struct buf *into)
{
    for (unsigned k = 0; k < IP_COUNTERS; k++)
        put_number(into, "ip", ip_counter_name((enum ip_counter)k),
                   ip_counter(i->ip, (enum ip_counter)k));
}

static void put_udp(const struct inet *i, struct buf *into)
{
    const struct udp_counters *c = udp_counters(i->udp);
    put_number(into, "udp", "received", c->received);
    put_number(into, "udp", "sent", c->sent);
    put_number(into, "udp", "unsent", c->unsent);
    put_number(into, "udp", "drop_malformed", c->dropped_malformed);
    put_number(into, "udp", "drop_no_port", c->dropped_no_port);
    put_number(into, "udp", "drop_remote", c->dropped_remote);
    put_number(into, "udp", "drop_memory", c->dropped_memory);
    put_number(into, "udp", "refused_sockets", c->refused_sockets);
    put_number(into, "udp", "refused_lent", c->refused_lent);
}

static void put_dhcp(const struct inet *i, struct buf *into)
{
    const struct dhcp_counters *c = &i->dhcp.counters;
    if (!i->dhcp_socket)
        return;
    buf_printf(into, "dhcp state: %s\n", dhcp_state_text(i->dhcp.state));
    put_number(into, "dhcp", "sent", c->sent);
    put_number(into, "dhcp", "received", c->received);
    put_number(into, "dhcp", "naks", c->naks);
    put_number(into, "dhcp", "declines", c->declines);
    put_number(into, "dhcp", "expired", c->expired);
    put_number(into, "dhcp", "drop_malformed", c->dropped_malformed);
    put_number(into, "dhcp", "drop_foreign", c->dropped_foreign);
    put_number(into, "dhcp", "drop_state", c->dropped_state);
    put_number(into, "dhcp", "drop_content", c->dropped_content);
    put_number(into, "dhcp", "cut", c->cut);
}

static void put_dns(const struct inet *i, struct buf *into)
{
    const struct dns_counters *c = dns_counters(i->dns);
    put_number(into, "dns", "lookups", c->lookups);
    put_number(into, "dns", "from_cache", c->cached);
    put_number(into, "dns", "joined", c->joined);
    put_number(into, "dns", "asked", c->asked);
    put_number(into, "dns", "asked_tcp", c->asked_tcp);
    put_number(into, "dns", "answers", c->answers);
    put_number(into, "dns", "timeouts", c->timeouts);
    put_number(into, "dns", "failures", c->failures);
    put_number(into, "dns", "refused", c->refused);
    put_number(into, "dns", "evicted", c->evicted);
    put_number(into, "dns", "drop_malformed", c->dropped_malformed);
    put_number(into, "dns", "drop_foreign", c->dropped_foreign);
    put_number(into, "dns", "drop_chain", c->dropped_chain);
    put_number(into, "dns", "cut", c->cut);
    put_number(into, "dns", "cached", dns_cached(i->dns));
}

void inet_status(const struct inet *i, struct buf *into)
{
    buf_printf(into, "link: %s\n", i->link ? "up" : "down");
    put_addresses(i, into);
    put_routes(i, into);
    put_number(into, "inet", "refused_connects", i->connects.refused);
    put_number(into, "inet", "resolvers_left_out", i->resolvers_left_out);
    put_number(into, "inet", "lines_left_out", i->lines_left_out);
    put_dhcp(i, into);
    put_dns(i, into);
    put_tcp(i, into);
    put_recovery(i, into);
    put_udp(i, into);
    put_ip(i, into);
    net_status(i->card, into);
}
