/* The network card's rings against a backend that is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "platform/xen/net_ring.h"
#include "tests/platform/xen/pages.h"

#define ENTRIES 1024u
#define BACKEND 3u

static struct grant_entry_v1 table[ENTRIES];
static struct grants grants;
static struct net_receive receive;
static struct net_transmit transmit;
static struct net_ring_counters counters;
static struct net_arrived arrived;

static int setup(void **state)
{
    (void)state;
    memset(table, 0, sizeof table);
    memset(pages, 0, sizeof pages);
    counters = (struct net_ring_counters){0};
    grants_init(&grants, table, ENTRIES);
    for (unsigned i = 0; i < NET_RING_PAGES; i++) {
        receive.pages[i] = pages[i];
        receive.numbers[i] = grant_take(&grants);
        transmit.pages[i] = pages[NET_RING_PAGES + i];
        transmit.numbers[i] = grant_take(&grants);
    }
    net_receive_open(&receive, &grants, BACKEND, pages[2 * NET_RING_PAGES]);
    net_transmit_open(&transmit, &grants, BACKEND, pages[2 * NET_RING_PAGES + 1], true);
    ring_push(&receive.ring);
    return 0;
}

/* --- receiving --- */

static struct netif_rx_response *next_response(void)
{
    struct ring_shared *s = receive.ring.shared;
    uint32_t at = s->response_producer++ % NET_RING_PAGES;
    struct netif_rx_response *r = (void *)(s->entries + at * sizeof *r);
    *r = (struct netif_rx_response){.id = (uint16_t)at};
    return r;
}

static void respond(uint16_t offset, uint16_t flags, int16_t status)
{
    struct netif_rx_response *r = next_response();
    r->offset = offset;
    r->flags = flags;
    r->status = status;
}

static void segments_follow(uint16_t size)
{
    struct netif_extra_info *e = (void *)next_response();
    *e = (struct netif_extra_info){.type = XEN_NETIF_EXTRA_TYPE_GSO};
    e->u.gso.size = size;
}

static bool take(void)
{
    bool any = net_receive_take(&receive, &arrived, &counters);
    if (any)
        net_receive_done(&receive, &arrived);
    return any;
}

static void a_frame_arrives(void **state)
{
    (void)state;
    strcpy((char *)pages[0] + 10, "frame");
    respond(10, NETRXF_data_validated, 5);
    assert_true(net_receive_take(&receive, &arrived, &counters));
    assert_true(arrived.good);
    assert_int_equal(arrived.count, 1);
    assert_memory_equal(arrived.parts[0].ptr, "frame", 5);
    assert_int_equal(arrived.checksum, NET_CHECKSUM_GOOD);
    assert_int_equal(table[receive.numbers[0]].flags, 0); /* out of the backend's reach */
    net_receive_done(&receive, &arrived);
    assert_int_equal(table[receive.numbers[0]].flags, GTF_permit_access);
    assert_int_equal(receive.ring.requests, NET_RING_PAGES + 1);
}

static void a_merged_frame_arrives(void **state)
{
    (void)state;
    respond(0, NETRXF_csum_blank | NETRXF_extra_info | NETRXF_more_data, 4096);
    segments_follow(1448);
    respond(0, NETRXF_more_data, 4096);
    respond(0, 0, 100);
    assert_true(take());
    assert_true(arrived.good);
    assert_int_equal(arrived.count, 3);
    assert_int_equal(arrived.slots, 4);
    assert_int_equal(arrived.segment_size, 1448);
    assert_false(take());
}

static void headers_in_pieces_are_put_together(void **state)
{
    (void)state;
    memset(pages[0], 'a', 20);
    memset(pages[1], 'b', 30);
    memset(pages[2], 'c', 1000);
    respond(0, NETRXF_more_data, 20);
    respond(0, NETRXF_more_data, 30);
    respond(0, 0, 1000);
    assert_true(take());
    assert_int_equal(arrived.count, 2);
    assert_int_equal(arrived.parts[0].len, NET_HEAD_MAX);
    assert_int_equal(arrived.parts[0].ptr[19], 'a');
    assert_int_equal(arrived.parts[0].ptr[20], 'b');
    assert_int_equal(arrived.parts[0].ptr[50], 'c');
    assert_int_equal(arrived.parts[1].len, 1050 - NET_HEAD_MAX);
}

static void lengths_that_cannot_be(void **state)
{
    (void)state;
    respond(4000, 0, 97);
    respond(0, 0, -1);
    respond(0, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(take());
        assert_false(arrived.good);
    }
    assert_int_equal(counters.dropped_malformed, 2);
    assert_int_equal(counters.dropped_failed, 1);
    respond(0, 0, 60); /* and it goes on */
    assert_true(take() && arrived.good);
}

static void more_pieces_than_any_frame_has(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NET_PIECES_MAX; i++)
        respond(0, NETRXF_more_data, 100);
    respond(0, 0, 100);
    assert_true(take());
    assert_false(arrived.good);
    assert_int_equal(counters.dropped_malformed, 1);
}

static void a_page_that_is_still_held(void **state)
{
    (void)state;
    table[receive.numbers[0]].flags |= GTF_writing;
    respond(0, 0, 60);
    assert_false(take());
    assert_true(receive.ring.broken);
    assert_int_equal(counters.dropped_held, 1);
}

static void an_answer_to_another_request(void **state)
{
    (void)state;
    next_response()->id = 17;
    assert_false(take());
    assert_true(receive.ring.broken);
}

