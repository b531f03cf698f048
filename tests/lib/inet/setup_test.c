/*
 * How a stack finds its network, on the simulated wire: leases, names, links that come and go,
 * connections that are wanted before there is an address, and to ourselves. The server is another
 * stack of ours, with DHCP and DNS on its UDP sockets by hand; since no host hears what comes from
 * 0.0.0.0, a card of its own takes that.
 */
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
    unsigned seen[9]; /* by kind of message */
} dhcp;

static size_t put_option(uint8_t *bytes, size_t at, uint8_t code, const void *value, size_t len)
{
    bytes[at] = code;
    bytes[at + 1] = (uint8_t)len;
    memcpy(bytes + at + 2, value, len);
    return at + 2 + len;
}

static void answer_dhcp(const uint8_t *question, uint8_t type)
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
    at = put_option(b, at, 1, "\xff\xff\0\0", 4);
    at = put_option(b, at, 3, "\x0a\0\0\1", 4);
    at = put_option(b, at, 6, "\x0a\0\0\1", 4);
    sim_put16(four, dhcp.mtu);
    if (dhcp.mtu)
        at = put_option(b, at, 26, four, 2);
    b[at++] = 255;
    struct endpoint all = {address_v4(255, 255, 255, 255), 68, 0};
    assert_int_equal(udp_send(dhcp.socket, server->v4, all, slice_of(b, at)), OK);
}

static void on_dhcp(void *owner, const struct udp_datagram *d)
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

static void on_dhcp_frame(void *owner, const struct net_arrival *a)
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

static size_t answer_dns(struct slice q, uint8_t *b, bool cut)
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

static void on_dns(void *owner, const struct udp_datagram *d)
{
    uint8_t b[512];
    (void)owner;
    dns.asked++;
    if (dns.silent)
        return;
    size_t len = answer_dns(d->bytes, b, dns.cut);
    assert_int_equal(udp_send(dns.socket, ADDRESS_ANY, d->from, slice_of(b, len)), OK);
}

static void on_dns_data(void *owner, struct slice bytes)
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

static void on_dns_end(void *owner, enum err why)
{
    (void)why;
    flow_close(owner);
    dns.flow = NULL;
}

static void on_dns_accept(void *owner, struct flow *f)
{
    static const struct flow_events events = {.on_data = on_dns_data, .on_end = on_dns_end};
    (void)owner;
    dns.flow = f;
    flow_own(f, &events, f);
}

static void serve(void)
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

static void on_data(void *owner, struct slice bytes)
{
    buf_put(&((struct want *)owner)->in, bytes);
}

static void on_end(void *owner, enum err why)
{
    ((struct want *)owner)->ended = why;
}

static const struct flow_events want_events = {.on_data = on_data, .on_end = on_end};

static void on_connected(void *owner, enum err why, struct flow *f)
{
    struct want *t = owner;
    assert_false(t->told);
    t->told = true;
    t->why = why;
    t->flow = f;
    if (f)
        flow_own(f, &want_events, t);
}

static void on_resolved(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct want *t = owner;
    assert_false(t->told);
    t->told = true;
    t->why = why;
    t->count = count;
    if (count)
        t->first = addresses[0];
}

static bool told(void *owner)
{
    return ((struct want *)owner)->told;
}

static void begin_connect(struct want *t, struct endpoint to)
{
    *t = (struct want){.why = OK};
    buf_init(&t->in, 1000);
    assert_int_equal(stack_connect(stack, to, on_connected, t, &t->connect), OK);
    assert_false(t->told);
}

static void begin_resolve(struct want *t, const char *name)
{
    *t = (struct want){.why = OK};
    assert_int_equal(stack_resolve(stack, slice_text(name), on_resolved, t, &t->resolve), OK);
    assert_false(t->told);
}

static void finish(struct want *t, uint64_t patience)
{
    assert_true(sim_run(told, t, clock_monotonic() + patience));
}

static void let_go(struct want *t)
{
    if (t->flow)
        flow_close(t->flow);
    t->flow = NULL;
    buf_deinit(&t->in);
}

static enum err try_connect(struct endpoint to, uint64_t patience)
{
    struct want t;
    begin_connect(&t, to);
    finish(&t, patience);
    let_go(&t);
    return t.why;
}

static enum err try_resolve(const char *name, uint64_t patience)
{
    struct want t;
    begin_resolve(&t, name);
    finish(&t, patience);
    return t.why;
}

