/* A network card of Xen, whole, with backends, a store and a machine that are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platform/xen/net.h"
#include "platform/xen/net_ring.h"
#include "tests/platform/xen/dom0.h"

#define FRONT      "device/vif/0"
#define CARD_PAGES (2 * NET_RING_PAGES + 2)

static struct net *card;
static unsigned frames, ups, downs;

static void on_frame(void *owner, const struct net_arrival *a)
{
    (void)owner;
    frames += a->count == 1;
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_link(void *owner, bool up)
{
    (void)owner;
    ups += up;
    downs += !up;
}

static int setup(void **state)
{
    (void)state;
    dom0_begin_device(FRONT);
    dom0_set(FRONT "/mac", "00:16:3e:00:00:02");
    dom0_set("/b/feature-rx-copy", "1");
    dom0_set("/b/feature-sg", "1");
    dom0_set("/b/feature-gso-tcpv4", "1");
    dom0_set("/b/feature-gso-tcpv6", "1");
    dom0_set("/b/feature-ipv6-csum-offload", "1");
    dom0_set("/b/feature-split-event-channels", "1");
    dom0_set("/b/multi-queue-max-queues", "4");
    frames = ups = downs = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dom0_end_device(card);
    card = NULL;
    return 0;
}

static void open(void)
{
    static const struct net_events events = {on_frame, on_room, on_link};
    card = xen_net_open(0);
    if (card)
        net_own(card, &events, NULL);
}

static enum err send(size_t size, uint16_t segment)
{
    static const uint8_t bytes[NET_SEND_MAX];
    struct slice parts[2] = {slice_of(bytes, 54), slice_of(bytes, size - 54)};
    struct net_frame f = {.parts = parts, .count = 2, .segment_size = segment, .head_size = 54};
    f.checksum_start = segment ? 34 : 0;
    return net_send(card, &f);
}

/* --- the backend's side of the rings --- */

static struct ring_shared *ring(const char *name)
{
    return (struct ring_shared *)(void *)dom0_page(dom0_told(name));
}

static void deliver(uint16_t id_off, int16_t status)
{
    struct ring_shared *s = ring("rx-ring-ref");
    uint16_t at = (uint16_t)(s->response_producer++ % NET_RING_PAGES);
    struct netif_rx_response r = {.id = (uint16_t)(at + id_off), .status = status};
    memcpy(s->entries + at * sizeof r, &r, sizeof r);
}

/* The backend has sent what it was given, and says so where that is wanted. True: it was. */
static bool send_all(void)
{
    struct ring_shared *s = ring("tx-ring-ref");
    uint32_t before = s->response_producer;
    while (s->response_producer != s->request_producer) {
        uint32_t at = s->response_producer++ % NET_RING_PAGES;
        uint8_t *entry = s->entries + at * sizeof(union netif_tx_sring_entry);
        struct netif_tx_request q;
        memcpy(&q, entry, sizeof q);
        struct netif_tx_response r = {.id = q.id, .status = NETIF_RSP_OKAY};
        memcpy(entry, &r, sizeof r);
    }
    return s->response_producer - s->response_event < s->response_producer - before;
}

static void hold_all(void)
{
    for (uint32_t i = 0; i < DOM0_GRANTS; i++)
        if (dom0.table[i].flags & GTF_permit_access)
            dom0.table[i].flags |= GTF_reading;
}

/* --- it comes up --- */

static void comes_up(void **state)
{
    (void)state;
    open();
    assert_non_null(card);
    assert_true(net_link(card));
    assert_int_equal(card->features.mtu, 1500);
    assert_memory_equal(card->features.mac, "\0\x16\x3e\0\0\2", 6);
    assert_int_equal(card->features.offloads,
                     NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6);
    assert_int_not_equal(dom0_told("event-channel-tx"), dom0_told("event-channel-rx"));
    assert_int_equal(dom0_told("multi-queue-num-queues"), 1);
    assert_int_equal(dom0.grants.used, CARD_PAGES);
    deliver(0, 60);
    dom0_turn();
    assert_int_equal(frames, 1);
    assert_int_equal(send(60000, 1448), OK);
}

/* All frames that were taken reach the backend before the domain ends, and who waits for that is woken. */
static void the_last_frames_are_waited_for(void **state)
{
    (void)state;
    open();
    assert_true(net_drained(card));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(send(60, 0), OK);
        dom0_turn();
        (void)dom0.poll->await(dom0.poll);
        assert_int_equal(send_all(), i == 0); /* as a new ring has it */
        dom0_turn();
    }
    assert_int_equal(send(60, 0), OK);
    assert_false(net_drained(card));
    dom0_turn();
    assert_false(net_drained(card));
    assert_false(dom0.poll->await(dom0.poll));
    assert_true(send_all());
    dom0_turn();
    assert_true(net_drained(card));
    assert_int_equal(send(60, 0), OK);
    dom0_set("/b/state", "6"); /* it will never say so */
    dom0_turn();
    assert_true(net_drained(card));
}

