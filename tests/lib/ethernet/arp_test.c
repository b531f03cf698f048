/* Frames, ARP packets, and the claim to an address (RFC 5227). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ethernet/arp.h"
#include "signatures/wait.h"

static const struct mac a = {{2, 0, 0, 0, 0, 0xa}}, b = {{2, 0, 0, 0, 0, 0xb}};

static void test_ethernet(void **state)
{
    (void)state;
    uint8_t frame[20] = {0};
    struct ethernet_head head;
    struct slice rest;
    ethernet_put(frame, MAC_BROADCAST, a, ETHERNET_ARP);
    assert_int_equal(ethernet_parse(slice_of(frame, 20), &head, &rest), OK);
    assert_true(mac_is_broadcast(head.destination));
    assert_true(mac_equal(head.source, a));
    assert_int_equal(head.type, 0x0806);
    assert_ptr_equal(rest.ptr, frame + 14);
    assert_int_equal(rest.len, 6);
    for (size_t n = 0; n < 14; n++)
        assert_int_equal(ethernet_parse(slice_of(frame, n), &head, &rest), ERR_MALFORMED);
    frame[6] |= 1;
    assert_int_equal(ethernet_parse(slice_of(frame, 20), &head, &rest), ERR_MALFORMED);
    ethernet_put(frame, b, a, 0x05ff);
    assert_int_equal(ethernet_parse(slice_of(frame, 20), &head, &rest), ERR_UNSUPPORTED);
    struct mac group = ethernet_group(address_v4(239, 255, 1, 2));
    assert_memory_equal(group.bytes, "\x01\x00\x5e\x7f\x01\x02", 6);
    group = ethernet_group((struct address){{0xff, 2, [12] = 0xff, 1, 2, 3}});
    assert_memory_equal(group.bytes, "\x33\x33\xff\x01\x02\x03", 6);
}

static const struct arp sample = {
    .operation = ARP_REPLY,
    .sender_mac = {{2, 0, 0, 0, 0, 0xa}},
    .target_mac = {{2, 0, 0, 0, 0, 0xb}},
    .sender = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}},
    .target = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 2}},
};

static void test_form(void **state)
{
    (void)state;
    /* RFC 826's fields in order, written out. */
    static const uint8_t expected[] = {2,   0, 0, 0, 0, 0xb, 2, 0, 0, 0,   0,   0xa, 8, 6,
                                       0,   1, 8, 0, 6, 4,   0, 2, 2, 0,   0,   0,   0, 0xa,
                                       192, 0, 2, 1, 2, 0,   0, 0, 0, 0xb, 192, 0,   2, 2};
    uint8_t frame[ARP_FRAME_SIZE];
    struct arp read;
    arp_put(frame, &sample, b);
    assert_memory_equal(frame, expected, sizeof(expected));
    assert_int_equal(arp_parse(slice_of(frame + 14, ARP_SIZE), &read), OK);
    assert_memory_equal(&read, &sample, sizeof(sample));
    for (size_t n = 0; n < ARP_SIZE; n++) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, frame + 14, n);
        assert_int_equal(arp_parse(slice_of(cut, n), &read), ERR_MALFORMED);
        free(cut);
    }
    for (size_t i = 0; i < 8; i++) {
        frame[14 + i] ^= 0x40;
        assert_int_equal(arp_parse(slice_of(frame + 14, ARP_SIZE), &read), ERR_UNSUPPORTED);
        frame[14 + i] ^= 0x40;
    }
    frame[14 + 14] = 224; /* a group as the sender */
    assert_int_equal(arp_parse(slice_of(frame + 14, ARP_SIZE), &read), ERR_MISMATCH);
    frame[14 + 14] = 192;
    frame[14 + 8] = 3;
    assert_int_equal(arp_parse(slice_of(frame + 14, ARP_SIZE), &read), ERR_MISMATCH);
}

/* Runs a claim until it holds, and counts what it did. */
static uint64_t run(struct arp_claim *c, uint64_t now, unsigned *probes, unsigned *announcements)
{
    *probes = *announcements = 0;
    uint64_t first = 0;
    while (c->due != WAIT_FOREVER) {
        now = c->due;
        assert_int_equal(arp_claim_expire(c, now - 1, 0), ARP_CLAIM_NOTHING);
        enum arp_claim_action action = arp_claim_expire(c, now, UINT64_C(0x123456789abcdef));
        *probes += action == ARP_CLAIM_PROBE;
        if (action == ARP_CLAIM_ANNOUNCE && ++*announcements == 1)
            first = now;
    }
    return first;
}

