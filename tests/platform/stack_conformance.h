/* What signatures/stack.h promises, as tests: connections that fail or are cancelled, names, many. */
#ifndef TESTS_PLATFORM_STACK_CONFORMANCE_H
#define TESTS_PLATFORM_STACK_CONFORMANCE_H

#include "tests/platform/flow_side.h"

/* --- stacks --- */

static void test_refused(void **state)
{
    (void)state;
    struct pair p = {0};
    pair_listen(&p);
    uint16_t port = place_port(p.listener);
    struct listener *second;
    struct endpoint local = {.port = port};
    assert_int_equal(stack_listen(place_server(), local, pair_accept, &p, &second), ERR_EXISTS);
    struct endpoint remote = {.address = place_address(), .port = port};
    stack_unlisten(place_server(), p.listener);
    place_settle();
    inside++;
    assert_int_equal(stack_connect(place_client(), remote, pair_answer, &p, &p.connecting), OK);
    inside--;
    assert_true(place_run(is_not_zero, &p.client.answers));
    assert_int_equal(p.client.connect_why, ERR_REFUSED);
    place_settle();
}

static void test_cancel_connect(void **state)
{
    (void)state;
    struct pair p = {0};
    pair_listen(&p);
    pair_connect(&p);
    stack_cancel_connect(place_client(), p.connecting);
    place_settle();
    assert_int_equal(p.client.answers, 0);
    assert_true(!p.accepted || p.server.ends || p.server.eof);
    pair_close(&p);
}

struct lookup {
    unsigned answers;
    enum err why;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    size_t count;
};

static void on_lookup(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct lookup *l = owner;
    assert_int_equal(inside, 0);
    l->answers++;
    l->why = why;
    l->count = count;
    assert_true(why ? count == 0 : count > 0 && count <= RESOLVE_ADDRESSES_MAX);
    for (size_t i = 0; i < count; i++)
        l->addresses[i] = addresses[i];
}

static struct lookup look_up(struct slice name)
{
    struct lookup l = {0};
    struct resolve *r;
    inside++;
    assert_int_equal(stack_resolve(place_client(), name, on_lookup, &l, &r), OK);
    inside--;
    assert_int_equal(l.answers, 0);
    assert_true(place_run(is_not_zero, &l.answers));
    assert_int_equal(l.answers, 1);
    return l;
}

static void test_resolve(void **state)
{
    (void)state;
    struct lookup l = look_up(SLICE("192.0.2.7"));
    struct address expected = address_v4(192, 0, 2, 7);
    assert_int_equal(l.count, 1);
    assert_memory_equal(&l.addresses[0], &expected, sizeof expected);
    l = look_up(SLICE("2001:db8::7"));
    assert_int_equal(l.count, 1);
    assert_false(address_is_v4(l.addresses[0]));
    l = look_up(SLICE("LocalHost"));
    assert_int_equal(l.why, OK);
    for (size_t i = 0; i < l.count; i++)
        assert_true(address_is_loopback(l.addresses[i]));
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(look_up(slice_of(long_name, sizeof long_name)).why, ERR_NOT_FOUND);
    assert_int_equal(look_up(slice_of(NULL, 0)).why, ERR_NOT_FOUND);
    assert_int_equal(look_up(SLICE("a\0b")).why, ERR_NOT_FOUND);
    assert_int_equal(look_up(SLICE("no way")).why, ERR_NOT_FOUND);
}

static void test_cancel_resolve(void **state)
{
    (void)state;
    struct lookup l = {0};
    struct resolve *r;
    assert_int_equal(stack_resolve(place_client(), SLICE("localhost"), on_lookup, &l, &r), OK);
    stack_cancel_resolve(place_client(), r);
    assert_int_equal(stack_resolve(place_client(), SLICE("name.invalid"), on_lookup, &l, &r), OK);
    stack_cancel_resolve(place_client(), r);
    place_settle();
    assert_int_equal(l.answers, 0);
}

/* --- many --- */

#ifndef PLACE_MANY
#define PLACE_MANY 500u
#endif

struct crowd {
    struct listener *listener;
    struct side *servers, *clients;
    unsigned accepted, answered;
};

static void crowd_accept(void *owner, struct flow *f)
{
    struct crowd *c = owner;
    struct side *s = &c->servers[c->accepted++];
    s->echo = s->close_on_eof = true;
    side_own(s, f, &side_events);
}

static void crowd_answer(void *owner, enum err why, struct flow *f)
{
    struct side *s = owner;
    assert_int_equal(why, OK);
    s->answers++;
    side_own(s, f, &side_events);
    assert_int_equal(side_write(s, slice_of(&s->cap, 1)), OK);
}

static bool crowd_served(void *arg)
{
    const struct crowd *c = arg;
    for (unsigned i = 0; i < PLACE_MANY; i++)
        if (c->clients[i].length < 1)
            return false;
    return true;
}

static void test_many(void **state)
{
    (void)state;
    struct crowd c = {.servers = calloc(PLACE_MANY, sizeof *c.servers),
                      .clients = calloc(PLACE_MANY, sizeof *c.clients)};
    struct endpoint local = {.port = 0};
    assert_int_equal(stack_listen(place_server(), local, crowd_accept, &c, &c.listener), OK);
    struct endpoint remote = {.address = place_address(), .port = place_port(c.listener)};
    for (unsigned i = 0; i < PLACE_MANY; i++) {
        struct connect *ignored;
        enum err e = stack_connect(place_client(), remote, crowd_answer, &c.clients[i], &ignored);
        if (e == ERR_FULL) { /* too many at once: some have to get through first */
            place_settle();
            i--;
            continue;
        }
        assert_int_equal(e, OK);
    }
    assert_true(place_run(crowd_served, &c));
    assert_int_equal(c.accepted, PLACE_MANY);
    for (unsigned i = 0; i < PLACE_MANY; i++)
        side_free(&c.clients[i]);
    for (unsigned i = 0; i < PLACE_MANY; i++) {
        await_eof(&c.servers[i]);
        side_free(&c.servers[i]);
    }
    stack_unlisten(place_server(), c.listener);
    place_settle();
    free(c.servers);
    free(c.clients);
}

#endif
