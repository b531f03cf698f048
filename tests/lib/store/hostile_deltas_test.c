/* Deltas that no honest writer makes, and limits that honest ones reach. */
#include "tests/lib/store/hostile.h"

static void put_delta_on(struct slice base, void (*instructions)(void), uint64_t from, uint64_t to)
{
    struct oid id = blob_id(base);
    buf_clear(&delta);
    delta_start(&delta, from, to);
    instructions();
    buf_clear(&pack);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, base);
    pack_ref_delta(&pack, OID_SHA1, &id, buf_slice(&delta));
}

static void copy_beyond(void)
{
    delta_copy(&delta, 3, 2);
}
static void copy_far_beyond(void)
{
    delta_copy(&delta, 0xffffffff, 0xffffff);
}
static void copy_all(void)
{
    delta_copy(&delta, 0, 4);
}
static void reserved(void)
{
    buf_byte(&delta, 0);
}
static void insert_beyond(void)
{
    buf_put(&delta, SLICE("\x05xx"));
}
static void cut_copy(void)
{
    buf_byte(&delta, 0xff);
}

static void deltas_that_do_not_fit(void **state)
{
    (void)state;
    static void (*const wrong[])(void) = {copy_beyond, copy_far_beyond, reserved, insert_beyond,
                                          cut_copy};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        put_delta_on(SLICE("base"), wrong[i], 4, 2);
        pack_finish(&pack, OID_SHA1);
        assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    }
    put_delta_on(SLICE("base"), copy_all, 5, 4); /* another base's size */
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    put_delta_on(SLICE("base"), copy_all, 4, 5); /* too little */
    pack_finish(&pack, OID_SHA1);
    assert_int_equal(pack_feed(s, buf_slice(&pack), 0, &line), ERR_MALFORMED);
    put_delta_on(SLICE("base"), copy_all, 4, 3); /* too much */
    refused(ERR_MALFORMED, "does not fit its base");
}

static void a_delta_without_sizes(void **state)
{
    (void)state;
    struct oid base = blob_id(SLICE("base"));
    pack_start(&pack, 1);
    pack_ref_delta(&pack, OID_SHA1, &base, SLICE("\x84"));
    refused(ERR_MALFORMED, "without its sizes");
}

static void a_base_where_no_object_begins(void **state)
{
    (void)state;
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    pack_ofs_delta(&pack, 3, buf_slice(&delta));
    refused(ERR_MALFORMED, "no object begins");
}

static void a_base_before_the_pack(void **state)
{
    (void)state;
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 2);
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    pack_ofs_delta(&pack, 1 << 20, buf_slice(&delta));
    refused(ERR_MALFORMED, "no object begins");
}

/* Ids that no bytes have: each delta's base is the other one's result. */
static void deltas_in_a_circle(void **state)
{
    (void)state;
    struct oid first = {{1}};
    struct oid second = {{2}};
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 3);
    pack_ref_delta(&pack, OID_SHA1, &first, buf_slice(&delta));
    pack_ref_delta(&pack, OID_SHA1, &second, buf_slice(&delta));
    pack_ref_delta(&pack, OID_SHA1, &first, buf_slice(&delta));
    refused(ERR_NOT_FOUND, "object 1 of 3 (at byte 12 of the pack): a delta whose base");
}

/* A delta whose result is its own base: it would be the base of itself. */
static void a_delta_on_itself(void **state)
{
    (void)state;
    struct oid self = blob_id(SLICE("base"));
    delta_start(&delta, 4, 4);
    delta_copy(&delta, 0, 4);
    pack_start(&pack, 1);
    pack_ref_delta(&pack, OID_SHA1, &self, buf_slice(&delta));
    refused(ERR_NOT_FOUND, "object 1 of 1");
}

/* A chain, each link an ofs-delta that makes its object one byte longer. */
static void chain(unsigned length)
{
    size_t at = pack.len;
    pack_start(&pack, length + 1);
    at = pack.len;
    pack_object(&pack, GIT_BLOB, SLICE("x"));
    for (unsigned i = 1; i <= length; i++) {
        size_t next = pack.len;
        buf_clear(&delta);
        delta_start(&delta, i, i + 1);
        delta_copy(&delta, 0, i);
        delta_insert(&delta, SLICE("x"));
        pack_ofs_delta(&pack, next - at, buf_slice(&delta));
        at = next;
    }
}

