/* UDP: ports, remotes, what is malformed, what is lent to the card, and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/udp/udp.h"
#include "platform/sim/sim.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

#define OURS   ((struct address){{[10] = 0xff, 0xff, 192, 0, 2, 1}})
#define THEIRS ((struct address){{[10] = 0xff, 0xff, 192, 0, 2, 9}})

/* --- the world below --- */

static struct {
    uint64_t sent, completed;
    enum err answer;
    bool no_way;
    struct ip_packet last;
    uint8_t header[64];
    uint8_t payload[2048];
    size_t payload_len;
} card;

static enum err below_send(void *arg, const struct ip_packet *p)
{
    (void)arg;
    if (card.answer)
        return card.answer;
    card.sent++;
    card.last = *p;
    memcpy(card.header, p->header.ptr, p->header.len);
    card.payload_len = p->payload_count ? p->payload[0].len : 0;
    if (card.payload_len <= sizeof card.payload && card.payload_len)
        memcpy(card.payload, p->payload[0].ptr, card.payload_len);
    return OK;
}

static uint64_t below_sent(void *arg)
{
    (void)arg;
    return card.sent;
}

static uint64_t below_completed(void *arg)
{
    (void)arg;
    return card.completed;
}

static bool below_source(void *arg, struct address destination, struct address *source)
{
    (void)arg;
    (void)destination;
    *source = OURS;
    return !card.no_way;
}

static void below_random(void *arg, void *into, size_t len)
{
    (void)arg;
    entropy_fill(into, len);
}

static const struct udp_below below = {.send = below_send,
                                       .sent = below_sent,
                                       .completed = below_completed,
                                       .source = below_source,
                                       .random = below_random};

/* --- a socket's owner --- */

static struct {
    unsigned datagrams, complaints;
    struct endpoint from;
    uint8_t bytes[70000];
    size_t len;
    struct udp_socket *unbind; /* in the handler */
} heard;

static void on_datagram(void *owner, const struct udp_datagram *d)
{
    (void)owner;
    heard.datagrams++;
    heard.from = d->from;
    heard.len = d->bytes.len;
    if (d->bytes.len)
        memcpy(heard.bytes, d->bytes.ptr, d->bytes.len);
    if (heard.unbind)
        udp_unbind(heard.unbind);
    heard.unbind = NULL;
}

static void on_complaint(void *owner, struct endpoint remote, const struct ip_complaint *c)
{
    (void)owner;
    (void)c;
    heard.complaints++;
    heard.from = remote;
}

static const struct udp_events events = {on_datagram, on_complaint};
static struct udp *udp;
static uint64_t blocks;

static int setup(void **state)
{
    (void)state;
    sim_reset(1);
    blocks = memory_stats().blocks;
    memset(&card, 0, sizeof card);
    memset(&heard, 0, sizeof heard);
    card.completed = UINT64_MAX;
    udp = udp_open(&below, NULL);
    return udp ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sim_memory_fail_nth(0);
    udp_close(udp);
    return memory_stats().blocks == blocks ? 0 : -1;
}

static struct udp_socket *bound(uint16_t port, struct endpoint remote)
{
    struct udp_socket *s = NULL;
    struct endpoint local = {.address = ADDRESS_ANY, .port = port};
    assert_int_equal(udp_bind(udp, local, remote, &events, NULL, &s), OK);
    return s;
}

static const struct endpoint ANYBODY = {{{0}}, 0, 0};

static enum err arrive_in(const struct slice *parts, size_t count, bool to_many)
{
    struct ip_arrival a = {.source = THEIRS,
                           .destination = to_many ? address_v4(192, 0, 2, 255) : OURS,
                           .protocol = IP_UDP,
                           .to_many = to_many,
                           .parts = parts,
                           .count = count};
    return udp_input(udp, &a);
}

static enum err arrive(uint16_t from, uint16_t to, size_t says, const char *text, size_t len)
{
    uint8_t packet[256] = {(uint8_t)(from >> 8), (uint8_t)from,        (uint8_t)(to >> 8),
                           (uint8_t)to,          (uint8_t)(says >> 8), (uint8_t)says};
    memcpy(packet + 8, text, len);
    struct slice part = slice_of(packet, 8 + len);
    return arrive_in(&part, 1, false);
}

/* --- tests --- */

static void test_a_datagram_goes_out_and_comes_in(void **state)
{
    struct udp_socket *s = bound(0, ANYBODY);
    uint16_t port = udp_port(s);
    (void)state;
    assert_in_range(port, UDP_EPHEMERAL_FIRST, UDP_EPHEMERAL_LAST);
    struct endpoint to = {.address = THEIRS, .port = 53};
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("question")), OK);
    const uint8_t header[] = {(uint8_t)(port >> 8), (uint8_t)port, 0, 53, 0, 16, 0, 0};
    assert_memory_equal(card.header, header, sizeof header);
    assert_int_equal(card.last.checksum_at, 6);
    assert_memory_equal(&card.last.source, &OURS, sizeof(struct address));
    assert_memory_equal(card.payload, "question", 8);

    assert_int_equal(arrive(53, port, 14, "answer", 6), OK);
    assert_int_equal(heard.datagrams, 1);
    assert_int_equal(heard.from.port, 53);
    assert_int_equal(heard.len, 6);
    assert_memory_equal(heard.bytes, "answer", 6);
    udp_unbind(s);
}

