/*
 * How questions of lib/dns travel: each over a UDP socket of its own, with a random port, that
 * hears the asked server only; what does not fit there over a TCP connection, with its length
 * before it (RFC 1035, 4.2.2).
 */
#include "lib/inet/internal.h"
#include "runtime/reader.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

/* One message under way: over a socket, or over a connection. */
struct message {
    struct inet *inet;
    struct dns_exchange *exchange;
    struct udp_socket *socket;
    struct tcp_connection *connection; /* being made */
    struct flow *flow;
    struct buf in; /* over TCP */
    size_t out_len;
    uint8_t out[2 + DNS_QUESTION_MAX];
};

/* --- UDP --- */

static void on_datagram(void *owner, const struct udp_datagram *d)
{
    struct message *m = owner;
    struct inet *i = m->inet;
    dns_answer(i->dns, i->now, m->exchange, d->bytes);
    inet_touch(i);
}

static void on_complaint(void *owner, struct endpoint remote, const struct ip_complaint *c)
{
    struct message *m = owner;
    struct inet *i = m->inet;
    (void)remote;
    if (c->why == IP_ERROR_REFUSED || c->why == IP_ERROR_UNREACHABLE)
        dns_broken(i->dns, i->now, m->exchange);
    inet_touch(i);
}

static enum err ask_datagram(struct message *m, struct slice question)
{
    static const struct udp_events events = {on_datagram, on_complaint};
    struct endpoint server = {.address = m->exchange->server, .port = DNS_PORT};
    enum err e = udp_bind(m->inet->udp, (struct endpoint){.address = ADDRESS_ANY}, server, &events,
                          m, &m->socket);
    return e ? e : udp_send(m->socket, ADDRESS_ANY, server, question);
}

/* --- TCP --- */

static void fail(struct message *m)
{
    struct inet *i = m->inet;
    dns_broken(i->dns, i->now, m->exchange); /* m is gone */
}

static void on_data(void *owner, struct slice bytes)
{
    struct message *m = owner;
    struct inet *i = m->inet;
    buf_put(&m->in, bytes);
    struct reader r = reader_of(buf_slice(&m->in));
    size_t len = read_be16(&r);
    if (m->in.err || len > DNS_ANSWER_MAX) {
        fail(m);
        return;
    }
    struct slice answer = read_bytes(&r, len);
    if (!r.bad)
        dns_answer(i->dns, i->now, m->exchange, answer);
}

static void on_end(void *owner, enum err why)
{
    (void)why;
    fail(owner);
}

static void on_connected(void *owner, enum err why, struct flow *flow)
{
    static const struct flow_events events = {.on_data = on_data, .on_end = on_end};
    struct message *m = owner;
    m->connection = NULL;
    m->flow = flow;
    if (!why) {
        flow_own(flow, &events, m);
        why = flow_write(flow, slice_of(m->out, m->out_len));
    }
    if (why)
        fail(m);
}

static enum err ask_connection(struct message *m, struct slice question)
{
    struct endpoint server = {.address = m->exchange->server, .port = DNS_PORT};
    m->out[0] = (uint8_t)(question.len >> 8);
    m->out[1] = (uint8_t)question.len;
    memcpy(m->out + 2, question.ptr, question.len);
    m->out_len = question.len + 2;
    return tcp_connect(m->inet->tcp, server, on_connected, m, &m->connection);
}

/* --- what the core asks for --- */

static void drop(void *arg, struct dns_exchange *x)
{
    struct inet *i = arg;
    struct message *m = x->carrier;
    if (m->socket)
        udp_unbind(m->socket);
    if (m->connection)
        tcp_cancel(i->tcp, m->connection);
    if (m->flow)
        flow_close(m->flow);
    buf_deinit(&m->in);
    pool_give(&i->messages, m);
}

static enum err ask(void *arg, struct dns_exchange *x, struct slice question)
{
    struct inet *i = arg;
    struct message *m = pool_take(&i->messages);
    if (!m)
        return ERR_FULL;
    m->inet = i;
    m->exchange = x;
    x->carrier = m;
    buf_init(&m->in, 2 + DNS_ANSWER_MAX);
    enum err e = x->tcp ? ask_connection(m, question) : ask_datagram(m, question);
    if (e)
        drop(i, x);
    return e;
}

static void fill(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static bool usable(void *arg, struct address a)
{
    struct address ours;
    return ip_source(((struct inet *)arg)->ip, a, &ours);
}

enum err inet_names_open(struct inet *i)
{
    static const struct dns_below below = {
        .ask = ask, .drop = drop, .random = fill, .usable = usable};
    pool_init(&i->messages, "DNS messages", sizeof(struct message), INET_MESSAGES);
    i->dns = dns_open(&below, i);
    if (!i->dns)
        return ERR_MEMORY;
    dns_only_v4(i->dns, !i->config.ipv6);
    return OK;
}

void inet_names_close(struct inet *i)
{
    if (i->dns)
        dns_close(i->dns);
    pool_deinit(&i->messages);
}

/* --- whom to ask --- */

static void add(struct address *list, size_t *count, struct address a)
{
    for (size_t k = 0; k < *count; k++)
        if (address_equal(&list[k], &a))
            return;
    if (*count < INET_RESOLVERS_MAX)
        list[(*count)++] = a;
}

void inet_names_servers(struct inet *i)
{
    struct address list[INET_RESOLVERS_MAX];
    size_t count = 0;
    for (size_t k = 0; k < i->config.resolver_count; k++)
        add(list, &count, i->config.resolvers[k]);
    if (count == 0 && i->leased)
        for (size_t k = 0; k < i->lease.resolver_count; k++)
            add(list, &count, i->lease.resolvers[k]);
    if (i->config.resolver_count == 0)
        for (size_t k = 0; k < i->advertised_count; k++)
            add(list, &count, i->advertised[k].address);
    dns_servers(i->dns, i->now, list, count, i->settle_until != 0);
}

/* --- the stack's --- */

enum err inet_resolve(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                      struct resolve **into)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    struct dns_waiter *w;
    i->now = clock_monotonic();
    enum err e = dns_lookup(i->dns, i->now, name, answer, owner, &w);
    if (!e)
        *into = (struct resolve *)w;
    inet_touch(i);
    return e;
}

void inet_cancel_resolve(struct stack *s, struct resolve *r)
{
    struct inet *i = CONTAINER(s, struct inet, stack);
    dns_cancel(i->dns, (struct dns_waiter *)r);
}
