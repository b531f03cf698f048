/*
 * Those who want names, the resolver, and its servers, whose answers a test makes by hand: what the
 * tests of DNS share.
 */
#ifndef TESTS_LIB_DNS_ASKING_H
#define TESTS_LIB_DNS_ASKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/dns/dns.h"
#include "platform/sim/sim.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

#define MS  CLOCK_MS
#define SEC CLOCK_SEC

enum { A = 1, CNAME = 5, SOA = 6, AAAA = 28 };
enum { NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };

/* --- who carries messages --- */

struct ask {
    struct dns_exchange *x;
    uint8_t message[DNS_QUESTION_MAX];
    size_t len;
    bool dropped;
};

static struct ask asks[1024];
static size_t asked;
static unsigned open_asks;
static enum err refuse_with;
static bool only_v6_usable;

static inline enum err below_ask(void *arg, struct dns_exchange *x, struct slice message)
{
    (void)arg;
    if (refuse_with)
        return refuse_with;
    assert_true(asked < sizeof asks / sizeof *asks);
    struct ask *a = &asks[asked++];
    *a = (struct ask){.x = x, .len = message.len};
    memcpy(a->message, message.ptr, message.len);
    x->carrier = a;
    open_asks++;
    return OK;
}

static inline void below_drop(void *arg, struct dns_exchange *x)
{
    struct ask *a = x->carrier;
    (void)arg;
    assert_ptr_equal(a->x, x);
    assert_false(a->dropped);
    a->dropped = true;
    open_asks--;
}

static inline void below_random(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static inline bool below_usable(void *arg, struct address a)
{
    (void)arg;
    return !only_v6_usable || !address_is_v4(a);
}

static const struct dns_below below = {below_ask, below_drop, below_random, below_usable};

static struct dns *dns;
static uint64_t now, blocks;
static const struct address servers[] = {{{[10] = 0xff, 0xff, 192, 0, 2, 1}},
                                         {{[10] = 0xff, 0xff, 192, 0, 2, 2}}};

/* --- who wants to know --- */

struct wish {
    unsigned told;
    enum err why;
    size_t count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    struct dns_waiter *waiter;
};

static inline void tell(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct wish *w = owner;
    w->told++;
    w->why = why;
    w->count = count;
    assert_int_equal(why == OK, count > 0);
    if (count)
        memcpy(w->addresses, addresses, count * sizeof *addresses);
}

static inline void look_up(struct wish *w, const char *name)
{
    *w = (struct wish){0};
    assert_int_equal(dns_lookup(dns, now, slice_text(name), tell, w, &w->waiter), OK);
    assert_int_equal(w->told, 0);
}

static inline void assert_address(const struct wish *w, size_t which, const char *text)
{
    char is[ADDRESS_TEXT_MAX];
    assert_true(which < w->count);
    address_format(w->addresses[which], is);
    assert_string_equal(is, text);
}

static inline void pass(uint64_t ns)
{
    for (uint64_t end = now + ns; now < end;) {
        now = dns_deadline(dns) < end ? dns_deadline(dns) > now ? dns_deadline(dns) : now : end;
        dns_expire(dns, now);
        if (dns_deadline(dns) <= now)
            dns_expire(dns, now);
    }
}

/* --- what a server says --- */

static uint8_t reply[20000];
static size_t reply_len;

static inline void put16(unsigned v)
{
    reply[reply_len++] = (uint8_t)(v >> 8);
    reply[reply_len++] = (uint8_t)v;
}

static inline void put_bytes(const void *bytes, size_t len)
{
    memcpy(reply + reply_len, bytes, len);
    reply_len += len;
}

static inline void put_name(const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        reply[reply_len++] = (uint8_t)label;
        put_bytes(name, label);
        name += label + (name[label] == '.');
    }
    reply[reply_len++] = 0;
}

static inline unsigned type_of(const struct ask *a)
{
    size_t at = 12;
    while (a->message[at])
        at += 1u + a->message[at];
    return (unsigned)a->message[at + 1] << 8 | a->message[at + 2];
}

static inline size_t question_len(const struct ask *a)
{
    size_t at = 12;
    while (a->message[at])
        at += 1u + a->message[at];
    return at + 5 - 12;
}

