/* Rings in shared pages: what the other side may do, and what it cannot do to us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "platform/xen/byte_ring.h"
#include "platform/xen/grant.h"
#include "platform/xen/interface.h"
#include "platform/xen/ring.h"

static _Alignas(4096) uint8_t page[RING_PAGE];

static void goes_round(void **state)
{
    struct ring r;
    uint32_t value;
    (void)state;
    ring_init(&r, page, sizeof value);
    assert_int_equal(r.count, 512);
    for (uint32_t i = 0; i < 3 * r.count; i++) {
        *(uint32_t *)ring_request(&r) = i;
        assert_true(ring_push(&r) || i > 0);
        r.shared->response_producer++;
        assert_true(ring_take(&r, &value, sizeof value));
        assert_int_equal(value, i);
        assert_int_equal(ring_room(&r), r.count);
    }
    assert_false(ring_take(&r, &value, sizeof value));
}

static void is_told_when_it_wants(void **state)
{
    struct ring r;
    (void)state;
    ring_init(&r, page, 8);
    assert_false(ring_push(&r)); /* nothing new */
    ring_request(&r);
    assert_true(ring_push(&r));
    ring_request(&r);
    assert_false(ring_push(&r)); /* it looks by itself */
    r.shared->request_event = 3;
    ring_request(&r);
    assert_true(ring_push(&r));
}

static void awaits(void **state)
{
    struct ring r;
    uint64_t value;
    (void)state;
    ring_init(&r, page, 8);
    ring_request(&r);
    ring_push(&r);
    assert_false(ring_await(&r));
    assert_int_equal(r.shared->response_event, 1);
    r.shared->response_producer = 1;
    assert_true(ring_await(&r));
    assert_true(ring_take(&r, &value, sizeof value));
}

static void running_ahead_breaks_it(void **state)
{
    struct ring r;
    uint64_t value;
    (void)state;
    ring_init(&r, page, 8);
    ring_request(&r); /* written, but not handed over */
    r.shared->response_producer = 1;
    assert_false(ring_take(&r, &value, sizeof value));
    assert_true(r.broken);
    assert_int_equal(ring_room(&r), 0);
}

/* --- bytes --- */

static void bytes_go_round(void **state)
{
    char bytes[8];
    uint8_t into[8];
    uint32_t producer = 0xfffffffe, consumer = 0xfffffffe;
    struct byte_ring out, in;
    (void)state;
    byte_ring_init(&out, bytes, sizeof bytes, &consumer, &producer);
    byte_ring_init(&in, bytes, sizeof bytes, &producer, &consumer);
    assert_int_equal(byte_ring_put(&out, SLICE("0123456789")), 8);
    assert_false(byte_ring_drained(&out));
    assert_true(byte_ring_waits(&in));
    assert_int_equal(byte_ring_take(&in, into, 5), 5);
    assert_memory_equal(into, "01234", 5);
    assert_int_equal(byte_ring_put(&out, SLICE("ab")), 2);
    assert_int_equal(byte_ring_take(&in, into, sizeof into), 5);
    assert_memory_equal(into, "567ab", 5);
    assert_true(byte_ring_drained(&out));
}

static void bytes_beyond_a_ring_are_dropped(void **state)
{
    char bytes[8];
    uint8_t into[8];
    uint32_t theirs = 9, ours = 0;
    struct byte_ring r;
    (void)state;
    byte_ring_init(&r, bytes, sizeof bytes, &theirs, &ours);
    assert_int_equal(byte_ring_take(&r, into, sizeof into), 0);
    assert_int_equal(byte_ring_put(&r, SLICE("x")), 1); /* all was passed over: they are even */
    theirs = ours + 1;
    assert_int_equal(byte_ring_put(&r, SLICE("x")), 0);
    assert_int_equal(r.malformed, 2);
}

/* --- grants --- */

static void grants_end_unless_held(void **state)
{
    static struct grants g;
    struct grant_entry_v1 table[16] = {{0}};
    (void)state;
    grants_init(&g, table, 16);
    uint32_t n = grant_take(&g);
    assert_true(n >= GRANT_RESERVED && n < 16);
    grant_give(&g, n, 3, 77, false);
    assert_int_equal(table[n].flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(table[n].domid, 3);
    assert_int_equal(table[n].frame, 77);
    table[n].flags |= GTF_reading;
    assert_false(grant_end(&g, n));
    assert_int_equal(g.held, 1);
    table[n].flags &= (uint16_t)~GTF_reading;
    assert_true(grant_end(&g, n));
    assert_int_equal(table[n].flags, 0);
}

static void a_full_table_refuses(void **state)
{
    static struct grants g;
    struct grant_entry_v1 table[16] = {{0}};
    uint32_t last = GRANT_NONE;
    (void)state;
    grants_init(&g, table, 16);
    for (unsigned i = GRANT_RESERVED; i < 16; i++)
        assert_int_not_equal(last = grant_take(&g), GRANT_NONE);
    assert_int_equal(grant_take(&g), GRANT_NONE);
    assert_int_equal(g.refused, 1);
    grant_return(&g, last);
    assert_int_equal(grant_take(&g), last);
    assert_int_equal(g.used, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_round),
        cmocka_unit_test(is_told_when_it_wants),
        cmocka_unit_test(awaits),
        cmocka_unit_test(running_ahead_breaks_it),
        cmocka_unit_test(bytes_go_round),
        cmocka_unit_test(bytes_beyond_a_ring_are_dropped),
        cmocka_unit_test(grants_end_unless_held),
        cmocka_unit_test(a_full_table_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
