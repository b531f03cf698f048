/*
 * The card over a TAP, in a network namespace of the test's own; the other end is a packet socket
 * on the device. Left out, with a line, where that is not permitted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/process/tap.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#define PATIENCE (5 * CLOCK_SEC)

static struct {
    struct net *card;
    int other; /* the packet socket */
    unsigned frames, rooms, links;
    bool up;
    uint8_t bytes[NET_FRAME_MAX];
    size_t len;
    enum net_checksum checksum;
    uint16_t segment_size;
} w;

static void shell(const char *command)
{
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        abort();
    }
}

static void on_frame(void *owner, const struct net_arrival *a)
{
    (void)owner;
    assert_int_equal(a->count, 1);
    /* What the kernel itself says there (router solicitations, MLD) is not ours. */
    if (a->parts[0].len < 14 || a->parts[0].ptr[12] != 0x88 || a->parts[0].ptr[13] != 0xb5)
        return;
    w.frames++;
    w.len = a->parts[0].len;
    memcpy(w.bytes, a->parts[0].ptr, w.len);
    w.checksum = a->checksum;
    w.segment_size = a->segment_size;
}

static void on_room(void *owner)
{
    (void)owner;
    w.rooms++;
}

static void on_link(void *owner, bool up)
{
    (void)owner;
    w.links++;
    w.up = up;
}

static const struct net_events events = {on_frame, on_room, on_link};

static enum err try_open(const char *name, char line[256])
{
    struct buf error;
    struct net *n = NULL;
    buf_init(&error, 255);
    enum err e = tap_open(slice_text(name), &n, &error);
    memcpy(line, error.ptr ? (const char *)error.ptr : "", error.len);
    line[error.len] = 0;
    buf_deinit(&error);
    if (!e)
        w.card = n;
    return e;
}

static int setup(void **state)
{
    char line[256];
    (void)state;
    shell("ip tuntap add tap0 mode tap vnet_hdr && ip link set tap0 up");
    memset(&w, 0, sizeof w);
    if (try_open("tap0", line) != OK) {
        fprintf(stderr, "%s\n", line);
        return -1;
    }
    net_own(w.card, &events, NULL);
    w.other = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x88b5));
    struct sockaddr_ll here = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(0x88b5),
                               .sll_ifindex = (int)if_nametoindex("tap0")};
    return bind(w.other, (struct sockaddr *)&here, sizeof here);
}

static int teardown(void **state)
{
    (void)state;
    close(w.other);
    if (w.card)
        tap_close(w.card);
    return system("ip link del tap0 2>/dev/null") < 0;
}

static void rounds(unsigned until_frames, unsigned until_links)
{
    for (uint64_t end = clock_monotonic() + PATIENCE;
         (w.frames < until_frames || w.links < until_links) && clock_monotonic() < end;)
        loop_round(clock_monotonic() + 20 * CLOCK_MS);
    assert_true(w.frames >= until_frames && w.links >= until_links);
}

/* An Ethernet frame of the type for local experiments. */
static size_t make_frame(uint8_t *into, size_t payload)
{
    memset(into, 0xff, 6);
    memcpy(into + 6, "\2\0\0\0\0\1\x88\xb5", 8);
    for (size_t i = 0; i < payload; i++)
        into[14 + i] = (uint8_t)(i * 7);
    return 14 + payload;
}

static enum err send_frame(const uint8_t *bytes, size_t len, size_t first)
{
    const struct slice parts[] = {slice_of(bytes, first), slice_of(bytes + first, len - first)};
    struct net_frame f = {.parts = parts, .count = 2};
    return net_send(w.card, &f);
}

/* --- tests --- */

static void test_what_the_card_offers(void **state)
{
    static const uint8_t none[NET_MAC_SIZE];
    const struct net_features *f = &w.card->features;
    (void)state;
    assert_int_equal(f->mtu, 1500);
    assert_int_equal(f->offloads,
                     NET_SENDS_CHECKSUMS | NET_SEGMENTS_V4 | NET_SEGMENTS_V6 | NET_SEGMENTS_ECN);
    assert_int_equal(f->mac[0] & 3, 2); /* local, of one station */
    assert_memory_not_equal(f->mac, none, NET_MAC_SIZE);
    assert_true(net_link(w.card));
}

static void test_the_same_address_at_every_start(void **state)
{
    uint8_t before[NET_MAC_SIZE];
    char line[256];
    (void)state;
    memcpy(before, w.card->features.mac, sizeof before);
    tap_close(w.card);
    assert_int_equal(try_open("tap0", line), OK);
    assert_memory_equal(w.card->features.mac, before, sizeof before);
}

