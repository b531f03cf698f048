/* DNS: lookups against servers that answer, are silent, fail, cut, forge and lie. */
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

static enum err below_ask(void *arg, struct dns_exchange *x, struct slice message)
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

static void below_drop(void *arg, struct dns_exchange *x)
{
    struct ask *a = x->carrier;
    (void)arg;
    assert_ptr_equal(a->x, x);
    assert_false(a->dropped);
    a->dropped = true;
    open_asks--;
}

static void below_random(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static bool below_usable(void *arg, struct address a)
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

static void tell(void *owner, enum err why, const struct address *addresses, size_t count)
{
    struct wish *w = owner;
    w->told++;
    w->why = why;
    w->count = count;
    assert_int_equal(why == OK, count > 0);
    if (count)
        memcpy(w->addresses, addresses, count * sizeof *addresses);
}

static void look_up(struct wish *w, const char *name)
{
    *w = (struct wish){0};
    assert_int_equal(dns_lookup(dns, now, slice_text(name), tell, w, &w->waiter), OK);
    assert_int_equal(w->told, 0);
}

static void assert_address(const struct wish *w, size_t which, const char *text)
{
    char is[ADDRESS_TEXT_MAX];
    assert_true(which < w->count);
    address_format(w->addresses[which], is);
    assert_string_equal(is, text);
}

static void pass(uint64_t ns)
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

static void put16(unsigned v)
{
    reply[reply_len++] = (uint8_t)(v >> 8);
    reply[reply_len++] = (uint8_t)v;
}

static void put_bytes(const void *bytes, size_t len)
{
    memcpy(reply + reply_len, bytes, len);
    reply_len += len;
}

static void put_name(const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        reply[reply_len++] = (uint8_t)label;
        put_bytes(name, label);
        name += label + (name[label] == '.');
    }
    reply[reply_len++] = 0;
}

static unsigned type_of(const struct ask *a)
{
    size_t at = 12;
    while (a->message[at])
        at += 1u + a->message[at];
    return (unsigned)a->message[at + 1] << 8 | a->message[at + 2];
}

static size_t question_len(const struct ask *a)
{
    size_t at = 12;
    while (a->message[at])
        at += 1u + a->message[at];
    return at + 5 - 12;
}

/* The head, with the question as it was asked. */
static void begin(const struct ask *a, unsigned rcode)
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

static void count_in(size_t section)
{
    reply[7 + 2 * section]++;
}

/* name NULL: a pointer to the question's. */
static void put_record(size_t section, const char *name, unsigned type, uint32_t ttl,
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

static void put_a(const char *name, uint32_t ttl, uint8_t last)
{
    const uint8_t data[] = {192, 0, 2, last};
    put_record(0, name, A, ttl, data, 4);
}

static void put_aaaa(const char *name, uint32_t ttl, uint8_t last)
{
    const uint8_t data[16] = {0x20, 1, 0xd, 0xb8, [15] = last};
    put_record(0, name, AAAA, ttl, data, 16);
}

static void put_cname(const char *name, uint32_t ttl, const char *target)
{
    put_record(0, name, CNAME, ttl, "", 0);
    size_t at = reply_len;
    put_name(target);
    reply[at - 1] = (uint8_t)(reply_len - at);
}

static void put_soa(uint32_t ttl, uint32_t least)
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

static void deliver(const struct ask *a)
{
    /* In memory of its own, so that reading beyond is seen. */
    uint8_t *copy = memory_alloc(reply_len);
    memcpy(copy, reply, reply_len);
    dns_answer(dns, now, a->x, slice_of(copy, reply_len));
    memory_free(copy);
}

/* The latest ask of that type that is still open. */
static struct ask *find(unsigned type)
{
    for (size_t i = asked; i-- > 0;)
        if (!asks[i].dropped && type_of(&asks[i]) == type)
            return &asks[i];
    return NULL;
}

static void answer_a(uint32_t ttl, uint8_t last)
{
    struct ask *a = find(A);
    assert_non_null(a);
    begin(a, NOERROR);
    put_a(NULL, ttl, last);
    deliver(a);
}

static void answer_aaaa(uint32_t ttl, uint8_t last)
{
    struct ask *a = find(AAAA);
    assert_non_null(a);
    begin(a, NOERROR);
    put_aaaa(NULL, ttl, last);
    deliver(a);
}

static void answer_nothing(unsigned type, unsigned rcode)
{
    struct ask *a = find(type);
    assert_non_null(a);
    begin(a, rcode);
    put_soa(600, 120);
    deliver(a);
}

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    dns_close(dns);
    return open_asks == 0 && memory_stats().blocks == blocks ? 0 : -1;
}