/* The head, with the question as it was asked. */
static inline void begin(const struct ask *a, unsigned rcode)
{
    reply_len = 0;
    put_bytes(a->message, 2);
    put16(0x8180 | rcode);
    put16(1);
    put16(0);
    put16(0);
    put16(0);
    put_bytes(a->message + 12, question_len(a));
}

static inline void count_in(size_t section)
{
    reply[7 + 2 * section]++;
}

/* name NULL: a pointer to the question's. */
static inline void put_record(size_t section, const char *name, unsigned type, uint32_t ttl,
                              const void *data, size_t len)
{
    count_in(section);
    if (name)
        put_name(name);
    else
        put16(0xc00c);
    put16(type);
    put16(1);
    put16(ttl >> 16);
    put16(ttl & 0xffff);
    put16((unsigned)len);
    put_bytes(data, len);
}

static inline void put_a(const char *name, uint32_t ttl, uint8_t last)
{
    const uint8_t data[] = {192, 0, 2, last};
    put_record(0, name, A, ttl, data, 4);
}

static inline void put_aaaa(const char *name, uint32_t ttl, uint8_t last)
{
    const uint8_t data[16] = {0x20, 1, 0xd, 0xb8, [15] = last};
    put_record(0, name, AAAA, ttl, data, 16);
}

static inline void put_cname(const char *name, uint32_t ttl, const char *target)
{
    put_record(0, name, CNAME, ttl, "", 0);
    size_t at = reply_len;
    put_name(target);
    reply[at - 1] = (uint8_t)(reply_len - at);
}

static inline void put_soa(uint32_t ttl, uint32_t least)
{
    put_record(1, "example", SOA, ttl, "", 0);
    size_t at = reply_len;
    put_name("ns.example");
    put_name("admin.example");
    put_bytes("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 16);
    put16(least >> 16);
    put16(least & 0xffff);
    reply[at - 1] = (uint8_t)(reply_len - at);
}

static inline void deliver(const struct ask *a)
{
    /* In memory of its own, so that reading beyond is seen. */
    uint8_t *copy = memory_alloc(reply_len);
    memcpy(copy, reply, reply_len);
    dns_answer(dns, now, a->x, slice_of(copy, reply_len));
    memory_free(copy);
}

/* The latest ask of that type that is still open. */
static inline struct ask *find(unsigned type)
{
    for (size_t i = asked; i-- > 0;)
        if (!asks[i].dropped && type_of(&asks[i]) == type)
            return &asks[i];
    return NULL;
}

static inline void answer_a(uint32_t ttl, uint8_t last)
{
    struct ask *a = find(A);
    assert_non_null(a);
    begin(a, NOERROR);
    put_a(NULL, ttl, last);
    deliver(a);
}

static inline void answer_aaaa(uint32_t ttl, uint8_t last)
{
    struct ask *a = find(AAAA);
    assert_non_null(a);
    begin(a, NOERROR);
    put_aaaa(NULL, ttl, last);
    deliver(a);
}

static inline void answer_absent(unsigned type, unsigned rcode, uint32_t ttl)
{
    struct ask *a = find(type);
    assert_non_null(a);
    begin(a, rcode);
    put_soa(ttl + 480, ttl);
    deliver(a);
}

static inline void answer_nothing(unsigned type, unsigned rcode)
{
    answer_absent(type, rcode, 120);
}

/* Wants a name that nobody asked for before: its question. */
static inline struct ask *fresh(struct wish *w)
{
    static unsigned n;
    char name[32];
    snprintf(name, sizeof name, "n%u.example", n++);
    look_up(w, name);
    return find(A);
}

static inline int setup(void **state)
{
    (void)state;
    sim_reset(5);
    blocks = memory_stats().blocks;
    now = 1000 * SEC;
    asked = 0;
    open_asks = 0;
    refuse_with = OK;
    only_v6_usable = false;
    dns = dns_open(&below, NULL);
    if (!dns)
        return -1;
    dns_servers(dns, now, servers, 2, false);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    dns_close(dns);
    return open_asks == 0 && memory_stats().blocks == blocks ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