static struct endpoint to_server(void)
{
    return world_endpoint(server, false, 53);
}

/* --- the world --- */

static enum err open_client(const struct inet_config *c)
{
    enum err e = inet_open(card, c, &client);
    stack = e ? NULL : inet_stack(client);
    return e;
}

static const struct inet_config WITH_DHCP = {.dhcp = true, .hostname = SLICE_INIT("client")};

static bool ended(void *ignored)
{
    (void)ignored;
    return inet_end(client);
}

static void end(void)
{
    assert_true(sim_run(ended, NULL, clock_monotonic() + 100 * SEC));
    inet_close(client);
    client = NULL;
}

static int setup(void **state)
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

static int teardown(void **state)
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

static bool has_address(void *ignored)
{
    struct address a;
    (void)ignored;
    return inet_address(client, false, &a);
}

static void obtain(void)
{
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 5 * SEC));
}

static uint8_t last_byte(void)
{
    struct address a = {{0}};
    inet_address(client, false, &a);
    return a.bytes[15];
}

/* --- leases --- */

static void test_a_lease_and_what_comes_with_it(void **state)
{
    struct want t;
    (void)state;
    sim_console_clear();
    obtain();
    assert_int_equal(last_byte(), 77);
    begin_resolve(&t, "www.example");
    finish(&t, SEC);
    assert_int_equal(t.why, OK);
    assert_int_equal(t.count, 1);
    assert_int_equal(try_connect((struct endpoint){t.first, 53, 0}, SEC), OK);
    struct slice log = sim_console();
    assert_true(slice_search(log, SLICE("DHCP server 10.0.0.1 leases 10.0.0.77/16 for 600 "
                                        "seconds")) < log.len);
    assert_true(slice_search(log, SLICE("router 10.0.0.1, from DHCP")) < log.len);
    assert_true(slice_search(log, SLICE("address 10.0.0.77")) < log.len);
}

static void test_what_is_wanted_before_there_is_an_address(void **state)
{
    struct want c, r;
    (void)state;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    begin_connect(&c, to_server());
    begin_resolve(&r, "www.example");
    finish(&c, 5 * SEC);
    finish(&r, 5 * SEC);
    assert_int_equal(c.why, OK);
    assert_int_equal(r.why, OK);
    let_go(&c);
}

static void test_no_server_answers(void **state)
{
    uint64_t begun = clock_monotonic();
    (void)state;
    dhcp.silent = true;
    sim_console_clear();
    assert_int_equal(open_client(&WITH_DHCP), OK);
    struct want r;
    begin_resolve(&r, "www.example");
    assert_int_equal(try_connect(to_server(), 20 * SEC), ERR_UNREACHABLE);
    assert_in_range(clock_monotonic() - begun, INET_SETTLE_NS, INET_SETTLE_NS + SEC);
    finish(&r, SEC);
    assert_int_equal(r.why, ERR_UNREACHABLE);
    struct slice log = sim_console();
    assert_true(slice_search(log, SLICE("no DHCP server answers")) < log.len);
    /* From then on, at once. */
    assert_int_equal(try_connect(to_server(), 1), ERR_UNREACHABLE);
    assert_int_equal(try_resolve("www.example", 1), ERR_UNREACHABLE);
    dhcp.silent = false;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
    assert_int_equal(try_connect(to_server(), SEC), OK);
    assert_int_equal(try_resolve("www.example", SEC), OK);
}

static void test_a_lease_is_renewed_and_flows_live(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    world_run(2000 * SEC);
    assert_true(dhcp.seen[REQUEST] >= 6);
    assert_int_equal(dhcp.seen[DISCOVER], 1);
    assert_int_equal(t.ended, OK);
    let_go(&t);
}

static void test_a_lease_that_is_over(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    dhcp.silent = true;
    world_run(700 * SEC);
    assert_false(has_address(NULL));
    assert_int_equal(t.ended, ERR_UNREACHABLE);
    let_go(&t);
    dhcp.silent = false;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
}

static void test_a_lease_that_is_refused(void **state)
{
    (void)state;
    obtain();
    dhcp.nak = true;
    world_run(310 * SEC);
    dhcp.nak = false;
    dhcp.next = 99;
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 70 * SEC));
    assert_int_equal(last_byte(), 99);
}

