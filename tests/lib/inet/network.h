/*
 * A stack that has to find its network, on the simulated wire, and those who want something of it.
 * The server is another stack of ours, with DHCP and DNS on its UDP sockets by hand; since no host
 * hears what comes from 0.0.0.0, a card of its own takes that.
 */
#ifndef TESTS_LIB_INET_NETWORK_H
#define TESTS_LIB_INET_NETWORK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/inet/internal.h"
#include "tests/lib/inet/world.h"

#define SEC CLOCK_SEC

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

static struct world w;
static struct world_host *server, *other; /* 10.0.0.1; one who may be in the way */
static struct net *card;
static struct inet *client;
static struct stack *stack;

/* --- the DHCP server --- */

static struct {
    struct udp_socket *socket;
    bool silent, nak;
    uint8_t next;     /* last byte of the address that it offers */
    uint32_t seconds; /* of a lease */
    uint16_t mtu;
    uint32_t mask;    /* 0: of 16 bits */
    unsigned seen[9]; /* by kind of message */
} dhcp;

static inline size_t put_option(uint8_t *bytes, size_t at, uint8_t code, const void *value,
                                size_t len)
{
    bytes[at] = code;
    bytes[at + 1] = (uint8_t)len;
    memcpy(bytes + at + 2, value, len);
    return at + 2 + len;
}

static inline void answer_dhcp(const uint8_t *question, uint8_t type)
{
    uint8_t b[400] = {2, 1, 6, 0}, four[4];
    size_t at = 240;
    memcpy(b + 4, question + 4, 4);
    memcpy(b + 28, question + 28, 6);
    memcpy(b + 236, question + 236, 4);
    memcpy(b + 16, (uint8_t[]){10, 0, 0, dhcp.next}, 4);
    if (memcmp(question + 12, "\0\0\0\0", 4) != 0 && type == ACK)
        memcpy(b + 16, question + 12, 4); /* a renewal */
    at = put_option(b, at, 53, &type, 1);
    at = put_option(b, at, 54, "\x0a\0\0\1", 4);
    sim_put32(four, dhcp.seconds);
    at = put_option(b, at, 51, four, 4);
    sim_put32(four, dhcp.mask ? dhcp.mask : 0xffff0000);
    at = put_option(b, at, 1, four, 4);
    at = put_option(b, at, 3, "\x0a\0\0\1", 4);
    at = put_option(b, at, 6, "\x0a\0\0\1", 4);
    sim_put16(four, dhcp.mtu);
    if (dhcp.mtu)
        at = put_option(b, at, 26, four, 2);
    b[at++] = 255;
    struct endpoint all = {address_v4(255, 255, 255, 255), 68, 0};
    assert_int_equal(udp_send(dhcp.socket, server->v4, all, slice_of(b, at)), OK);
}

static inline void on_dhcp(void *owner, const struct udp_datagram *d)
{
    uint8_t type = d->bytes.ptr[242];
    (void)owner;
    assert_in_range(type, 1, 8);
    dhcp.seen[type]++;
    if (dhcp.silent)
        return;
    if (type == DECLINE)
        dhcp.next++;
    if (type == DISCOVER)
        answer_dhcp(d->bytes.ptr, OFFER);
    if (type == REQUEST)
        answer_dhcp(d->bytes.ptr, dhcp.nak ? NAK : ACK);
}

static inline void on_dhcp_frame(void *owner, const struct net_arrival *a)
{
    static const struct address nobody = {{[10] = 0xff, 0xff}};
    struct sim_frame f;
    (void)owner;
    if (sim_frame_read(a->parts[0], &f) || f.protocol != SIM_UDP ||
        memcmp(&f.source, &nobody, sizeof nobody) != 0)
        return;
    struct slice udp = slice_take(slice_drop(a->parts[0], f.transport), f.end - f.transport);
    assert_int_equal(sim_get16(udp.ptr), 68);
    assert_int_equal(sim_get16(udp.ptr + 2), 67);
    assert_true(sim_frame_sum_good(a->parts[0], &f));
    on_dhcp(NULL, &(struct udp_datagram){.bytes = slice_drop(udp, 8)});
}