/* --- answers --- */

static void test_both_families(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.told, 0);
    answer_aaaa(60, 9);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, OK);
    assert_int_equal(w.count, 2);
    assert_address(&w, 0, "2001:db8::9");
    assert_address(&w, 1, "192.0.2.7");
    assert_int_equal(dns_pending(dns), 0);
    assert_true(dns_deadline(dns) == UINT64_MAX);
}

static void test_what_can_be_reached_stands_first(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_aaaa(60, 9);
    only_v6_usable = false;
    answer_a(60, 7);
    only_v6_usable = true;
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_address(&w, 0, "2001:db8::9");
}

static void test_the_question_is_well_formed(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    const struct ask *a = find(A);
    const uint8_t head[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    const uint8_t tail[] = {0, 0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(a->message + 2, head, sizeof head);
    assert_int_equal(a->message[12], 3);
    assert_memory_equal(a->message + a->len - sizeof tail, tail, sizeof tail);
    dns_cancel(dns, w.waiter);
    assert_int_equal(open_asks, 0);
}

static void test_one_family_is_enough(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    answer_nothing(AAAA, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "192.0.2.7");
}

static void test_a_slow_family_is_not_waited_for_long(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    pass(49 * MS);
    assert_int_equal(w.told, 0);
    pass(2 * MS);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.count, 1);
    assert_int_equal(open_asks, 0);
}

static void test_names_that_are_not(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "nowhere.example");
    answer_nothing(A, NXDOMAIN);
    answer_nothing(AAAA, NXDOMAIN);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_NOT_FOUND);
}

static void test_known_without_asking(void **state)
{
    static const struct {
        const char *name, *first;
        size_t count;
    } cases[] = {{"192.0.2.3", "192.0.2.3", 1},
                 {"2001:db8::3", "2001:db8::3", 1},
                 {"localhost", "::1", 2},
                 {"LocalHost.", "::1", 2},
                 {"a.b.localhost", "::1", 2},
                 {"", NULL, 0},
                 {".", NULL, 0},
                 {"a..b", NULL, 0},
                 {"a b", NULL, 0},
                 {"b\xc3\xbc.example", NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wish w;
        look_up(&w, cases[i].name);
        assert_true(dns_deadline(dns) <= now);
        dns_expire(dns, now);
        assert_int_equal(w.told, 1);
        assert_int_equal(w.count, cases[i].count);
        if (cases[i].count)
            assert_address(&w, 0, cases[i].first);
        else
            assert_int_equal(w.why, ERR_NOT_FOUND);
    }
    assert_int_equal(asked, 0);
}

static void test_names_that_are_too_long(void **state)
{
    char name[300];
    struct wish w;
    (void)state;
    memset(name, 'a', sizeof name);
    name[64] = 0; /* one label of 64 */
    look_up(&w, name);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    for (size_t i = 0; i < 299; i++)
        name[i] = i % 60 == 59 ? '.' : 'a';
    name[253] = 0;
    look_up(&w, name);
    assert_int_equal(asked, 2);
    dns_cancel(dns, w.waiter);
    name[253] = 'a';
    name[254] = 0;
    look_up(&w, name);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    assert_int_equal(asked, 2);
}

/* --- aliases --- */

static void test_aliases_within_one_answer(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_a("c.example", 60, 7); /* in any order */
    put_a("other.example", 60, 8);
    put_cname("B.example", 60, "c.example");
    put_cname(NULL, 60, "b.example");
    deliver(a);
    answer_nothing(AAAA, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "192.0.2.7");
}

static void test_aliases_that_have_to_be_asked_for(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 60, "elsewhere.example");
    deliver(a);
    struct ask *next = find(A);
    assert_ptr_not_equal(next, a);
    assert_int_equal(next->message[12], 9);
    answer_a(60, 7);
    assert_int_equal(w.count, 1);
}