static void test_claim(void **state)
{
    (void)state;
    struct arp_claim c;
    unsigned probes, announcements;
    arp_claim_begin(&c, 1000, ARP_CLAIM_PROBED, UINT64_MAX);
    uint64_t ready = run(&c, 1000, &probes, &announcements) - 1000;
    assert_int_equal(probes, 3);
    assert_int_equal(announcements, 2);
    assert_int_equal(c.state, ARP_CLAIM_HELD);
    assert_in_range(ready, 4 * CLOCK_SEC, 7 * CLOCK_SEC);
    arp_claim_begin(&c, 1000, ARP_CLAIM_BRIEF, UINT64_MAX);
    ready = run(&c, 1000, &probes, &announcements) - 1000;
    assert_int_equal(probes, 3);
    assert_in_range(ready, 400 * CLOCK_MS, 700 * CLOCK_MS);
    arp_claim_begin(&c, 1000, ARP_CLAIM_AT_ONCE, UINT64_MAX);
    ready = run(&c, 1000, &probes, &announcements) - 1000;
    assert_int_equal(probes, 0);
    assert_int_equal(announcements, 2);
    assert_int_equal(ready, 0);
}

static void test_conflicts(void **state)
{
    (void)state;
    struct arp_claim c;
    struct address ours = sample.sender, other = sample.target;
    struct arp packet = sample;
    arp_claim_begin(&c, 0, ARP_CLAIM_PROBED, 0);
    assert_false(arp_conflicts(&c, &packet, ours, a)); /* our own, looped back */
    assert_true(arp_conflicts(&c, &packet, ours, b));
    assert_false(arp_conflicts(&c, &packet, other, b));
    /* Another probe for the same address, at the same time. */
    packet.operation = ARP_REQUEST;
    packet.sender = address_v4(0, 0, 0, 0);
    packet.target = ours;
    assert_true(arp_conflicts(&c, &packet, ours, b));
    c.state = ARP_CLAIM_HELD;
    assert_false(arp_conflicts(&c, &packet, ours, b)); /* it is answered, that is enough */
}

static void test_defence(void **state)
{
    (void)state;
    struct arp_claim c;
    uint64_t now = CLOCK_SEC;
    arp_claim_begin(&c, now, ARP_CLAIM_PROBED, 0);
    assert_int_equal(arp_claim_conflict(&c, now), ARP_CLAIM_GIVE_UP);
    assert_int_equal(c.state, ARP_CLAIM_LOST);
    assert_int_equal(arp_claim_conflict(&c, now), ARP_CLAIM_NOTHING);
    for (int kind = ARP_CLAIM_AT_ONCE; kind <= ARP_CLAIM_PROBED; kind++) {
        arp_claim_begin(&c, now, (enum arp_claim_kind)kind, 0);
        c.state = ARP_CLAIM_HELD;
        assert_int_equal(arp_claim_conflict(&c, now), ARP_CLAIM_ANNOUNCE);
        assert_int_equal(arp_claim_conflict(&c, now + 11 * CLOCK_SEC), ARP_CLAIM_ANNOUNCE);
        assert_int_equal(arp_claim_conflict(&c, now + 15 * CLOCK_SEC),
                         kind == ARP_CLAIM_AT_ONCE ? ARP_CLAIM_NOTHING : ARP_CLAIM_GIVE_UP);
    }
}

static void test_restart(void **state)
{
    (void)state;
    struct arp_claim c;
    unsigned probes, announcements;
    arp_claim_begin(&c, 1000, ARP_CLAIM_PROBED, 0);
    run(&c, 1000, &probes, &announcements);
    arp_claim_restart(&c, CLOCK_SEC, 0);
    assert_int_equal(c.kind, ARP_CLAIM_PROBED);
    run(&c, CLOCK_SEC, &probes, &announcements);
    assert_int_equal(probes, 0);
    assert_int_equal(announcements, 2);
    arp_claim_begin(&c, 1000, ARP_CLAIM_PROBED, 0);
    arp_claim_restart(&c, CLOCK_SEC, 0);
    run(&c, CLOCK_SEC, &probes, &announcements);
    assert_int_equal(probes, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ethernet), cmocka_unit_test(test_form),
        cmocka_unit_test(test_claim),    cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_defence),  cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests_name("ethernet", tests, NULL, NULL);
}