/* --- the DNS server: each A is 10.0.0.1, nothing else is there --- */

static struct {
    struct udp_socket *socket;
    struct listener *listener;
    struct flow *flow; /* the latest connection */
    bool silent, cut;
    uint8_t tcp_len; /* not 0: of an answer over TCP, instead of the right one */
    unsigned asked, asked_tcp;
} dns;

static inline size_t answer_dns(struct slice q, uint8_t *b, bool cut)
{
    size_t len = q.len - 11; /* without EDNS */
    bool a = q.ptr[len - 3] == 1;
    memcpy(b, q.ptr, len);
    b[2] = cut ? 0x83 : 0x81;
    b[3] = 0x80;
    b[7] = a && !cut;
    b[11] = 0;
    if (!a || cut)
        return len;
    memcpy(b + len, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1", 16);
    return len + 16;
}

static inline void on_dns(void *owner, const struct udp_datagram *d)
{
    uint8_t b[512];
    (void)owner;
    dns.asked++;
    if (dns.silent)
        return;
    size_t len = answer_dns(d->bytes, b, dns.cut);
    assert_int_equal(udp_send(dns.socket, ADDRESS_ANY, d->from, slice_of(b, len)), OK);
}

static inline void on_dns_data(void *owner, struct slice bytes)
{
    struct flow *f = owner;
    uint8_t b[514];
    dns.asked_tcp++;
    if (dns.silent)
        return;
    size_t len = answer_dns(slice_drop(bytes, 2), b + 2, false);
    sim_put16(b, (uint16_t)len);
    if (dns.tcp_len)
        b[0] = dns.tcp_len;
    assert_int_equal(flow_write(f, slice_of(b, 1)), OK); /* in parts */
    assert_int_equal(flow_write(f, slice_of(b + 1, len + 1)), OK);
}

static inline void on_dns_end(void *owner, enum err why)
{
    (void)why;
    flow_close(owner);
    dns.flow = NULL;
}

static inline void on_dns_accept(void *owner, struct flow *f)
{
    static const struct flow_events events = {.on_data = on_dns_data, .on_end = on_dns_end};
    (void)owner;
    dns.flow = f;
    flow_own(f, &events, f);
}

static inline void serve(void)
{
    static const struct udp_events on_67 = {.on_datagram = on_dhcp};
    static const struct udp_events on_53 = {.on_datagram = on_dns};
    const struct endpoint anybody = {.port = 0};
    memset(&dhcp, 0, sizeof dhcp);
    memset(&dns, 0, sizeof dns);
    dhcp.next = 77;
    dhcp.seconds = 600;
    struct endpoint at = {.address = ADDRESS_ANY, .port = 67};
    assert_int_equal(udp_bind(server->inet->udp, at, anybody, &on_67, NULL, &dhcp.socket), OK);
    at.port = 53;
    assert_int_equal(udp_bind(server->inet->udp, at, anybody, &on_53, NULL, &dns.socket), OK);
    assert_int_equal(stack_listen(server->stack, at, on_dns_accept, NULL, &dns.listener), OK);
}

/* --- who wants something --- */

struct want {
    bool told;
    enum err why;
    struct flow *flow;
    struct connect *connect;
    struct resolve *resolve;
    size_t count;
    struct address first;
    enum err ended;
    struct buf in;
};

static inline void on_data(void *owner, struct slice bytes)
{
    buf_put(&((struct want *)owner)->in, bytes);
}

static inline void on_end(void *owner, enum err why)
{
    ((struct want *)owner)->ended = why;
}

static const struct flow_events want_events = {.on_data = on_data, .on_end = on_end};

static inline void on_connected(void *owner, enum err why, struct flow *f)
{
    struct want *t = owner;
    assert_false(t->told);
    t->told = true;
    t->why = why;
    t->flow = f;
    if (f)
        flow_own(f, &want_events, t);
}

static inline void on_resolved(void *owner, enum err why, const struct address *addresses,
                               size_t count)
{
    struct want *t = owner;
    assert_false(t->told);
    t->told = true;
    t->why = why;
    t->count = count;
    if (count)
        t->first = addresses[0];
}

static inline bool told(void *owner)
{
    return ((struct want *)owner)->told;
}

static inline void begin_connect(struct want *t, struct endpoint to)
{
    *t = (struct want){.why = OK};
    buf_init(&t->in, 1000);
    assert_int_equal(stack_connect(stack, to, on_connected, t, &t->connect), OK);
    assert_false(t->told);
}

static inline void begin_resolve(struct want *t, const char *name)
{
    *t = (struct want){.why = OK};
    assert_int_equal(stack_resolve(stack, slice_text(name), on_resolved, t, &t->resolve), OK);
    assert_false(t->told);
}

static inline void finish(struct want *t, uint64_t patience)
{
    assert_true(sim_run(told, t, clock_monotonic() + patience));
}

static inline void let_go(struct want *t)
{
    if (t->flow)
        flow_close(t->flow);
    t->flow = NULL;
    buf_deinit(&t->in);
}

static inline enum err try_connect(struct endpoint to, uint64_t patience)
{
    struct want t;
    begin_connect(&t, to);
    finish(&t, patience);
    let_go(&t);
    return t.why;
}

static inline enum err try_resolve(const char *name, uint64_t patience)
{
    struct want t;
    begin_resolve(&t, name);
    finish(&t, patience);
    return t.why;
}

static inline struct endpoint to_server(void)
{
    return world_endpoint(server, false, 53);
}

/* --- the world --- */

static inline enum err open_client(const struct inet_config *c)
{
    enum err e = inet_open(card, c, &client);
    stack = e ? NULL : inet_stack(client);
    return e;
}

static const struct inet_config WITH_DHCP = {.dhcp = true, .hostname = SLICE_INIT("client")};

static inline bool ended(void *ignored)
{
    (void)ignored;
    return inet_end(client);
}

static inline void end(void)
{
    assert_true(sim_run(ended, NULL, clock_monotonic() + 100 * SEC));
    inet_close(client);
    client = NULL;
}

static inline int setup(void **state)
{
    const struct sim_card plain = {.completes = 1000 * CLOCK_US};
    (void)state;
    world_open(&w, 42);
    if (world_host(&w, &plain, NULL) || world_host(&w, &plain, NULL))
        return -1;
    server = &w.hosts[0];
    other = &w.hosts[1];
    static const struct net_events hears = {.on_frame = on_dhcp_frame};
    net_own(sim_wire_card(w.wire, &(struct sim_card){.mtu = 1500}), &hears, NULL);
    card = sim_wire_card(w.wire, &plain);
    client = NULL;
    serve();
    world_run(WORLD_SETTLE);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    if (client)
        end();
    stack_unlisten(server->stack, dns.listener);
    if (dns.flow)
        flow_abort(dns.flow);
    world_run(SEC); /* the last message to DHCP */
    udp_unbind(dhcp.socket);
    udp_unbind(dns.socket);
    const char *fault = world_close(&w);
    if (fault)
        fprintf(stderr, "%s\n", fault);
    return fault ? -1 : 0;
}

static inline bool has_address(void *ignored)
{
    struct address a;
    (void)ignored;
    return inet_address(client, false, &a);
}

static inline void obtain(void)
{
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 5 * SEC));
}

static inline uint8_t last_byte(void)
{
    struct address a = {{0}};
    inet_address(client, false, &a);
    return a.bytes[15];
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