static void test_frames_in_parts_go_out_whole(void **state)
{
    uint8_t frame[1514], seen[2000];
    size_t len = make_frame(frame, 1500);
    (void)state;
    assert_int_equal(send_frame(frame, len, 40), OK);
    assert_int_equal(w.card->sent, 1);
    assert_int_equal(net_completed(w.card), 1);
    struct pollfd p = {.fd = w.other, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(recv(w.other, seen, sizeof seen, 0), len);
    assert_memory_equal(seen, frame, len);
    assert_int_equal(tap_counters(w.card).sent, 1);
    assert_int_equal(tap_counters(w.card).sent_bytes, len);
}

static void test_frames_come_in(void **state)
{
    uint8_t frame[1514];
    size_t len = make_frame(frame, 1000);
    (void)state;
    assert_int_equal(send(w.other, frame, len, 0), len);
    rounds(1, 0);
    assert_int_equal(w.len, len);
    assert_memory_equal(w.bytes, frame, len);
    assert_int_equal(w.checksum, NET_CHECKSUM_UNKNOWN);
    assert_int_equal(w.segment_size, 0);
}

static void test_many_frames_come_in_over_several_turns(void **state)
{
    uint8_t frame[64];
    size_t len = make_frame(frame, 50);
    (void)state;
    for (unsigned i = 0; i < 3 * TAP_FRAMES_ONCE; i++)
        assert_int_equal(send(w.other, frame, len, 0), len);
    loop_round(clock_monotonic() + PATIENCE);
    assert_in_range(w.frames, 1, TAP_FRAMES_ONCE);
    rounds(3 * TAP_FRAMES_ONCE, 0);
}

static void test_nobody_wants_them(void **state)
{
    uint8_t frame[64];
    size_t len = make_frame(frame, 50);
    (void)state;
    net_own(w.card, NULL, NULL);
    assert_int_equal(send(w.other, frame, len, 0), len);
    for (uint64_t end = clock_monotonic() + PATIENCE;
         tap_counters(w.card).dropped_unowned == 0 && clock_monotonic() < end;)
        loop_round(clock_monotonic() + 20 * CLOCK_MS);
    assert_true(tap_counters(w.card).dropped_unowned > 0);
}

static void test_what_no_card_can_send(void **state)
{
    static uint8_t frame[14 + 100];
    struct slice parts[NET_PARTS_MAX + 1];
    struct net_frame f = {.parts = parts, .count = NET_PARTS_MAX + 1};
    (void)state;
    for (size_t i = 0; i <= NET_PARTS_MAX; i++)
        parts[i] = slice_of(frame, 4);
    assert_int_equal(net_send(w.card, &f), ERR_LIMIT);
    f.count = 0;
    assert_int_equal(net_send(w.card, &f), ERR_LIMIT);
    f = (struct net_frame){.parts = parts, .count = 1}; /* shorter than an Ethernet header */
    assert_int_equal(net_send(w.card, &f), ERR_IO);
    assert_int_equal(tap_counters(w.card).refused_host, 1);
    assert_int_equal(w.card->sent, 0);
}

static void test_the_link(void **state)
{
    uint8_t frame[64];
    size_t len = make_frame(frame, 50);
    (void)state;
    shell("ip link set tap0 down");
    assert_int_equal(send_frame(frame, len, 14), ERR_UNREACHABLE); /* before it was told */
    rounds(0, 1);
    assert_false(w.up);
    assert_false(net_link(w.card));
    assert_int_equal(send_frame(frame, len, 14), ERR_UNREACHABLE);
    shell("ip link set tap0 up");
    rounds(0, 2);
    assert_true(w.up);
    assert_int_equal(send_frame(frame, len, 14), OK);
    shell("ip link set tap0 carrier off");
    rounds(0, 3);
    assert_false(w.up);
}

static void test_the_links_of_others_are_not_ours(void **state)
{
    (void)state;
    shell("ip link add other0 type bridge && ip link set other0 up && ip link del other0");
    for (unsigned i = 0; i < 10; i++)
        loop_round(clock_monotonic() + 10 * CLOCK_MS);
    assert_int_equal(w.links, 0);
}

static void test_the_device_is_deleted(void **state)
{
    uint8_t frame[64];
    size_t len = make_frame(frame, 50);
    unsigned turns = 0;
    (void)state;
    shell("ip link del tap0");
    rounds(0, 1);
    assert_false(w.up);
    assert_int_equal(send_frame(frame, len, 14), ERR_UNREACHABLE);
    for (uint64_t end = clock_monotonic() + 200 * CLOCK_MS; clock_monotonic() < end; turns++)
        loop_round(end);
    assert_in_range(turns, 1, 20); /* nothing wakes us again and again */
}

static void test_devices_that_cannot_be_opened(void **state)
{
    struct net *first = w.card;
    char line[256];
    (void)state;
    assert_int_equal(try_open("tap9", line), ERR_NOT_FOUND);
    assert_non_null(strstr(line, "ip tuntap add tap9 mode tap"));
    assert_int_equal(try_open("tap0", line), ERR_EXISTS);
    assert_non_null(strstr(line, "another program has it open"));
    assert_int_equal(try_open("lo", line), ERR_ARGUMENT);
    assert_non_null(strstr(line, "not a TAP device"));
    assert_ptr_equal(w.card, first);
}

static void test_a_device_with_many_queues(void **state)
{
    struct net *first = w.card;
    char line[256];
    (void)state;
    shell("ip tuntap add tap1 mode tap multi_queue vnet_hdr && ip link set tap1 up");
    assert_int_equal(try_open("tap1", line), OK);
    tap_close(w.card);
    w.card = first;
    shell("ip link del tap1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Whether there can be a namespace with TAPs in it. */
static bool permitted(void)
{
    return unshare(CLONE_NEWNET) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 &&
           system("ip tuntap add probe0 mode tap && ip link del probe0") == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_the_card_offers),
        TEST(test_the_same_address_at_every_start),
        TEST(test_frames_in_parts_go_out_whole),
        TEST(test_frames_come_in),
        TEST(test_many_frames_come_in_over_several_turns),
        TEST(test_nobody_wants_them),
        TEST(test_what_no_card_can_send),
        TEST(test_the_link),
        TEST(test_the_links_of_others_are_not_ours),
        TEST(test_the_device_is_deleted),
        TEST(test_devices_that_cannot_be_opened),
        TEST(test_a_device_with_many_queues),
    };
    if (!permitted()) {
        printf("tap: left out: network namespaces or /dev/net/tun are not permitted here\n");
        return 0;
    }
    return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