static void test_aliases_in_a_circle(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 60, "b.example");
    put_cname("b.example", 60, "www.example");
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_chain, 1);
    pass(11 * SEC);
    assert_int_equal(w.told, 1);
    assert_int_not_equal(w.why, OK);
}

static void test_aliases_without_end(void **state)
{
    struct wish w;
    unsigned hops = 0;
    (void)state;
    look_up(&w, "www.example");
    answer_nothing(AAAA, NOERROR);
    for (struct ask *a; (a = find(A)) != NULL; hops++) {
        char next[32];
        snprintf(next, sizeof next, "n%u.example", hops);
        begin(a, NOERROR);
        put_cname(NULL, 60, next);
        deliver(a);
        assert_true(hops < 20);
    }
    assert_int_equal(hops, DNS_CHAIN_MAX + 1);
    assert_int_equal(w.why, ERR_NOT_FOUND);
}

/* --- silence and failure --- */

static void test_silent_servers_are_asked_in_turn(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(9900 * MS);
    assert_in_range(asked, 5, DNS_TRIES_MAX);
    for (size_t i = 0; i + 1 < asked; i++)
        assert_memory_not_equal(&asks[i].x->server, &asks[i + 1].x->server, 16);
    assert_int_equal(w.told, 0);
    pass(200 * MS);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_TIMEOUT);
    assert_true(dns_counters(dns)->timeouts >= 4);
}

static void test_late_answers_count(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(1500 * MS);
    assert_int_equal(asked, 2);
    begin(&asks[0], NOERROR);
    put_a(NULL, 60, 7);
    deliver(&asks[0]);
    assert_int_equal(w.count, 1);
    assert_int_equal(open_asks, 0);
}

static void test_who_answers_is_asked_first(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    pass(1500 * MS);
    answer_a(60, 7); /* the second server */
    look_up(&w, "other.example");
    assert_memory_equal(&asks[asked - 1].x->server, &servers[1], 16);
    dns_cancel(dns, w.waiter);
}