static void test_empty_datagrams_are_datagrams(void **state)
{
    struct udp_socket *s = bound(9, ANYBODY);
    (void)state;
    assert_int_equal(udp_send(s, ADDRESS_ANY, (struct endpoint){THEIRS, 9, 0}, SLICE("")), OK);
    assert_int_equal(card.last.payload_count, 0);
    assert_int_equal(arrive(1, 9, 8, "", 0), OK);
    assert_int_equal(heard.datagrams, 1);
    assert_int_equal(heard.len, 0);
    udp_unbind(s);
}

static void test_the_length_in_the_header_counts(void **state)
{
    struct udp_socket *s = bound(9, ANYBODY);
    (void)state;
    assert_int_equal(arrive(1, 9, 10, "ab padding", 10), OK);
    assert_int_equal(heard.len, 2);
    assert_int_equal(arrive(1, 9, 7, "x", 1), ERR_MALFORMED);
    assert_int_equal(arrive(1, 9, 0, "x", 1), ERR_MALFORMED);
    assert_int_equal(arrive(1, 9, 10, "x", 1), ERR_MALFORMED);
    struct slice shorter = SLICE("\0\1\0\11\0\10\0");
    assert_int_equal(arrive_in(&shorter, 1, false), ERR_MALFORMED);
    assert_int_equal(arrive_in(NULL, 0, false), ERR_MALFORMED);
    assert_int_equal(udp_counters(udp)->dropped_malformed, 5);
    assert_int_equal(heard.datagrams, 1);
    udp_unbind(s);
}

static void test_parts_are_joined(void **state)
{
    struct udp_socket *s = bound(9, ANYBODY);
    const struct slice parts[] = {SLICE("\0\1\0\11\0\16\0\0ab"), SLICE("c"), SLICE("def")};
    (void)state;
    assert_int_equal(arrive_in(parts, 3, false), OK);
    assert_int_equal(heard.len, 6);
    assert_memory_equal(heard.bytes, "abcdef", 6);
    assert_int_equal(arrive_in(parts, 2, false), ERR_MALFORMED);
    sim_memory_fail_nth(1);
    assert_int_equal(arrive_in(parts, 3, false), ERR_MEMORY);
    assert_int_equal(udp_counters(udp)->dropped_memory, 1);
    udp_unbind(s);
}

static void test_only_the_bound_remote_is_heard(void **state)
{
    struct udp_socket *s = bound(0, (struct endpoint){THEIRS, 53, 0});
    (void)state;
    assert_int_equal(arrive(54, udp_port(s), 9, "x", 1), OK);
    assert_int_equal(heard.datagrams, 0);
    assert_int_equal(udp_counters(udp)->dropped_remote, 1);
    assert_int_equal(arrive(53, udp_port(s), 9, "x", 1), OK);
    assert_int_equal(heard.datagrams, 1);
    udp_unbind(s);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(arrive(53, 4000, 9, "x", 1), ERR_REFUSED);
    assert_int_equal(udp_counters(udp)->dropped_no_port, 1);
}

static void test_ports_are_taken_once(void **state)
{
    struct udp_socket *s = bound(68, ANYBODY), *other;
    struct endpoint local = {.address = OURS, .port = 68};
    (void)state;
    assert_int_equal(udp_bind(udp, local, ANYBODY, &events, NULL, &other), ERR_EXISTS);
    udp_unbind(s);
    assert_int_equal(udp_bind(udp, local, ANYBODY, &events, NULL, &s), OK);
    local.address = address_v4(192, 0, 2, 2);
    assert_int_equal(udp_bind(udp, local, ANYBODY, &events, NULL, &other), OK);
    assert_int_equal(arrive(67, 68, 9, "x", 1), OK);
    assert_int_equal(heard.datagrams, 1);
    udp_unbind(s);
    assert_int_equal(arrive(67, 68, 9, "x", 1), ERR_REFUSED);
    udp_unbind(other);
}

static void test_broadcasts_reach_a_particular_socket(void **state)
{
    struct udp_socket *s;
    struct endpoint local = {.address = OURS, .port = 68};
    struct slice packet = SLICE("\0\103\0\104\0\11\0\0x");
    (void)state;
    assert_int_equal(udp_bind(udp, local, ANYBODY, &events, NULL, &s), OK);
    assert_int_equal(arrive_in(&packet, 1, true), OK);
    assert_int_equal(heard.datagrams, 1);
    udp_unbind(s);
}