/* --- a backend that refuses --- */

static void without_copies_there_is_no_card(void **state)
{
    (void)state;
    dom0_set("/b/feature-rx-copy", "0");
    open();
    assert_non_null(card);
    assert_false(net_link(card));
    assert_true(dom0_heard("vif 0: its backend does not copy (feature-rx-copy)"));
    assert_string_equal(dom0_get(FRONT "/tx-ring-ref"), "");
    assert_int_equal(send(60, 0), ERR_UNREACHABLE);
    dom0_set("/b/feature-rx-copy", "1"); /* another program has the backend now */
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(net_link(card));
}

static void what_is_not_offered_is_not_used(void **state)
{
    static const struct {
        const char *without;
        uint32_t offloads;
        enum err big;
    } cases[] = {
        {"/b/feature-sg", NET_SENDS_CHECKSUMS, ERR_LIMIT},
        {"/b/feature-gso-tcpv4", NET_SENDS_CHECKSUMS | NET_SEGMENTS_V6, OK},
        {"/b/feature-gso-tcpv6", NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4, OK},
        {"/b/feature-ipv6-csum-offload", 0, OK},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        setup(state);
        dom0_set(cases[i / 2].without, i % 2 ? NULL : "0");
        open();
        assert_true(net_link(card));
        assert_int_equal(card->features.offloads, cases[i / 2].offloads);
        assert_int_equal(send(5000, 0), cases[i / 2].big);
        assert_int_equal(send(1514, 0), OK);
        teardown(state);
    }
}

static void one_channel_and_no_queues(void **state)
{
    (void)state;
    dom0_set("/b/feature-split-event-channels", NULL);
    dom0_set("/b/multi-queue-max-queues", NULL);
    open();
    assert_true(net_link(card));
    assert_int_not_equal(dom0_told("event-channel"), 0);
    assert_string_equal(dom0_get(FRONT "/event-channel-tx"), "");
    assert_string_equal(dom0_get(FRONT "/multi-queue-num-queues"), "");
    assert_int_equal(dom0.channels, 1);
}

static void what_it_offers_may_change_when_it_comes_back(void **state)
{
    (void)state;
    open();
    dom0_set("/b/state", "6");
    dom0_set("/b/feature-gso-tcpv4", "0");
    dom0_set("/b/feature-gso-tcpv6", "nonsense");
    dom0_wait(CLOCK_SEC);
    assert_true(net_link(card));
    assert_int_equal(downs, 1);
    assert_int_equal(card->features.offloads, NET_SENDS_CHECKSUMS);
    assert_int_equal(dom0.channels, 2);
    assert_int_equal(dom0.grants.used, CARD_PAGES);
    assert_int_equal(dom0.pages, CARD_PAGES);
}

/* --- one that is not there, or does not answer --- */

static void no_device(void **state)
{
    (void)state;
    dom0_set(FRONT "/backend", NULL);
    uint64_t from = clock_monotonic();
    open();
    assert_null(card);
    assert_int_equal(clock_monotonic(), from);
    assert_int_equal(dom0.pages, 0);
}

static void a_silent_backend(void **state)
{
    (void)state;
    dom0.backend = NULL;
    uint64_t from = clock_monotonic();
    open();
    assert_int_equal(clock_monotonic() - from, FRONT_DEADLINE);
    assert_non_null(card); /* the program starts without */
    assert_true(dom0_heard("vif 0: its backend is not there yet"));
    assert_int_equal(send(60, 0), ERR_UNREACHABLE);
    dom0_wait(CLOCK_SEC);
    dom0.backend = dom0_mean_well;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(net_link(card));
    assert_int_equal(ups, 1);
}

/* --- one that breaks the rules --- */

static void restarted(void)
{
    assert_true(dom0.poll->run(dom0.poll)); /* the loop comes round: somebody was told */
    assert_true(dom0_heard("vif 0: the backend breaks the rules of its rings: starting it again"));
    assert_false(net_link(card));
    dom0_wait(2 * FRONT_PAUSE);
    assert_true(net_link(card));
    deliver(0, 60);
    dom0_turn();
    assert_int_equal(frames, 1);
    frames = 0;
}