static void test_a_server_that_fails_is_left_at_once(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    begin(&asks[0], SERVFAIL);
    deliver(&asks[0]);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_where_all_servers_fail(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    for (unsigned i = 0; i < 4 && !w.told; i++) {
        struct ask *a = find(A);
        begin(a, REFUSED);
        deliver(a);
        pass(1 * SEC);
    }
    assert_int_equal(w.told, 1);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_a_server_that_cannot_be_reached(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    dns_broken(dns, now, asks[0].x);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_no_way_to_any_server(void **state)
{
    struct wish w;
    (void)state;
    refuse_with = ERR_UNREACHABLE;
    look_up(&w, "www.example");
    pass(5 * SEC);
    assert_int_equal(w.told, 0); /* the network may come up */
    pass(6 * SEC);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_without_servers(void **state)
{
    struct wish w;
    (void)state;
    dns_servers(dns, now, NULL, 0, false);
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_servers_may_come_later(void **state)
{
    struct wish w;
    (void)state;
    dns_servers(dns, now, NULL, 0, true);
    look_up(&w, "www.example");
    pass(2 * SEC);
    assert_int_equal(asked, 0);
    dns_servers(dns, now, servers, 1, true);
    dns_expire(dns, now);
    assert_int_equal(asked, 2);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(w.why, OK);

    dns_servers(dns, now, NULL, 0, true);
    look_up(&w, "other.example");
    dns_servers(dns, now, NULL, 0, false);
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

/* What they answer afterwards still counts, also where it leads to another message. */
static void test_servers_that_are_gone(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    dns_servers(dns, now, NULL, 0, false);
    struct ask *a = find(A);
    begin(a, NOERROR);
    reply[2] |= 2; /* cut */
    deliver(a);
    assert_true(find(A)->x->tcp);
    begin(find(A), SERVFAIL);
    deliver(find(A));
    dns_expire(dns, now);
    pass(DNS_LOOKUP_NS);
    assert_int_equal(w.why, ERR_UNREACHABLE);
}

static void test_servers_that_do_not_know_edns(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *first = find(A);
    begin(first, FORMERR);
    reply[5] = 0; /* some do not even repeat the question */
    reply_len = 12;
    deliver(first);
    struct ask *second = find(A);
    assert_ptr_not_equal(first, second);
    assert_int_equal(second->len, first->len - 11);
    assert_int_equal(second->message[11], 0);
    assert_memory_equal(&second->x->server, &servers[0], 16);
    answer_a(60, 7);
    assert_int_equal(w.why, OK);
}

static void test_cut_answers_are_asked_for_over_tcp(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *first = find(A);
    begin(first, NOERROR);
    reply[2] |= 2;
    put_a(NULL, 60, 9); /* does not count */
    deliver(first);
    struct ask *second = find(A);
    assert_true(second->x->tcp);
    assert_memory_equal(&second->x->server, &servers[0], 16);
    begin(second, NOERROR);
    for (uint8_t i = 0; i < 100; i++)
        put_a(NULL, 60, i);
    deliver(second);
    assert_int_equal(w.count, DNS_ADDRESSES_MAX);
    assert_int_equal(dns_counters(dns)->cut, 100 - DNS_ADDRESSES_MAX);
    assert_int_equal(dns_counters(dns)->asked_tcp, 1);
}

/* --- forgers --- */

static void test_forged_answers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[0] ^= 1; /* id */
    deliver(a);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[13] = 'x'; /* name */
    deliver(a);
    begin(a, NOERROR);
    put_a(NULL, 60, 66);
    reply[2] &= 0x7f; /* a question */
    deliver(a);
    begin(a, NOERROR);
    reply[11 + question_len(a) - 2] = AAAA; /* type */
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_foreign, 4);
    assert_int_equal(w.told, 0);
    answer_a(60, 7);
    assert_address(&w, 0, "192.0.2.7");
}

/* A forger who guessed all but the case of the letters: TCP tells. */
static void test_another_case_is_settled_over_tcp(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    reply[13] ^= 0x20;
    put_a(NULL, 60, 66);
    deliver(a);
    assert_int_equal(w.told, 0);
    assert_true(find(A)->x->tcp);
    answer_a(60, 7);
    assert_address(&w, 0, "192.0.2.7");
}

static void test_ids_and_letters_are_random(void **state)
{
    unsigned different = 0, upper = 0;
    (void)state;
    dns_only_v4(dns, true);
    for (unsigned i = 0; i < 200; i++) {
        struct wish w;
        look_up(&w, "abcdefghij.example");
        dns_cancel(dns, w.waiter);
        different += i > 0 && memcmp(asks[i].message, asks[i - 1].message, 2) != 0;
        for (size_t k = 13; k < 23; k++)
            upper += asks[i].message[k] < 'a';
    }
    assert_true(different >= 197);
    assert_in_range(upper, 850, 1150);
}

/* Records that nobody asked for, or that cannot be, do not count. */
static void test_records_that_do_not_count(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    struct ask *a = find(AAAA);
    begin(a, NOERROR);
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
    put_record(0, NULL, AAAA, 60, mapped, 16);
    put_a(NULL, 60, 66);
    put_aaaa("other.example", 60, 66);
    put_aaaa(NULL, 60, 1);
    deliver(a);
    answer_nothing(A, NOERROR);
    assert_int_equal(w.count, 1);
    assert_address(&w, 0, "2001:db8::1");
}

/* --- malformed --- */

static void assert_malformed(const struct ask *a)
{
    uint64_t before = dns_counters(dns)->dropped_malformed;
    deliver(a);
    assert_int_equal(dns_counters(dns)->dropped_malformed, before + 1);
}

static struct ask *fresh(struct wish *w)
{
    static unsigned n;
    char name[32];
    snprintf(name, sizeof name, "n%u.example", n++);
    look_up(w, name);
    return find(A);
}

static void test_malformed_answers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    put_record(0, NULL, A, 60, "\1\2\3", 3);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* a name that leads to itself */
    begin(a, NOERROR);
    count_in(0);
    put16(0xc000 | (unsigned)reply_len);
    put_bytes("\0\1\0\1\0\0\0\1\0\4abcd", 14);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* forwards */
    begin(a, NOERROR);
    count_in(0);
    put16(0xc000 | (unsigned)(reply_len + 2));
    put_bytes("\0\0\1\0\1\0\0\0\1\0\4abcd", 15);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* an alias whose name is longer than its record */
    begin(a, NOERROR);
    put_record(0, NULL, CNAME, 60, "\1", 1);
    put_bytes("a\0", 2);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* more records than there are */
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    count_in(1);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);

    a = fresh(&w); /* cut anywhere */
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    size_t whole = reply_len;
    for (reply_len = 0; reply_len < whole && !a->dropped; reply_len++)
        deliver(a);
    assert_int_equal(w.told, 0);
    dns_cancel(dns, w.waiter);
}

static void test_too_many_records(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    for (unsigned i = 0; i <= DNS_RECORDS_MAX; i++)
        put_a(NULL, 60, 7);
    reply[6] = (DNS_RECORDS_MAX + 1) >> 8;
    reply[7] = (DNS_RECORDS_MAX + 1) & 0xff;
    deliver(a);
    assert_int_equal(w.told, 0);
    assert_int_equal(dns_counters(dns)->dropped_chain, 1);
    dns_cancel(dns, w.waiter);
}

/* Pointers to pointers to pointers: bounded in number. */
static void test_long_chains_of_pointers(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    struct ask *a = fresh(&w);
    begin(a, NOERROR);
    size_t at = reply_len + 11; /* the data of a first record, which is all pointers */
    uint8_t pointers[800];
    for (size_t i = 0; i < 400; i++) {
        size_t to = i ? at + 2 * (i - 1) : 12;
        pointers[2 * i] = (uint8_t)(0xc0 | to >> 8);
        pointers[2 * i + 1] = (uint8_t)to;
    }
    put_record(0, "", 99, 60, pointers, sizeof pointers);
    count_in(0);
    put16(0xc000 | (unsigned)(at + 798));
    put_bytes("\0\1\0\1\0\0\0\1\0\4abcd", 14);
    assert_malformed(a);
    dns_cancel(dns, w.waiter);
}

static void test_random_answers(void **state)
{
    struct sim_random random;
    (void)state;
    sim_random_seed(&random, 11);
    for (unsigned i = 0; i < 3000; i++) {
        struct wish w;
        asked = 0;
        dns_forget(dns);
        look_up(&w, "www.example");
        for (unsigned k = 0; k < 8; k++) {
            struct ask *a = find(k & 1 ? A : AAAA);
            if (!a)
                break;
            begin(a, (unsigned)sim_random_range(&random, 0, 3));
            put_cname(NULL, 60, "b.example");
            put_a("b.example", 60, 7);
            put_aaaa("b.example", 60, 7);
            put_soa(60, 60);
            for (uint64_t n = sim_random_range(&random, 0, 4); n > 0; n--)
                reply[sim_random_range(&random, 2, reply_len - 1)] =
                    (uint8_t)sim_random_next(&random);
            deliver(a);
            dns_expire(dns, now);
        }
        if (!w.told)
            dns_cancel(dns, w.waiter);
        dns_expire(dns, now);
        assert_int_equal(open_asks, 0);
    }
}

/* --- what is kept --- */

static void test_answers_are_kept_for_their_time(void **state)
{
    struct wish w;
    (void)state;
    look_up(&w, "www.example");
    answer_a(60, 7);
    answer_aaaa(30, 7);
    look_up(&w, "WWW.example.");
    dns_expire(dns, now);
    assert_int_equal(w.count, 2);
    assert_int_equal(asked, 2);
    assert_int_equal(dns_counters(dns)->cached, 1);
    now += 31 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 3); /* AAAA alone */
    answer_aaaa(30, 8);
    assert_int_equal(w.count, 2);
    now += 61 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 5);
    dns_cancel(dns, w.waiter);
}