static void too_many_deltas_on_each_other(void **state)
{
    (void)state;
    chain(STORE_DELTA_DEPTH_MAX + 1);
    refused(ERR_LIMIT, "object 4098 of 4098");
}

/* As many as are permitted: read right, in the order of the chain and against it. */
static void as_many_deltas_as_permitted(void **state)
{
    (void)state;
    uint8_t text[STORE_DELTA_DEPTH_MAX + 1];
    memset(text, 'x', sizeof(text));
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    for (unsigned round = 0; round < 2; round++) {
        reopen(limits);
        buf_clear(&pack);
        chain(STORE_DELTA_DEPTH_MAX);
        accepted();
        for (size_t n = sizeof(text); n > 0; n -= 512) {
            struct store_object o;
            struct oid id = blob_id(slice_of(text, n));
            assert_int_equal(store_read(s, &id, &o), OK);
            assert_true(slice_equal(o.content, slice_of(text, n)));
            store_release(&o);
            if (n < 512)
                break;
        }
        /* Kept, nothing lies deep: a read costs no more than so many objects. */
        uint64_t inflated = store_stats(s).inflated;
        struct store_object o;
        struct oid id = blob_id(slice_of(text, sizeof(text)));
        assert_int_equal(store_read(s, &id, &o), OK);
        store_release(&o);
        assert_true(store_stats(s).inflated - inflated <= STORE_DELTA_DEPTH_KEPT + 1);
        limits.cache_bytes = 0;
    }
}

static void bases_too_large_together(void **state)
{
    (void)state;
    struct store_limits limits = STORE_LIMITS_DEFAULT;
    limits.chain_bytes = 10 * 65536;
    reopen(limits);
    chain(20);
    refused(ERR_LIMIT, "too large together");
}

/* The base comes after its deltas, which come again as wholes. */
static void bases_in_any_order(void **state)
{
    (void)state;
    struct oid base = blob_id(SLICE("base"));
    struct oid middle = blob_id(SLICE("base!"));
    struct oid top = blob_id(SLICE("base!?"));
    pack_start(&pack, 4);
    delta_start(&delta, 5, 6);
    delta_copy(&delta, 0, 5);
    delta_insert(&delta, SLICE("?"));
    pack_ref_delta(&pack, OID_SHA1, &middle, buf_slice(&delta));
    buf_clear(&delta);
    delta_start(&delta, 4, 5);
    delta_copy(&delta, 0, 4);
    delta_insert(&delta, SLICE("!"));
    pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    pack_object(&pack, GIT_BLOB, SLICE("base!?"));
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    accepted();
    struct store_object o;
    assert_int_equal(store_read(s, &top, &o), OK);
    assert_true(slice_is(o.content, "base!?"));
    store_release(&o);
    assert_true(store_has(s, &base) && store_has(s, &middle));
}

/* Deltas that all give the same object, and as many on that: each is looked at once, not once for each twin. */
static void many_twins_with_many_children(void **state)
{
    const uint32_t many = 3000;
    struct oid base = blob_id(SLICE("base")), twin = blob_id(SLICE("base!"));
    (void)state;
    pack_start(&pack, 2 * many + 1);
    for (uint32_t i = 0; i < many; i++) {
        buf_clear(&delta);
        delta_start(&delta, 5, 4);
        delta_insert(&delta, slice_of(&i, sizeof(i)));
        pack_ref_delta(&pack, OID_SHA1, &twin, buf_slice(&delta));
        buf_clear(&delta);
        delta_start(&delta, 4, 5);
        delta_copy(&delta, 0, 4);
        delta_insert(&delta, SLICE("!"));
        pack_ref_delta(&pack, OID_SHA1, &base, buf_slice(&delta));
    }
    pack_object(&pack, GIT_BLOB, SLICE("base"));
    accepted();
    assert_int_equal(store_stats(s).objects, 2 * many + 1);
    assert_in_range(s->effort, many, many * 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)
    const struct CMUnitTest tests[] = {
        TEST(deltas_that_do_not_fit),
        TEST(a_delta_without_sizes),
        TEST(a_base_where_no_object_begins),
        TEST(a_base_before_the_pack),
        TEST(deltas_in_a_circle),
        TEST(a_delta_on_itself),
        TEST(too_many_deltas_on_each_other),
        TEST(as_many_deltas_as_permitted),
        TEST(bases_too_large_together),
        TEST(bases_in_any_order),
        TEST(many_twins_with_many_children),
    };
    return cmocka_run_group_tests_name("store: hostile deltas", tests, NULL, NULL);
}