static void test_an_address_that_is_taken(void **state)
{
    (void)state;
    dhcp.next = 2; /* of `other` */
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 15 * SEC));
    assert_int_equal(dhcp.seen[DECLINE], 1);
    assert_int_equal(last_byte(), 3);
}

static bool is_declined(void *ignored)
{
    (void)ignored;
    return dhcp.seen[DECLINE] > 0;
}

static void test_it_takes_ten_seconds_to_try_again(void **state)
{
    (void)state;
    dhcp.next = 2;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    assert_true(sim_run(is_declined, NULL, clock_monotonic() + 5 * SEC));
    assert_false(sim_run(has_address, NULL, clock_monotonic() + 9 * SEC));
    assert_true(sim_run(has_address, NULL, clock_monotonic() + 5 * SEC));
}

static void test_a_lease_is_given_back(void **state)
{
    (void)state;
    obtain();
    end();
    world_run(SEC);
    assert_int_equal(dhcp.seen[RELEASE], 1);
}

static void test_a_smaller_mtu(void **state)
{
    (void)state;
    dhcp.mtu = 1400;
    obtain();
    assert_int_equal(ip_link_mtu(client->ip, server->v4), 1400);
    assert_int_equal(try_connect(to_server(), SEC), OK);
}

/* --- the link --- */

static void test_the_link_goes_and_comes(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    finish(&t, SEC);
    sim_wire_link(card, false);
    world_run(30 * SEC);
    assert_true(has_address(NULL));
    sim_wire_link(card, true);
    world_run(5 * SEC);
    assert_int_equal(dhcp.seen[REQUEST], 2); /* it was confirmed */
    assert_int_equal(dhcp.seen[DISCOVER], 1);
    assert_int_equal(t.ended, OK);
    assert_int_equal(try_connect(to_server(), SEC), OK);
    let_go(&t);
}

static void test_the_link_comes_late(void **state)
{
    (void)state;
    sim_wire_link(card, false);
    assert_int_equal(open_client(&WITH_DHCP), OK);
    world_run(60 * SEC);
    assert_int_equal(dhcp.seen[DISCOVER], 0);
    assert_int_equal(try_connect(to_server(), 1), ERR_UNREACHABLE);
    sim_wire_link(card, true);
    /* Addresses may be found again: what is wanted meanwhile waits. */
    assert_int_equal(try_connect(to_server(), 5 * SEC), OK);
}

/* --- names --- */

static void test_answers_over_tcp(void **state)
{
    (void)state;
    obtain();
    dns.cut = true;
    assert_int_equal(try_resolve("www.example", SEC), OK);
    assert_int_equal(dns.asked_tcp, 1);
    world_run(SEC);
    assert_null(dns.flow); /* was closed */
}

static void test_answers_over_tcp_that_are_too_long(void **state)
{
    (void)state;
    obtain();
    dns.cut = true;
    dns.tcp_len = 0xff;
    assert_int_not_equal(try_resolve("www.example", 12 * SEC), OK);
    world_run(SEC);
    assert_null(dns.flow);
}

static void test_lookups_that_are_cancelled(void **state)
{
    struct want udp, tcp;
    (void)state;
    obtain();
    dns.silent = true;
    begin_resolve(&udp, "a.example");
    world_run(500 * CLOCK_MS);
    stack_cancel_resolve(stack, udp.resolve);
    dns.silent = false;
    dns.cut = true;
    begin_resolve(&tcp, "b.example");
    world_run(200 * CLOCK_US); /* about when the connection is made */
    if (!tcp.told)
        stack_cancel_resolve(stack, tcp.resolve);
    world_run(20 * SEC);
    assert_false(udp.told);
    assert_int_equal(client->messages.used, 0);
}

static void test_a_silent_server(void **state)
{
    (void)state;
    obtain();
    dns.silent = true;
    assert_int_equal(try_resolve("www.example", 11 * SEC), ERR_TIMEOUT);
    assert_in_range(dns.asked, 4, 2 * DNS_TRIES_MAX);
}

static void test_nobody_listens_for_names(void **state)
{
    const struct inet_config c = {.address_count = 1,
                                  .addresses = {{address_v4(10, 0, 0, 50), 16}},
                                  .resolver_count = 1,
                                  .resolvers = {address_v4(10, 0, 0, 2)},
                                  .quiet = true};
    (void)state;
    assert_int_equal(open_client(&c), OK);
    uint64_t begun = clock_monotonic();
    assert_int_equal(try_resolve("www.example", 11 * SEC), ERR_UNREACHABLE); /* ICMP says so */
    assert_true(clock_monotonic() - begun <= DNS_LOOKUP_NS);
}