static void test_the_shortest_time_of_a_chain_counts(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    struct ask *a = find(A);
    begin(a, NOERROR);
    put_cname(NULL, 5, "b.example");
    put_a("b.example", 600, 7);
    deliver(a);
    now += 6 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    dns_cancel(dns, w.waiter);
}

static void test_a_time_of_nothing_is_not_kept(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    answer_a(0, 7);
    assert_int_equal(dns_cached(dns), 0);
    look_up(&w, "www.example");
    answer_a(0x80000001, 7); /* RFC 2181, 8: as 0 */
    assert_int_equal(dns_cached(dns), 0);
}

static void test_absence_is_kept_as_its_zone_says(void **state)
{
    struct wish w;
    (void)state;
    dns_only_v4(dns, true);
    look_up(&w, "www.example");
    answer_nothing(A, NXDOMAIN); /* 120 seconds */
    now += 119 * SEC;
    look_up(&w, "www.example");
    dns_expire(dns, now);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    assert_int_equal(asked, 1);
    now += 2 * SEC;
    look_up(&w, "www.example");
    assert_int_equal(asked, 2);
    struct ask *a = find(A);
    begin(a, NXDOMAIN); /* without a zone: not kept */
    deliver(a);
    assert_int_equal(w.why, ERR_NOT_FOUND);
    look_up(&w, "www.example");
    assert_int_equal(asked, 3);
    dns_cancel(dns, w.waiter);
}

