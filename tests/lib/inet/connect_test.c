/* Connections: to ourselves, and those that never come to be. */
#include "tests/lib/inet/network.h"

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
    assert_int_equal(client->connects.refused, 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_to_ourselves),
        TEST(test_to_ourselves_over_ipv6),
        TEST(test_connects_that_take_too_long),
        TEST(test_connects_are_bounded),
        TEST(test_connects_that_are_cancelled),
    };
    return cmocka_run_group_tests_name("inet connect", tests, NULL, NULL);
}