static void test_names_that_need_no_network(void **state)
{
    struct want t;
    (void)state;
    sim_wire_link(card, false);
    assert_int_equal(open_client(&WITH_DHCP), OK);
    begin_resolve(&t, "10.0.0.9");
    finish(&t, 1);
    assert_int_equal(t.first.bytes[15], 9);
    begin_resolve(&t, "localhost");
    finish(&t, 1);
    assert_int_equal(t.count, 2);
}

/* --- to ourselves --- */

static struct want inner;

static void on_accept(void *owner, struct flow *f)
{
    (void)owner;
    inner = (struct want){.flow = f};
    buf_init(&inner.in, 1000);
    flow_own(f, &want_events, &inner);
}

static void talk_to_ourselves(struct address at)
{
    struct listener *l;
    struct want t;
    struct endpoint to = {.address = ADDRESS_ANY};
    assert_int_equal(stack_listen(stack, to, on_accept, NULL, &l), OK);
    to = (struct endpoint){.address = at, .port = inet_listener_port(l)};
    begin_connect(&t, to);
    finish(&t, SEC);
    assert_int_equal(t.why, OK);
    assert_int_equal(flow_write(t.flow, SLICE("hello, myself")), OK);
    world_run(100 * CLOCK_MS);
    assert_true(slice_is(buf_slice(&inner.in), "hello, myself"));
    assert_memory_equal(flow_peer(inner.flow).address.bytes, at.bytes, 16);
    let_go(&t);
    let_go(&inner);
    stack_unlisten(stack, l);
    world_run(SEC);
    assert_int_equal(try_connect(to, SEC), ERR_REFUSED);
}

static void test_to_ourselves(void **state)
{
    uint64_t before;
    (void)state;
    obtain();
    world_run(10 * SEC); /* it is announced twice */
    before = card->sent;
    talk_to_ourselves(address_v4(127, 0, 0, 1));
    talk_to_ourselves(address_v4(10, 0, 0, 77));
    assert_int_equal(card->sent, before);
}

static void test_to_ourselves_over_ipv6(void **state)
{
    const struct inet_config c = {
        .ipv6 = true, .address_count = 1, .addresses = {{{{0xfd, [15] = 50}}, 64}}, .quiet = true};
    (void)state;
    assert_int_equal(open_client(&c), OK);
    world_run(WORLD_SETTLE);
    talk_to_ourselves((struct address){{[15] = 1}});
    talk_to_ourselves(c.addresses[0].address);
}

/* --- connects --- */

static void test_connects_that_take_too_long(void **state)
{
    (void)state;
    obtain();
    sim_wire_vanish(server->card, true);
    uint64_t begun = clock_monotonic();
    enum err why = try_connect(to_server(), 30 * SEC);
    assert_true(why == ERR_TIMEOUT || why == ERR_UNREACHABLE);
    assert_true(clock_monotonic() - begun <= INET_CONNECT_NS + SEC);
    sim_wire_vanish(server->card, false);
}

static void test_connects_are_bounded(void **state)
{
    static struct want all[INET_CONNECTS_MAX];
    struct connect *one_more;
    (void)state;
    dhcp.silent = true;
    assert_int_equal(open_client(&WITH_DHCP), OK);
    for (size_t i = 0; i < INET_CONNECTS_MAX; i++)
        begin_connect(&all[i], to_server());
    assert_int_equal(stack_connect(stack, to_server(), on_connected, NULL, &one_more), ERR_FULL);
    world_run(SEC);
    for (size_t i = 0; i < INET_CONNECTS_MAX; i += 2)
        stack_cancel_connect(stack, all[i].connect);
    world_run(20 * SEC);
    for (size_t i = 0; i < INET_CONNECTS_MAX; i++)
        assert_int_equal(all[i].told, i % 2);
}

static void test_connects_that_are_cancelled(void **state)
{
    struct want t;
    (void)state;
    obtain();
    begin_connect(&t, to_server());
    stack_cancel_connect(stack, t.connect);
    begin_connect(&t, to_server());
    world_run(0);
    if (!t.told)
        stack_cancel_connect(stack, t.connect);
    world_run(SEC);
    let_go(&t);
}