static void test_the_cache_is_bounded(void **state)
{
    (void)state;
    dns_only_v4(dns, true);
    for (unsigned i = 0; i < DNS_CACHE_MAX + 10; i++) {
        struct wish w;
        fresh(&w);
        answer_a(600, 7);
        asked = 0;
    }
    assert_int_equal(dns_cached(dns), DNS_CACHE_MAX);
    assert_int_equal(dns_counters(dns)->evicted, 10);
    dns_forget(dns);
    assert_int_equal(dns_cached(dns), 0);
}

/* --- many who ask --- */

static void test_the_same_question_is_asked_once(void **state)
{
    struct wish w[3];
    (void)state;
    look_up(&w[0], "www.example");
    look_up(&w[1], "WWW.EXAMPLE");
    look_up(&w[2], "www.example.");
    assert_int_equal(asked, 2);
    assert_int_equal(dns_counters(dns)->joined, 2);
    dns_cancel(dns, w[0].waiter);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(w[0].told, 0);
    assert_int_equal(w[1].told + w[2].told, 2);
}

static void test_lookups_are_bounded(void **state)
{
    static struct wish w[DNS_LOOKUPS_MAX];
    struct wish one_more;
    (void)state;
    for (size_t i = 0; i < DNS_LOOKUPS_MAX; i++)
        fresh(&w[i]);
    assert_int_equal(dns_lookup(dns, now, SLICE("x.example"), tell, &one_more, &one_more.waiter),
                     ERR_FULL);
    assert_int_equal(dns_counters(dns)->refused, 1);
    for (size_t i = 0; i < DNS_LOOKUPS_MAX; i++)
        dns_cancel(dns, w[i].waiter);
}

static void test_waiters_are_bounded(void **state)
{
    static struct wish w[DNS_WAITERS_MAX];
    struct wish one_more;
    (void)state;
    for (size_t i = 0; i < DNS_WAITERS_MAX; i++)
        look_up(&w[i], "www.example");
    assert_int_equal(dns_lookup(dns, now, SLICE("www.example"), tell, &one_more, &one_more.waiter),
                     ERR_FULL);
    answer_a(60, 7);
    answer_aaaa(60, 7);
    for (size_t i = 0; i < DNS_WAITERS_MAX; i++)
        assert_int_equal(w[i].told, 1);
}

/* Whoever is told may cancel the others, or ask anew. */
static struct wish *victim;