static void broken_rings_are_begun_again(void **state)
{
    (void)state;
    open();
    deliver(1, 60); /* another's number */
    restarted();
    ring("rx-ring-ref")->response_producer += NET_RING_PAGES + 1; /* ahead of what it was asked */
    restarted();
    ring("tx-ring-ref")->response_producer++; /* done with what it never had */
    restarted();
    assert_int_equal(dom0.grants.used, CARD_PAGES);
}

/* Pages that it does not let go of are never used again; after so many no more are given. */
static void pages_that_are_kept(void **state)
{
    (void)state;
    open();
    for (unsigned sets = 2; sets <= 4; sets++) {
        assert_true(net_link(card));
        hold_all();
        dom0_set("/b/state", "6");
        dom0_wait(CLOCK_SEC);
        assert_int_equal(dom0.pages, (sets < 4 ? sets : 3) * CARD_PAGES);
        assert_int_equal(dom0.grants.used, dom0.pages);
    }
    assert_false(net_link(card));
    assert_true(dom0_heard("vif 0: its backends kept too many pages"));
}

/* --- what Xen or the machine has not --- */

static uint32_t take_grants(uint32_t *numbers, uint32_t but)
{
    uint32_t count = 0;
    while (dom0.grants.free_count > but)
        numbers[count++] = grant_take(&dom0.grants);
    return count;
}

static void a_full_grant_table(void **state)
{
    uint32_t numbers[DOM0_GRANTS];
    (void)state;
    uint32_t count = take_grants(numbers, CARD_PAGES - 1);
    open();
    assert_non_null(card);
    assert_false(net_link(card));
    assert_true(dom0_heard("vif 0: no memory, or no grants, for its rings"));
    assert_true(dom0.grants.refused);
    assert_int_equal(dom0.channels, 0);
    dom0_wait(3 * FRONT_DEADLINE);
    assert_true(dom0_heard("vif 0: no memory, or no grants, for its rings"));
    assert_int_equal(dom0.pages, CARD_PAGES - 1); /* the same, however often it is tried */
    grant_return(&dom0.grants, numbers[count - 1]);
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(net_link(card));
}

static void no_memory(void **state)
{
    (void)state;
    dom0.no_memory = true;
    open();
    assert_true(dom0_heard("vif 0: no memory, or no grants, for its rings"));
    dom0.no_memory = false;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(net_link(card));
    assert_int_equal(dom0.grants.used, CARD_PAGES);
}

static void no_channels(void **state)
{
    (void)state;
    dom0.no_channels = true;
    open();
    assert_true(dom0_heard("vif 0: no event channels"));
    dom0.no_channels = false;
    dom0_wait(2 * FRONT_DEADLINE);
    assert_true(net_link(card));
    assert_int_equal(dom0.channels, 2);
}

/* --- nodes --- */

static void an_address_that_is_none(void **state)
{
    static const char *const wrong[] = {NULL,
                                        "",
                                        "00:16:3e:00:00",
                                        "00:16:3e:00:00:02:03",
                                        "00:16:3e:00:00:0x",
                                        "01:16:3e:00:00:02",
                                        "00:16:3e:00:00:002",
                                        "0016:3e:00:00:02"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setup(state);
        dom0_set(FRONT "/mac", wrong[i]);
        open();
        assert_null(card);
        assert_null(dom0.front);
        assert_true(dom0_heard("vif 0: the store has no address for it (mac): it is not used"));
        assert_int_equal(dom0.grants.used, 0);
        assert_int_equal(dom0.pages, 0);
        assert_int_equal(dom0.channels, 0);
    }
}

static void an_mtu_that_is_none(void **state)
{
    static const struct {
        const char *node;
        unsigned mtu;
    } cases[] = {{"9000", 9000}, {"nonsense", 1500}, {"-1", 1500}, {"65535", 1500}, {"68", 1500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setup(state);
        dom0_set(FRONT "/mtu", cases[i].node);
        open();
        assert_int_equal(card->features.mtu, cases[i].mtu);
        teardown(state);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(comes_up),
        TEST(the_last_frames_are_waited_for),
        TEST(without_copies_there_is_no_card),
        TEST(what_is_not_offered_is_not_used),
        TEST(one_channel_and_no_queues),
        TEST(what_it_offers_may_change_when_it_comes_back),
        TEST(no_device),
        TEST(a_silent_backend),
        TEST(broken_rings_are_begun_again),
        TEST(pages_that_are_kept),
        TEST(a_full_grant_table),
        TEST(no_memory),
        TEST(no_channels),
        TEST(an_address_that_is_none),
        TEST(an_mtu_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