/* --- opening and closing --- */

static void test_addresses_that_cannot_be(void **state)
{
    struct inet_config c = {.address_count = 1, .quiet = true};
    (void)state;
    c.addresses[0] = (struct inet_prefix){address_v4(224, 0, 0, 1), 24};
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    c.addresses[0] = (struct inet_prefix){address_v4(10, 0, 0, 50), 33};
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    c.address_count = INET_STATIC_MAX + 1;
    assert_int_equal(open_client(&c), ERR_ARGUMENT);
    client = NULL;
}

static void test_opening_without_memory(void **state)
{
    struct inet_config c = WITH_DHCP;
    (void)state;
    card = sim_wire_card(w.wire, &(struct sim_card){.mtu = 1500}); /* done with frames at once */
    uint64_t blocks = memory_stats().blocks;
    c.quiet = c.ipv6 = true;
    for (uint64_t nth = 1;; nth++) {
        sim_memory_fail_nth(nth);
        enum err e = open_client(&c);
        bool refused = sim_memory_requests() >= nth;
        sim_memory_fail_nth(0);
        if (e == OK)
            inet_close(client);
        assert_true(e == OK || e == ERR_MEMORY || e == ERR_FULL);
        assert_int_equal(memory_stats().blocks, blocks);
        client = NULL;
        if (!refused)
            break;
        assert_true(nth < 100);
    }
}

static void test_closing_in_the_middle_of_everything(void **state)
{
    static struct want t[6];
    (void)state;
    card = sim_wire_card(w.wire, &(struct sim_card){.mtu = 1500}); /* done with frames at once */
    obtain();
    dns.silent = true;
    begin_connect(&t[0], to_server());
    begin_resolve(&t[1], "a.example");
    begin_resolve(&t[2], "10.0.0.1");
    begin_connect(&t[3], (struct endpoint){address_v4(10, 0, 9, 9), 1, 0});
    begin_connect(&t[4], (struct endpoint){{{0xfd, [15] = 1}}, 1, 0});
    world_run(2 * CLOCK_MS);
    begin_connect(&t[5], to_server());
    if (t[0].flow)
        flow_close(t[0].flow);
    inet_close(client);
    client = NULL;
}

static void test_status(void **state)
{
    struct buf b;
    (void)state;
    obtain();
    assert_int_equal(try_resolve("www.example", SEC), OK);
    buf_init(&b, 1 << 16);
    stack_status(stack, &b);
    assert_int_equal(b.err, OK);
    static const char *const lines[] = {
        "link: up\n",          "address: 10.0.0.77/16\n", "route: 0.0.0.0/0 10.0.0.1\n",
        "dhcp state: bound\n", "dns answers: ",           "tcp connections: 0\n",
        "udp received: ",      "ip received_frames: "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (slice_search(buf_slice(&b), slice_text(lines[i])) == b.len)
            fail_msg("%s is missing in\n%.*s", lines[i], (int)b.len, (const char *)b.ptr);
    buf_deinit(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lease_and_what_comes_with_it),
        TEST(test_what_is_wanted_before_there_is_an_address),
        TEST(test_no_server_answers),
        TEST(test_a_lease_is_renewed_and_flows_live),
        TEST(test_a_lease_that_is_over),
        TEST(test_a_lease_that_is_refused),
        TEST(test_an_address_that_is_taken),
        TEST(test_it_takes_ten_seconds_to_try_again),
        TEST(test_a_lease_is_given_back),
        TEST(test_a_smaller_mtu),
        TEST(test_the_link_goes_and_comes),
        TEST(test_the_link_comes_late),
        TEST(test_answers_over_tcp),
        TEST(test_answers_over_tcp_that_are_too_long),
        TEST(test_lookups_that_are_cancelled),
        TEST(test_a_silent_server),
        TEST(test_nobody_listens_for_names),
        TEST(test_names_that_need_no_network),
        TEST(test_to_ourselves),
        TEST(test_to_ourselves_over_ipv6),
        TEST(test_connects_that_take_too_long),
        TEST(test_connects_are_bounded),
        TEST(test_connects_that_are_cancelled),
        TEST(test_addresses_that_cannot_be),
        TEST(test_opening_without_memory),
        TEST(test_closing_in_the_middle_of_everything),
        TEST(test_status),
    };
    return cmocka_run_group_tests_name("inet setup", tests, NULL, NULL);
}