static void tell_and_cancel(void *owner, enum err why, const struct address *addresses,
                            size_t count)
{
    tell(owner, why, addresses, count);
    dns_cancel(dns, victim->waiter);
    look_up(victim, "www.example");
}

static void test_handlers_may_do_anything(void **state)
{
    struct wish first = {0}, second;
    (void)state;
    assert_int_equal(
        dns_lookup(dns, now, SLICE("www.example"), tell_and_cancel, &first, &first.waiter), OK);
    look_up(&second, "www.example");
    victim = &second;
    answer_a(60, 7);
    answer_aaaa(60, 7);
    assert_int_equal(first.told, 1);
    assert_int_equal(second.told, 0);
    dns_expire(dns, now);
    assert_int_equal(second.told, 1);
}

static void test_without_memory(void **state)
{
    struct wish w;
    (void)state;
    sim_memory_fail_nth(1);
    assert_null(dns_open(&below, NULL));
    for (uint64_t nth = 1; nth <= 2; nth++) {
        sim_memory_fail_nth(nth);
        assert_int_equal(dns_lookup(dns, now, SLICE("www.example"), tell, &w, &w.waiter),
                         ERR_MEMORY);
    }
    sim_memory_fail_nth(0);
    look_up(&w, "www.example");
    sim_memory_fail_every(1); /* nothing can be kept; the answer is told all the same */
    struct ask *a = find(A), *b = find(AAAA);
    begin(a, NOERROR);
    put_a(NULL, 60, 7);
    dns_answer(dns, now, a->x, slice_of(reply, reply_len));
    begin(b, NOERROR);
    put_aaaa(NULL, 60, 7);
    dns_answer(dns, now, b->x, slice_of(reply, reply_len));
    sim_memory_fail_nth(0);
    assert_int_equal(w.count, 2);
    assert_int_equal(dns_cached(dns), 0);
}

static void test_closing_with_lookups_under_way(void **state)
{
    struct wish w[3];
    (void)state;
    look_up(&w[0], "www.example");
    look_up(&w[1], "other.example");
    look_up(&w[2], "192.0.2.1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_families),
        TEST(test_what_can_be_reached_stands_first),
        TEST(test_the_question_is_well_formed),
        TEST(test_one_family_is_enough),
        TEST(test_a_slow_family_is_not_waited_for_long),
        TEST(test_names_that_are_not),
        TEST(test_known_without_asking),
        TEST(test_names_that_are_too_long),
        TEST(test_aliases_within_one_answer),
        TEST(test_aliases_that_have_to_be_asked_for),
        TEST(test_aliases_in_a_circle),
        TEST(test_aliases_without_end),
        TEST(test_silent_servers_are_asked_in_turn),
        TEST(test_late_answers_count),
        TEST(test_who_answers_is_asked_first),
        TEST(test_a_server_that_fails_is_left_at_once),
        TEST(test_where_all_servers_fail),
        TEST(test_a_server_that_cannot_be_reached),
        TEST(test_no_way_to_any_server),
        TEST(test_without_servers),
        TEST(test_servers_may_come_later),
        TEST(test_servers_that_are_gone),
        TEST(test_servers_that_do_not_know_edns),
        TEST(test_cut_answers_are_asked_for_over_tcp),
        TEST(test_forged_answers),
        TEST(test_another_case_is_settled_over_tcp),
        TEST(test_ids_and_letters_are_random),
        TEST(test_records_that_do_not_count),
        TEST(test_malformed_answers),
        TEST(test_too_many_records),
        TEST(test_long_chains_of_pointers),
        TEST(test_random_answers),
        TEST(test_answers_are_kept_for_their_time),
        TEST(test_the_shortest_time_of_a_chain_counts),
        TEST(test_a_time_of_nothing_is_not_kept),
        TEST(test_absence_is_kept_as_its_zone_says),
        TEST(test_the_cache_is_bounded),
        TEST(test_the_same_question_is_asked_once),
        TEST(test_lookups_are_bounded),
        TEST(test_waiters_are_bounded),
        TEST(test_handlers_may_do_anything),
        TEST(test_without_memory),
        TEST(test_closing_with_lookups_under_way),
    };
    return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