/* --- sending --- */

static const struct netif_tx_request *request(uint32_t at)
{
    return (const void *)(transmit.ring.shared->entries + at * transmit.ring.entry);
}

static void answer_sent(uint16_t id, int16_t status)
{
    struct ring_shared *s = transmit.ring.shared;
    struct netif_tx_response *r =
        (void *)(s->entries + s->response_producer++ % NET_RING_PAGES * transmit.ring.entry);
    *r = (struct netif_tx_response){.id = id, .status = status};
}

static enum err send(size_t head, size_t rest, uint16_t segment)
{
    static uint8_t bytes[70000];
    struct slice parts[2] = {slice_of(bytes, head), slice_of(bytes + head, rest)};
    struct net_frame f = {.parts = parts, .count = rest ? 2 : 1, .segment_size = segment};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    f.checksum_start = segment ? 34 : 0;
    return net_transmit_send(&transmit, &f, &counters);
}

static void a_frame_is_copied(void **state)
{
    (void)state;
    assert_int_equal(send(54, 5000, 0), OK);
    const struct netif_tx_request *first = request(0), *second = request(1);
    assert_int_equal(first->size, 5054);
    assert_int_equal(first->flags, NETTXF_more_data);
    assert_int_equal(second->size, 5054 - 4096);
    assert_int_equal(second->flags, 0);
    for (size_t i = 0; i < 5054; i++)
        assert_int_equal(pages[table[i < 4096 ? first->gref : second->gref].frame][i % 4096],
                         i % 251);
    assert_true(table[first->gref].flags & GTF_readonly);
}

static void segments_are_told(void **state)
{
    (void)state;
    assert_int_equal(send(54, 60000, 1448), OK);
    const struct netif_extra_info *extra = (const void *)request(1);
    assert_int_equal(request(0)->flags, NETTXF_more_data | NETTXF_extra_info | NETTXF_csum_blank |
                                            NETTXF_data_validated);
    assert_int_equal(extra->type, XEN_NETIF_EXTRA_TYPE_GSO);
    assert_int_equal(extra->u.gso.size, 1448);
    assert_int_equal(extra->u.gso.type, XEN_NETIF_GSO_TYPE_TCPV4);
    assert_int_equal(transmit.ring.requests, 16);
}

static void full_then_room_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NET_RING_PAGES; i++)
        assert_int_equal(send(60, 0, 0), OK);
    assert_int_equal(send(60, 0, 0), ERR_AGAIN);
    assert_int_equal(counters.refused_full, 1);
    ring_push(&transmit.ring);
    answer_sent(request(0)->id, NETIF_RSP_OKAY);
    answer_sent(request(1)->id, NETIF_RSP_DROPPED);
    assert_true(net_transmit_collect(&transmit, &counters));
    assert_int_equal(counters.dropped_failed, 1);
    assert_int_equal(send(60, 0, 0), OK);
    assert_int_equal(send(60, 0, 0), OK);
    assert_int_equal(send(60, 0, 0), ERR_AGAIN);
}

static void what_no_backend_takes(void **state)
{
    (void)state;
    assert_int_equal(send(60, 65476, 0), ERR_LIMIT);
    assert_int_equal(send(60, 65475, 0), OK);
    transmit.scatter = false;
    assert_int_equal(send(60, 4037, 0), ERR_LIMIT);
    assert_int_equal(send(60, 4036, 0), OK);
}

static void answered_twice(void **state)
{
    (void)state;
    send(60, 0, 0);
    send(60, 0, 0);
    ring_push(&transmit.ring);
    uint16_t id = request(0)->id;
    answer_sent(id, NETIF_RSP_OKAY);
    answer_sent(id, NETIF_RSP_OKAY);
    net_transmit_collect(&transmit, &counters);
    assert_true(transmit.ring.broken);
}

static void a_number_that_nobody_has(void **state)
{
    (void)state;
    send(60, 0, 0);
    ring_push(&transmit.ring);
    answer_sent(4711, NETIF_RSP_OKAY);
    net_transmit_collect(&transmit, &counters);
    assert_true(transmit.ring.broken);
    assert_int_equal(send(60, 0, 0), ERR_AGAIN);
}

static void a_number_beyond_all(void **state)
{
    (void)state;
    send(60, 0, 0);
    ring_push(&transmit.ring);
    answer_sent((uint16_t)(request(0)->id + NET_RING_PAGES), NETIF_RSP_OKAY);
    net_transmit_collect(&transmit, &counters);
    assert_true(transmit.ring.broken);
}

static void an_empty_answer_without_its_slot(void **state)
{
    (void)state;
    send(60, 0, 0);
    ring_push(&transmit.ring);
    answer_sent(0, NETIF_RSP_NULL);
    net_transmit_collect(&transmit, &counters);
    assert_true(transmit.ring.broken);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(a_frame_arrives),
        TEST(a_merged_frame_arrives),
        TEST(headers_in_pieces_are_put_together),
        TEST(lengths_that_cannot_be),
        TEST(more_pieces_than_any_frame_has),
        TEST(a_page_that_is_still_held),
        TEST(an_answer_to_another_request),
        TEST(a_frame_is_copied),
        TEST(segments_are_told),
        TEST(full_then_room_again),
        TEST(what_no_backend_takes),
        TEST(answered_twice),
        TEST(a_number_that_nobody_has),
        TEST(a_number_beyond_all),
        TEST(an_empty_answer_without_its_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