static void test_sockets_are_bounded(void **state)
{
    static struct udp_socket *all[UDP_SOCKETS_MAX];
    struct udp_socket *one;
    struct endpoint local = {.address = ADDRESS_ANY};
    (void)state;
    for (size_t i = 0; i < UDP_SOCKETS_MAX; i++)
        all[i] = bound(0, ANYBODY);
    assert_int_equal(udp_bind(udp, local, ANYBODY, &events, NULL, &one), ERR_FULL);
    assert_int_equal(udp_counters(udp)->refused_sockets, 1);
    for (size_t i = 0; i < UDP_SOCKETS_MAX; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(udp_port(all[i]), udp_port(all[k]));
    for (size_t i = 0; i < UDP_SOCKETS_MAX; i++)
        udp_unbind(all[i]);
}

/* Ports do not follow from those before: of many, few are neighbours. */
static void test_ports_are_random(void **state)
{
    unsigned near = 0;
    uint16_t before = 0;
    (void)state;
    for (size_t i = 0; i < 500; i++) {
        struct udp_socket *s = bound(0, ANYBODY);
        int apart = udp_port(s) - before;
        near += apart > -50 && apart < 50;
        before = udp_port(s);
        udp_unbind(s);
    }
    assert_in_range(near, 0, 15);
}

static void test_payloads_stay_while_the_card_has_them(void **state)
{
    struct udp_socket *s = bound(0, ANYBODY);
    struct endpoint to = {.address = THEIRS, .port = 53};
    (void)state;
    card.completed = 0;
    for (size_t i = 0; i < UDP_LENT_MAX; i++)
        assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), OK);
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), ERR_FULL);
    assert_int_equal(udp_counters(udp)->refused_lent, 1);
    card.completed = 10;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), OK);
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), ERR_FULL);
    udp_unbind(s); /* what the card has stays until the end */
}

static void test_sends_that_fail(void **state)
{
    static uint8_t large[UDP_PAYLOAD_MAX + 1];
    struct udp_socket *s = bound(0, ANYBODY);
    struct endpoint to = {.address = THEIRS, .port = 53};
    (void)state;
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, slice_of(large, sizeof large)), ERR_LIMIT);
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, slice_of(large, sizeof large - 1)), OK);
    card.no_way = true;
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), ERR_UNREACHABLE);
    assert_int_equal(udp_send(s, address_v4(0, 0, 0, 0), to, SLICE("x")), OK);
    card.no_way = false;
    card.answer = ERR_AGAIN;
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), ERR_AGAIN);
    assert_int_equal(udp_counters(udp)->unsent, 1);
    card.answer = OK;
    sim_memory_fail_nth(1);
    assert_int_equal(udp_send(s, ADDRESS_ANY, to, SLICE("x")), ERR_MEMORY);
    udp_unbind(s);
}

static void test_complaints_reach_their_socket(void **state)
{
    struct udp_socket *s = bound(4000, (struct endpoint){THEIRS, 53, 0});
    struct ip_complaint c = {.why = IP_ERROR_REFUSED,
                             .source = OURS,
                             .destination = THEIRS,
                             .protocol = IP_UDP,
                             .header = SLICE_INIT("\x0f\xa0\0\65\0\11\0\0")};
    (void)state;
    udp_complain(udp, &c);
    assert_int_equal(heard.complaints, 1);
    assert_int_equal(heard.from.port, 53);
    c.destination = address_v4(192, 0, 2, 10); /* of somebody whom we did not ask */
    udp_complain(udp, &c);
    c.header = SLICE("\x0f\xa1\0\65\0\11\0\0"); /* another port */
    udp_complain(udp, &c);
    c.header = SLICE("\x0f");
    udp_complain(udp, &c);
    assert_int_equal(heard.complaints, 1);
    udp_unbind(s);
}

static void test_a_handler_may_unbind(void **state)
{
    const struct slice parts[] = {SLICE("\0\1\0\11\0\12\0\0a"), SLICE("b")};
    (void)state;
    heard.unbind = bound(9, ANYBODY);
    assert_int_equal(arrive_in(parts, 2, false), OK);
    assert_int_equal(heard.datagrams, 1);
    assert_int_equal(arrive_in(parts, 2, false), ERR_REFUSED);
}

static void test_without_memory_nothing_opens(void **state)
{
    struct udp_socket *s;
    (void)state;
    sim_memory_fail_nth(1);
    assert_null(udp_open(&below, NULL));
    sim_memory_fail_nth(1);
    assert_int_equal(udp_bind(udp, (struct endpoint){.port = 9}, ANYBODY, &events, NULL, &s),
                     ERR_MEMORY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_datagram_goes_out_and_comes_in),
        TEST(test_empty_datagrams_are_datagrams),
        TEST(test_the_length_in_the_header_counts),
        TEST(test_parts_are_joined),
        TEST(test_only_the_bound_remote_is_heard),
        TEST(test_nobody_listens),
        TEST(test_ports_are_taken_once),
        TEST(test_broadcasts_reach_a_particular_socket),
        TEST(test_sockets_are_bounded),
        TEST(test_ports_are_random),
        TEST(test_payloads_stay_while_the_card_has_them),
        TEST(test_sends_that_fail),
        TEST(test_complaints_reach_their_socket),
        TEST(test_a_handler_may_unbind),
        TEST(test_without_memory_nothing_opens),
    };
    return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
